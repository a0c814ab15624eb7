"""The embedded chain's database: a key-value map that is written block by block, whole or not at all."""

from __future__ import annotations

import os
import sqlite3
import threading
from pathlib import Path
from typing import Final

from eth.db.atomic import AtomicDB
from eth.db.backends.base import BaseDB

from medrec_py.errors import ChainDamaged, ChainInUse

FILE_NAME: Final = "chain.sqlite"
FORMAT: Final = b"medrec embedded chain 1"
_CACHE_ENTRIES: Final = 50_000


class BlockStore(BaseDB):
    """What py-evm writes (headers, blocks, receipts, state), in memory until `commit`, then in one SQLite transaction.

    SQLite's write-ahead log is synced before `commit` returns, so a block that was reported survives a kill and a power
    cut, and one that was not leaves no trace. The file is held exclusively until `close`.

    Args:
        folder: Where the file is; None keeps everything in memory.
        wait: Seconds to wait for another process that holds the file.

    Raises:
        ChainInUse: It is still held after that.
        ChainDamaged: The file is no such database.
    """

    def __init__(self, folder: Path | None, *, wait: float = 5.0) -> None:
        self._lock = threading.RLock()
        self._dirty: dict[bytes, bytes | None] = {}
        self._cache: dict[bytes, bytes | None] = {}
        self._connection: sqlite3.Connection | None = None
        self._path = folder
        if folder is not None:
            self._path = folder / FILE_NAME
            self._connection = _open(self._path, wait)

    def atomic(self) -> AtomicDB:
        """The same store with py-evm's batches."""
        return AtomicDB(self)

    def __getitem__(self, key: bytes) -> bytes:
        value = self._find(key)
        if value is None:
            raise KeyError(key)
        return value

    def __setitem__(self, key: bytes, value: bytes) -> None:
        with self._lock:
            self._dirty[key] = value

    def __delitem__(self, key: bytes) -> None:
        with self._lock:
            if self._find(key) is None:
                raise KeyError(key)
            self._dirty[key] = None

    def _exists(self, key: bytes) -> bool:
        return self._find(key) is not None

    def _find(self, key: bytes) -> bytes | None:
        with self._lock:
            if key in self._dirty:
                return self._dirty[key]
            if self._connection is None:
                return self._cache.get(key)
            if key in self._cache:
                return self._cache[key]
            row = self._execute("SELECT value FROM entries WHERE key = ?", (key,)).fetchone()
            if len(self._cache) >= _CACHE_ENTRIES:
                self._cache.clear()
            self._cache[key] = row[0] if row else None
            return self._cache[key]

    def commit(self) -> None:
        """Makes everything written since the last commit durable."""
        with self._lock:
            if self._connection is not None:
                written = [(key, value) for key, value in self._dirty.items() if value is not None]
                deleted = [(key,) for key, value in self._dirty.items() if value is None]
                self._execute("BEGIN IMMEDIATE")
                self._connection.executemany("INSERT OR REPLACE INTO entries VALUES (?, ?)", written)
                self._connection.executemany("DELETE FROM entries WHERE key = ?", deleted)
                self._execute("COMMIT")
            self._cache.update(self._dirty)
            self._dirty.clear()

    def roll_back(self) -> None:
        """Forgets everything written since the last commit."""
        with self._lock:
            self._dirty.clear()

    def close(self) -> None:
        """Lets the file go; what was not committed is forgotten."""
        with self._lock:
            self._dirty.clear()
            if self._connection is not None:
                self._connection.close()

    def _execute(self, sql: str, values: tuple[bytes, ...] = ()) -> sqlite3.Cursor:
        assert self._connection is not None
        try:
            return self._connection.execute(sql, values)
        except sqlite3.DatabaseError as error:
            raise ChainDamaged(f"The embedded chain's file {self._path} can't be used: {error}.") from error


def _open(path: Path, wait: float) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    # The file holds the developer account's key: nobody else may read it, from its first byte on.
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    connection = sqlite3.connect(path, timeout=wait, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("CREATE TABLE IF NOT EXISTS entries (key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID")
        connection.execute("INSERT OR IGNORE INTO entries VALUES (?, ?)", (b"medrec:format", FORMAT))
        found = connection.execute("SELECT value FROM entries WHERE key = ?", (b"medrec:format",)).fetchone()
        connection.execute("COMMIT")
    except sqlite3.OperationalError as error:
        connection.close()
        if "locked" in str(error) or "busy" in str(error):
            raise ChainInUse(f"Another process holds the embedded chain in {path.parent}.", path=str(path)) from error
        raise ChainDamaged(f"The embedded chain's file {path} can't be used: {error}.", path=str(path)) from error
    except sqlite3.DatabaseError as error:
        connection.close()
        raise ChainDamaged(f"{path} is no embedded chain: {error}.", path=str(path)) from error
    if found[0] != FORMAT:
        connection.close()
        raise ChainDamaged(f"{path} is an embedded chain of another format, {found[0]!r}.", path=str(path))
    return connection
