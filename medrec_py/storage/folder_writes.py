"""How the blocks of one `put` reach the disk of a folder store."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final, Protocol, Self

from medrec_py.storage.cid import Cid
from medrec_py.storage.unixfs import Block

_WRITERS: Final = 8


class Disk(Protocol):
    """What writes single blocks durably: the folder store."""

    def write_block(self, cid: Cid, block: Block) -> list[Path]:
        """Writes a block; returns the folders to sync before its name is durable."""

    def sync_folder(self, folder: Path) -> None:
        """Makes the names in a folder durable."""


class Writes:
    """The blocks that one call writes: several at a time, the last block of each object after all others.

    A disk that syncs eight files at once needs hardly longer than for one.
    """

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._pool = ThreadPoolExecutor(_WRITERS, thread_name_prefix="folder")
        self._writing: deque[Future[list[Path]]] = deque()
        self._last: tuple[Cid, Block] | None = None
        self._roots: list[tuple[Cid, Block]] = []
        self._touched: set[Path] = set()

    def emit(self, cid: Cid, block: Block) -> None:
        """Takes a block; the one before it, which so is no root, is written meanwhile."""
        if self._last is not None:
            self._write(*self._last)
        self._last = cid, block

    def end_object(self) -> None:
        """The last block taken is an object's root."""
        if self._last is not None:
            self._roots.append(self._last)
            self._last = None

    def finish(self) -> None:
        """Returns when every block and its name are durable."""
        self._drain(0)
        for cid, block in self._roots:
            self._write(cid, block)
        self._drain(0)
        list(self._pool.map(self._disk.sync_folder, sorted(self._touched)))

    def _write(self, cid: Cid, block: Block) -> None:
        self._drain(_WRITERS - 1)
        self._writing.append(self._pool.submit(self._disk.write_block, cid, block))

    def _drain(self, left: int) -> None:
        while len(self._writing) > left:
            self._touched.update(self._writing.popleft().result())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()
