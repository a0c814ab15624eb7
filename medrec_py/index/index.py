"""The index: follows a source into SQL and answers from there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from types import TracebackType
from typing import Any, Final, Self

from sqlalchemy import ColumnElement, and_, or_, select, tuple_

from medrec_py.errors import InvalidInput, TimesUnknown, Unavailable
from medrec_py.index.database import Database
from medrec_py.index.follower import Follower, SyncProgress, SyncReport, read_cursor
from medrec_py.index.queries import (
    PAGE,
    checked_address,
    keep_times,
    logged_events,
    pages,
    select_entries,
    select_entry_rows,
    select_rows,
    with_effect,
)
from medrec_py.index.rows import entry_of_row, event_of_row
from medrec_py.index.schema import OF_CUSTODY, entries, events
from medrec_py.index.source import EventSource, TimedSource, deployment_of, start_of
from medrec_py.index.standing import (
    IndexedAccreditation,
    IndexedBatch,
    IndexedGrant,
    IndexedParticipant,
    IndexedRelationship,
    Moment,
    TimelineItem,
    fold_accreditation,
    fold_grants,
    fold_participant,
    fold_relationships,
)
from medrec_py.types.events import CUSTODY_EVENTS, Event, LoggedEvent
from medrec_py.types.ledger import EntryKind, LedgerEntry

KEPT_BLOCK_HASHES: Final = 128
"""Blocks below the head whose hashes are kept to find a fork: Ethereum finalises after 64 slots; twice that."""
LEAST_KEPT_BLOCK_HASHES: Final = 64

_STATUS_KINDS: Final = ("GrantRevoked", "GrantRenounced", "GrantSuspended", "GrantResumed", "AgentRevoked")
_ACCREDITATION_KINDS: Final = ("Accredited", "AccreditationWithdrawn")
_REGISTRAR_KINDS: Final = ("Registered", *_ACCREDITATION_KINDS)


class Index:
    """Events of one deployment in SQL, and queries over them. Safe to share between threads.

    Args:
        url: SQLAlchemy URL: `sqlite://` (in memory), `sqlite:///path/index.sqlite`, `postgresql://host/name`.
        source: The chain to follow; `None` to answer from what is there already.
        start_block: First block that can hold an event; where the source's deployment was made when not given.
        kept_hashes: Blocks below the head whose hashes are kept, at least 64.

    Raises:
        IndexAddressInvalid: The URL names no SQLite or PostgreSQL database.
        IndexOfAnotherChain: The database follows another chain or deployment.
        IndexUnavailable: The database can't be opened or reached.
    """

    def __init__(
        self,
        url: str = "sqlite://",
        source: EventSource | None = None,
        *,
        start_block: int | None = None,
        kept_hashes: int = KEPT_BLOCK_HASHES,
    ) -> None:
        if kept_hashes < LEAST_KEPT_BLOCK_HASHES:
            raise InvalidInput(
                f"An index keeps the hashes of at least {LEAST_KEPT_BLOCK_HASHES} blocks, not {kept_hashes}.",
                hint="Fewer would not reach back to the last finalised block.",
            )
        self._source = source
        self._database = Database(url)
        self._syncing = threading.Lock()
        self._follower: Follower | None = None
        if source is not None:
            try:
                start = start_of(source) if start_block is None else start_block
                self._follower = Follower(self._database, source, start, kept_hashes, deployment_of(source))
            except BaseException:
                self.close()
                raise

    # ── following ────────────────────────────────────────────────────────────────────────────────────────────────────

    def sync(self, *, progress: Callable[[SyncProgress], None] | None = None) -> SyncReport:
        """Reads what is new, rolls back what was replaced. Resumes where an interrupted one stopped; idempotent.

        Args:
            progress: Called after each range that was read and kept.

        Raises:
            InvalidInput: The index has no source.
            Unavailable: The source or the database did not answer. What was read is kept.
            SourceInconsistent: The source gave two different events for one position.
            IndexDamaged: The database holds events that it never read.
        """
        if self._follower is None:
            raise InvalidInput("This index was opened without a source.", hint="Open it with one to sync.")
        with self._syncing:
            return self._follower.sync(progress)

    @property
    def head(self) -> int:
        """The last block read; `start_block - 1` before the first `sync`. Queries answer as of this block."""
        with self._database.reading() as connection:
            return read_cursor(connection).block

    # ── relationships and grants ─────────────────────────────────────────────────────────────────────────────────────

    def relationships(
        self, *, subject: str | None = None, provider: str | None = None, open_only: bool = False
    ) -> list[IndexedRelationship]:
        """Relationships of a subject, of a provider or of the pair, closed ones included, in the order of opening."""
        wanted: list[ColumnElement[bool]] = [events.c.kind.in_(("RelationshipOpened", "RelationshipClosed"))]
        if subject is not None:
            wanted.append(events.c.subject == checked_address(subject))
        if provider is not None:
            wanted.append(events.c.actor == checked_address(provider))
        found = fold_relationships(self._items(and_(*wanted)))
        return [relationship for relationship in found if relationship.is_open or not open_only]

    def grants(
        self, *, subject: str | None = None, viewer: str | None = None, grantor: str | None = None
    ) -> list[IndexedGrant]:
        """Grants about a subject, to a viewer and by a grantor (all that are given must hold), in order of granting."""
        wanted: list[ColumnElement[bool]] = [events.c.kind == "Granted"]
        if subject is not None:
            wanted.append(events.c.subject == checked_address(subject))
        if viewer is not None:
            wanted.append(events.c.viewer == checked_address(viewer))
        if grantor is not None:
            wanted.append(events.c.actor == checked_address(grantor))
        return self._grants(and_(*wanted))

    def grant(self, id: bytes) -> IndexedGrant | None:
        """The grant with this id, 32 bytes."""
        found = self._grants(and_(events.c.kind == "Granted", events.c.id == id))
        return found[0] if found else None

    # ── custody ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def custody(
        self, kinds: Collection[type[Event]] = CUSTODY_EVENTS, *, party: str | None = None
    ) -> list[TimelineItem]:
        """Delegations, plans of guardians and emergencies, whoever they are about, in order.

        Guardians and custodians find by it what concerns them: no event names them before they act themselves.

        Args:
            kinds: Which of `CUSTODY_EVENTS`.
            party: Only events that name this address, in whichever part.
        """
        wanted: list[ColumnElement[bool]] = [OF_CUSTODY, events.c.kind.in_([kind.__name__ for kind in kinds])]
        if party is not None:
            address = checked_address(party)
            named = (column == address for column in (events.c.subject, events.c.actor, events.c.viewer))
            wanted.append(or_(*named))
        return self._items(and_(*wanted))

    # ── ledgers ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def ledger(self, subject: str) -> list[LedgerEntry]:
        """Every entry of a subject's ledger, in order; `replay` gives the head to compare with `ledgerHead`."""
        owned = and_(entries.c.owner == checked_address(subject), entries.c.kind != int(EntryKind.BATCH))
        with self._database.reading() as connection:
            return select_entries(connection, owned)

    def entries_with(self, digest: bytes) -> list[tuple[str, LedgerEntry]]:
        """Every entry that anchors or retracts this parcel, or the batch with this root; with the chain's owner."""
        with self._database.reading() as connection:
            found = select_entry_rows(connection, entries.c.digest == digest)
        return [(row["owner"], entry_of_row(row)) for row in found]

    def batches(self, author: str) -> list[IndexedBatch]:
        """Every batch of an author, in order."""
        address = checked_address(author)
        anchored = and_(events.c.actor == address, events.c.kind == "BatchAnchored")
        owned = and_(entries.c.owner == address, entries.c.kind == int(EntryKind.BATCH))
        with self._database.reading() as connection:
            logged = select_rows(connection, anchored)
            folded = {entry.position[:2]: entry for entry in select_entries(connection, owned)}
        found: list[IndexedBatch] = []
        for row in logged:
            entry = folded.get((row["block"], row["log_index"]))
            event: Any = event_of_row(row).event
            if entry is not None:
                found.append(IndexedBatch(event.author, event.time, event.root, event.manifest, event.count, entry))
        return found

    # ── participants ─────────────────────────────────────────────────────────────────────────────────────────────────

    def participant(self, address: str) -> IndexedParticipant | None:
        """The participant's latest key, descriptor and accreditation; `None` when it never registered.

        Raises:
            RegistrationBroken: The registrations don't form a hash chain: some are missing, added or altered.
        """
        wanted = and_(events.c.actor == checked_address(address), events.c.kind.in_(_REGISTRAR_KINDS))
        return fold_participant(self._items(wanted))

    def accreditation(self, address: str, at: int | None = None) -> IndexedAccreditation | None:
        """The accreditation that stood at a Unix time (the latest when `None`), running or not.

        Raises:
            TimesUnknown: `at` is given and the source can't tell when blocks were made.
        """
        wanted = and_(events.c.actor == checked_address(address), events.c.kind.in_(_ACCREDITATION_KINDS))
        items = self._items(wanted)
        if at is not None:
            for item in items:
                if item.moment.time is None:
                    raise TimesUnknown(f"The time of block {item.moment.block_number} is not known.")
            items = [item for item in items if item.moment.time is not None and item.moment.time <= at]
        return fold_accreditation(items)

    def vocabularies(self) -> list[bytes]:
        """Hashes of the published tables of classes and purposes, in order."""
        with self._database.reading() as connection:
            return [bytes(row["digest"]) for row in select_rows(connection, events.c.kind == "VocabularyPublished")]

    # ── history ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def timeline(self, subjects: str | Sequence[str]) -> list[TimelineItem]:
        """Everything on chain about these subjects, in order: relationships, entries, grants and what became of them.

        Grants that they made themselves belong to it even when they are about others' records.

        What somebody says about a grant that is none of theirs has no effect on chain, and no place here.
        """
        asked = [subjects] if isinstance(subjects, str) else subjects
        addresses = sorted({checked_address(subject) for subject in asked})
        found: dict[tuple[int, int], TimelineItem] = {}
        for page in pages(addresses):
            about = or_(events.c.subject.in_(page), and_(events.c.kind == "Granted", events.c.actor.in_(page)))
            granted = select(events.c.id).where(events.c.kind == "Granted", about)
            of_grants = and_(events.c.kind.in_(_STATUS_KINDS), events.c.id.in_(granted))
            own_acts = and_(events.c.kind.in_((*_STATUS_KINDS, *_REGISTRAR_KINDS)), events.c.actor.in_(page))
            items = self._items(or_(about, of_grants, own_acts))
            found |= {item.logged.position: item for item in with_effect(items, set(page))}
        return [found[position] for position in sorted(found)]

    def events(self, *, from_block: int = 0, to_block: int | None = None) -> Iterator[LoggedEvent]:
        """All indexed events in these blocks (both included), in order, as the source gave them.

        Read in pages: memory stays bounded, and a `sync` in between may show in the later ones.
        """
        after = (from_block, -1)
        while True:
            wanted = tuple_(events.c.block, events.c.log_index) > after
            if to_block is not None:
                wanted = and_(wanted, events.c.block <= to_block)
            with self._database.reading() as connection:
                page = logged_events(connection, select_rows(connection, wanted, limit=PAGE), wanted)
            yield from page
            if len(page) < PAGE:
                return
            after = page[-1].position

    # ── lifecycle ────────────────────────────────────────────────────────────────────────────────────────────────────

    def close(self) -> None:
        """Gives back connections and files; an index in memory is gone. May be called twice."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ── internals ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _grants(self, wanted: ColumnElement[bool]) -> list[IndexedGrant]:
        ids = select(events.c.id).where(wanted)
        return fold_grants(self._items(or_(wanted, and_(events.c.kind.in_(_STATUS_KINDS), events.c.id.in_(ids)))))

    def _items(self, wanted: ColumnElement[bool]) -> list[TimelineItem]:
        with self._database.reading() as connection:
            rows = select_rows(connection, wanted)
            logged = logged_events(connection, rows, wanted)
        times = {row["block"]: row["time"] for row in rows}
        unknown = {event.block_number: event.block_hash for event in logged if times[event.block_number] is None}
        times |= self._learned(unknown)
        return [
            TimelineItem(
                event, Moment(event.block_number, event.log_index, event.transaction_hash, times[event.block_number])
            )
            for event in logged
        ]

    def _learned(self, unknown: dict[int, bytes]) -> dict[int, int]:
        """Asks the source when blocks (hash by number) were made, and keeps the answers."""
        if not unknown or not isinstance(self._source, TimedSource):
            return {}
        learned: dict[int, int] = {}
        try:
            for page in pages(sorted(unknown)):
                answers = self._source.block_times([unknown[number] for number in page])
                learned |= {number: time for number, time in zip(page, answers, strict=True) if time is not None}
        except Unavailable:
            pass  # a question about the past can be answered without its times while the node is away
        if learned:
            with self._database.writing() as connection:
                keep_times(connection, [(number, unknown[number], time) for number, time in learned.items()])
        return learned
