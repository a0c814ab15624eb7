"""Events to rows and back. What is asked for by value has a column; the rest of an event is one JSON object."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, Final, TypeAlias

from sqlalchemy import RowMapping

from medrec_py.errors import IndexDamaged, InvalidInput, SourceInconsistent
from medrec_py.index.schema import address_bytes
from medrec_py.types.event_json import EVENT_TYPES
from medrec_py.types.events import (
    AccreditationWithdrawn,
    Accredited,
    AgentRevoked,
    Anchored,
    BatchAnchored,
    DelegateDismissed,
    DelegateNamed,
    EmergencyDeclared,
    EmergencyPrepared,
    Event,
    Granted,
    GrantRenounced,
    GrantResumed,
    GrantRevoked,
    GrantSuspended,
    KeyReleased,
    LifeSignGiven,
    LoggedEvent,
    PlanSet,
    ReceiptsCommitted,
    RecoveryAnnounced,
    Registered,
    RelationshipClosed,
    RelationshipOpened,
    Retracted,
    ShareReleased,
    VocabularyPublished,
)
from medrec_py.types.ledger import LOCATOR_BYTES, EntryKind, LedgerEntry, entries_of

Values: TypeAlias = tuple[Any, ...]

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
    DelegateNamed: {"subject": "subject", "viewer": "delegate"},
    DelegateDismissed: {"subject": "subject", "viewer": "delegate", "actor": "by"},
    PlanSet: {"subject": "owner", "digest": "shares"},
    LifeSignGiven: {"subject": "owner"},
    RecoveryAnnounced: {"subject": "owner", "viewer": "heir", "actor": "guardian"},
    ShareReleased: {"subject": "owner", "viewer": "heir", "actor": "guardian", "digest": "share"},
    EmergencyPrepared: {"subject": "subject", "id": "grant", "digest": "custody"},
    EmergencyDeclared: {"subject": "subject", "actor": "provider", "id": "id", "digest": "reason"},
    KeyReleased: {"subject": "subject", "viewer": "provider", "actor": "custodian", "id": "id", "digest": "share"},
}
"""Field of the event by column."""

_IN_ENTRIES: Final[dict[type[Event], tuple[str, ...]]] = {Anchored: ("digests", "locators")}
"""Fields that stand in the table of entries and nowhere else."""


@dataclass(frozen=True, slots=True)
class _Layout:
    """How one event lies in its row.

    Attributes:
        event: Its class.
        fields: For each looked-up column (`subject` to `digest`) the field, `None` if it stays empty, and whether it is
            an address.
        hexed: Fields of bytes in the JSON object.
        plain: Other fields in the JSON object, and whether each is an integer or text.
    """

    event: type[Event]
    fields: tuple[tuple[str | None, bool], ...]
    hexed: tuple[str, ...]
    plain: tuple[tuple[str, type], ...]


_ADDRESSES: Final = ("subject", "actor", "viewer")
_LOOKED_UP: Final = (*_ADDRESSES, "id", "digest")


_FORMS: Final[dict[str, type]] = {"int": int, "str": str}


def _layout(kind: type[Event]) -> _Layout:
    columns = _COLUMNS[kind]
    elsewhere = {*columns.values(), *_IN_ENTRIES.get(kind, ())}
    rest = [field for field in fields(kind) if field.name not in elsewhere]
    hexed = tuple(field.name for field in rest if field.type == "bytes")
    plain = tuple((field.name, _FORMS[str(field.type)]) for field in rest if field.type in _FORMS)
    assert len(hexed) + len(plain) == len(rest)
    looked_up = tuple((columns.get(name), name in _ADDRESSES) for name in _LOOKED_UP)
    return _Layout(kind, looked_up, hexed, plain)


_LAYOUTS: Final = {kind: _layout(kind) for kind in EVENT_TYPES.values()}
_OWNERS: Final[dict[type[Event], str]] = {Anchored: "subject", Retracted: "subject", BatchAnchored: "author"}
_LARGEST: Final = 2**63 - 1
"""Largest integer of an SQL BIGINT."""


def event_values(logged: LoggedEvent) -> Values:
    """The row of table `events`: a value for each of its columns, in their order."""
    event = logged.event
    layout = _LAYOUTS[type(event)]
    data: dict[str, Any] = {name: getattr(event, name).hex() for name in layout.hexed}
    for name, _ in layout.plain:
        data[name] = getattr(event, name)
    return (
        logged.block_number,
        logged.log_index,
        logged.transaction_hash,
        address_bytes(logged.contract),
        layout.event.__name__,
        *[_value(event, name, is_address) for name, is_address in layout.fields],
        json.dumps(data) if data else None,
    )


def _value(event: Event, name: str | None, is_address: bool) -> bytes | None:
    if name is None:
        return None
    value = getattr(event, name)
    return address_bytes(value) if is_address else value


def entry_values(logged: LoggedEvent) -> list[Values]:
    """The rows of table `entries`: one for each entry that the event adds to a hash chain.

    Raises:
        SourceInconsistent: An entry has a time that no block can have.
    """
    owner = _OWNERS.get(type(logged.event))
    if owner is None:
        return []
    owner_bytes = address_bytes(getattr(logged.event, owner))
    made = entries_of(logged)
    if any(entry.time > _LARGEST for entry in made):
        raise SourceInconsistent(f"An event of block {logged.block_number} has the time {made[0].time}.")
    return [
        (
            *entry.position,
            owner_bytes,
            int(entry.kind),
            address_bytes(entry.author),
            entry.time,
            entry.digest,
            entry.detail,
        )
        for entry in made
    ]


def entry_of_row(row: RowMapping) -> LedgerEntry:
    """The entry of a row of table `entries`, joined with the `transaction_hash` of its event.

    Raises:
        IndexDamaged: The row was never written by an index.
    """
    try:
        return LedgerEntry(
            EntryKind(row["kind"]),
            _given(row["author"]),
            row["time"],
            _blob(row["digest"]),
            _blob(row["detail"]),
            (row["block"], row["log_index"], row["place"]),
            _blob(row["transaction_hash"] or b""),
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
        for column, (field, is_address) in zip(_LOOKED_UP, layout.fields, strict=True):
            if field is not None:
                values[field] = _given(row[column]) if is_address else _blob(row[column])
        data = json.loads(row["data"] or "{}")
        for name in layout.hexed:
            values[name] = bytes.fromhex(data[name])
        for name, form in layout.plain:
            values[name] = _of_form(data[name], form)
        if kind is Anchored:
            entries = list(anchored)
            values["digests"] = tuple(entry.digest for entry in entries)
            values["locators"] = tuple(entry.detail[:LOCATOR_BYTES] for entry in entries)
        block_hash, transaction_hash = _blob(row["hash"]), _blob(row["transaction_hash"])
        event, contract = kind(**values), _given(row["contract"])
    except (KeyError, ValueError, TypeError, RecursionError) as error:
        raise IndexDamaged(f"Event {row['block']}/{row['log_index']} can't be read.") from error
    return LoggedEvent(row["block"], block_hash, row["log_index"], transaction_hash, contract, event)


def _given(address: str | None) -> str:
    if address is None:
        raise ValueError("no address")
    return address


def _of_form(value: object, form: type) -> object:
    if type(value) is not form:
        raise TypeError(f"not {form.__name__}: {type(value).__name__}")
    return value


def _blob(value: object) -> bytes:
    if not isinstance(value, bytes):
        raise TypeError(f"not bytes: {type(value).__name__}")
    return value
