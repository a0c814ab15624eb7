"""The one table of record classes, purposes of use and operations, whose hash is pinned on chain.

The table is `vocabulary.json`. It only ever grows: a number, once given, keeps its meaning, because grants name
numbers. Changing anything in it changes its hash, and grants name that too (`Terms.vocabulary`), so a reader who has
another table notices. Purposes are codes of HL7 v3 ActReason below PurposeOfUse; labels are codes of HL7 v3 ActCode
below InformationSensitivityPolicy and ActPrivacyLaw, and of HL7 v3 Confidentiality.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from types import MappingProxyType
from typing import Any, Final, TypeVar

from eth_hash.auto import keccak

from medrec_py.errors import UnknownCode
from medrec_py.types.json_values import canonical, parse

MAX_NUMBER: Final = 63
"""Classes and purposes are bits of a 64-bit word."""

_EVERY: Final = "all"
_ORDINARY: Final = "ordinary"


@dataclass(frozen=True, slots=True)
class Term:
    """One row of the vocabulary.

    Attributes:
        number: Its bit position in a mask, 0..63, for a class or purpose; the bit itself for an operation.
        code: Short stable name, e.g. `laboratory`, `TREAT`, `READ`.
        display: Name in words, by language tag (`en`, `zh`).
        definition: One sentence saying what it covers.
    """

    number: int
    code: str
    display: Mapping[str, str]
    definition: str


@dataclass(frozen=True, slots=True)
class RecordClass(Term):
    """A kind of record that a patient can share or withhold on its own.

    Attributes:
        is_sensitive: Whether its records are set apart because of what they are about.
        types: FHIR resource types that belong to it.
        categories: Codes of an element `category` that put a resource into it, as (system, code).
        labels: HL7 security labels that put a resource into it, as (`act` or `confidentiality`, code).
    """

    is_sensitive: bool = False
    types: frozenset[str] = frozenset()
    categories: frozenset[tuple[str, str]] = frozenset()
    labels: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Purpose(Term):
    """A purpose of use.

    Attributes:
        parent: Code of the wider purpose that it belongs to in HL7's hierarchy; None for a top one. A grant for the
            wider purpose does not cover the narrower one: each is a bit of its own.
    """

    parent: str | None = None


AnyTerm = TypeVar("AnyTerm", bound=Term)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The table of classes, purposes and operations.

    Attributes:
        classes: Record classes by number.
        purposes: Purposes of use by number.
        operations: Operations; their `number` is the bit itself (1, 2, 4, 8, 16).
        hash: keccak256 of the table's canonical JSON, 32 bytes; what `Terms.vocabulary` names.
        systems: URIs that stand for `act`, `confidentiality` and `purpose`, today's first.
        aliases: Older URIs of code systems, each with today's.
    """

    classes: tuple[RecordClass, ...]
    purposes: tuple[Purpose, ...]
    operations: tuple[Term, ...]
    hash: bytes
    systems: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)

    def record_class(self, key: str | int) -> RecordClass:
        """The class of a code (in any case) or number.

        Raises:
            UnknownCode: There is none; the nearest codes are named.

        >>> VOCABULARY.record_class("laboratory").number
        7
        """
        return _find(self.classes, key, "record class")

    def purpose(self, key: str | int) -> Purpose:
        """The purpose of a code (in any case) or number.

        Raises:
            UnknownCode: There is none; the nearest codes are named.
        """
        return _find(self.purposes, key, "purpose")

    def operation(self, key: str | int) -> Term:
        """The operation of a code (in any case) or bit.

        Raises:
            UnknownCode: There is none; the nearest codes are named.
        """
        return _find(self.operations, key, "operation")

    def class_mask(self, keys: str | int | Iterable[str | int]) -> int:
        """Bit set of classes given by code or number.

        `all` stands for every class, `ordinary` for every class that is not sensitive.

        Raises:
            UnknownCode: One is unknown.

        >>> VOCABULARY.class_mask(["demographics", 2])
        6
        """
        return _mask(self.classes, keys, self.record_class, lambda term: 1 << term.number)

    def purpose_mask(self, keys: str | int | Iterable[str | int]) -> int:
        """Bit set of purposes given by code or number; `all` stands for every purpose.

        Raises:
            UnknownCode: One is unknown.
        """
        return _mask(self.purposes, keys, self.purpose, lambda term: 1 << term.number)

    def operation_mask(self, keys: str | int | Iterable[str | int]) -> int:
        """Bit set of operations given by code or bit; `all` stands for every operation.

        Raises:
            UnknownCode: One is unknown.
        """
        return _mask(self.operations, keys, self.operation, lambda term: term.number)

    def class_names(self, mask: int, language: str = "en") -> tuple[str, ...]:
        """Names of the classes in a bit set, by number.

        A set of all 64 bits, as an emergency's grant has it, stands for every class of the table.

        Raises:
            UnknownCode: A bit has no class, or the table is not in that language.
        """
        if mask == EVERY_CLASS:
            return _names(self.classes, language)
        return _names((self.record_class(number) for number in bits(mask)), language)

    def purpose_names(self, mask: int, language: str = "en") -> tuple[str, ...]:
        """Names of the purposes in a bit set, by number.

        Raises:
            UnknownCode: A bit has no purpose, or the table is not in that language.
        """
        return _names((self.purpose(number) for number in bits(mask)), language)

    def operation_names(self, mask: int, language: str = "en") -> tuple[str, ...]:
        """Names of the operations in a bit set, by bit.

        Raises:
            UnknownCode: A bit has no operation, or the table is not in that language.
        """
        return _names((self.operation(1 << position) for position in bits(mask)), language)


EVERY_CLASS: Final = 2**64 - 1
"""The bit set of classes that stands for all there are, whatever the table."""


def bits(mask: int) -> tuple[int, ...]:
    """Positions of the bits that are set, lowest first.

    >>> bits(0b1010)
    (1, 3)
    """
    if mask < 0:
        raise UnknownCode(f"{mask} is not a bit set: it is negative.", mask=mask)
    return tuple(position for position in range(mask.bit_length()) if mask >> position & 1)


def load(data: bytes) -> Vocabulary:
    """Reads a table from its JSON.

    Raises:
        InvalidJson: Not JSON.
        UnknownCode: Numbers or codes are not unique, or out of range.
    """
    table: Any = parse(data, source="the vocabulary")
    classes = tuple(
        RecordClass(
            **_row(row),
            is_sensitive=row["sensitive"],
            types=frozenset(row["types"]),
            categories=frozenset((entry["system"], code) for entry in row["categories"] for code in entry["codes"]),
            labels=frozenset((system, code) for system, codes in row["labels"].items() for code in codes),
        )
        for row in table["classes"]
    )
    purposes = tuple(Purpose(**_row(row), parent=row["parent"]) for row in table["purposes"])
    operations = tuple(Term(**_row(row)) for row in table["operations"])
    for terms in (classes, purposes):
        if [term.number for term in terms] != list(range(len(terms))) or len(terms) > MAX_NUMBER + 1:
            raise UnknownCode("The vocabulary's numbers don't run from 0 upwards to at most 63.")
    for family in (classes, purposes, operations):
        if len({term.code.casefold() for term in family}) != len(family):
            raise UnknownCode("The vocabulary has a code twice.")
    systems = {name: tuple(uris) for name, uris in table["systems"].items()}
    digest = keccak(canonical(table))
    return Vocabulary(
        classes, purposes, operations, digest, MappingProxyType(systems), MappingProxyType(table["aliases"])
    )


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "number": row["number"],
        "code": row["code"],
        "display": MappingProxyType(row["display"]),
        "definition": row["definition"],
    }


def _spelling(code: str) -> str:
    return code.strip().casefold().replace("_", "-").replace(" ", "-")


def _find(terms: Sequence[AnyTerm], key: str | int, kind: str) -> AnyTerm:
    if isinstance(key, int) and not isinstance(key, bool):
        for term in terms:
            if term.number == key:
                return term
        raise UnknownCode(
            f"There is no {kind} number {key}.",
            hint=f"Known are {', '.join(f'{term.number} {term.code}' for term in terms)}.",
            key=key,
        )
    by_spelling = {_spelling(term.code): term for term in terms}
    wanted = _spelling(str(key))
    if wanted in by_spelling:
        return by_spelling[wanted]
    alike = [spelling for spelling in by_spelling if spelling[:3] == wanted[:3]]
    alike += [other for other in difflib.get_close_matches(wanted, by_spelling, n=3, cutoff=0.5) if other not in alike]
    near = [by_spelling[spelling].code for spelling in alike[:3]]
    raise UnknownCode(
        f"There is no {kind} {key!r}.",
        hint=f"Nearest: {', '.join(near)}." if near else f"Known are {', '.join(term.code for term in terms)}.",
        key=str(key),
        nearest=near,
    )


def _mask(
    terms: Sequence[AnyTerm],
    keys: str | int | Iterable[str | int],
    find: Callable[[str | int], AnyTerm],
    bit: Callable[[AnyTerm], int],
) -> int:
    mask = 0
    for key in [keys] if isinstance(keys, str | int) else keys:
        if key == _EVERY:
            chosen: list[AnyTerm] = list(terms)
        elif key == _ORDINARY and isinstance(terms[0], RecordClass):
            chosen = [term for term in terms if not (isinstance(term, RecordClass) and term.is_sensitive)]
        else:
            chosen = [find(key)]
        for term in chosen:
            mask |= bit(term)
    return mask


def _names(terms: Iterable[Term], language: str) -> tuple[str, ...]:
    names = []
    for term in terms:
        if language not in term.display:
            known = ", ".join(sorted(term.display))
            raise UnknownCode(
                f"The vocabulary has no names in the language {language!r}.", hint=f"It has {known}.", language=language
            )
        names.append(term.display[language])
    return tuple(names)


VOCABULARY: Final = load(resources.files(__package__).joinpath("vocabulary.json").read_bytes())
"""The table that this version of the package ships."""
