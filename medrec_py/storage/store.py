"""The interface of every store.

A store keeps objects (any bytes) by content. `put` gives back a `Cid`; the chain keeps `cid.digest`; every method that
reads takes either the `Cid` or the bare 32-byte digest. Bytes come back only after the block that holds them hashed
to its digest: a store, a server or a disk is never believed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Literal, Self

from medrec_py.storage.cid import Cid

MIB: Final = 1 << 20
DEFAULT_LIMIT: Final = 256 * MIB
"""Bytes that `get` holds in memory unless told otherwise."""


@dataclass(frozen=True, slots=True)
class ObjectStat:
    """What a store knows of one object.

    Attributes:
        cid: The object's CID.
        size: Bytes of the object itself.
        blocks: Blocks that make it up, inner nodes included.
        stored: Bytes of all these blocks.
        pinned: Whether it is protected from being collected.
    """

    cid: Cid
    size: int
    blocks: int
    stored: int
    pinned: bool


@dataclass(frozen=True, slots=True)
class PinProblem:
    """One object that a store doesn't keep as it should.

    Attributes:
        cid: The object.
        store: Name of the store.
        problem: `missing` (a block isn't there), `corrupt` (a block is other bytes), `unpinned` (there, unprotected),
            `unavailable` (the store didn't answer).
        detail: One sentence with the values.
    """

    cid: Cid
    store: str
    problem: Literal["missing", "corrupt", "unpinned", "unavailable"]
    detail: str


class Store(ABC):
    """Objects by content. Safe to share between threads; a context manager that closes itself."""

    name: str
    """What errors call this store: the folder's path or the server's address."""

    # ── write ──

    @abstractmethod
    def put(self, source: bytes | BinaryIO, *, pin: bool = True) -> Cid:
        """Keeps one object, read from `source` to its end in bounded memory.

        The object is whole, durable and (unless `pin=False`) pinned when this returns.

        Raises:
            StoreUnavailable: The store can't be reached or can't write; nothing is half there under the object's name.
            ObjectTampered: The server answered with another CID than the bytes have.
        """

    @abstractmethod
    def put_many(self, objects: Sequence[bytes], *, pin: bool = True) -> list[Cid]:
        """Keeps several objects, as one request where the store has requests; CIDs in the order of `objects`."""

    # ── read ──

    @abstractmethod
    def resolve(self, digest: bytes) -> Cid:
        """The CID that a bare 32-byte digest stands for (rule: `medrec_py.storage.unixfs.codec_of`)."""

    @abstractmethod
    def get(self, target: Cid | bytes, *, limit: int = DEFAULT_LIMIT) -> bytes:
        """The whole object.

        Raises:
            ObjectMissing: A block isn't there; names the CID.
            ObjectTampered: A block hashes to something else; names both digests.
            ObjectTooLarge: More than `limit` bytes.
            StoreUnavailable: No answer.
        """

    @abstractmethod
    def get_many(self, targets: Sequence[Cid | bytes], *, limit: int = DEFAULT_LIMIT) -> list[bytes]:
        """Several whole objects, fetched side by side; `limit` is for each."""

    @abstractmethod
    def chunks(self, target: Cid | bytes, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The bytes `start` to `start + length` (cut at the end) in pieces of at most 1 MiB, each verified."""

    def read(self, target: Cid | bytes, start: int, length: int) -> bytes:
        """A range of the object, cut at its end; only the blocks that hold it are fetched."""
        return b"".join(self.chunks(target, start, length))

    @abstractmethod
    def open(self, target: Cid | bytes) -> BinaryIO:
        """The object as a seekable binary file; holds one chunk at a time."""

    # ── keep ──

    @abstractmethod
    def has(self, target: Cid | bytes) -> bool:
        """Whether every block of the object is in this store itself (not: could be fetched from elsewhere)."""

    @abstractmethod
    def stat(self, target: Cid | bytes) -> ObjectStat:
        """Size, blocks and pin of an object in this store."""

    @abstractmethod
    def pin(self, target: Cid | bytes) -> None:
        """Protects an object from being collected; it must be whole."""

    @abstractmethod
    def unpin(self, target: Cid | bytes) -> None:
        """Lifts the protection; silent when there is none."""

    @abstractmethod
    def is_pinned(self, target: Cid | bytes) -> bool:
        """Whether the object is pinned, asked of the store and not remembered."""

    @abstractmethod
    def verify_pins(self, targets: Iterable[Cid | bytes]) -> list[PinProblem]:
        """Every one of `targets` that isn't whole and pinned here. Empty: all well."""

    @abstractmethod
    def remove(self, target: Cid | bytes) -> None:
        """Unpins an object and drops its blocks that no other pinned object needs."""

    @abstractmethod
    def close(self) -> None:
        """Gives back connections and files. May be called twice."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_store(address: str | Path, *, quorum: int | None = None) -> Store:
    """Opens the store that an address names.

    Args:
        address: The path of a folder (made when absent), or a Kubo RPC address (`/ip4/127.0.0.1/tcp/5001`,
            `http://127.0.0.1:5001`), or several of these separated by commas for a replicated store.
        quorum: With several, how many must take a write before it counts; a majority when not given.

    Raises:
        StoreAddressInvalid: The address names no store, or the quorum can't be met.
    """
    raise NotImplementedError
