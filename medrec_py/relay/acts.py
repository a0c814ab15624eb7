"""What is asked of a relayer: the calls, their name, and whose signatures they carry."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from medrec_py.chain import Call, Deployment, require_address
from medrec_py.chain.abi import Function, artifact
from medrec_py.chain.hashing import keccak
from medrec_py.client.acts import relayed_functions, require_signed_acts
from medrec_py.errors import ChainInconsistent, InvalidInput

SIGNERS: Final = {
    "closeWithSig": "by",
    "anchorWithSig": "author",
    "retractWithSig": "author",
    "grantWithSig": "grantor",
    "renounceWithSig": "viewer",
    "dismissDelegateWithSig": "by",
    "announce": "guardian",
}
"""The parameter that says who signed, where it isn't the first. Whoever signs uses up their own allowance: counted by
subject, a provider could use up a patient's."""

WITHDRAWING: Final = frozenset(
    {
        *("revokeWithSig", "suspendWithSig", "revokeAgentWithSig", "closeWithSig", "renounceWithSig"),
        *("dismissDelegateWithSig", "giveLifeSignWithSig"),
    }
)
"""Functions that only take something away, or take back a takeover: what must work when nothing else does."""


@dataclass(frozen=True, slots=True)
class Act:
    """One transaction's worth of signed acts.

    Attributes:
        id: keccak256 of chain and calls, as 0x-hex: the same calls are the same act.
        calls: The calls.
        signers: Addresses whose signatures they carry.
        is_withdrawing: Whether all of them only withdraw.
    """

    id: str
    calls: tuple[Call, ...]
    signers: frozenset[str]
    is_withdrawing: bool

    @classmethod
    def of(cls, deployment: Deployment, calls: Sequence[Call]) -> Act:
        """The act of some calls.

        Raises:
            InvalidInput: One is not a signed act, is malformed, or can't go together with the others.
        """
        require_signed_acts(deployment, calls)
        if len(calls) > 1 and any(call.to != deployment.medrec for call in calls):
            raise InvalidInput(
                "Only calls of MedRec can be made together.",
                hint="Send the others one by one.",
                to=[call.to for call in calls],
            )
        functions = [relayed_functions(deployment)[call.to, call.data[:4]][1] for call in calls]
        return cls(
            id=act_id(deployment.chain_id, calls),
            calls=tuple(
                Call(call.to, call.data, function.name) for call, function in zip(calls, functions, strict=True)
            ),
            signers=frozenset(_signer(function, call) for function, call in zip(functions, calls, strict=True)),
            is_withdrawing=all(function.name in WITHDRAWING for function in functions),
        )


def act_id(chain_id: int, calls: Sequence[Call]) -> str:
    """The name of some calls on a chain."""
    parts = [keccak(bytes.fromhex(call.to[2:]) + call.data) for call in calls]
    return "0x" + keccak(b"medrec relay" + chain_id.to_bytes(32, "big") + b"".join(parts)).hex()


def calls_of(deployment: Deployment, call: Call) -> tuple[Call, ...]:
    """The calls that one transaction carries: itself, or the parts of a multicall."""
    multicall = artifact("MedRec").functions["multicall"]
    if call.to != deployment.medrec or call.data[:4] != multicall.selector:
        return (call,)
    [parts] = _arguments(multicall, call.data)
    return tuple(Call(call.to, data) for data in parts)


def calls_from_json(document: Any) -> Iterator[Call]:  # noqa: ANN401 (JSON)
    """The calls of a request: a list of `{"to": "0x…", "data": "0x…"}`.

    Raises:
        InvalidInput: It has another form; says where.
    """
    for place, item in enumerate(document):
        data = item["data"]
        if not data.startswith("0x"):
            raise InvalidInput(f"calls[{place}].data does not begin with 0x.", place=place)
        try:
            decoded = bytes.fromhex(data[2:])
        except ValueError as error:
            raise InvalidInput(f"calls[{place}].data is not hexadecimal.", place=place) from error
        if len(data) != 2 + 2 * len(decoded):
            raise InvalidInput(f"calls[{place}].data has blanks in it.", place=place)
        yield Call(require_address(item["to"]), decoded)


def _signer(function: Function, call: Call) -> str:
    names = [name for name, _ in function.parameters]
    place = names.index(SIGNERS[function.name]) if function.name in SIGNERS else 0
    signer = _arguments(function, call.data)[place]
    return require_address(signer)


def _arguments(function: Function, data: bytes) -> tuple[Any, ...]:
    arguments = Function(function.contract, function.name, b"", (), tuple(kind for _, kind in function.parameters))
    try:
        return arguments.decode(data[4:])
    except ChainInconsistent as error:
        raise InvalidInput(
            f"The arguments of {function.name} are malformed ({len(data)} bytes).",
            hint="Encode them by the contract's ABI.",
            function=function.name,
        ) from error
