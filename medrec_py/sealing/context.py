"""What a sealed object is bound to. Nothing of it stands in the object: opening it elsewhere simply fails."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """Which ledger, and whose entry: all that the chain itself says about a parcel.

    Attributes:
        chain_id: EIP-155 number of the chain.
        contract: Address of the MedRec contract.
        subject: Whose ledger.
        author: Who anchors; for a parcel re-sealed for a grant, the author of the records in it.
    """

    chain_id: int
    contract: str
    subject: str
    author: str

    def context(self, class_number: int, period: int, epoch: int) -> Context:
        """The context of one compartment here."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Context:
    """Place and compartment: what the content key of a parcel is derived for.

    Attributes:
        class_number: 0 to 63.
        period: 1900 to 2155, or `UNDATED` (0).
        epoch: 0 to 2^32 - 1.
    """

    chain_id: int
    contract: str
    subject: str
    author: str
    class_number: int
    period: int
    epoch: int

    @property
    def place(self) -> Place:
        """The part that the chain knows."""
        raise NotImplementedError
