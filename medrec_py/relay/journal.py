"""The journal of a relayer: what it signed and has not seen finished, in one SQLite file.

A signed transaction is on the disk before anybody else sees it, so that a crash at any point leaves something that can
be broadcast again under the same nonce. Of whom an act is, nothing is kept but the transaction itself, and that only
until the act is finished; finished rows are forgotten after an hour, and what is deleted is overwritten.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    Column,
    Connection,
    Float,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    create_engine,
    delete,
    event,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.pool import StaticPool

from medrec_py.chain import SignedTransaction
from medrec_py.errors import RelayJournalDamaged, RelayJournalUnavailable

_VERSION: Final = 1
_metadata = MetaData()
_acts = Table(
    "acts",
    _metadata,
    Column("id", Text, primary_key=True),
    Column("key", LargeBinary, unique=True),
    Column("status", Text, nullable=False),
    Column("nonce", Integer, nullable=False),
    Column("gas", Integer, nullable=False),
    Column("priced_at", Float, nullable=False),
    Column("priced_block", Integer, nullable=False),
    Column("finished_at", Float),
    Column("hash", LargeBinary, nullable=False),
    Column("block", Integer),
    Column("gas_used", Integer),
    Column("error", Text),
    sqlite_with_rowid=False,
)
_transactions = Table(
    "transactions",
    _metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("act", Text, ForeignKey("acts.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("place", Integer, nullable=False),
    Column("nonce", Integer, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("fills", Integer, nullable=False),
    sqlite_with_rowid=False,
)
_spending = Table(
    "spending", _metadata, Column("day", Integer, primary_key=True), Column("gas", Integer, nullable=False)
)


class ActStatus(StrEnum):
    """How far an act has come: signed, handed to the network, done, or refused by the chain after all."""

    ACCEPTED = "accepted"
    PENDING = "pending"
    CONFIRMED = "confirmed"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen."""
        return self in (ActStatus.CONFIRMED, ActStatus.FAILED)


@dataclass(frozen=True, slots=True)
class ActState:
    """What can be told about an act.

    Attributes:
        id: Its name.
        status: How far it has come.
        transaction: Hash of the transaction that was mined, or else of the one signed last.
        block: Height of the block that it is in.
        gas_used: Gas that it took.
        error: Name of the error class, when it failed.
    """

    id: str
    status: ActStatus
    transaction: bytes
    block: int | None
    gas_used: int | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Signed:
    """One transaction signed for an act.

    Attributes:
        transaction: It.
        fills: Whether it only uses the nonce up, in place of an act that would revert by now.
    """

    transaction: SignedTransaction
    fills: bool


@dataclass(frozen=True, slots=True)
class OpenAct:
    """An act that is not finished.

    Attributes:
        state: What can be told about it.
        nonce: The nonce it is to use up now.
        gas: Gas set aside for it.
        priced_at: Unix time at which it was priced last.
        priced_block: Height of the chain at that time.
        signed: Everything signed for it, oldest first; under another nonce where the first one was used up by others.
    """

    state: ActState
    nonce: int
    gas: int
    priced_at: float
    priced_block: int
    signed: tuple[Signed, ...]

    @property
    def latest(self) -> Signed:
        """What was signed last."""
        return self.signed[-1]


class RelayJournal:
    """The journal in a file, or in memory. Threads may share it; processes can't.

    Args:
        path: The file; None for a journal that ends with the process.

    Raises:
        RelayJournalUnavailable: It can't be opened, or another process holds it.
        RelayJournalDamaged: It is no journal of this version.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self._path = None if path is None else Path(path)
        self._lock = threading.RLock()
        self._claim = self._claimed()
        self._engine = create_engine(
            "sqlite://" if self._path is None else f"sqlite:///{self._path}",
            poolclass=StaticPool,
            connect_args={"check_same_thread": False},
        )
        event.listen(self._engine, "connect", _set_up)
        try:
            with self._writing() as connection:
                version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
                tables = connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar_one()
                if version == 0 and tables == 0:
                    _metadata.create_all(connection)
                    connection.exec_driver_sql(f"PRAGMA user_version={_VERSION}")
                elif version != _VERSION:
                    raise RelayJournalDamaged(f"{self.name} is no journal of version {_VERSION}.", version=version)
        except BaseException:
            self.close()
            raise

    @property
    def name(self) -> str:
        """What messages call it."""
        return "The journal in memory" if self._path is None else f"The journal {self._path}"

    def close(self) -> None:
        """Closes the file. May be called twice."""
        with self._lock:
            self._engine.dispose()
            if self._claim is not None:
                os.close(self._claim)
                self._claim = None

    # ── writing ──

    def add(self, id: str, key: bytes | None, signed: SignedTransaction, *, gas: int, block: int, now: float) -> None:
        """Records a signed transaction of a new act, or of one that failed before, before anybody else sees it."""
        with self._writing() as connection:
            connection.execute(delete(_acts).where(_acts.c.id == id))
            values = {"status": ActStatus.ACCEPTED, "nonce": signed.nonce, "gas": gas, "hash": signed.hash}
            times = {"priced_at": now, "priced_block": block}
            connection.execute(insert(_acts).values(id=id, key=key, **values, **times))
            _add(connection, id, Signed(signed, fills=False))

    def add_signed(self, id: str, signed: Signed, *, block: int, now: float) -> None:
        """Records a further transaction of an act: dearer, or under another nonce."""
        with self._writing() as connection:
            transaction = signed.transaction
            connection.execute(
                update(_acts)
                .where(_acts.c.id == id)
                .values(nonce=transaction.nonce, hash=transaction.hash, priced_at=now, priced_block=block)
            )
            _add(connection, id, signed)

    def fill(self, id: str, signed: SignedTransaction, *, gas: int, block: int, now: float) -> None:
        """Records a transaction that only closes a gap between nonces."""
        self.add(id, None, signed, gas=gas, block=block, now=now)
        with self._writing() as connection:
            connection.execute(update(_transactions).where(_transactions.c.hash == signed.hash).values(fills=1))

    def pending(self, id: str) -> None:
        """Records that the network has it."""
        with self._writing() as connection:
            connection.execute(
                update(_acts)
                .where(_acts.c.id == id, _acts.c.status == ActStatus.ACCEPTED)
                .values(status=ActStatus.PENDING)
            )

    def finish(
        self,
        id: str,
        *,
        hash: bytes | None,
        block: int | None,
        gas_used: int,
        error: str | None,
        day: int,
        now: float,
    ) -> None:
        """Records the end of an act, and drops what was signed for it."""
        status = ActStatus.CONFIRMED if error is None else ActStatus.FAILED
        with self._writing() as connection:
            values: dict[str, Any] = {"status": status, "finished_at": now, "block": block, "gas_used": gas_used}
            if hash is not None:
                values["hash"] = hash
            connection.execute(update(_acts).where(_acts.c.id == id).values(error=error, **values))
            connection.execute(delete(_transactions).where(_transactions.c.act == id))
            spent = upsert(_spending).values(day=day, gas=gas_used)
            connection.execute(
                spent.on_conflict_do_update(index_elements=["day"], set_={"gas": _spending.c.gas + spent.excluded.gas})
            )

    def doomed(self, id: str, error: str) -> None:
        """Records why an act that still waits can only fail; it is failed when its nonce is used up."""
        with self._writing() as connection:
            connection.execute(update(_acts).where(_acts.c.id == id).values(error=error))

    def forget(self, before: float, day: int) -> None:
        """Drops what was finished before a time, and what was spent before a day."""
        with self._writing() as connection:
            connection.execute(delete(_acts).where(_acts.c.finished_at < before))
            connection.execute(delete(_spending).where(_spending.c.day < day))

    # ── reading ──

    def find(self, id: str) -> ActState | None:
        """What can be told about an act."""
        with self._writing() as connection:
            row = connection.execute(select(_acts).where(_acts.c.id == id)).one_or_none()
        return None if row is None else _state(row)

    def of_key(self, key: bytes) -> str | None:
        """The act that came with an idempotency key."""
        with self._writing() as connection:
            return connection.execute(select(_acts.c.id).where(_acts.c.key == key)).scalar_one_or_none()

    def open_acts(self) -> list[OpenAct]:
        """Everything that is not finished, in the order of nonces.

        Raises:
            RelayJournalDamaged: A row was not written by a journal.
        """
        with self._writing() as connection:
            rows = connection.execute(select(_acts).where(_acts.c.finished_at.is_(None)).order_by(_acts.c.nonce)).all()
            parts = connection.execute(select(_transactions).order_by(_transactions.c.place)).all()
        signed: dict[str, list[Signed]] = {}
        for part in parts:
            transaction = SignedTransaction(part.raw, part.hash, part.nonce)
            signed.setdefault(part.act, []).append(Signed(transaction, bool(part.fills)))
        try:
            return [
                OpenAct(_state(row), row.nonce, row.gas, row.priced_at, row.priced_block, tuple(signed[row.id]))
                for row in rows
            ]
        except (KeyError, ValueError) as error:
            raise RelayJournalDamaged(f"{self.name} holds an act without a transaction.") from error

    def gas_spent(self, day: int) -> int:
        """Gas that finished acts used on a day, and that is set aside for the open ones."""
        with self._writing() as connection:
            used = connection.execute(select(_spending.c.gas).where(_spending.c.day == day)).scalar() or 0
            aside = connection.execute(select(func.sum(_acts.c.gas)).where(_acts.c.finished_at.is_(None))).scalar() or 0
        return int(used) + int(aside)

    # ── internals ──

    def _claimed(self) -> int | None:
        """Holds the journal for this process, until it ends."""
        if self._path is None:
            return None
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(f"{self._path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise RelayJournalUnavailable(f"{self.name} can't be opened: {error.strerror}.") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            raise RelayJournalUnavailable(f"{self.name} is in use by another relayer.") from error
        return descriptor

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._lock:
            try:
                with self._engine.begin() as connection:
                    yield connection
            except OperationalError as error:
                raise RelayJournalUnavailable(f"{self.name} can't be used: {error.orig}.") from error
            except DatabaseError as error:
                raise RelayJournalDamaged(f"{self.name} is damaged: {error.orig}.") from error


def _set_up(connection: Any, _: object) -> None:  # noqa: ANN401 (the driver's)
    # A commit returns when it is on the disk, and what is deleted is gone from it: a write-ahead log would keep copies.
    for pragma in ("journal_mode=TRUNCATE", "synchronous=FULL", "secure_delete=ON", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _add(connection: Connection, id: str, signed: Signed) -> None:
    place = connection.execute(select(func.count()).where(_transactions.c.act == id)).scalar_one()
    transaction = signed.transaction
    connection.execute(
        insert(_transactions).values(
            hash=transaction.hash,
            act=id,
            place=place,
            nonce=transaction.nonce,
            raw=transaction.raw,
            fills=int(signed.fills),
        )
    )


def _state(row: Any) -> ActState:  # noqa: ANN401 (a row)
    return ActState(row.id, ActStatus(row.status), row.hash, row.block, row.gas_used, row.error)
