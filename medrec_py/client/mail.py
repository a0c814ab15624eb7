"""What a subject left in a mailbox: re-keys, successions, inherited roots. Which is which shows when it is opened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from medrec_py.crypto import ParticipantKey
from medrec_py.errors import WrongKey
from medrec_py.sealing import (
    Bundle,
    BundleContext,
    BundleKind,
    InheritanceBundle,
    RekeyBundle,
    SuccessionBundle,
    open_bundle,
)

LETTERS: Final = (BundleKind.REKEY, BundleKind.SUCCESSION, BundleKind.INHERITANCE)
"""The kinds that a mailbox may hold."""


@dataclass(frozen=True, slots=True)
class Mail:
    """What is in one mailbox, in the ledger's order.

    Attributes:
        letters: What could be opened.
        lost: How many could not be had or opened, whatever they were.
    """

    letters: tuple[Bundle, ...]
    lost: int

    @property
    def rekeys(self) -> list[RekeyBundle]:
        """The re-keys."""
        return [letter for letter in self.letters if isinstance(letter, RekeyBundle)]

    @property
    def successions(self) -> list[SuccessionBundle]:
        """Where the relationship was to go on."""
        return [letter for letter in self.letters if isinstance(letter, SuccessionBundle)]

    @property
    def inheritances(self) -> list[InheritanceBundle]:
        """Roots of other wallets."""
        return [letter for letter in self.letters if isinstance(letter, InheritanceBundle)]


def open_letter(
    data: bytes, context: BundleContext, key: ParticipantKey, kinds: Sequence[BundleKind] = LETTERS
) -> Bundle:
    """Opens a bundle whose kind is not known beforehand.

    Args:
        data: The object.
        context: What it should be bound to.
        key: A recipient's.
        kinds: What it may be; at least one.

    Raises:
        IntegrityError: It opens as none of these; `WrongKey` when it is sealed to somebody else.
    """
    for kind in kinds[:-1]:
        try:
            return open_bundle(data, context, key, kind)
        except WrongKey:
            continue
    return open_bundle(data, context, key, kinds[-1])
