"""Sealed bytes on disk, one file for each publication, and the claim that keeps two workers off one publication.

The claim is `flock` on that very file: it belongs to an open file and not to a process, so threads exclude each other
too, and the kernel lets it go when its holder dies, however it dies.
"""

from __future__ import annotations

import errno
import fcntl
import io
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Self

from medrec_py.errors import JournalUnavailable, PublicationPending

_PIECE: Final = 1 << 20
_SUFFIX: Final = ".sealed"
_FIRST_PAUSE: Final = 0.002
_LONGEST_PAUSE: Final = 0.1


@dataclass(frozen=True, slots=True)
class Extent:
    """Where an object lies in its publication's file: `offset` and `size` in bytes."""

    offset: int
    size: int


class Claim:
    """One publication's file, open and locked. Ends when closed, or with the process."""

    def __init__(self, id: str, descriptor: int, path: Path) -> None:
        self.id = id
        self._descriptor = descriptor
        self._path = path

    def write(self, sources: Sequence[bytes | Path]) -> list[Extent]:
        """Writes objects one behind the other and returns when they are on the disk."""
        extents: list[Extent] = []
        with io.FileIO(os.dup(self._descriptor), "w") as file, io.BufferedWriter(file, _PIECE) as out:
            for source in sources:
                start = out.tell()
                if isinstance(source, Path):
                    with source.open("rb") as content:
                        while piece := content.read(_PIECE):
                            out.write(piece)
                else:
                    out.write(source)
                extents.append(Extent(start, out.tell() - start))
            out.flush()
            os.fsync(file.fileno())
        _sync_folder(self._path.parent)
        return extents

    @property
    def size(self) -> int:
        """Bytes in the file."""
        return os.fstat(self._descriptor).st_size

    def read(self, extent: Extent) -> bytes:
        """One object, whole."""
        return self.open(extent).read()

    def open(self, extent: Extent) -> BinaryIO:
        """One object as a file."""
        return io.BufferedReader(_Section(self._descriptor, extent), _PIECE)

    def empty(self) -> None:
        """Gives the disk space back and keeps the claim."""
        os.ftruncate(self._descriptor, 0)

    def remove(self) -> None:
        """Removes the file; the claim ends with `close`."""
        self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """Ends the claim. May be called twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Spool:
    """The folder of sealed files and locks.

    Args:
        folder: Made (mode 0700) when absent.

    Raises:
        JournalUnavailable: It can't be made.
    """

    def __init__(self, folder: Path) -> None:
        self._sealed = folder / "sealed"
        self._locks = folder / "locks"
        with unavailable(folder):
            for path in (folder, self._sealed, self._locks):
                path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def claim(self, id: str) -> Claim | None:
        """Claims a publication; `None` when somebody else holds it. Makes its file when there is none."""
        path = self._sealed / f"{id}{_SUFFIX}"
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                os.close(descriptor)
                if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                    return None
                raise
            # The holder before may have removed the file between opening and locking: then this one is nobody's.
            if os.fstat(descriptor).st_nlink > 0:
                return Claim(id, descriptor, path)
            os.close(descriptor)

    def ids(self) -> list[str]:
        """The publications that have a file."""
        return sorted(path.name.removesuffix(_SUFFIX) for path in self._sealed.iterdir() if path.suffix == _SUFFIX)

    @contextmanager
    def holding(self, name: str, timeout: float) -> Iterator[None]:
        """Holds a lock by name, shared with other processes; waits for it.

        Raises:
            PublicationPending: Not within `timeout` seconds.
        """
        descriptor = os.open(self._locks / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _wait_for(descriptor, name, timeout)
            yield
        finally:
            os.close(descriptor)


@contextmanager
def unavailable(folder: Path) -> Iterator[None]:
    """Names the outbox's folder in errors of the file system."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise JournalUnavailable(f"The outbox {folder} can't be used: {reason}.", folder=str(folder)) from error


class _Section(io.RawIOBase):
    """A part of a file, read by place: several sections share one descriptor."""

    def __init__(self, descriptor: int, extent: Extent) -> None:
        self._descriptor = descriptor
        self._extent = extent
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._extent.size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # typeshed names a private type
        length = max(0, min(len(buffer), self._extent.size - self._at))
        piece = os.pread(self._descriptor, length, self._extent.offset + self._at)
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)


def _wait_for(descriptor: int, name: str, timeout: float) -> None:
    deadline, pause = time.monotonic() + timeout, _FIRST_PAUSE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise PublicationPending(f"Another publisher has held {name} for {timeout:g} seconds.") from None
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


def _sync_folder(folder: Path) -> None:
    """A new file is safe only once the folder that names it is on the disk too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
