"""Opening the database of an index, its transactions, and its errors in the words of this package."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, Table, create_engine, event, insert, inspect, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import StaticPool
from sqlalchemy.schema import CreateIndex, DropIndex, ExecutableDDLElement

from medrec_py.errors import IndexAddressInvalid, IndexDamaged, IndexUnavailable
from medrec_py.index.schema import LOOKUPS, metadata

_SQLITE_WAIT_SECONDS: Final = 30.0
"""How long a writer waits for another process that writes the same file."""
_SQLITE_CACHE_KIB: Final = 65_536
"""Page cache: holds the inner pages of all indexes of a million events."""
_SQLITE_CHECKPOINT_PAGES: Final = 16_384
"""64 MiB of write-ahead log: the pages of several ranges go into the file together."""
_LOOKUP_ATTEMPTS: Final = 5


class Database:
    """Connections to one database, shared between threads.

    Args:
        url: SQLAlchemy URL.

    Raises:
        IndexAddressInvalid: No database that this package knows, or its driver isn't installed.
        IndexUnavailable: It can't be opened or reached.
        IndexDamaged: A file that is no database.
    """

    def __init__(self, url: str) -> None:
        parsed = _parse(url)
        self.name: Final = parsed.render_as_string(hide_password=True)
        """The URL, without its password."""
        self._in_memory = parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:")
        self._lock = threading.RLock()
        self._engine = self._open(parsed)
        try:
            with self._translated():
                self._create()
        except BaseException:
            self.close()
            raise

    # ── transactions ──

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction in which every query sees the same state."""
        with self._one_at_a_time(), self._translated(), self._engine.connect() as connection:
            if self._engine.dialect.name == "postgresql":
                connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with connection.begin():
                yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is kept as a whole when the block ends, and not at all when it raises."""
        with self._one_at_a_time(), self._translated(), self._engine.begin() as connection:
            yield connection

    def has_lookups(self) -> bool:
        """Whether every SQL index for questions is there."""
        with self._one_at_a_time(), self._translated():
            inspector = inspect(self._engine)
            there = {item["name"] for table in ("events", "entries") for item in inspector.get_indexes(table)}
        return there >= {lookup.name for lookup in LOOKUPS}

    def drop_lookups(self) -> None:
        """Takes the SQL indexes for questions away: in a long backlog each row would go to a random page of each."""
        self._change_lookups([DropIndex(lookup, if_exists=True) for lookup in LOOKUPS])

    def create_lookups(self) -> None:
        """Makes those that are missing, sorted and in one go."""
        self._change_lookups([CreateIndex(lookup, if_not_exists=True) for lookup in LOOKUPS])

    def _change_lookups(self, statements: Sequence[ExecutableDDLElement]) -> None:
        for attempt in range(_LOOKUP_ATTEMPTS):
            try:
                with self.writing() as connection:
                    for statement in statements:
                        connection.execute(statement)
                return
            except (IndexUnavailable, IndexDamaged):
                # Another process on this database does the same at this moment; the second look finds it done.
                if attempt == _LOOKUP_ATTEMPTS - 1:
                    raise

    def close(self) -> None:
        """Gives back all connections. May be called twice."""
        self._engine.dispose()

    # ── opening ──

    def _open(self, url: URL) -> Engine:
        # Parameters by place and not by name, in every dialect: see `insert_values`.
        options: dict[str, Any] = {"paramstyle": "qmark" if url.get_backend_name() == "sqlite" else "format"}
        if url.get_backend_name() == "sqlite":
            options["connect_args"] = {"check_same_thread": False, "timeout": _SQLITE_WAIT_SECONDS}
            if self._in_memory:
                options["poolclass"] = StaticPool  # one connection, or each thread would see an empty database
            else:
                self._make_folder(Path(str(url.database)))
        else:
            options["pool_pre_ping"] = True  # a server may have gone and come back between two questions
        try:
            engine = create_engine(url, **options)
        except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
            raise IndexAddressInvalid(f"{self.name} can't be opened: {error}.", url=self.name) from error
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
        return engine

    def _make_folder(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise IndexUnavailable(f"The folder of {path} can't be made: {error.strerror}.", url=self.name) from error

    def _create(self) -> None:
        if inspect(self._engine).has_table("cursor"):
            return
        try:
            with self._engine.begin() as connection:
                metadata.create_all(connection)
        except DBAPIError:
            # Two processes may create at once; the slower one fails and finds the tables there.
            if not inspect(self._engine).has_table("cursor"):
                raise

    # ── errors, threads ──

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
            reason = str(cause).strip().splitlines()[0] if str(cause).strip() else type(cause).__name__
            message = f"The index database {self.name}: {reason}."
            # sqlite3.DatabaseError itself, no subclass of it, is how SQLite says that a file is none of its own.
            if type(cause) is sqlite3.DatabaseError or isinstance(error, (IntegrityError, DataError)):
                raise IndexDamaged(message, url=self.name) from error
            raise IndexUnavailable(message, url=self.name) from error

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        if not self._in_memory:  # a file or a server gives every thread a connection of its own
            yield
            return
        with self._lock:
            yield


def insert_values(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Adds rows given as a value for each column of the table, in their order.

    The statement is SQLAlchemy's, for the dialect at hand; the rows go to the driver as they are. That spares a
    dictionary, a look-up and a conversion for each value, and is half the time of a whole `sync`.
    """
    if rows:
        connection.exec_driver_sql(str(insert(table).compile(dialect=connection.dialect)), list(rows))


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise IndexAddressInvalid("The address of an index must be an SQLAlchemy URL.") from error
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        name = parsed.get_backend_name()
        raise IndexAddressInvalid(f"An index lives in SQLite or PostgreSQL, not in {name!r}.", backend=name)
    return parsed


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # The driver must not open transactions on its own: it would leave reads outside of them.
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode=WAL")
    # In WAL mode NORMAL loses at most the last commits when power fails; the next sync reads them again.
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute(f"PRAGMA cache_size=-{_SQLITE_CACHE_KIB}")
    connection.execute(f"PRAGMA wal_autocheckpoint={_SQLITE_CHECKPOINT_PAGES}")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")
