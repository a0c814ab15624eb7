"""Where the contracts stand on one chain, and proof that they are the ones shipped here."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from medrec_py.types.terms import Domain

if TYPE_CHECKING:
    from medrec_py.chain.connection import Chain


@dataclass(frozen=True, slots=True)
class Deployment:
    """Addresses (EIP-55) of one deployment.

    Attributes:
        chain_id: EIP-155 id of the chain.
        admin: Initial administrator of the AccessManager; part of what the addresses are made from.
        authority: `Authority`, the OpenZeppelin AccessManager that administers the registrar.
        registrar: `Registrar`.
        medrec: `MedRec`.
        while_accredited: Condition contract `WhileAccredited`.
        while_related: Condition contract `WhileRelated`.
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
    block_number: int
    code_hashes: dict[str, bytes]

    @property
    def addresses(self) -> dict[str, str]:
        """Address by contract name (`Authority`, `Registrar`, `MedRec`, `WhileAccredited`, `WhileRelated`)."""
        raise NotImplementedError

    @property
    def medrec_domain(self) -> Domain:
        """EIP-712 domain of `MedRec`."""
        return Domain("MedRec", self.chain_id, self.medrec)

    @property
    def registrar_domain(self) -> Domain:
        """EIP-712 domain of `Registrar`."""
        return Domain("MedRec Registrar", self.chain_id, self.registrar)

    def save(self, folder: str | PathLike[str] = "deployments") -> Path:
        """Writes `<folder>/<chain id>.json`, atomically."""
        raise NotImplementedError

    @classmethod
    def load(cls, source: str | PathLike[str], chain: Chain) -> Deployment:
        """Reads a deployment and verifies it against the chain.

        Args:
            source: A deployment file, or a folder of them (`deployments/`), where the chain's own is taken.
            chain: The chain it must stand on.

        Raises:
            DeploymentMissing: There is none for this chain.
            WrongChain: It is of another chain.
            WrongBytecode: A contract's code is not the one shipped here; names the contract.
        """
        raise NotImplementedError

    def verify(self, chain: Chain) -> None:
        """Compares the code on chain with the shipped artifacts, immutables included; see `load` for the errors."""
        raise NotImplementedError
