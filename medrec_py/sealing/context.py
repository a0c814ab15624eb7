"""What a sealed object is bound to. Nothing of it stands in the object: opening it elsewhere simply fails."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from medrec_py.crypto.encoding import address, number
from medrec_py.crypto.keytree import Path

COMPARTMENT_BYTES: Final = 7


@dataclass(frozen=True, slots=True)
class Place:
    """Which ledger, and whose entry: all that the chain itself says about a parcel.

    Attributes:
        chain_id: EIP-155 number of the chain.
        contract: Address of the MedRec contract.
        subject: Whose ledger.
        author: Who wrote the records; for a parcel re-sealed for a grant, the author of the original.
    """

    chain_id: int
    contract: str
    subject: str
    author: str

    def context(self, class_number: int, period: int, epoch: int) -> Context:
        """The context of one compartment here."""
        return Context(self.chain_id, self.contract, self.subject, self.author, class_number, period, epoch)

    def encode(self) -> bytes:
        """68 bytes: chain id (8), contract, subject, author (20 each).

        Raises:
            InvalidInput: No chain id, or no address.
        """
        return _encode_place(self.chain_id, self.contract, self.subject, self.author)


@dataclass(frozen=True, slots=True)
class Context:
    """Place and compartment: what the content key of a parcel is derived for.

    Attributes:
        chain_id: EIP-155 number of the chain.
        contract: Address of the MedRec contract.
        subject: Whose ledger.
        author: Who wrote the records.
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
        return Place(self.chain_id, self.contract, self.subject, self.author)

    @property
    def path(self) -> Path:
        """The compartment's place in the relationship's key tree.

        Raises:
            InvalidInput: No such class, period or epoch.
        """
        return Path.of_compartment(self.epoch, self.class_number, self.period)

    def encode(self) -> bytes:
        """75 bytes: the place (68), class (1), period (2), epoch (4).

        Raises:
            InvalidInput: A part is out of its bounds.
        """
        place = _encode_place(self.chain_id, self.contract, self.subject, self.author)
        return place + encode_compartment(self.class_number, self.period, self.epoch)


class BundleKind(StrEnum):
    """What a key bundle belongs to."""

    RELATIONSHIP = "relationship"
    GRANT = "grant"
    REKEY = "rekey"
    INHERITANCE = "inheritance"
    SHARE = "share"
    SUCCESSION = "succession"
    PLAN = "plan"
    REASON = "reason"


_KIND_NUMBERS: Final = {kind: number for number, kind in enumerate(BundleKind, 1)}
"""Numbers are part of the format: a new kind goes to the end."""


@dataclass(frozen=True, slots=True)
class BundleContext:
    """What a key bundle is bound to, beside its kind.

    Attributes:
        chain_id: EIP-155 number of the chain.
        contract: Address of the MedRec contract.
        subject: Whose keys it hands over.
    """

    chain_id: int
    contract: str
    subject: str

    def encode(self, kind: BundleKind) -> bytes:
        """49 bytes: chain id (8), contract, subject (20 each), kind (1).

        Raises:
            InvalidInput: No chain id, or no address.
        """
        place = number(self.chain_id, 8, "The chain id") + address(self.contract) + address(self.subject)
        return place + bytes((_KIND_NUMBERS[kind],))


def encode_compartment(class_number: int, period: int, epoch: int) -> bytes:
    """7 bytes: class (1), period (2), epoch (4).

    Raises:
        InvalidInput: No such class, period or epoch.
    """
    Path.of_compartment(epoch, class_number, period)
    return number(class_number, 1, "The class") + number(period, 2, "The period") + number(epoch, 4, "The epoch")


def decode_compartment(data: bytes) -> tuple[int, int, int]:
    """Class, period and epoch from 7 bytes, not checked against their bounds."""
    return data[0], int.from_bytes(data[1:3], "big"), int.from_bytes(data[3:7], "big")


def _encode_place(chain_id: int, contract: str, subject: str, author: str) -> bytes:
    return number(chain_id, 8, "The chain id") + address(contract) + address(subject) + address(author)
