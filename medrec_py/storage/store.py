"""The interface of every store.

A store keeps objects (any bytes) by content. `put` gives back a `Cid`; the chain keeps `cid.digest`; every method that
reads takes either the `Cid` or the bare 32-byte digest. Bytes come back only after the block that holds them hashed
to its digest: a store, a server or a disk is never believed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import BinaryIO, Final, Literal, Self

from medrec_py.storage.cid import Cid

MIB: Final = 1 << 20
DEFAULT_LIMIT: Final = 256 * MIB
"""Bytes that `get` holds in memory unless told otherwise."""

Kind = Literal["missing", "corrupt", "malformed", "unpinned", "unavailable"]


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
class ObjectProblem:
    """One thing wrong with one object in one store.

    Attributes:
        cid: The object; a block that belongs to no pinned object stands for itself.
        store: Name of the store.
        kind: `missing` (a block isn't there), `corrupt` (a block is other bytes), `malformed` (a block is no file
            node), `unpinned` (whole, but unprotected), `unavailable` (the store didn't answer).
        block: The block that is missing, corrupt or malformed; the object's root for the other kinds.
        detail: One sentence with the values.
    """

    cid: Cid
    store: str
    kind: Kind
    block: Cid
    detail: str


class Store(ABC):
    """Objects by content. Safe to share between threads; a context manager that closes itself."""

    name: str
    """What errors call this store: the folder's path or the server's address, without credentials."""

    # ── write ──

    @abstractmethod
    def put(self, source: bytes | BinaryIO, *, pin: bool = True) -> Cid:
        """Keeps one object, read from `source` to its end in bounded memory.

        The object is whole, durable and (unless `pin=False`) pinned when this returns.

        Raises:
            StoreUnavailable: The store can't be reached or can't write; what was written is no object yet.
            ObjectTampered: The server answered with another CID than the bytes have.
            InvalidInput: The bytes are themselves an IPFS file node (`medrec_py.storage.unixfs.codec_of`).
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
            ObjectMissing: A block isn't there; names its CID.
            ObjectTampered: A block hashes to something else; names both digests.
            ObjectMalformed: A block hashes right but is no file node.
            ObjectTooLarge: More than `limit` bytes.
            StoreUnavailable: No answer.
        """

    @abstractmethod
    def get_many(self, targets: Sequence[Cid | bytes], *, limit: int = DEFAULT_LIMIT) -> list[bytes]:
        """Several whole objects in the order asked for, fetched side by side; `limit` is for each."""

    @abstractmethod
    def chunks(self, target: Cid | bytes, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The bytes `start` to `start + length` (cut at the end) in pieces of at most 2 MiB, each verified.

        Raises as `get` does, at the call for the root and while iterating for the leaves.
        """

    def read(self, target: Cid | bytes, start: int, length: int) -> bytes:
        """A range of the object, cut at its end; only the blocks that hold it are fetched."""
        return b"".join(self.chunks(target, start, length))

    @abstractmethod
    def open(self, target: Cid | bytes) -> BinaryIO:
        """The object as a seekable binary file that holds few chunks at a time."""

    # ── keep ──

    @abstractmethod
    def has(self, target: Cid | bytes) -> bool:
        """Whether every block of the object is in this store itself (not: could be fetched from elsewhere)."""

    @abstractmethod
    def stat(self, target: Cid | bytes) -> ObjectStat:
        """Size, blocks and pin of an object; raises as `get` does."""

    @abstractmethod
    def pin(self, target: Cid | bytes) -> None:
        """Protects an object from being collected.

        Raises:
            ObjectMissing: It isn't whole.
        """

    @abstractmethod
    def unpin(self, target: Cid | bytes) -> None:
        """Lifts the protection; silent when there is none."""

    @abstractmethod
    def is_pinned(self, target: Cid | bytes) -> bool:
        """Whether the object is pinned, asked of the store and not remembered. Of its blocks see `has`."""

    @abstractmethod
    def pins(self) -> Iterator[Cid]:
        """Every pinned object, in no particular order."""

    @abstractmethod
    def verify_pins(self, targets: Iterable[Cid | bytes], *, deep: bool = False) -> list[ObjectProblem]:
        """Every one of `targets` that isn't whole and pinned here. Empty: all well.

        Args:
            targets: The objects that ought to be here.
            deep: Read and hash every block instead of asking whether it is there.
        """

    @abstractmethod
    def remove(self, target: Cid | bytes) -> None:
        """Unpins an object and drops its blocks that no other pinned object needs; silent when it isn't there."""

    @abstractmethod
    def close(self) -> None:
        """Gives back connections and files. May be called twice."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
