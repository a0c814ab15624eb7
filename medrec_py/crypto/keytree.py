"""The tree of compartment keys: relationship → epoch → class → 8 binary levels over the years → compartment.

Each step down is one HKDF-Expand; none leads up or sideways. So whoever holds a node holds all below it and nothing
else: epoch 0 as a whole (the provider, at the opening), one class of one epoch, "2024 and later" of a class.

The years 1900 to 2155 are leaves 0 to 255 (year - 1900, most significant bit first); earlier and later years belong to
the first and the last leaf. Records without a date have a leaf of their own beside the years. A class node covers both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Self

from medrec_py.crypto.secret import CompartmentKey, MailboxKey, NodeKey

FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2155
UNDATED: Final = 0
"""The period of records that have no clinical date."""
CLASS_COUNT: Final = 64


def period_of(year: int | None) -> int:
    """The period that a clinical year belongs to: the year, cut to 1900..2155; `UNDATED` for None."""
    raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Path:
    """Where a node stands. Written `/`, `/0`, `/0/3`, `/0/3/0111`, `/0/3/undated`.

    Attributes:
        epoch: 0 to 2^32 - 1; None for the relationship itself.
        class_number: 0 to 63; None for a whole epoch.
        years: 1 to 8 characters `0`/`1`, or `undated`; None for a whole class.
    """

    epoch: int | None = None
    class_number: int | None = None
    years: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads what `str` writes.

        Raises:
            InvalidInput: Anything else.
        """
        raise NotImplementedError

    @classmethod
    def of_compartment(cls, epoch: int, class_number: int, period: int) -> Self:
        """The leaf of a compartment."""
        raise NotImplementedError

    @property
    def is_compartment(self) -> bool:
        """Whether it is a leaf."""
        raise NotImplementedError

    def covers(self, other: Path) -> bool:
        """Whether `other` is this path or lies below it."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the tree and its key."""

    path: Path
    key: NodeKey | CompartmentKey


@dataclass(frozen=True, slots=True)
class Compartment:
    """A leaf: what one key seals and opens."""

    epoch: int
    class_number: int
    period: int
    key: CompartmentKey


def derive(node: Node, path: Path) -> Node:
    """The node at `path`, which lies at or below `node`.

    Raises:
        KeyNotHeld: `node` doesn't cover `path`.
    """
    raise NotImplementedError


def covering_set(
    held: Iterable[Node],
    classes: Iterable[int],
    first_year: int,
    last_year: int,
    *,
    include_undated: bool,
    epochs: Mapping[int, Iterable[int]] | Iterable[int],
) -> tuple[Node, ...]:
    """The fewest nodes that cover exactly the classes, whole years and epochs asked for: never above a class.

    Args:
        held: What to derive from: the relationship's node, or the nodes of a grant that is being passed on.
        classes: Class numbers.
        first_year: First whole year, inclusive; earlier than 1900 counts as 1900.
        last_year: Last whole year, inclusive; before `first_year`: no dated records at all.
        include_undated: Whether records without a date are covered.
        epochs: The epochs to hand over: by class, or the same for all.

    Raises:
        KeyNotHeld: `held` doesn't cover all that is asked for.
    """
    raise NotImplementedError


def leaf_for(nodes: Iterable[Node], epoch: int, class_number: int, period: int) -> CompartmentKey | None:
    """The key of a compartment, from whichever node covers it; None when none does."""
    raise NotImplementedError


def compartments(
    nodes: Iterable[Node],
    *,
    classes: Iterable[int] | None = None,
    epochs: Mapping[int, Iterable[int]] | Iterable[int] | None = None,
    first_year: int = FIRST_YEAR,
    last_year: int = LAST_YEAR,
    include_undated: bool = True,
) -> Iterator[Compartment]:
    """Every compartment that the nodes open and that passes the filters, latest years first.

    Args:
        nodes: What is held.
        classes: Only these; all 64 when None.
        epochs: Only these (by class or for all); needed when a node is the relationship itself, which has no end of them.
        first_year: First year, inclusive.
        last_year: Last year, inclusive.
        include_undated: Whether the undated compartments are wanted.
    """
    raise NotImplementedError


def mailbox_key(relationship: Node) -> MailboxKey:
    """The key by which the subject finds parcels sealed to its public key; the provider gets it, no viewer does.

    Raises:
        KeyNotHeld: `relationship` isn't the top of a tree.
    """
    raise NotImplementedError
