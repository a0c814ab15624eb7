"""Encoding calls and decoding answers by the shipped ABIs, with arguments checked before anything is sent."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

from medrec_py.chain.hashing import keccak, require_address
from medrec_py.errors import ChainInconsistent, InvalidInput

CONTRACTS: Final = (
    "Authority",
    "Registrar",
    "MedRec",
    "WhileAccredited",
    "WhileRelated",
    "Guardianship",
    "Emergency",
)
"""Every contract that is shipped, in the order of deployment."""


@dataclass(frozen=True, slots=True)
class Function:
    """One function of a contract: its selector and the ABI types of what goes in and comes out."""

    contract: str
    name: str
    selector: bytes
    parameters: tuple[tuple[str, str], ...]
    outputs: tuple[str, ...]

    def encode(self, *arguments: object) -> bytes:
        """Selector and encoded arguments.

        Raises:
            InvalidInput: An argument doesn't fit its type; names function and parameter.
        """
        from eth_abi.abi import encode
        from eth_abi.exceptions import EncodingError

        checked = [
            _check(kind, value, f"{self.contract}.{self.name}: {name}")
            for (name, kind), value in zip(self.parameters, arguments, strict=True)
        ]
        try:
            return self.selector + encode([kind for _, kind in self.parameters], checked)
        except (EncodingError, OverflowError) as error:
            raise InvalidInput(f"{self.contract}.{self.name}: an argument does not fit: {error}.") from error

    def decode(self, data: bytes) -> tuple[Any, ...]:
        """The values of an answer.

        Raises:
            ChainInconsistent: It is no answer of this function.
        """
        from eth_abi.abi import decode
        from eth_abi.exceptions import DecodingError

        try:
            return tuple(decode(self.outputs, data))
        except (DecodingError, OverflowError) as error:
            raise ChainInconsistent(
                f"The answer to {self.contract}.{self.name} is not one that the contract gives ({len(data)} bytes)."
            ) from error


@dataclass(frozen=True, slots=True)
class Artifact:
    """What is shipped of one compiled contract.

    Attributes:
        contract: Its name.
        abi: Its ABI, as JSON values.
        creation_code: Code that deploys it, without the constructor's arguments.
        runtime_code: Code that stands on chain, with zeros where immutables go.
        immutables: Start and length of each immutable in it.
        storage: Slot of each state variable.
        functions: Functions by name.
    """

    contract: str
    abi: Sequence[Mapping[str, Any]]
    creation_code: bytes
    runtime_code: bytes
    immutables: tuple[tuple[int, int], ...]
    storage: Mapping[str, int]
    functions: Mapping[str, Function]

    def creation(self, *arguments: object) -> bytes:
        """Creation code with the constructor's arguments."""
        inputs = next((entry["inputs"] for entry in self.abi if entry["type"] == "constructor"), ())
        parameters = tuple((part["name"], abi_type(part)) for part in inputs)
        return self.creation_code + Function(self.contract, "constructor", b"", parameters, ()).encode(*arguments)


@cache
def artifact(contract: str) -> Artifact:
    """The shipped artifact of one of `CONTRACTS`."""
    text = resources.files("medrec_py.chain").joinpath("artifacts", f"{contract}.json").read_text()
    document = json.loads(text)
    functions = {
        entry["name"]: Function(
            contract,
            entry["name"],
            keccak(signature(entry).encode())[:4],
            tuple((part["name"], abi_type(part)) for part in entry["inputs"]),
            tuple(abi_type(part) for part in entry["outputs"]),
        )
        for entry in document["abi"]
        if entry["type"] == "function"
    }
    return Artifact(
        contract=contract,
        abi=document["abi"],
        creation_code=bytes.fromhex(document["bytecode"][2:]),
        runtime_code=bytes.fromhex(document["deployedBytecode"][2:]),
        immutables=tuple((start, length) for start, length in document["immutables"]),
        storage=document["storage"],
        functions=functions,
    )


def signature(entry: Mapping[str, Any]) -> str:
    """The signature of an ABI entry, as selectors and topics are made from it: `revoke(bytes32)`."""
    return f"{entry['name']}({','.join(abi_type(part) for part in entry['inputs'])})"


def abi_type(part: Mapping[str, Any]) -> str:
    """The type of a parameter, with structs written out as tuples."""
    kind: str = part["type"]
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(abi_type(inner) for inner in part['components'])}){kind[len('tuple') :]}"


def _check(kind: str, value: Any, place: str) -> object:  # noqa: ANN401 (what a caller hands in)
    # eth_abi pads short bytes and takes bools for numbers, both of which would be signed away unnoticed.
    if kind == "address":
        return require_address(value)
    if kind.startswith("uint") and not kind.endswith("]"):
        bits = int(kind[4:])
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**bits:
            raise InvalidInput(f"{place} is {value!r}, which is no uint{bits}.")
        return int(value)
    if kind == "bytes":
        return _require_bytes(value, None, place)
    if kind.startswith("bytes") and kind[5:].isdigit():
        return _require_bytes(value, int(kind[5:]), place)
    if kind == "bytes32[]":
        return [_require_bytes(item, 32, f"{place}[{index}]") for index, item in enumerate(value)]
    return value


def _require_bytes(value: object, length: int | None, place: str) -> bytes:
    if not isinstance(value, (bytes, bytearray)):
        raise InvalidInput(f"{place} is a {type(value).__name__}, not bytes.")
    if length is not None and len(value) != length:
        raise InvalidInput(f"{place} has {len(value)} bytes, not {length}.")
    return bytes(value)
