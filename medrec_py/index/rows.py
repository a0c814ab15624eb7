"""Events to rows and back. What is asked for by value has a column; the rest of an event is one JSON object."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, Final, TypeAlias

from sqlalchemy import RowMapping

from medrec_py.errors import IndexDamaged, InvalidInput, SourceInconsistent
from medrec_py.types.event_json import EVENT_TYPES
from medrec_py.types.events import (
    AccreditationWithdrawn,
    Accredited,
    AgentRevoked,
    Anchored,
    BatchAnchored,
    Event,
    Granted,
    GrantRenounced,
    GrantResumed,
    GrantRevoked,
    GrantSuspended,
    LoggedEvent,
    ReceiptsCommitted,
    Registered,
    RelationshipClosed,
    RelationshipOpened,
    Retracted,
    VocabularyPublished,
)
from medrec_py.types.ledger import LOCATOR_BYTES, EntryKind, LedgerEntry, entries_of

Row: TypeAlias = dict[str, Any]

_COLUMNS: Final[dict[type[Event], dict[str, str]]] = {
    Registered: {"actor": "participant"},
    Accredited: {"actor": "participant"},
    AccreditationWithdrawn: {"actor": "participant"},
    VocabularyPublished: {"digest": "vocabulary"},
    RelationshipOpened: {"subject": "subject", "actor": "provider", "digest": "bundle"},
    RelationshipClosed: {"subject": "subject", "actor": "provider"},
    Anchored: {"subject": "subject", "actor": "author"},
    Retracted: {"subject": "subject", "actor": "author", "digest": "digest"},
    BatchAnchored: {"actor": "author", "digest": "root"},
    Granted: {"subject": "subject", "actor": "grantor", "viewer": "viewer", "id": "id", "digest": "bundle"},
    GrantRevoked: {"actor": "actor", "id": "id"},
    GrantRenounced: {"actor": "grantor", "id": "id"},
    GrantSuspended: {"actor": "grantor", "id": "id"},
    GrantResumed: {"actor": "grantor", "id": "id"},
    AgentRevoked: {"actor": "actor", "id": "id"},
    ReceiptsCommitted: {"actor": "gateway", "digest": "head"},
}
"""Field of the event by column."""

_IN_ENTRIES: Final[dict[type[Event], tuple[str, ...]]] = {Anchored: ("digests", "locators")}
"""Fields that stand in the table of entries and nowhere else."""


@dataclass(frozen=True, slots=True)
class _Layout:
    event: type[Event]
    columns: tuple[tuple[str, str], ...]
    hexed: tuple[str, ...]
    plain: tuple[str, ...]


def _layout(kind: type[Event]) -> _Layout:
    columns = _COLUMNS[kind]
    elsewhere = {*columns.values(), *_IN_ENTRIES.get(kind, ())}
    rest = [field for field in fields(kind) if field.name not in elsewhere]
    hexed = tuple(field.name for field in rest if field.type == "bytes")
    plain = tuple(field.name for field in rest if field.type in ("int", "str"))
    assert len(hexed) + len(plain) == len(rest)
    return _Layout(kind, tuple(columns.items()), hexed, plain)


_LAYOUTS: Final = {kind: _layout(kind) for kind in EVENT_TYPES.values()}
_EMPTY: Final[Row] = dict.fromkeys(("subject", "actor", "viewer", "id", "digest", "data"))
_OWNERS: Final[dict[type[Event], str]] = {Anchored: "subject", Retracted: "subject", BatchAnchored: "author"}
_LARGEST: Final = 2**63 - 1
"""Largest integer of an SQL BIGINT."""


def event_row(logged: LoggedEvent) -> Row:
    """The row of table `events`."""
    event = logged.event
    layout = _LAYOUTS[type(event)]
    row: Row = {
        "block": logged.block_number,
        "log_index": logged.log_index,
        "transaction_hash": logged.transaction_hash,
        "contract": logged.contract,
        "kind": layout.event.__name__,
        **_EMPTY,
    }
    for column, field in layout.columns:
        row[column] = getattr(event, field)
    data: Row = {name: getattr(event, name).hex() for name in layout.hexed}
    for name in layout.plain:
        data[name] = getattr(event, name)
    row["data"] = data or None
    return row


def entry_rows(logged: LoggedEvent) -> list[Row]:
    """The rows of table `entries`: one for each entry that the event adds to a hash chain."""
    owner = _OWNERS.get(type(logged.event))
    if owner is None:
        return []
    owner_address = getattr(logged.event, owner)
    rows: list[Row] = []
    for entry in entries_of(logged):
        if entry.time > _LARGEST:
            raise SourceInconsistent(f"An event of block {logged.block_number} has the time {entry.time}.")
        block, log_index, place = entry.position
        rows.append(
            {
                "block": block,
                "log_index": log_index,
                "place": place,
                "owner": owner_address,
                "kind": int(entry.kind),
                "author": entry.author,
                "time": entry.time,
                "digest": entry.digest,
                "detail": entry.detail,
                "transaction_hash": entry.transaction_hash,
            }
        )
    return rows


def entry_of_row(row: RowMapping) -> LedgerEntry:
    """The entry of a row of table `entries`.

    Raises:
        IndexDamaged: The row was never written by an index.
    """
    try:
        return LedgerEntry(
            EntryKind(row["kind"]),
            row["author"],
            row["time"],
            bytes(row["digest"]),
            bytes(row["detail"]),
            (row["block"], row["log_index"], row["place"]),
            bytes(row["transaction_hash"]),
        )
    except (ValueError, TypeError, InvalidInput) as error:
        raise IndexDamaged(f"Entry {row['block']}/{row['log_index']}/{row['place']} can't be read.") from error


def event_of_row(row: RowMapping, anchored: Iterable[LedgerEntry] = ()) -> LoggedEvent:
    """The event of a row of table `events`, joined with the `hash` of its block.

    Args:
        row: The row.
        anchored: For `Anchored`, its entries in order.

    Raises:
        IndexDamaged: The row was never written by an index.
    """
    try:
        kind = EVENT_TYPES[row["kind"]]
        layout = _LAYOUTS[kind]
        values: dict[str, Any] = {}
        for column, field in layout.columns:
            value = row[column]
            if value is None:
                raise ValueError(column)
            values[field] = bytes(value) if column in ("id", "digest") else value
        data = row["data"] or {}
        for name in layout.hexed:
            values[name] = bytes.fromhex(data[name])
        for name in layout.plain:
            values[name] = data[name]
        if kind is Anchored:
            entries = list(anchored)
            values["digests"] = tuple(entry.digest for entry in entries)
            values["locators"] = tuple(entry.detail[:LOCATOR_BYTES] for entry in entries)
        block_hash, transaction_hash = bytes(row["hash"]), bytes(row["transaction_hash"])
        event = kind(**values)
    except (KeyError, ValueError, TypeError) as error:
        raise IndexDamaged(f"Event {row['block']}/{row['log_index']} can't be read.") from error
    return LoggedEvent(row["block"], block_hash, row["log_index"], transaction_hash, row["contract"], event)
