"""What somebody holds of one subject's keys, and what can be found and read with it.

Patients, providers and viewers read in the same way; they differ in how they came by their keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from medrec_py.client.anchors import Anchor, batches_of, in_batches, in_ledger
from medrec_py.client.context import Context
from medrec_py.client.results import Fault, ReadRecord, Records
from medrec_py.client.window import Window
from medrec_py.crypto import (
    Compartment,
    CompartmentKey,
    ContentKey,
    MailboxKey,
    Node,
    ParticipantKey,
    compartments,
)
from medrec_py.crypto import Path as KeyPath
from medrec_py.errors import IntegrityError, InvalidInput
from medrec_py.fhir import ClinicalRecord, record_of
from medrec_py.sealing import Context as ParcelContext
from medrec_py.sealing import (
    Excerpt,
    FetchedParcel,
    OpenedRecords,
    match_locators,
    open_parcel,
    pending_context,
)
from medrec_py.storage import digest_of
from medrec_py.types.json_values import JsonObject
from medrec_py.types.ledger import EntryKind, LedgerEntry

OpeningKey: TypeAlias = CompartmentKey | ContentKey | ParticipantKey
AT_ONCE: Final = 64
"""Objects that are held in memory side by side while parcels are opened."""


@dataclass(frozen=True, slots=True)
class Held:
    """Keys of one relationship.

    Attributes:
        provider: Who authors its parcels; the subject itself for its own records.
        number: The relationship's number; 0 for the subject's own records.
        nodes: Nodes of its tree.
        epochs: Highest epoch by class, where it is not 0.
        mailbox: Marks the parcels sealed to the subject itself; None for whoever has no business with those.
        begun: Highest epoch by class of which it is sure that it has begun: no key of a later one may be handed over.
            None: all of `epochs`.
    """

    provider: str
    number: int
    nodes: tuple[Node, ...]
    epochs: Mapping[int, int] = field(default_factory=dict)
    mailbox: MailboxKey | None = None
    begun: Mapping[int, int] | None = None
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
class Located:
    """A parcel that can be opened.

    Attributes:
        anchor: What ledger or batch says of it.
        context: Its compartment; None for a parcel that was sealed to the subject: its compartment stands inside.
        key: Opens it.
        digest: The object to fetch: the anchored one, or what was sealed anew from it.
        has_begun: Whether it is sure that its epoch has begun, so that keys of that epoch are handed over.
    """

    anchor: Anchor
    context: ParcelContext | None
    key: OpeningKey
    digest: bytes
    has_begun: bool = True

    @property
    def is_excerpt(self) -> bool:
        """Whether it is a part of what was anchored, sealed anew by a grantor."""
        return self.digest != self.anchor.digest


@dataclass(frozen=True, slots=True)
class Found:
    """What can be opened, in the ledger's order, and what should be found and is not."""

    parcels: tuple[Located, ...]
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class Opened:
    """A parcel of records, opened.

    Attributes:
        located: Where it was found.
        context: What it was sealed for.
        content_key: The key of the object alone.
        records: Its records; their class is the one that they were sealed under.
    """

    located: Located
    context: ParcelContext
    content_key: ContentKey
    records: tuple[ClinicalRecord, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Holdings:
    """All keys that somebody holds of one subject's records.

    Authors write what they like, stores lose things: one parcel that can't be read never keeps the others from being
    read. It is named as a fault beside them.

    Attributes:
        subject: Whose records.
        relationships: Keys by relationship.
        excerpts: Keys of single parcels.
        subject_key: The subject's own key pair; None for everybody else.
        faults: Keys that should have come and did not.
    """

    subject: str
    relationships: tuple[Held, ...]
    excerpts: tuple[Excerpt, ...] = ()
    subject_key: ParticipantKey | None = None
    faults: tuple[Fault, ...] = ()

    def locate(self, context: Context, window: Window) -> Found:
        """The parcels that these keys open and the window touches."""
        ledger = context.ledger(self.subject)
        # By author and compartment as well: an author may anchor another's object again, which must not hide that.
        found: dict[tuple[bytes, str, KeyPath | None], Located] = {}
        faults = list(self.faults)
        for held in self.relationships:
            anchors = in_ledger(ledger, held.provider)
            batches = batches_of(context, self.subject, held.provider, held.number, faults)
            if not anchors and not batches:
                continue
            cells = held.compartments(window)
            keys: list[CompartmentKey | MailboxKey] = [cell.key for cell in cells]
            if held.mailbox is not None and self.subject_key is not None:
                keys.append(held.mailbox)
            anchors += in_batches(context, self.subject, held.number, batches, keys, faults)
            for at, key_at in match_locators([anchor.locator for anchor in anchors], keys).items():
                anchor = anchors[at]
                if key_at == len(cells):
                    assert self.subject_key is not None
                    located = Located(anchor, None, self.subject_key, anchor.digest)
                else:
                    cell = cells[key_at]
                    place = context.place(self.subject, held.provider)
                    parcel = place.context(cell.class_number, cell.period, cell.epoch)
                    begun = held.epochs if held.begun is None else held.begun
                    has_begun = cell.epoch <= begun.get(cell.class_number, 0)
                    located = Located(anchor, parcel, cell.key, anchor.digest, has_begun)
                path = None if located.context is None else located.context.path
                found.setdefault((anchor.digest, anchor.author, path), located)
        whole = {(digest, author) for digest, author, _ in found}
        excerpts = [
            excerpt
            for excerpt in self.excerpts
            if window.touches(excerpt.class_number, excerpt.period) and (excerpt.source, excerpt.author) not in whole
        ]
        parcels = [*found.values(), *self._locate_excerpts(context, excerpts, faults)]
        return Found(tuple(sorted(parcels, key=lambda located: located.anchor.position)), tuple(dict.fromkeys(faults)))

    def read(self, context: Context, window: Window) -> Records:
        """The records that these keys open and the window covers, and what could not be read."""
        retractions = _retractions(context.ledger(self.subject))
        found = self.locate(context, window)
        opened, faults = self.open(context, found.parcels)
        out: list[ReadRecord] = []
        for parcel in opened:
            anchor = parcel.located.anchor
            retracted = (anchor.author, anchor.digest) in retractions
            replacement = retractions.get((anchor.author, anchor.digest))
            out += [
                ReadRecord(
                    record,
                    anchor.author,
                    anchor.digest,
                    anchor.time,
                    retracted,
                    replacement,
                    parcel.content_key,
                    parcel.located.is_excerpt,
                )
                for record in parcel.records
                if window.covers(record)
            ]
        return Records(out, dict.fromkeys((*found.faults, *faults)))

    def open(self, context: Context, parcels: Sequence[Located]) -> tuple[list[Opened], list[Fault]]:
        """Fetches, verifies and opens parcels of records, in order; blobs among them are left out."""
        opened: list[Opened] = []
        faults: list[Fault] = []
        for start in range(0, len(parcels), AT_ONCE):
            page = parcels[start : start + AT_ONCE]
            for located, data in zip(page, context.fetch([located.digest for located in page]), strict=True):
                try:
                    if not isinstance(data, bytes):
                        raise data
                    parcel = self._open(context, located, data, faults)
                except (IntegrityError, InvalidInput) as error:
                    faults.append(Fault.of("unreadable parcel", located.digest, error))
                    continue
                if parcel is not None:
                    opened.append(parcel)
        return opened, faults

    def _open(self, context: Context, located: Located, data: bytes, faults: list[Fault]) -> Opened | None:
        fetched = FetchedParcel.verify(data, located.digest, digest_of=digest_of)
        parcel = located.context
        if parcel is None:
            assert isinstance(located.key, ParticipantKey)
            parcel = pending_context(fetched, context.place(self.subject, located.anchor.author), located.key)
        content = open_parcel(fetched, parcel, located.key)
        if not isinstance(content, OpenedRecords):
            return None
        records: list[ClinicalRecord] = []
        for document in content.resources:
            try:
                records.append(_record(document, parcel.class_number))
            except InvalidInput as error:
                faults.append(Fault.of("unreadable parcel", located.digest, error))
        return Opened(located, parcel, content.content_key, tuple(records))

    def _locate_excerpts(self, context: Context, excerpts: Sequence[Excerpt], faults: list[Fault]) -> Iterator[Located]:
        """Excerpts, each with the anchored parcel that it says it is from, which must be one of the author's."""
        if not excerpts:
            return
        anchors: dict[tuple[str, bytes], Anchor] = {}
        for author in {excerpt.author for excerpt in excerpts}:
            for relationship in context.index.relationships(subject=self.subject, provider=author):
                for batch in batches_of(context, self.subject, author, relationship.number, faults):
                    for at, entry in enumerate(batch.manifest.entries):
                        anchors[author, entry.digest] = batch.anchor(at)
            anchors |= {(author, anchor.digest): anchor for anchor in in_ledger(context.ledger(self.subject), author)}
        bundle_context = context.bundle_context(self.subject)
        for excerpt in excerpts:
            anchor = anchors.get((excerpt.author, excerpt.source))
            if anchor is None:
                sentence = f"{excerpt.author} never anchored what an excerpt says that it is from."
                faults.append(Fault("unreadable parcel", excerpt.digest.hex(), sentence))
                continue
            yield Located(anchor, excerpt.context(bundle_context), excerpt.content_key, excerpt.digest)


def _record(document: JsonObject, class_number: int) -> ClinicalRecord:
    def sealed_class(resource: object) -> int:
        return class_number

    return record_of(document, classifier=sealed_class)


def _retractions(ledger: Iterable[LedgerEntry]) -> dict[tuple[str, bytes], bytes | None]:
    return {(entry.author, entry.digest): entry.replacement for entry in ledger if entry.kind is EntryKind.RETRACT}
