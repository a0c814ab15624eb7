"""The tree of compartment keys: relationship → epoch → class → 8 binary levels over the years → compartment.

Each step down is one HKDF-Expand (RFC 5869); none leads up or sideways. So whoever holds a node holds all below it and
nothing else: epoch 0 as a whole (the provider, at the opening), one class of one epoch, "2024 and later" of a class.
Epochs count by class: ending an epoch of one class leaves all the others as they are.

The years 1900 to 2155 are leaves 0 to 255 (year - 1900, most significant bit first). Records without a date have a leaf
of their own beside the years. A class node covers both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Self, TypeAlias

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from medrec_py.crypto.encoding import label, number
from medrec_py.crypto.secret import KEY_BYTES, CompartmentKey, MailboxKey, NodeKey
from medrec_py.errors import InvalidInput, KeyNotHeld

FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2155
UNDATED: Final = 0
"""The period of records that have no clinical date."""
CLASS_COUNT: Final = 64
EPOCH_COUNT: Final = 1 << 32

Epochs: TypeAlias = Mapping[int, Iterable[int]] | Iterable[int]
"""Epochs by class number, or the same for every class."""

_DEPTH: Final = 8
_UNDATED: Final = "undated"


@dataclass(frozen=True, slots=True)
class Path:
    """Where a node stands. Written `/`, `/0`, `/0/3`, `/0/3/0111`, `/0/3/undated`.

    Attributes:
        epoch: 0 to 2^32 - 1; None for the relationship itself.
        class_number: 0 to 63; None for a whole epoch.
        years: 1 to 8 characters `0`/`1`, or `undated`; None for a whole class.

    Raises:
        InvalidInput: Out of these bounds, or a part without the one before it.
    """

    epoch: int | None = None
    class_number: int | None = None
    years: str | None = None

    def __post_init__(self) -> None:
        if self.epoch is None:
            well_formed = self.class_number is None and self.years is None
        else:
            well_formed = type(self.epoch) is int and 0 <= self.epoch < EPOCH_COUNT
            if self.class_number is None:
                well_formed = well_formed and self.years is None
            else:
                well_formed = well_formed and type(self.class_number) is int and 0 <= self.class_number < CLASS_COUNT
        if not well_formed or not (self.years is None or self.years == _UNDATED or _is_prefix(self.years)):
            raise InvalidInput(
                f"No node of a key tree stands at epoch {self.epoch}, class {self.class_number}, years {self.years!r}.",
                hint=f"Epochs are 0 to 2^32 - 1, classes 0 to {CLASS_COUNT - 1}, years 1 to 8 bits or 'undated'.",
            )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads what `str` writes.

        Raises:
            InvalidInput: Anything else.
        """
        first, *parts = text.split("/", 4)
        if first or not 1 <= len(parts) <= 3:
            raise InvalidInput(f"{text[:80]!r} is not the path of a key.")
        if parts == [""]:
            return cls()
        numbers = parts[:2]
        # isdecimal alone would let digits of other scripts and leading zeros through: one text per path.
        if not all(part.isascii() and part.isdecimal() and len(part) <= 10 for part in numbers):
            raise InvalidInput(f"{text[:80]!r} is not the path of a key.")
        path = cls(int(parts[0]), int(parts[1]) if len(parts) > 1 else None, parts[2] if len(parts) > 2 else None)
        if str(path) != text:
            raise InvalidInput(f"{text[:80]!r} is not the path of a key.")
        return path

    @classmethod
    def of_compartment(cls, epoch: int, class_number: int, period: int) -> Self:
        """The leaf of a compartment; `period` is 1900 to 2155 or `UNDATED`.

        Raises:
            InvalidInput: Another period, class or epoch.
        """
        if period == UNDATED:
            return cls(epoch, class_number, _UNDATED)
        if not FIRST_YEAR <= period <= LAST_YEAR:
            raise InvalidInput(
                f"{period} is not a period.",
                hint=f"A period is a year from {FIRST_YEAR} to {LAST_YEAR}, or {UNDATED} for records without a date.",
            )
        return cls(epoch, class_number, f"{period - FIRST_YEAR:08b}")

    @property
    def is_compartment(self) -> bool:
        """Whether it is a leaf."""
        return self.years is not None and (self.years == _UNDATED or len(self.years) == _DEPTH)

    @property
    def period(self) -> int:
        """The period of a leaf.

        Raises:
            InvalidInput: It isn't a leaf.
        """
        if self.years is None or not self.is_compartment:
            raise InvalidInput(f"{self} is not the path of a compartment.")
        return UNDATED if self.years == _UNDATED else FIRST_YEAR + int(self.years, 2)

    def covers(self, other: Path) -> bool:
        """Whether `other` is this path or lies below it."""
        if self.epoch is None:
            return True
        if self.epoch != other.epoch:
            return False
        if self.class_number is None:
            return True
        if self.class_number != other.class_number:
            return False
        return self.years is None or (other.years is not None and other.years.startswith(self.years))

    def __str__(self) -> str:
        parts = [str(part) for part in (self.epoch, self.class_number, self.years) if part is not None]
        return "/" + "/".join(parts)


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the tree and its key: a `CompartmentKey` at a leaf, a `NodeKey` anywhere else.

    Raises:
        InvalidInput: The key is of the other type.
    """

    path: Path
    key: NodeKey | CompartmentKey

    def __post_init__(self) -> None:
        if type(self.key) is not (CompartmentKey if self.path.is_compartment else NodeKey):
            raise InvalidInput(f"A {type(self.key).__name__} is not the key of a node at {self.path}.")


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
    if not node.path.covers(path):
        raise KeyNotHeld(f"The key at {node.path} doesn't lead to {path}.", held=str(node.path), wanted=str(path))
    key = node.key.reveal()
    if path.epoch is not None and node.path.epoch is None:
        key = _step(key, "epoch", number(path.epoch, 4, "The epoch"))
    if path.class_number is not None and node.path.class_number is None:
        key = _step(key, "class", number(path.class_number, 1, "The class"))
    if path.years is not None:
        held = node.path.years or ""
        if path.years == _UNDATED:
            key = key if held else _step(key, _UNDATED, b"")
        else:
            for bit in path.years[len(held) :]:
                key = _step(key, "years", bit.encode())
    return Node(path, CompartmentKey(key) if path.is_compartment else NodeKey(key))


def covering_set(
    held: Iterable[Node],
    classes: Iterable[int],
    first_year: int,
    last_year: int,
    *,
    include_undated: bool,
    epochs: Epochs,
) -> tuple[Node, ...]:
    """The fewest nodes, none above a class, that cover exactly the classes, periods and epochs asked for.

    Args:
        held: What to derive from: the relationship's node, or the nodes of a grant that is being passed on.
        classes: Class numbers.
        first_year: First whole year, inclusive; earlier than 1900 counts as 1900.
        last_year: Last whole year, inclusive; later than 2155 counts as 2155; before `first_year`: no dated records.
        include_undated: Whether records without a date are covered.
        epochs: The epochs to hand over: by class, or the same for all.

    Returns:
        Sorted by class, epoch and years.

    Raises:
        KeyNotHeld: `held` doesn't cover all that is asked for.
    """
    nodes = tuple(held)
    years = _covering_years(first_year, last_year, include_undated)
    chosen = []
    for class_number, its_epochs in _epochs_by_class(epochs, classes).items():
        for epoch in its_epochs:
            for part in years:
                path = Path(epoch, class_number, part)
                source = next((node for node in nodes if node.path.covers(path)), None)
                if source is None:
                    raise KeyNotHeld(f"No key at hand leads to {path}.", wanted=str(path))
                chosen.append(derive(source, path))
    return tuple(chosen)


def leaf_for(nodes: Iterable[Node], epoch: int, class_number: int, period: int) -> CompartmentKey | None:
    """The key of a compartment, from whichever node covers it; None when none does."""
    path = Path.of_compartment(epoch, class_number, period)
    for node in nodes:
        if node.path.covers(path):
            return _as_leaf(derive(node, path)).key
    return None


def compartments(
    nodes: Iterable[Node],
    *,
    classes: Iterable[int] | None = None,
    epochs: Epochs | None = None,
    first_year: int = FIRST_YEAR,
    last_year: int = LAST_YEAR,
    include_undated: bool = True,
) -> Iterator[Compartment]:
    """Every compartment that the nodes open and that passes the filters, once; of each node the latest years first.

    Args:
        nodes: What is held.
        classes: Only these; all 64 when None.
        epochs: Only these (by class or for all); needed for the relationship's own node, which has no end of them.
        first_year: First year, inclusive.
        last_year: Last year, inclusive.
        include_undated: Whether the undated compartments are wanted.

    Raises:
        InvalidInput: `nodes` hold a relationship's own node and `epochs` is None.
    """
    wanted = range(CLASS_COUNT) if classes is None else classes
    allowed = _epochs_by_class(() if epochs is None else epochs, wanted)
    held = tuple(nodes)
    if epochs is None and any(node.path.epoch is None for node in held):
        raise InvalidInput("A relationship's node has no end of epochs.", hint="Say which ones: epochs=range(…).")
    seen: set[Path] = set()
    for node in held:
        for class_node in _class_nodes(node, allowed, any_epoch=epochs is None):
            for leaf in _leaves(class_node, first_year, last_year, include_undated):
                if leaf.path not in seen:
                    seen.add(leaf.path)
                    yield _as_leaf(leaf)


def mailbox_key(relationship: Node) -> MailboxKey:
    """The key by which the subject finds parcels sealed to its public key; the provider gets it, no viewer does.

    Raises:
        KeyNotHeld: `relationship` isn't the top of a tree.
    """
    if relationship.path != Path():
        raise KeyNotHeld(f"The mailbox's key comes from the relationship's node, not from {relationship.path}.")
    return MailboxKey(_step(relationship.key.reveal(), "mailbox", b""))


def _step(key: bytes, kind: str, which: bytes) -> bytes:
    return HKDFExpand(SHA256(), KEY_BYTES, label("tree " + kind) + which).derive(key)


def _is_prefix(years: str) -> bool:
    return isinstance(years, str) and 1 <= len(years) <= _DEPTH and set(years) <= {"0", "1"}


def _epochs_by_class(epochs: Epochs, classes: Iterable[int]) -> dict[int, list[int]]:
    wanted = sorted(set(classes))
    if isinstance(epochs, Mapping):
        return {class_number: sorted(set(epochs.get(class_number, ()))) for class_number in wanted}
    return dict.fromkeys(wanted, sorted(set(epochs)))


def _covering_years(first_year: int, last_year: int, include_undated: bool) -> list[str | None]:
    """The fewest subtrees over the years asked for; None is the class node, which covers the undated too."""
    first, last = max(first_year, FIRST_YEAR), min(last_year, LAST_YEAR)
    if include_undated and (first, last) == (FIRST_YEAR, LAST_YEAR):
        return [None]
    covering: list[str | None] = []

    def descend(prefix: str) -> None:
        span = 1 << (_DEPTH - len(prefix))
        low = FIRST_YEAR + (int(prefix, 2) if prefix else 0) * span
        if low > last or low + span - 1 < first:
            return
        if prefix and first <= low and low + span - 1 <= last:
            covering.append(prefix)
        else:
            descend(prefix + "0")
            descend(prefix + "1")

    descend("")
    return [*covering, _UNDATED] if include_undated else covering


def _class_nodes(node: Node, allowed: dict[int, list[int]], *, any_epoch: bool) -> Iterator[Node]:
    """`node` itself when it is at or below a class, else the class nodes below it; those that pass the filters."""
    path = node.path
    for class_number, epochs in allowed.items():
        if path.class_number is not None and path.class_number != class_number:
            continue
        for epoch in epochs if path.epoch is None else [path.epoch]:
            if not any_epoch and epoch not in epochs:
                continue
            yield node if path.class_number is not None else derive(node, Path(epoch, class_number))


def _leaves(node: Node, first_year: int, last_year: int, include_undated: bool) -> Iterator[Node]:
    path = node.path
    if path.years == _UNDATED:
        if include_undated:
            yield node
        return
    prefix = path.years or ""
    span = 1 << (_DEPTH - len(prefix))
    low = FIRST_YEAR + (int(prefix, 2) if prefix else 0) * span
    if low <= last_year and low + span - 1 >= first_year:
        if path.is_compartment:
            yield node
        else:
            for bit in "10":
                child = Path(path.epoch, path.class_number, prefix + bit)
                yield from _leaves(derive(node, child), first_year, last_year, include_undated=False)
    if path.years is None and include_undated:
        undated = Path(path.epoch, path.class_number, _UNDATED)
        yield derive(node, undated)


def _as_leaf(node: Node) -> Compartment:
    path, key = node.path, node.key
    if path.epoch is None or path.class_number is None or not isinstance(key, CompartmentKey):
        raise InvalidInput(f"{path} is not the path of a compartment.")
    return Compartment(path.epoch, path.class_number, path.period, key)
