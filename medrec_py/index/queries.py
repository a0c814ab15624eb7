"""The few shapes of query that an index is asked with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from typing import Final, TypeVar

from eth_utils.address import is_address, to_checksum_address
from sqlalchemy import ColumnElement, Connection, RowMapping, and_, bindparam, select, tuple_, update

from medrec_py.errors import InvalidInput
from medrec_py.index.rows import entry_of_row, event_of_row
from medrec_py.index.schema import blocks, entries, events
from medrec_py.index.standing import TimelineItem
from medrec_py.types.events import (
    AgentRevoked,
    Granted,
    GrantRenounced,
    GrantResumed,
    GrantRevoked,
    GrantSuspended,
    LoggedEvent,
)
from medrec_py.types.ledger import LedgerEntry

PAGE: Final = 2_000
"""Rows of a page, or values of one query: within what SQLite (32,766 variables) and PostgreSQL (65,535) take."""

_T = TypeVar("_T")


def select_rows(connection: Connection, wanted: ColumnElement[bool], limit: int | None = None) -> list[RowMapping]:
    """Rows of `events` with hash and time of their block, in the chain's order."""
    query = (
        select(events, blocks.c.hash, blocks.c.time)
        .select_from(events.outerjoin(blocks, events.c.block == blocks.c.number))
        .where(wanted)
        .order_by(events.c.block, events.c.log_index)
        .limit(limit)
    )
    return list(connection.execute(query).mappings())


def logged_events(connection: Connection, rows: Sequence[RowMapping], wanted: ColumnElement[bool]) -> list[LoggedEvent]:
    """The events of the rows that `wanted` selected; `Anchored` gets digests and locators from its entries."""
    anchored: dict[tuple[int, int], list[LedgerEntry]] = defaultdict(list)
    if any(row["kind"] == "Anchored" for row in rows):
        last = (rows[-1]["block"], rows[-1]["log_index"])
        until_last = tuple_(events.c.block, events.c.log_index) <= last
        for entry in select_entries(connection, and_(wanted, events.c.kind == "Anchored", until_last)):
            anchored[entry.position[:2]].append(entry)
    return [event_of_row(row, anchored.get((row["block"], row["log_index"]), ())) for row in rows]


def select_entries(connection: Connection, wanted: ColumnElement[bool]) -> list[LedgerEntry]:
    """Entries of the hash chains, in the order in which they were folded."""
    return [entry_of_row(row) for row in select_entry_rows(connection, wanted)]


def select_entry_rows(connection: Connection, wanted: ColumnElement[bool]) -> list[RowMapping]:
    """Rows of `entries`, in the order in which they were folded, with the transaction of their event."""
    same = and_(entries.c.block == events.c.block, entries.c.log_index == events.c.log_index)
    query = (
        select(entries, events.c.transaction_hash)
        .select_from(entries.outerjoin(events, same))
        .where(wanted)
        .order_by(entries.c.block, entries.c.log_index, entries.c.place)
    )
    return list(connection.execute(query).mappings())


def keep_times(connection: Connection, times: Sequence[tuple[int, bytes, int]]) -> None:
    """Keeps when blocks (number, hash) were made, unless they were replaced in the meantime."""
    same = and_(blocks.c.number == bindparam("of_number"), blocks.c.hash == bindparam("of_hash"))
    rows = [{"of_number": number, "of_hash": digest, "of_time": time} for number, digest, time in times]
    connection.execute(update(blocks).where(same).values(time=bindparam("of_time")), rows)


def with_effect(items: Sequence[TimelineItem], subjects: Collection[str]) -> Iterator[TimelineItem]:
    """Leaves out what people say about grants that are none of theirs: it has no effect on chain."""
    parties: dict[bytes, set[str]] = defaultdict(set)
    for item in items:
        event = item.logged.event
        if isinstance(event, Granted):
            parties[event.id] |= {event.subject, event.grantor, event.viewer}
    for item in items:
        match item.logged.event:
            case GrantRevoked(actor, id) | AgentRevoked(actor, id):
                heard = actor in subjects or actor in parties[id]
            case GrantRenounced(grantor, id) | GrantSuspended(grantor, id) | GrantResumed(grantor, id):
                heard = grantor in subjects or grantor in parties[id]
            case _:
                heard = True
        if heard:
            yield item


def pages(values: Sequence[_T]) -> Iterator[Sequence[_T]]:
    """The values in runs of at most `PAGE`."""
    for start in range(0, len(values), PAGE):
        yield values[start : start + PAGE]


@lru_cache(maxsize=4096)
def checked_address(text: str) -> str:
    """The EIP-55 form of an address.

    Raises:
        InvalidInput: It is none.
    """
    if not is_address(text):
        raise InvalidInput(f"{text!r} is no address.", hint="An address is 0x and 40 hexadecimal digits.", address=text)
    return str(to_checksum_address(text))
