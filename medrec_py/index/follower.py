"""Following a chain: in ranges, resumable, idempotent, and back to the fork when blocks are replaced.

A range is kept in one transaction with the cursor, which moves only if nobody else moved it: two processes on one
database can't add a block twice. A range is kept only if the chain that it was read from still ends in the same block
afterwards, and still holds the block of the cursor; the hash of a block commits to all before it, so nothing in between
was replaced while it was read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from medrec_py.errors import IndexDamaged, IndexOfAnotherChain, SourceInconsistent, Unavailable
from medrec_py.index.database import Database, insert_values
from medrec_py.index.rows import entry_values, event_values
from medrec_py.index.schema import SCHEMA_VERSION, blocks, cursor, entries, events
from medrec_py.index.source import EventSource
from medrec_py.types.events import Anchored, BatchAnchored, LoggedEvent, Retracted

_EVENTS_PER_RANGE: Final = 10_000
"""What a range should hold: large enough for SQL, some 20 MB in memory, and what public nodes still answer."""
_FIRST_RANGE: Final = 100
_LONGEST_RANGE: Final = 5_000
"""Blocks. Nodes that allow fewer refuse, and the range is halved; more would let a sudden crowd fill memory."""
_LONG_BACKLOG: Final = 1_000
"""Blocks from which on an empty index is filled before its SQL indexes are made."""
_ATTEMPTS: Final = 10
"""How often blocks may be replaced while they are read before `sync` gives up; each time it starts at the fork."""


@dataclass(frozen=True, slots=True)
class SyncProgress:
    """How far a `sync` has come: blocks `first` to `last` are to be read, `done` is read; `events` were new."""

    first: int
    last: int
    done: int
    events: int


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What one `sync` did.

    Attributes:
        head: The block that the index stands at now.
        events: Events added.
        rolled_back_to: The last block that was kept when blocks had been replaced; `None` when none had.
        rebuilt: Whether the replaced blocks went back further than the kept hashes, so that all was read anew.
    """

    head: int
    events: int
    rolled_back_to: int | None = None
    rebuilt: bool = False


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last block that was read, and its hash (empty before the first)."""

    block: int
    block_hash: bytes


class _Replaced(Exception):
    """Blocks were replaced while they were read: look again."""


class _Overtaken(Exception):
    """Another process moved the cursor on: look again from there."""


class Follower:
    """Keeps one database at the head of one source.

    Args:
        database: Where to.
        source: Where from.
        start_block: First block that can hold an event.
        kept_hashes: Blocks below the head whose hashes are kept.
        deployment: The addresses that are followed, as text; empty when unknown.

    Raises:
        IndexOfAnotherChain: The database follows something else.
    """

    def __init__(
        self, database: Database, source: EventSource, start_block: int, kept_hashes: int, deployment: str
    ) -> None:
        self._database = database
        self._source = source
        self._start = start_block
        self._kept = kept_hashes
        self._range = _FIRST_RANGE
        self._has_lookups = True
        self._introduce(deployment)

    def _introduce(self, deployment: str) -> None:
        row: dict[str, object] = {
            "schema_version": SCHEMA_VERSION,
            "chain_id": self._source.chain_id,
            "deployment": deployment,
            "start_block": self._start,
        }
        standing = self._introduced()
        if standing is None:
            try:
                with self._database.writing() as connection:
                    first = {"id": 1, "block": self._start - 1, "block_hash": b""}
                    connection.execute(insert(cursor).values(**row, **first))
                return
            except IndexDamaged:
                standing = self._introduced()  # another process was faster
        for name, value in row.items():
            found = None if standing is None else standing[name]
            if found != value and "" not in (found, value):
                raise IndexOfAnotherChain(
                    f"{self._database.name} is an index with {name} {found!r}, not {value!r}.", field=name
                )

    def _introduced(self) -> RowMapping | None:
        with self._database.reading() as connection:
            return connection.execute(select(cursor)).mappings().first()

    # ── following ──

    def sync(self, progress: Callable[[SyncProgress], None] | None) -> SyncReport:
        """See `medrec_py.index.Index.sync`."""
        added = 0
        rolled_back_to: int | None = None
        rebuilt = False
        first: int | None = None
        attempts = 0
        while attempts < _ATTEMPTS:
            try:
                standing = self._standing()
                self._prepare(standing)
                fork = self._fork(standing)
                if fork is not None:
                    self._roll_back(standing, fork)
                    lowest = fork.block if rolled_back_to is None else min(rolled_back_to, fork.block)
                    rolled_back_to, rebuilt = lowest, rebuilt or not fork.block_hash
                    standing = fork
                head = self._source.head_number()
                first = standing.block + 1 if first is None else min(first, standing.block + 1)
                while standing.block < head:
                    standing, new = self._read_range(standing, head)
                    added += new
                    if progress is not None:
                        progress(SyncProgress(first, head, standing.block, added))
                if not self._has_lookups:
                    self._database.create_lookups()
                    self._has_lookups = True
                return SyncReport(standing.block, added, rolled_back_to, rebuilt)
            except _Overtaken:
                continue  # whoever overtakes gets on, so this ends
            except _Replaced:
                attempts += 1
        raise Unavailable(
            f"The blocks of chain {self._source.chain_id} were replaced {_ATTEMPTS} times while they were read.",
            hint="What was read before is kept. Wait until the node has settled, then sync again.",
        )

    def _prepare(self, standing: Cursor) -> None:
        """An empty index before a long backlog does better without SQL indexes; an interrupted one may lack them."""
        if standing.block < self._start and self._source.head_number() - self._start > _LONG_BACKLOG:
            self._database.drop_lookups()
        self._has_lookups = self._database.has_lookups()

    def _standing(self) -> Cursor:
        with self._database.reading() as connection:
            return read_cursor(connection)

    def _fork(self, standing: Cursor) -> Cursor | None:
        """The last block that index and source share, when that isn't the cursor's."""
        if not standing.block_hash or self._source.block_hash(standing.block) == standing.block_hash:
            return None
        # A block that both have vouches for all before it, so the last shared one is found by halving.
        shared, replaced = Cursor(self._start - 1, b""), standing.block
        while (between := self._kept_block(shared.block, replaced)) is not None:
            if self._source.block_hash(between.block) == between.block_hash:
                shared = between
            else:
                replaced = between.block
        return shared

    def _kept_block(self, low: int, high: int) -> Cursor | None:
        """A block near the middle of those between two heights, both excluded, whose hash is kept."""
        middle = (low + high) // 2
        query = select(blocks.c.number, blocks.c.hash).limit(1)
        below = query.where(blocks.c.number > low, blocks.c.number <= middle).order_by(blocks.c.number.desc())
        above = query.where(blocks.c.number > middle, blocks.c.number < high).order_by(blocks.c.number)
        with self._database.reading() as connection:
            row = connection.execute(below).first() or connection.execute(above).first()
        return None if row is None else Cursor(row.number, bytes(row.hash))

    def _roll_back(self, standing: Cursor, fork: Cursor) -> None:
        with self._database.writing() as connection:
            self._move(connection, standing, fork)
            connection.execute(delete(entries).where(entries.c.block > fork.block))
            connection.execute(delete(events).where(events.c.block > fork.block))
            connection.execute(delete(blocks).where(blocks.c.number > fork.block))

    def _read_range(self, standing: Cursor, head: int) -> tuple[Cursor, int]:
        """Reads and keeps the next range; the cursor after it, and how many events it held."""
        while True:
            start, end = standing.block + 1, min(standing.block + self._range, head)
            end_hash = self._hash(end)
            if standing.block_hash and self._source.block_hash(standing.block) != standing.block_hash:
                raise _Replaced
            try:
                logged = self._source.logs(start, end)
            except Unavailable:
                # A node that finds the answer too long says so in many ways. One that is gone fails at one block too.
                if start == end:
                    raise
                self._range = max(1, (end - start + 1) // 2)
                continue
            break
        known = self._known_hashes(logged, start, Cursor(end, end_hash), head)
        if self._source.block_hash(end) != end_hash:
            raise _Replaced
        arrived = Cursor(end, end_hash)
        count = self._keep(standing, arrived, _in_order(logged, start, end, known), known)
        self._adapt(end - start + 1, count)
        return arrived, count

    def _hash(self, number: int) -> bytes:
        digest = self._source.block_hash(number)
        if digest is None:
            raise _Replaced
        return digest

    def _known_hashes(self, logged: list[LoggedEvent], start: int, end: Cursor, head: int) -> dict[int, bytes]:
        """Hashes of all blocks of the range that hold events or lie in the window below the head."""
        known = {end.block: end.block_hash}
        for number in range(max(start, head - self._kept + 1), end.block):
            known[number] = self._hash(number)
        for event in logged:
            if known.setdefault(event.block_number, event.block_hash) != event.block_hash:
                raise _Replaced  # the answer is of another fork, or put together from two
        return known

    # ── keeping ──

    def _keep(self, standing: Cursor, arrived: Cursor, logged: list[LoggedEvent], known: dict[int, bytes]) -> int:
        times = {
            event.block_number: event.event.time
            for event in logged
            if isinstance(event.event, Anchored | Retracted | BatchAnchored)
        }
        event_rows = [event_values(event) for event in logged]
        entry_rows = [row for event in logged for row in entry_values(event)]
        block_rows = [(number, digest, times.get(number)) for number, digest in sorted(known.items())]
        with self._database.writing() as connection:
            self._move(connection, standing, arrived)
            insert_values(connection, blocks, block_rows)
            insert_values(connection, events, event_rows)
            insert_values(connection, entries, entry_rows)
            self._prune(connection, standing, arrived)
        return len(event_rows)

    def _move(self, connection: Connection, standing: Cursor, arrived: Cursor) -> None:
        """Moves the cursor if it is where it was; the first statement, so that it takes the lock before all others."""
        moved = connection.execute(
            update(cursor)
            .where(cursor.c.block == standing.block, cursor.c.block_hash == standing.block_hash)
            .values(block=arrived.block, block_hash=arrived.block_hash)
        )
        if moved.rowcount != 1:
            raise _Overtaken

    def _prune(self, connection: Connection, standing: Cursor, arrived: Cursor) -> None:
        """Forgets hashes of blocks without events that have left the window."""
        left, until = standing.block - self._kept, arrived.block - self._kept
        with_events = select(events.c.block).where(events.c.block == blocks.c.number).exists()
        connection.execute(delete(blocks).where(blocks.c.number > left, blocks.c.number <= until, ~with_events))

    def _adapt(self, blocks_read: int, events_read: int) -> None:
        density = max(events_read, 1) / blocks_read
        wished = int(_EVENTS_PER_RANGE / density)
        self._range = max(1, min(wished, 2 * self._range, _LONGEST_RANGE))


def _in_order(logged: list[LoggedEvent], start: int, end: int, known: dict[int, bytes]) -> list[LoggedEvent]:
    """The events of the range in the chain's order, each once.

    Raises:
        SourceInconsistent: Two different events at one position, or one from outside the range.
    """
    placed: dict[tuple[int, int], LoggedEvent] = {}
    for event in logged:
        if not start <= event.block_number <= end:
            raise SourceInconsistent(
                f"Asked for the events of blocks {start} to {end}, the source gave one of block {event.block_number}."
            )
        if placed.setdefault(event.position, event) != event:
            raise SourceInconsistent(
                f"The source gave two different events for log {event.log_index} of block {event.block_number}."
            )
    return [placed[position] for position in sorted(placed)]


def read_cursor(connection: Connection) -> Cursor:
    """Where the index stands; before block 0 when it was never introduced to a source."""
    row = connection.execute(select(cursor.c.block, cursor.c.block_hash)).first()
    return Cursor(-1, b"") if row is None else Cursor(row.block, bytes(row.block_hash))
