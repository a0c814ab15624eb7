"""The one table of record classes, purposes of use and operations, whose hash is pinned on chain."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Term:
    """One row of the vocabulary.

    Attributes:
        number: Its bit in a mask: 0..63 for a class or purpose.
        code: Short stable name, e.g. `laboratory`, `TREAT`, `READ`.
        display: Name in words, by language tag (`en`, `zh`).
        definition: One sentence saying what it covers.
    """

    number: int
    code: str
    display: dict[str, str]
    definition: str


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The table of classes, purposes and operations.

    Attributes:
        classes: Record classes by number.
        purposes: Purposes of use (HL7 v3 PurposeOfUse) by number.
        operations: Operations; their `number` is the bit itself (1, 2, 4, 8, 16).
        hash: keccak256 of the table's canonical JSON, 32 bytes; what `Terms.vocabulary` names.
    """

    classes: tuple[Term, ...]
    purposes: tuple[Term, ...]
    operations: tuple[Term, ...]
    hash: bytes

    def record_class(self, key: str | int) -> Term:
        """The class of a code or number; raises UnknownCode naming the nearest codes."""
        raise NotImplementedError

    def purpose(self, key: str | int) -> Term:
        """The purpose of a code or number; raises UnknownCode naming the nearest codes."""
        raise NotImplementedError

    def class_mask(self, keys: Iterable[str | int]) -> int:
        """Bit set of the classes given by code or number; the code `all` stands for every class."""
        raise NotImplementedError

    def purpose_mask(self, keys: Iterable[str | int]) -> int:
        """Bit set of the purposes given by code or number; the code `all` stands for every purpose."""
        raise NotImplementedError

    def operation_mask(self, keys: Iterable[str | int]) -> int:
        """Bit set of the operations given by code or bit."""
        raise NotImplementedError

    def class_names(self, mask: int, language: str = "en") -> tuple[str, ...]:
        """Names of the classes in a bit set, by number."""
        raise NotImplementedError

    def purpose_names(self, mask: int, language: str = "en") -> tuple[str, ...]:
        """Names of the purposes in a bit set, by number."""
        raise NotImplementedError

    def operation_names(self, mask: int, language: str = "en") -> tuple[str, ...]:
        """Names of the operations in a bit set, by bit."""
        raise NotImplementedError


VOCABULARY: Vocabulary
