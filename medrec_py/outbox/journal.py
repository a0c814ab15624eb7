"""The journal: what was accepted and how far it has come, in one SQLite file whose every commit is on the disk.

It holds digests, locators, calls and signed transactions, which the chain publishes anyway: no plaintext, no key.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from medrec_py.chain import Call, SignedTransaction, TransactionReceipt
from medrec_py.errors import InvalidInput, JournalDamaged, JournalUnavailable
from medrec_py.outbox.publication import (
    Publication,
    PublicationReceipt,
    PublicationState,
    PublicationStatus,
)
from medrec_py.outbox.spool import Extent
from medrec_py.types.event_json import event_from_json, event_to_json
from medrec_py.types.events import Event

_VERSION: Final = 2
_WAIT_SECONDS: Final = 30.0

_SCHEMA: Final = """
CREATE TABLE publications (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    key TEXT,
    chain_id INTEGER NOT NULL,
    sender TEXT NOT NULL,
    state TEXT NOT NULL,
    accepted_at REAL NOT NULL,
    expects TEXT NOT NULL,
    since_block INTEGER,
    reason TEXT NOT NULL DEFAULT '',
    transaction_hash BLOB,
    block_number INTEGER,
    block_hash BLOB,
    gas_used INTEGER,
    calldata_bytes INTEGER,
    relayed INTEGER NOT NULL DEFAULT 0,
    UNIQUE (chain_id, key)
);
CREATE TABLE parcels (
    publication TEXT NOT NULL REFERENCES publications (id) ON DELETE CASCADE,
    place INTEGER NOT NULL,
    digest BLOB NOT NULL,
    locator BLOB NOT NULL,
    start INTEGER NOT NULL,
    size INTEGER NOT NULL,
    PRIMARY KEY (publication, place)
) WITHOUT ROWID;
CREATE TABLE calls (
    publication TEXT NOT NULL REFERENCES publications (id) ON DELETE CASCADE,
    place INTEGER NOT NULL,
    recipient TEXT NOT NULL,
    data BLOB NOT NULL,
    value TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (publication, place)
) WITHOUT ROWID;
CREATE TABLE transactions (
    publication TEXT NOT NULL REFERENCES publications (id) ON DELETE CASCADE,
    place INTEGER NOT NULL,
    nonce INTEGER NOT NULL,
    hash BLOB NOT NULL,
    raw BLOB NOT NULL,
    PRIMARY KEY (publication, place)
) WITHOUT ROWID;
"""

_SINCE_1: Final = "ALTER TABLE publications ADD COLUMN relayed INTEGER NOT NULL DEFAULT 0"
"""Makes a journal of version 1 one of version 2: what it holds was all to be sent by its own signer."""

PENDING_STATES: Final = (
    PublicationState.ACCEPTED,
    PublicationState.STORED,
    PublicationState.SIGNED,
    PublicationState.ANCHORED,
)


@dataclass(frozen=True, slots=True)
class StoredParcel:
    """A parcel of a publication: its digest and locator, and where its bytes lie in the spool until they are stored."""

    digest: bytes
    locator: bytes
    extent: Extent


@dataclass(frozen=True, slots=True)
class Entry:
    """Everything that the journal holds of one publication.

    Attributes:
        status: What `Outbox.pending` shows.
        parcels: Its parcels.
        calls: What the transaction calls.
        expects: Events by which it is recognised.
        transactions: Every transaction ever signed for it, oldest first.
        since_block: The chain's head before anybody saw what was signed: nothing of it is in an earlier block.
        receipt: The proof that it stands on chain, once it does.
    """

    status: PublicationStatus
    parcels: tuple[StoredParcel, ...]
    calls: tuple[Call, ...]
    expects: tuple[Event, ...]
    transactions: tuple[SignedTransaction, ...]
    since_block: int | None
    receipt: PublicationReceipt | None


class Journal:
    """The journal in a file. Threads and processes may share it.

    Raises:
        JournalUnavailable: The file can't be opened.
        JournalDamaged: It is no journal, or of another version.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        with self._translated():
            self._connection = sqlite3.connect(
                path, timeout=_WAIT_SECONDS, isolation_level=None, check_same_thread=False
            )
            self._connection.row_factory = sqlite3.Row
            self._connection.execute("PRAGMA journal_mode=WAL")
            # A commit returns when it is on the disk: what was acknowledged survives a power failure too.
            self._connection.execute("PRAGMA synchronous=FULL")
            self._connection.execute("PRAGMA foreign_keys=ON")
        with self._writing() as connection:
            [version] = connection.execute("PRAGMA user_version").fetchone()
            if version == 0:
                for statement in _SCHEMA.split(";\n"):
                    connection.execute(statement)
            elif version == 1:
                connection.execute(_SINCE_1)
            if version in (0, 1):
                connection.execute(f"PRAGMA user_version={_VERSION}")
        if version not in (0, 1, _VERSION):
            raise JournalDamaged(f"{path} is a journal of version {version}, not {_VERSION}.", version=version)

    def close(self) -> None:
        """Closes the file. May be called twice."""
        with self._lock:
            self._connection.close()

    # ── writing ──

    def accept(
        self,
        id: str,
        publication: Publication,
        extents: Sequence[Extent],
        *,
        chain_id: int,
        sender: str,
        accepted_at: float,
        since_block: int | None = None,
    ) -> bool:
        """Records a publication whose bytes are in the spool; false when its key is taken.

        `since_block` is the chain's head for a signed act, which may be brought by anybody who sees it from here on.
        """
        expects = json.dumps([event_to_json(event) for event in publication.expects])
        row = (id, publication.key, chain_id, sender, PublicationState.ACCEPTED, accepted_at, expects, since_block)
        try:
            with self._writing() as connection:
                connection.execute(
                    "INSERT INTO publications "
                    "(id, key, chain_id, sender, state, accepted_at, expects, since_block, relayed) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (*row, publication.relayed),
                )
                connection.executemany(
                    "INSERT INTO parcels VALUES (?, ?, ?, ?, ?, ?)",
                    [
                        (id, place, parcel.digest, parcel.locator, extent.offset, extent.size)
                        for place, (parcel, extent) in enumerate(zip(publication.parcels, extents, strict=True))
                    ],
                )
                _insert_calls(connection, id, publication.calls)
        except sqlite3.IntegrityError:
            return False
        return True

    def stored(self, id: str) -> None:
        """Records that every parcel is stored and pinned."""
        self._set(id, PublicationState.STORED)

    def signed(self, id: str, transaction: SignedTransaction, since_block: int) -> None:
        """Records a signed transaction, before anybody else sees it."""
        with self._writing() as connection:
            [place] = connection.execute("SELECT count(*) FROM transactions WHERE publication = ?", (id,)).fetchone()
            connection.execute(
                "INSERT INTO transactions VALUES (?, ?, ?, ?, ?)",
                (id, place, transaction.nonce, transaction.hash, transaction.raw),
            )
            connection.execute(
                "UPDATE publications SET state = ?, transaction_hash = ?, since_block = coalesce(since_block, ?) "
                "WHERE id = ?",
                (PublicationState.SIGNED, transaction.hash, since_block, id),
            )

    def handed_over(self, id: str) -> None:
        """Records that a signed act is about to be seen by a relayer."""
        self._set(id, PublicationState.SIGNED)

    def renewed(self, id: str, calls: Sequence[Call]) -> None:
        """Replaces a signed act that can never count any more by one that can."""
        with self._writing() as connection:
            connection.execute("DELETE FROM calls WHERE publication = ?", (id,))
            _insert_calls(connection, id, calls)

    def anchored(self, id: str, state: PublicationState, receipt: TransactionReceipt) -> None:
        """Records where the transaction was mined, as anchored or confirmed."""
        with self._writing() as connection:
            connection.execute(
                "UPDATE publications SET state = ?, reason = '', transaction_hash = ?, block_number = ?, "
                "block_hash = ?, gas_used = ?, calldata_bytes = ? WHERE id = ?",
                (
                    state,
                    receipt.hash,
                    receipt.block_number,
                    receipt.block_hash,
                    receipt.gas_used,
                    receipt.calldata_bytes,
                    id,
                ),
            )

    def failed(self, id: str, reason: str) -> None:
        """Records why the chain refuses it."""
        with self._writing() as connection:
            connection.execute(
                "UPDATE publications SET state = ?, reason = ? WHERE id = ?", (PublicationState.FAILED, reason, id)
            )

    def reopened(self, id: str, calls: Sequence[Call] | None) -> None:
        """Takes a failed publication up again, with other calls when given."""
        with self._writing() as connection:
            connection.execute(
                "UPDATE publications SET state = ?, reason = '', transaction_hash = NULL WHERE id = ?",
                (PublicationState.STORED, id),
            )
            # What was signed before can never be mined again: its nonce is used up.
            connection.execute("DELETE FROM transactions WHERE publication = ?", (id,))
            if calls is not None:
                connection.execute("DELETE FROM calls WHERE publication = ?", (id,))
                _insert_calls(connection, id, calls)

    def forget(self, id: str) -> None:
        """Drops a publication."""
        with self._writing() as connection:
            connection.execute("DELETE FROM publications WHERE id = ?", (id,))

    # ── reading ──

    def entry(self, id: str) -> Entry | None:
        """Everything about one publication.

        Raises:
            JournalDamaged: What is there was not written by a journal.
        """
        with self._reading() as connection:
            row = connection.execute("SELECT * FROM publications WHERE id = ?", (id,)).fetchone()
            if row is None:
                return None
            parts = {
                table: connection.execute(
                    f"SELECT * FROM {table} WHERE publication = ? ORDER BY place",  # noqa: S608 (names of this module)
                    (id,),
                ).fetchall()
                for table in ("parcels", "calls", "transactions")
            }
        try:
            return _entry(row, parts["parcels"], parts["calls"], parts["transactions"])
        except (InvalidInput, TypeError, ValueError, RecursionError) as error:
            raise JournalDamaged(f"Publication {id} can't be read from {self._path}.", publication=id) from error

    def find(self, chain_id: int, key: str) -> str | None:
        """The id of the publication with this key."""
        with self._reading() as connection:
            row = connection.execute(
                "SELECT id FROM publications WHERE chain_id = ? AND key = ?", (chain_id, key)
            ).fetchone()
        return None if row is None else str(row["id"])

    def ids(self, chain_id: int, states: Sequence[PublicationState]) -> list[str]:
        """The publications in one of these states, in the order of acceptance."""
        marks = ", ".join("?" * len(states))
        with self._reading() as connection:
            rows = connection.execute(
                f"SELECT id FROM publications WHERE chain_id = ? AND state IN ({marks}) ORDER BY number",  # noqa: S608
                (chain_id, *states),
            ).fetchall()
        return [str(row["id"]) for row in rows]

    # ── internals ──

    def _set(self, id: str, state: PublicationState) -> None:
        with self._writing() as connection:
            connection.execute("UPDATE publications SET state = ? WHERE id = ?", (state, id))

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._transaction("BEGIN IMMEDIATE") as connection:
            yield connection

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._transaction("BEGIN") as connection:
            yield connection

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with self._lock, self._translated():
            self._connection.execute(begin)
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.IntegrityError:
            raise  # a key that is taken
        except sqlite3.OperationalError as error:
            raise JournalUnavailable(f"The journal {self._path}: {error}.", path=str(self._path)) from error
        except sqlite3.DatabaseError as error:
            raise JournalDamaged(f"The journal {self._path}: {error}.", path=str(self._path)) from error


def _insert_calls(connection: sqlite3.Connection, id: str, calls: Sequence[Call]) -> None:
    connection.executemany(
        "INSERT INTO calls VALUES (?, ?, ?, ?, ?, ?)",
        [(id, place, call.to, call.data, str(call.value), call.name) for place, call in enumerate(calls)],
    )


def _entry(row: Any, parcels: Sequence[Any], calls: Sequence[Any], transactions: Sequence[Any]) -> Entry:  # noqa: ANN401 (rows)
    kept = tuple(
        StoredParcel(_blob(parcel["digest"]), _blob(parcel["locator"]), Extent(parcel["start"], parcel["size"]))
        for parcel in parcels
    )
    state = PublicationState(row["state"])
    transaction_hash = None if row["transaction_hash"] is None else _blob(row["transaction_hash"])
    status = PublicationStatus(
        row["id"],
        row["key"],
        state,
        row["sender"],
        tuple(parcel.digest for parcel in kept),
        row["accepted_at"],
        transaction_hash,
        row["reason"],
        bool(row["relayed"]),
    )
    receipt = None
    if state in (PublicationState.ANCHORED, PublicationState.CONFIRMED):
        receipt = PublicationReceipt(
            row["id"],
            status.digests,
            tuple(parcel.locator for parcel in kept),
            _blob(row["transaction_hash"]),
            row["block_number"],
            _blob(row["block_hash"]),
            row["gas_used"],
            row["calldata_bytes"],
            sum(parcel.extent.size for parcel in kept),
        )
    return Entry(
        status,
        kept,
        tuple(Call(call["recipient"], _blob(call["data"]), call["name"], int(call["value"])) for call in calls),
        tuple(event_from_json(document) for document in json.loads(row["expects"])),
        tuple(SignedTransaction(_blob(one["raw"]), _blob(one["hash"]), one["nonce"]) for one in transactions),
        row["since_block"],
        receipt,
    )


def _blob(value: object) -> bytes:
    """A value of a BLOB column; SQLite keeps whatever somebody else put there, and `bytes(5)` would be five zeros."""
    if not isinstance(value, bytes):
        raise TypeError(f"not bytes: {type(value).__name__}")
    return value
