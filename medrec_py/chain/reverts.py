"""What a revert means: its return data as the error class named like the Solidity error."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from medrec_py import errors
from medrec_py.chain.hashing import keccak, require_address
from medrec_py.errors import ContractRefusal, UnknownRevert
from medrec_py.types.terms import GrantStatus

_LAST_CALENDAR_SECOND = 253402300799
_TIMES = ("expiresAt", "startsAt", "opensAt", "silentAt")


@dataclass(frozen=True, slots=True)
class _Refusal:
    kind: type[ContractRefusal]
    parameters: tuple[tuple[str, str], ...]


def decode_revert(data: bytes) -> ContractRefusal:
    """The refusal that a call's return data stands for; `UnknownRevert` if no shipped contract says it."""
    from eth_abi.abi import decode
    from eth_abi.exceptions import DecodingError

    known = _table().get(data[:4])
    if known is None:
        words = f"with 0x{data[:36].hex()}" if data else "without saying why"
        return UnknownRevert(f"The contract reverted {words}.", data=data)
    try:
        values = decode([kind for kind, _ in known.parameters], data[4:])
    except (DecodingError, OverflowError, UnicodeDecodeError):
        return UnknownRevert(f"The contract reverted with a malformed {known.kind.__name__}.", data=data)
    facts: dict[str, Any] = {}
    shown: dict[str, str] = {}
    for (kind, name), value in zip(known.parameters, values, strict=True):
        facts[name] = require_address(value) if kind == "address" else value
        shown[name] = _show(kind, name, facts[name])
    return known.kind(known.kind.sentence.format(**shown), **facts)


@cache
def _table() -> dict[bytes, _Refusal]:
    table = {}
    for kind in vars(errors).values():
        if isinstance(kind, type) and issubclass(kind, ContractRefusal) and kind.signature:
            name, _, rest = kind.signature.rstrip(")").partition("(")
            pairs = [tuple(part.split(" ")) for part in rest.split(",") if part]
            parameters = tuple((pair[0], pair[1]) for pair in pairs)
            types = ",".join(kind for kind, _ in parameters)
            table[keccak(f"{name}({types})".encode())[:4]] = _Refusal(kind, parameters)
    return table


def _show(kind: str, name: str, value: Any) -> str:  # noqa: ANN401 (decoded by type)
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if name == "status" and value in set(GrantStatus):
        return GrantStatus(value).name.lower()
    if name in _TIMES and 0 < value <= _LAST_CALENDAR_SECOND:
        return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return str(value)
