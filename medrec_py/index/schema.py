"""The tables, alike in SQLite and PostgreSQL.

Rows are only ever added, and taken away again when their block is replaced: how things stand is always folded from the
events (`medrec_py.index.standing`), so there is no derived state that could disagree with them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from eth_utils.address import to_checksum_address
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    TypeDecorator,
    bindparam,
)

from medrec_py.types.events import CUSTODY_EVENTS

SCHEMA_VERSION: Final = 1
ADDRESS_BYTES: Final = 20


class Blob(LargeBinary):
    """Bytes as the drivers give and take them; SQLAlchemy's own conversion would make five zeros of a stray 5."""

    def bind_processor(self, dialect: Dialect) -> None:
        """None needed."""

    def result_processor(self, dialect: Dialect, coltype: object) -> None:
        """None needed."""


class Address(TypeDecorator[str]):
    """An address: EIP-55 text in Python, 20 bytes in SQL, where it stands in four rows of five and in most indexes."""

    impl = Blob
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        """The bytes of an address."""
        return None if value is None else address_bytes(value)

    def process_result_value(self, value: object, dialect: Dialect) -> str | None:
        """The text of an address; `None` for what is none, so that the reader of the row can name the row."""
        return _checksummed(value) if isinstance(value, bytes) and len(value) == ADDRESS_BYTES else None


def address_bytes(text: str) -> bytes:
    """The 20 bytes of an address."""
    return bytes.fromhex(text[2:])


@lru_cache(maxsize=65_536)
def _checksummed(address: bytes) -> str:
    return str(to_checksum_address(address))


metadata: Final = MetaData()

cursor: Final = Table(
    "cursor",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False, comment="always 1"),
    Column("schema_version", Integer, nullable=False),
    Column("chain_id", BigInteger, nullable=False),
    Column("deployment", Text, nullable=False, comment="addresses that are followed; empty when the source names none"),
    Column("start_block", BigInteger, nullable=False),
    Column("block", BigInteger, nullable=False, comment="last block read; start_block - 1 at first"),
    Column("block_hash", Blob, nullable=False, comment="its hash; empty at first"),
)

blocks: Final = Table(
    "blocks",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", Blob, nullable=False),
    Column("time", BigInteger, comment="Unix time, as far as it is known"),
    comment="every block that holds an event, and the last ones before the cursor, by which a fork is found",
)

events: Final = Table(
    "events",
    metadata,
    Column("block", BigInteger, primary_key=True, autoincrement=False),
    Column("log_index", Integer, primary_key=True, autoincrement=False),
    Column("transaction_hash", Blob, nullable=False),
    Column("contract", Address, nullable=False),
    Column("kind", Text, nullable=False, comment="name of the Solidity event"),
    Column("subject", Address),
    Column(
        "actor", Address, comment="participant, provider, author, grantor, gateway: who acted, as the event names it"
    ),
    Column("viewer", Address),
    Column("id", Blob, comment="of a grant"),
    Column("digest", Blob, comment="bundle, parcel, root, head or vocabulary"),
    Column("data", Text, comment="a JSON object with the event's other fields; bytes as hex"),
    sqlite_with_rowid=False,
)

entries: Final = Table(
    "entries",
    metadata,
    Column("block", BigInteger, primary_key=True, autoincrement=False),
    Column("log_index", Integer, primary_key=True, autoincrement=False),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column(
        "owner", Address, nullable=False, comment="whose hash chain it extends: a subject, or the author of a batch"
    ),
    Column("kind", SmallInteger, nullable=False, comment="0 anchor, 1 retract, 2 batch, as hashed"),
    Column("author", Address, nullable=False),
    Column("time", BigInteger, nullable=False),
    Column("digest", Blob, nullable=False),
    Column("detail", Blob, nullable=False, comment="32 bytes, as hashed"),
    sqlite_with_rowid=False,
)

_PLACE: Final = (events.c.block, events.c.log_index)


def _lookup(name: str, *columns: ColumnElement[Any], where: ColumnElement[bool] | None = None) -> Index:
    return Index(name, *columns, sqlite_where=where, postgresql_where=where)


OF_CUSTODY: Final = events.c.kind.in_(
    bindparam("custody", [kind.__name__ for kind in CUSTODY_EVENTS], expanding=True, literal_execute=True)
)
"""Whether an event is about who may act for another. Written out in each query, so that SQLite knows its SQL index."""

LOOKUPS: Final = (
    _lookup("events_by_subject", events.c.subject, *_PLACE, where=events.c.subject.is_not(None)),
    # A hospital acts a million times; whether it is accredited is asked often and must not read all that.
    _lookup("events_by_actor", events.c.actor, events.c.kind, *_PLACE, where=events.c.actor.is_not(None)),
    _lookup("events_by_viewer", events.c.viewer, *_PLACE, where=events.c.viewer.is_not(None)),
    _lookup("events_by_id", events.c.id, *_PLACE, where=events.c.id.is_not(None)),
    _lookup("events_of_vocabularies", *_PLACE, where=events.c.kind == "VocabularyPublished"),
    _lookup("events_of_custody", *_PLACE, where=OF_CUSTODY),
    _lookup("entries_by_owner", entries.c.owner, entries.c.block, entries.c.log_index, entries.c.place),
    _lookup("entries_by_digest", entries.c.digest),
)
"""SQL indexes that questions need and following the chain does not; without them answers are slow, and the same."""
