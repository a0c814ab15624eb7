"""Where the contracts stand on one chain, and proof that they are the ones shipped here."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from medrec_py.chain.abi import CONTRACTS, artifact
from medrec_py.chain.calls import Call
from medrec_py.chain.hashing import keccak, require_address
from medrec_py.errors import DeploymentInvalid, DeploymentMissing, InvalidInput, WrongBytecode, WrongChain
from medrec_py.types.terms import Domain

if TYPE_CHECKING:
    from medrec_py.chain.connection import Chain

FORMAT: Final = 2
"""Version of the deployment file; format 1 knew neither `Guardianship` nor `Emergency`."""

_LINKS: Final = (
    ("MedRec", "registrar", "Registrar"),
    ("WhileAccredited", "registrar", "Registrar"),
    ("WhileRelated", "relationships", "MedRec"),
    ("Guardianship", "medrec", "MedRec"),
    ("Emergency", "medrec", "MedRec"),
)
"""Which view of which contract has to name which other contract."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """Addresses (EIP-55) of one deployment.

    Attributes:
        chain_id: EIP-155 id of the chain.
        admin: Initial administrator of the authority; part of what the addresses are made from.
        authority: `Authority`, the OpenZeppelin AccessManager that administers the registrar.
        registrar: `Registrar`.
        medrec: `MedRec`.
        while_accredited: Condition contract `WhileAccredited`, for any running accreditation.
        while_related: Condition contract `WhileRelated`.
        guardianship: `Guardianship`, also a condition.
        emergency: `Emergency`, also a condition.
        block_number: No event of these contracts is in an earlier block.
        code_hashes: keccak256 of the code on chain, by contract name.
    """

    chain_id: int
    admin: str
    authority: str
    registrar: str
    medrec: str
    while_accredited: str
    while_related: str
    guardianship: str
    emergency: str
    block_number: int
    code_hashes: Mapping[str, bytes]

    @classmethod
    def of(
        cls,
        addresses: Mapping[str, str],
        *,
        chain_id: int,
        admin: str,
        block_number: int,
        code_hashes: Mapping[str, bytes],
    ) -> Deployment:
        """A deployment of addresses by contract name."""
        return cls(
            chain_id=chain_id,
            admin=admin,
            authority=addresses["Authority"],
            registrar=addresses["Registrar"],
            medrec=addresses["MedRec"],
            while_accredited=addresses["WhileAccredited"],
            while_related=addresses["WhileRelated"],
            guardianship=addresses["Guardianship"],
            emergency=addresses["Emergency"],
            block_number=block_number,
            code_hashes=code_hashes,
        )

    @property
    def addresses(self) -> dict[str, str]:
        """Address by contract name, as in `medrec_py.chain.abi.CONTRACTS`."""
        return {
            "Authority": self.authority,
            "Registrar": self.registrar,
            "MedRec": self.medrec,
            "WhileAccredited": self.while_accredited,
            "WhileRelated": self.while_related,
            "Guardianship": self.guardianship,
            "Emergency": self.emergency,
        }

    @property
    def contracts(self) -> tuple[str, ...]:
        """Addresses of the contracts whose events tell the history: all but the authority and bare conditions."""
        return (self.registrar, self.medrec, self.guardianship, self.emergency)

    @property
    def medrec_domain(self) -> Domain:
        """EIP-712 domain of `MedRec`."""
        return Domain("MedRec", self.chain_id, self.medrec)

    @property
    def registrar_domain(self) -> Domain:
        """EIP-712 domain of `Registrar`."""
        return Domain("MedRec Registrar", self.chain_id, self.registrar)

    @property
    def guardianship_domain(self) -> Domain:
        """EIP-712 domain of `Guardianship`."""
        return Domain("MedRec Guardianship", self.chain_id, self.guardianship)

    @property
    def emergency_domain(self) -> Domain:
        """EIP-712 domain of `Emergency`."""
        return Domain("MedRec Emergency", self.chain_id, self.emergency)

    # ── files ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def to_json(self) -> dict[str, Any]:
        """The deployment as a JSON object, the content of its file."""
        return {
            "format": FORMAT,
            "chainId": self.chain_id,
            "admin": self.admin,
            "blockNumber": self.block_number,
            "addresses": self.addresses,
            "codeHashes": {name: "0x" + self.code_hashes[name].hex() for name in CONTRACTS},
        }

    @classmethod
    def from_json(cls, document: object, *, source: str = "the deployment") -> Deployment:
        """The deployment of a JSON object made by `to_json`; `source` is what messages call it.

        Raises:
            DeploymentInvalid: It is no such object.
        """
        if isinstance(document, dict) and document.get("format") == 1:
            raise DeploymentInvalid(
                f"{source} is of an older version, whose contracts knew no guardians and no emergencies.",
                hint="Deploy this version beside it, or use the version that made the file.",
                source=source,
            )
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise DeploymentInvalid(f"{source} is no deployment of format {FORMAT}.", source=source)
        try:
            addresses = {name: require_address(document["addresses"][name]) for name in CONTRACTS}
            hashes = {name: bytes.fromhex(document["codeHashes"][name][2:]) for name in CONTRACTS}
            numbers = (document["chainId"], document["blockNumber"])
            if any(type(number) is not int or number < 0 for number in numbers) or {32} != set(
                map(len, hashes.values())
            ):
                raise ValueError(numbers)
            return cls.of(
                addresses,
                chain_id=numbers[0],
                admin=require_address(document["admin"]),
                block_number=numbers[1],
                code_hashes=hashes,
            )
        except (KeyError, TypeError, ValueError, InvalidInput) as error:
            raise DeploymentInvalid(f"{source} is damaged: {error!r}.", source=source) from error

    def save(self, folder: str | os.PathLike[str] = "deployments") -> Path:
        """Writes `<folder>/<chain id>.json`, whole or not at all."""
        path = Path(folder) / f"{self.chain_id}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}.tmp")
        draft.write_text(json.dumps(self.to_json(), indent=2) + "\n")
        draft.replace(path)
        return path

    @classmethod
    def load(cls, source: str | os.PathLike[str], chain: Chain) -> Deployment:
        """Reads a deployment, verifies it against the chain, and has the chain use it.

        Args:
            source: A deployment file, or a folder of them (`deployments/`), where the chain's own is taken.
            chain: The chain it must stand on.

        Raises:
            DeploymentMissing: There is none for this chain.
            DeploymentInvalid: The file is damaged.
            WrongChain: It is of another chain.
            WrongBytecode: A contract's code is not the one shipped here; names the contract.
        """
        path = Path(source)
        if path.is_dir():
            path = path / f"{chain.chain_id}.json"
        try:
            document = json.loads(path.read_text())
        except FileNotFoundError as error:
            raise DeploymentMissing(
                f"There is no deployment {path} for chain {chain.chain_id}.", path=str(path)
            ) from error
        except (OSError, ValueError) as error:
            raise DeploymentInvalid(f"{path} can't be read: {error}.", source=str(path)) from error
        deployment = cls.from_json(document, source=str(path))
        deployment.verify(chain)
        chain.use(deployment)
        return deployment

    # ── verification ─────────────────────────────────────────────────────────────────────────────────────────────────

    def verify(self, chain: Chain) -> None:
        """Compares the code on chain with the shipped artifacts, and what the contracts say of each other.

        Raises:
            WrongChain: The chain has another id.
            WrongBytecode: A contract's code, or one of its immutables, is another; names the contract.
        """
        if self.chain_id != chain.chain_id:
            raise WrongChain(f"The deployment is on chain {self.chain_id}, but this is chain {chain.chain_id}.")
        for name, address in self.addresses.items():
            code = chain.code(address)
            if not code:
                raise WrongBytecode(f"There is no contract at {address}, where {name} should be.", contract=name)
            if not is_shipped_code(name, code):
                raise WrongBytecode(f"The code at {address} is not that of {name}.", contract=name)
            if keccak(code) != self.code_hashes[name]:
                raise WrongBytecode(f"{name} at {address} has other constants than when deployed.", contract=name)
        for name, view, target in _LINKS:
            function = artifact(name).functions[view]
            answer = chain.call(Call(self.addresses[name], function.encode(), view))
            if require_address(function.decode(answer)[0]) != self.addresses[target]:
                raise WrongBytecode(f"{name} at {self.addresses[name]} belongs to another {target}.", contract=name)


def is_shipped_code(contract: str, code: bytes) -> bool:
    """Whether this is the contract's code as shipped, immutables aside."""
    shipped = artifact(contract)
    if len(code) != len(shipped.runtime_code):
        return False
    masked = bytearray(code)
    for start, length in shipped.immutables:
        masked[start : start + length] = bytes(length)
    return bytes(masked) == shipped.runtime_code
