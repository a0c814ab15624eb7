"""The ledger of a subject (and the batches of an author) replayed as `contracts/core/Records.sol` folds them.

The chain keeps one word per subject, the head of a hash chain over everything ever anchored. Whoever has the entries
replays them and compares with that word: what an index hid, added, altered or reordered does not reach it. When it is
not reached, `compare` with the entries of a second source names the very entries at fault.

The fold, from `Records._fold`::

    head' = keccak256(abi.encode(head, kind, author, time, digest, detail))

six 32-byte words, where `detail` is the locator (16 bytes, left-aligned), the replacement's digest, or, for a batch,
`keccak256(abi.encode(manifest, count))`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final, TypeAlias

from eth_hash.auto import keccak

from medrec_py.errors import InvalidInput
from medrec_py.types.events import Anchored, BatchAnchored, LoggedEvent, Retracted

EMPTY_HEAD: Final = bytes(32)
"""Head of a ledger without entries."""

LOCATOR_BYTES: Final = 16

Position: TypeAlias = tuple[int, int, int]
"""Block number, log index, place inside the event: sorts entries in the order in which the contract folded them."""


class EntryKind(IntEnum):
    """What an entry is, numbered as `Entry` in `contracts/interfaces/IRecords.sol`; part of what is hashed."""

    ANCHOR = 0
    RETRACT = 1
    BATCH = 2


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One entry of a hash chain, and where in the chain it was made.

    Attributes:
        kind: What it is.
        author: Who made it, an EIP-55 address.
        time: Unix time of its block, as folded.
        digest: 32 bytes: the parcel's digest, or the batch's Merkle root.
        detail: 32 bytes: locator and 16 zero bytes, the replacement's digest (zeros for none), or the hash of the
            batch's manifest and count.
        position: Where it was emitted. Not part of what is hashed, except through the order of the entries.
        transaction_hash: 32 bytes, not part of what is hashed; empty when unknown.
    """

    kind: EntryKind
    author: str
    time: int
    digest: bytes
    detail: bytes
    position: Position
    transaction_hash: bytes = b""

    def __post_init__(self) -> None:
        if len(self.digest) != 32 or len(self.detail) != 32:
            raise InvalidInput(
                f"A ledger entry has a digest and a detail of 32 bytes, not {len(self.digest)} and {len(self.detail)}.",
                position=self.position,
            )

    @property
    def locator(self) -> bytes:
        """The 16-byte locator of an anchored parcel; empty for any other entry."""
        return self.detail[:LOCATOR_BYTES] if self.kind is EntryKind.ANCHOR else b""

    @property
    def replacement(self) -> bytes | None:
        """The digest that supersedes a retracted parcel; `None` when nothing does, and for any other entry."""
        return self.detail if self.kind is EntryKind.RETRACT and any(self.detail) else None

    @property
    def content(self) -> tuple[int, str, int, bytes, bytes]:
        """What is hashed of it: equal for two entries that fold to the same head."""
        return (int(self.kind), self.author.lower(), self.time, self.digest, self.detail)


# --------------------------------------------------------------------------------------------------------- replaying


def entries_of(logged: LoggedEvent) -> list[LedgerEntry]:
    """The entries that one event adds, in the order in which the contract folds them; empty for other events.

    `Anchored` and `Retracted` extend the ledger of their subject, `BatchAnchored` the chain of its author.

    Raises:
        InvalidInput: The event is not one that the contract can emit (lengths that don't match).
    """
    event = logged.event
    block, log = logged.position
    transaction = logged.transaction_hash
    match event:
        case Anchored():
            return [
                LedgerEntry(
                    EntryKind.ANCHOR, event.author, event.time, digest, detail, (block, log, place), transaction
                )
                for place, (digest, detail) in enumerate(zip(event.digests, _locator_words(event), strict=True))
            ]
        case Retracted():
            detail = event.replacement
            place = (block, log, 0)
            return [LedgerEntry(EntryKind.RETRACT, event.author, event.time, event.digest, detail, place, transaction)]
        case BatchAnchored():
            detail = batch_detail(event.manifest, event.count)
            place = (block, log, 0)
            return [LedgerEntry(EntryKind.BATCH, event.author, event.time, event.root, detail, place, transaction)]
        case _:
            return []


def _locator_words(event: Anchored) -> list[bytes]:
    if len(event.locators) != len(event.digests):
        raise InvalidInput(f"Anchored has {len(event.digests)} digests and {len(event.locators)} locators.")
    for locator in event.locators:
        if len(locator) != LOCATOR_BYTES:
            raise InvalidInput(f"A locator has {LOCATOR_BYTES} bytes, not {len(locator)}.", locator=locator)
    return [locator + bytes(32 - LOCATOR_BYTES) for locator in event.locators]


def batch_detail(manifest: bytes, count: int) -> bytes:
    """What a batch folds in beside its root: `keccak256(abi.encode(manifest, count))`."""
    return keccak(manifest + count.to_bytes(32, "big"))


def fold(head: bytes, entry: LedgerEntry) -> bytes:
    """The head after one more entry.

    Args:
        head: The head before, 32 bytes; `EMPTY_HEAD` at first.
        entry: The entry.
    """
    return keccak(
        b"".join(
            (
                head,
                int(entry.kind).to_bytes(32, "big"),
                bytes.fromhex(entry.author[2:]).rjust(32, b"\0"),
                entry.time.to_bytes(32, "big"),
                entry.digest,
                entry.detail,
            )
        )
    )


def replay(entries: Iterable[LedgerEntry], head: bytes = EMPTY_HEAD) -> bytes:
    """The head that the entries lead to, from `head` on; compare it with `ledgerHead` or `batchHead`."""
    for entry in entries:
        head = fold(head, entry)
    return head


# --------------------------------------------------------------------------------------------------------- comparing


class FaultKind(StrEnum):
    """What is wrong with one entry of an index."""

    MISSING = "missing"
    ADDED = "added"
    ALTERED = "altered"
    REORDERED = "reordered"


@dataclass(frozen=True, slots=True)
class LedgerFault:
    """One entry that an index holds otherwise than the chain.

    Attributes:
        kind: Missing, added, altered or reordered.
        found: The entry as the index has it; `None` when missing.
        found_at: Its place in the index's ledger, from 0.
        expected: The entry as the chain has it; `None` when added.
        expected_at: Its place in the chain's ledger, from 0.
        fields: Which fields of an altered entry differ: `kind`, `author`, `time`, `digest`, `detail`.
    """

    kind: FaultKind
    found: LedgerEntry | None
    found_at: int | None
    expected: LedgerEntry | None
    expected_at: int | None
    fields: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """The fault in words, with position and digest."""
        if self.kind is FaultKind.MISSING:
            return f"Entry {self.expected_at} is missing: {_described(self.expected)}."
        if self.kind is FaultKind.ADDED:
            return f"Entry {self.found_at} was added, the chain has none such: {_described(self.found)}."
        if self.kind is FaultKind.ALTERED:
            differing = " and ".join(self.fields)
            was, now = _described(self.expected), _described(self.found)
            return f"Entry {self.expected_at} was altered in its {differing}: the chain has {was}, the index {now}."
        return f"Entry {self.expected_at} was moved to place {self.found_at}: {_described(self.expected)}."

    def to_json(self) -> dict[str, object]:
        """The fault as a JSON object."""
        return {
            "kind": self.kind.value,
            "found": None if self.found is None else _entry_json(self.found),
            "found_at": self.found_at,
            "expected": None if self.expected is None else _entry_json(self.expected),
            "expected_at": self.expected_at,
            "fields": list(self.fields),
            "sentence": self.sentence,
        }


_CONTENT_FIELDS: Final = ("kind", "author", "time", "digest", "detail")


def compare(index_entries: Sequence[LedgerEntry], chain_entries: Sequence[LedgerEntry]) -> list[LedgerFault]:
    """Names every entry that an index holds otherwise than the chain.

    Entries are matched by what is hashed of them; equal ones by how often they occurred before. Of the matched ones
    those outside a longest run in the chain's order count as reordered, so the fewest entries that explain the order
    are named. An added entry that stands at the very position of a missing one, or shows the digest of one, is that one
    altered. O(n log n).

    Args:
        index_entries: A ledger as an index gave it, in the index's order.
        chain_entries: The same ledger from the chain's own logs, in the chain's order, replayed to the head before.

    Returns:
        The faults in the order of the places at which they show; empty when the two fold to the same head.
    """
    index_keys, chain_keys = _numbered(index_entries), _numbered(chain_entries)
    chain_place = {key: place for place, key in enumerate(chain_keys)}
    present = set(index_keys)

    added = [place for place, key in enumerate(index_keys) if key not in chain_place]
    missing = [place for place, key in enumerate(chain_keys) if key not in present]
    common = [(place, chain_place[key]) for place, key in enumerate(index_keys) if key in chain_place]
    in_order = _longest_increasing([at for _, at in common])

    faults = [
        LedgerFault(FaultKind.REORDERED, index_entries[found], found, chain_entries[expected], expected)
        for run, (found, expected) in enumerate(common)
        if run not in in_order
    ]
    altered = _altered_pairs(index_entries, chain_entries, added, missing)
    altered_found, altered_expected = {found for found, _ in altered}, {expected for _, expected in altered}
    for found, expected in altered:
        was, now = chain_entries[expected], index_entries[found]
        fields = tuple(name for name, a, b in zip(_CONTENT_FIELDS, was.content, now.content, strict=True) if a != b)
        faults.append(LedgerFault(FaultKind.ALTERED, now, found, was, expected, fields))
    faults += [
        LedgerFault(FaultKind.ADDED, index_entries[place], place, None, None)
        for place in added
        if place not in altered_found
    ]
    faults += [
        LedgerFault(FaultKind.MISSING, None, None, chain_entries[place], place)
        for place in missing
        if place not in altered_expected
    ]
    return sorted(faults, key=_place)


_Key: TypeAlias = tuple[tuple[int, str, int, bytes, bytes], int]


def _numbered(entries: Sequence[LedgerEntry]) -> list[_Key]:
    """Content and how often it occurred before: a ledger may hold the same content twice (a repeated retraction)."""
    seen: dict[tuple[int, str, int, bytes, bytes], int] = defaultdict(int)
    keys: list[_Key] = []
    for entry in entries:
        content = entry.content
        keys.append((content, seen[content]))
        seen[content] += 1
    return keys


def _longest_increasing(values: Sequence[int]) -> set[int]:
    """Places of a longest strictly increasing subsequence (patience sorting, Fredman 1975)."""
    tails: list[int] = []
    tail_places: list[int] = []
    before: list[int] = []
    for place, value in enumerate(values):
        pile = bisect_left(tails, value)
        before.append(tail_places[pile - 1] if pile else -1)
        if pile == len(tails):
            tails.append(value)
            tail_places.append(place)
        else:
            tails[pile] = value
            tail_places[pile] = place
    chosen: set[int] = set()
    place = tail_places[-1] if tail_places else -1
    while place >= 0:
        chosen.add(place)
        place = before[place]
    return chosen


def _altered_pairs(
    index_entries: Sequence[LedgerEntry], chain_entries: Sequence[LedgerEntry], added: list[int], missing: list[int]
) -> list[tuple[int, int]]:
    """Pairs (place in the index, place in the chain) of added and missing entries that are one entry, altered."""
    pairs: list[tuple[int, int]] = []
    free_added, free_missing = dict.fromkeys(added), dict.fromkeys(missing)
    for identity in (_by_position, _by_digest):
        waiting: dict[object, list[int]] = defaultdict(list)
        for place in reversed(free_missing):
            waiting[identity(chain_entries[place])].append(place)
        for found in list(free_added):
            if candidates := waiting.get(identity(index_entries[found])):
                expected = candidates.pop()
                pairs.append((found, expected))
                del free_added[found], free_missing[expected]
    return pairs


def _by_position(entry: LedgerEntry) -> object:
    return entry.position


def _by_digest(entry: LedgerEntry) -> object:
    return entry.digest


def _place(fault: LedgerFault) -> tuple[int, int]:
    at = fault.expected_at if fault.expected_at is not None else fault.found_at
    return (at or 0, fault.found_at or 0)


def _described(entry: LedgerEntry | None) -> str:
    assert entry is not None  # the caller picks the side by the fault's kind
    block, log, place = entry.position
    kind = entry.kind.name.lower()
    return f"{kind} 0x{entry.digest.hex()} by {entry.author} (block {block}, log {log}, place {place})"


def _entry_json(entry: LedgerEntry) -> dict[str, object]:
    return {
        "kind": entry.kind.name.lower(),
        "author": entry.author,
        "time": entry.time,
        "digest": "0x" + entry.digest.hex(),
        "detail": "0x" + entry.detail.hex(),
        "position": list(entry.position),
    }
