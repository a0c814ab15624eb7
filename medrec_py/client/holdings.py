"""What somebody holds of one subject's keys, and what can be found and read with it.

Patients, providers and viewers read in the same way; they differ in how they came by their keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from medrec_py.client.context import Context
from medrec_py.client.results import ReadRecord
from medrec_py.crypto import (
    FIRST_YEAR,
    LAST_YEAR,
    UNDATED,
    Compartment,
    CompartmentKey,
    ContentKey,
    MailboxKey,
    Node,
    ParticipantKey,
    compartments,
)
from medrec_py.errors import IntegrityError
from medrec_py.fhir import ClinicalRecord, record_of
from medrec_py.index import IndexedBatch
from medrec_py.sealing import Context as ParcelContext
from medrec_py.sealing import (
    Excerpt,
    FetchedParcel,
    Manifest,
    OpenedRecords,
    batch_blind,
    match_locators,
    open_parcel,
    pending_context,
)
from medrec_py.storage import digest_of
from medrec_py.types.ledger import EntryKind, LedgerEntry, Position
from medrec_py.types.terms import NO_FIRST_DATE, NO_LAST_DATE
from medrec_py.types.vocabulary import VOCABULARY

OpeningKey: TypeAlias = CompartmentKey | ContentKey | ParticipantKey
ALL_CLASSES: frozenset[int] = frozenset(entry.number for entry in VOCABULARY.classes)
"""Every class that the vocabulary knows: no record is of another."""


@dataclass(frozen=True, slots=True)
class Window:
    """Which records are meant: classes, and days from `first` to `last` (YYYYMMDD, as in `Terms`)."""

    classes: frozenset[int] = ALL_CLASSES
    first: int = NO_FIRST_DATE
    last: int = NO_LAST_DATE

    @property
    def is_unbounded(self) -> bool:
        """Whether it covers records of every date, undated ones included."""
        return self.first == NO_FIRST_DATE and self.last == NO_LAST_DATE

    @property
    def years(self) -> tuple[int, int]:
        """First and last year that it touches, within those that have compartments of their own."""
        return max(self.first // 10000, FIRST_YEAR), min(self.last // 10000, LAST_YEAR)

    @property
    def whole_years(self) -> tuple[int, int]:
        """First and last year that lie in it altogether; the first is the later one when none does."""
        first, last = self.first // 10000, self.last // 10000
        return (
            max(first if self.first % 10000 <= 101 else first + 1, FIRST_YEAR),
            min(last if self.last % 10000 >= 1231 else last - 1, LAST_YEAR),
        )

    def covers(self, record: ClinicalRecord) -> bool:
        """Whether the record's class is one of these and its date surely lies in the window."""
        return record.record_class in self.classes and record.is_within(self.first, self.last)

    def touches(self, class_number: int, period: int) -> bool:
        """Whether a compartment can hold a record that it covers."""
        first, last = self.years
        dated = self.is_unbounded if period == UNDATED else first <= period <= last
        return class_number in self.classes and dated

    def contains(self, class_number: int, period: int) -> bool:
        """Whether it covers a compartment altogether."""
        first, last = self.whole_years
        whole = self.is_unbounded if period == UNDATED else first <= period <= last
        return class_number in self.classes and whole


@dataclass(frozen=True, slots=True)
class Held:
    """Keys of one relationship.

    Attributes:
        provider: Who authors its parcels; the subject itself for its own records.
        number: The relationship's number; 0 for the subject's own records.
        nodes: Nodes of its tree.
        epochs: Highest epoch by class, where it is not 0.
        mailbox: Marks the parcels sealed to the subject itself; None for whoever has no business with those.
    """

    provider: str
    number: int
    nodes: tuple[Node, ...]
    epochs: Mapping[int, int] = field(default_factory=dict)
    mailbox: MailboxKey | None = None
    _cells: dict[Window, list[Compartment]] = field(default_factory=dict, repr=False, compare=False)

    def compartments(self, window: Window) -> list[Compartment]:
        """Every compartment whose key is held and that the window touches."""
        if window not in self._cells:
            self._cells[window] = self._derive(window)
        return self._cells[window]

    def _derive(self, window: Window) -> list[Compartment]:
        first, last = window.years
        return list(
            compartments(
                self.nodes,
                classes=sorted(window.classes),
                epochs={number: range(self.epochs.get(number, 0) + 1) for number in window.classes},
                first_year=first,
                last_year=last,
                include_undated=window.is_unbounded,
            )
        )


@dataclass(frozen=True, slots=True)
class Anchor:
    """An anchored parcel as the ledger, or a batch of the author, has it."""

    author: str
    digest: bytes
    locator: bytes
    time: int
    position: Position


@dataclass(frozen=True, slots=True)
class Located:
    """A parcel that can be opened: what the ledger says of it, its compartment when that is known, and the key.

    `context` is None for a parcel that was sealed to the subject: its compartment stands inside.
    """

    anchor: Anchor
    context: ParcelContext | None
    key: OpeningKey


@dataclass(frozen=True, slots=True)
class Holdings:
    """All keys that somebody holds of one subject's records.

    Attributes:
        subject: Whose records.
        relationships: Keys by relationship.
        excerpts: Keys of single parcels.
        subject_key: The subject's own key pair; None for everybody else.
    """

    subject: str
    relationships: tuple[Held, ...]
    excerpts: tuple[Excerpt, ...] = ()
    subject_key: ParticipantKey | None = None

    def locate(self, context: Context, window: Window) -> list[Located]:
        """The parcels that these keys open and the window touches, in the ledger's order."""
        ledger = context.ledger(self.subject)
        found: dict[bytes, Located] = {}
        for held in self.relationships:
            anchors = _anchors(ledger, held.provider)
            batches = context.index.batches(held.provider)
            if not anchors and not batches:
                continue
            cells = held.compartments(window)
            anchors += _batch_anchors(context, self.subject, held, batches, [cell.key for cell in cells])
            keys: list[CompartmentKey | MailboxKey] = [cell.key for cell in cells]
            if held.mailbox is not None and self.subject_key is not None:
                keys.append(held.mailbox)
            for at, key_at in match_locators([anchor.locator for anchor in anchors], keys).items():
                anchor = anchors[at]
                if key_at == len(cells):
                    assert self.subject_key is not None
                    found[anchor.digest] = Located(anchor, None, self.subject_key)
                else:
                    cell = cells[key_at]
                    place = context.place(self.subject, held.provider)
                    parcel = place.context(cell.class_number, cell.period, cell.epoch)
                    found[anchor.digest] = Located(anchor, parcel, cell.key)
        bundle_context = context.bundle_context(self.subject)
        for excerpt in self.excerpts:
            if window.touches(excerpt.class_number, excerpt.period) and excerpt.digest not in found:
                anchor = Anchor(excerpt.author, excerpt.digest, b"", 0, (0, 0, 0))
                found[excerpt.digest] = Located(anchor, excerpt.context(bundle_context), excerpt.content_key)
        return sorted(found.values(), key=lambda located: located.anchor.position)

    def read(self, context: Context, window: Window) -> list[ReadRecord]:
        """The records that these keys open and the window covers.

        Raises:
            ObjectMissing: A parcel is in no store; names it.
            ObjectTampered: A store gave other bytes than the ledger commits to.
            IntegrityError: A parcel is not what its author claimed.
        """
        retractions = _retractions(context.ledger(self.subject))
        out: list[ReadRecord] = []
        for located, opened in self.open(context, self.locate(context, window)):
            author, digest = located.anchor.author, located.anchor.digest
            retracted = (author, digest) in retractions
            replacement = retractions.get((author, digest))
            for record in records_in(opened):
                if window.covers(record):
                    out.append(
                        ReadRecord(
                            record, author, digest, located.anchor.time, retracted, replacement, opened.content_key
                        )
                    )
        return out

    def open(self, context: Context, parcels: Sequence[Located]) -> list[tuple[Located, OpenedRecords]]:
        """Fetches, verifies and opens parcels of records, in order; blobs among them are left out."""
        objects = context.store.get_many([located.anchor.digest for located in parcels])
        opened: list[tuple[Located, OpenedRecords]] = []
        for located, data in zip(parcels, objects, strict=True):
            fetched = FetchedParcel.verify(data, located.anchor.digest, digest_of=digest_of)
            parcel = located.context
            if parcel is None:
                assert isinstance(located.key, ParticipantKey)
                parcel = pending_context(fetched, context.place(self.subject, located.anchor.author), located.key)
            content = open_parcel(fetched, parcel, located.key)
            if isinstance(content, OpenedRecords):
                opened.append((located, content))
        return opened


def records_in(opened: OpenedRecords) -> list[ClinicalRecord]:
    """The records of an opened parcel; their class is the one that they were sealed under."""

    def sealed_class(resource: object) -> int:
        return opened.context.class_number

    return [record_of(document, classifier=sealed_class) for document in opened.resources]


def _anchors(ledger: Iterable[LedgerEntry], author: str) -> list[Anchor]:
    return [
        Anchor(author, entry.digest, entry.locator, entry.time, entry.position)
        for entry in ledger
        if entry.kind is EntryKind.ANCHOR and entry.author == author
    ]


def _batch_anchors(
    context: Context,
    subject: str,
    held: Held,
    batches: Sequence[IndexedBatch],
    keys: Sequence[CompartmentKey | MailboxKey],
) -> list[Anchor]:
    """The subject's parcels in batches of the provider, each proved to be in the batch that the chain anchored."""
    out: list[Anchor] = []
    for batch in batches:
        manifest = Manifest.parse(context.store.get(batch.manifest))
        manifest.require(batch.root, batch.count)
        for at, key_at in match_locators([entry.locator for entry in manifest.entries], keys).items():
            _require_in_batch(context, subject, held, manifest, at, keys[key_at])
            entry = manifest.entries[at]
            out.append(Anchor(held.provider, entry.digest, entry.locator, batch.time, batch.entry.position))
    return out


def _require_in_batch(
    context: Context, subject: str, held: Held, manifest: Manifest, at: int, key: CompartmentKey | MailboxKey
) -> None:
    entry = manifest.entries[at]
    proof = manifest.proof(at)
    blind = batch_blind(key, entry.locator)
    if not context.medrec.is_in_batch(subject, held.provider, entry.digest, entry.locator, blind, manifest.root, proof):
        raise IntegrityError(
            f"The parcel {entry.digest.hex()} is listed for {subject}, but the chain does not confirm it.",
            hint="The author was not related to the patient when it was anchored, or the manifest was altered.",
            digest=entry.digest,
            root=manifest.root,
        )


def _retractions(ledger: Iterable[LedgerEntry]) -> dict[tuple[str, bytes], bytes | None]:
    return {(entry.author, entry.digest): entry.replacement for entry in ledger if entry.kind is EntryKind.RETRACT}
