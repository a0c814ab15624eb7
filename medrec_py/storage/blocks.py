"""Reading objects out of blocks that nobody is trusted with.

`BlockStore` turns "give me the block of this CID" into whole objects, ranges and files. Each block is hashed before a
byte of it is used, so a store that is built on it can return whatever it likes and still never be believed.
"""

from __future__ import annotations

import hashlib
import io
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final, TypeVar, cast

from medrec_py.errors import (
    IntegrityError,
    InvalidInput,
    ObjectMalformed,
    ObjectMissing,
    ObjectTampered,
    ObjectTooLarge,
    Unavailable,
)
from medrec_py.storage.cid import Cid, Codec
from medrec_py.storage.store import DEFAULT_LIMIT, MIB, Kind, ObjectProblem, ObjectStat, Store
from medrec_py.storage.unixfs import FileNode, Leaf, codec_of, leaves, parse_node

S = TypeVar("S")
T = TypeVar("T")

_FIRST_WINDOW: Final = 2 * MIB
_LAST_WINDOW: Final = 64 * MIB


def verified(cid: Cid, block: bytes, where: str) -> bytes:
    """`block` itself, if it hashes to the digest of `cid`.

    Raises:
        ObjectTampered: It doesn't.
    """
    found = hashlib.sha256(block).digest()
    if found != cid.digest:
        raise ObjectTampered(
            f"{where} returned {len(block)} bytes for {cid} that hash to {found.hex()}, not {cid.digest.hex()}.",
            cid=str(cid),
            store=where,
            expected=cid.digest,
            found=found,
        )
    return block


def problem(cid: Cid, store: str, error: IntegrityError | Unavailable) -> ObjectProblem:
    """An error that reading `cid` met, as an `ObjectProblem`."""
    kinds: dict[type[Exception], Kind] = {
        ObjectMissing: "missing",
        ObjectTampered: "corrupt",
        ObjectMalformed: "malformed",
    }
    kind = kinds.get(type(error), "unavailable")
    named = error.facts.get("cid")
    block = Cid.parse(named) if isinstance(named, str) else cid
    return ObjectProblem(cid, store, kind, block, error.message)


@dataclass(frozen=True, slots=True)
class Damaged:
    """A block that a store lacks, or has other bytes of (`corrupt`)."""

    cid: Cid
    corrupt: bool


@dataclass(frozen=True, slots=True)
class Root:
    """The verified root of an object: either its only block or its topmost node."""

    cid: Cid
    size: int
    block: bytes
    node: FileNode | None


class ObjectFile(io.RawIOBase):
    """An object as a raw binary file: seekable, read only.

    A run of reads in order fetches in windows that grow from 2 to 64 MiB, so that a long read costs few requests and
    a short one after a seek doesn't fetch the rest of the object.

    Args:
        name: The object's CID.
        size: Bytes of the object.
        pieces: Gives the verified bytes from a start, of a length, in order.
    """

    def __init__(self, name: str, size: int, pieces: Callable[[int, int], Iterator[bytes]]) -> None:
        self.name = name
        self._size = size
        self._pieces = pieces
        self._at = 0
        self._window = _FIRST_WINDOW
        self._run: Iterator[bytes] = iter(())
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """The position in bytes."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Moves to a position; past the end is allowed and reads nothing there."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError(f"can't seek to {base + offset}")
        if base + offset != self._at:
            self._drop()
            self._at = base + offset
            self._window = _FIRST_WINDOW
        return self._at

    def readinto(self, buffer: object) -> int:
        """Fills the buffer from the position as far as the present chunk goes; 0 at the end."""
        view = memoryview(cast(bytearray, buffer)).cast("B")
        if not view or self._at >= self._size:
            return 0
        while not self._rest:
            self._rest = memoryview(next(self._run, b""))
            if not self._rest:
                self._run = self._pieces(self._at, self._window)
                self._window = min(self._window * 2, _LAST_WINDOW)
        taken = min(len(view), len(self._rest))
        view[:taken] = self._rest[:taken]
        self._rest = self._rest[taken:]
        self._at += taken
        return taken

    def close(self) -> None:
        """Drops the run that is under way."""
        self._drop()
        super().close()

    def _drop(self) -> None:
        run, self._run, self._rest = self._run, iter(()), memoryview(b"")
        stop = getattr(run, "close", None)
        if stop is not None:
            stop()


def open_object(cid: Cid, size: int, pieces: Callable[[int, int], Iterator[bytes]]) -> BinaryIO:
    """A buffered `ObjectFile`: `read(n)` gives `n` bytes unless the end comes first."""
    return io.BufferedReader(ObjectFile(str(cid), size, pieces), buffer_size=64 << 10)


def check_range(start: int, length: int | None) -> None:
    """Refuses a range that can't be.

    Raises:
        InvalidInput: The start or the length is negative.
    """
    if start < 0 or (length is not None and length < 0):
        raise InvalidInput(
            f"A range can't start at {start} with {length} bytes.", hint="Give a start and a length of at least 0."
        )


class BlockStore(Store):
    """A store that knows how to find one block; everything that reads objects is built on that."""

    @abstractmethod
    def block(self, cid: Cid, *, search: bool = True) -> bytes:
        """One verified block, of at most `MAX_BLOCK_BYTES`.

        Args:
            cid: The block.
            search: Whether a store that has peers may ask them for it.

        Raises:
            ObjectMissing: It isn't there.
            ObjectTampered: What is there hashes to something else.
            StoreUnavailable: No answer.
        """

    def leaf_blocks(self, root: Cid, wanted: Iterator[Leaf], *, search: bool = True) -> Iterator[tuple[Leaf, bytes]]:
        """The verified blocks of leaves that follow each other in the object `root`; raises as `block` does."""
        for leaf in wanted:
            yield leaf, self.block(leaf.cid, search=search)

    @abstractmethod
    def mend(self, cid: Cid, damaged: Sequence[Damaged], fetch: Callable[[Cid], bytes]) -> None:
        """Writes blocks of an object that are missing or corrupt here, then pins the object.

        Args:
            cid: The object.
            damaged: The blocks, children before their nodes.
            fetch: Gets the verified bytes of each from elsewhere.
        """

    def _root(self, target: Cid | bytes, block: bytes | None = None) -> Root:
        """Fetches and verifies the root block of an object, unless it was already."""
        cid = target if isinstance(target, Cid) else Cid.raw(target)
        if block is None:
            block = self.block(cid)
        if not isinstance(target, Cid):
            cid = Cid(codec_of(block), cid.digest)
        if cid.codec is Codec.RAW:
            return Root(cid, len(block), block, None)
        node = parse_node(cid, block)
        return Root(cid, node.size, block, node)

    def _pieces(self, root: Root, start: int, length: int | None) -> Iterator[bytes]:
        stop = root.size if length is None else min(root.size, start + length)
        if start >= stop:
            return
        if root.node is None:
            yield root.block if stop - start == root.size else root.block[start:stop]
            return
        for leaf, block in self.leaf_blocks(root.cid, leaves(root.node, self.block, start, stop)):
            if len(block) != leaf.size:
                raise ObjectMalformed(
                    f"The leaf {leaf.cid} has {len(block)} bytes and its parent says {leaf.size}.", cid=str(leaf.cid)
                )
            first, last = max(0, start - leaf.offset), min(leaf.size, stop - leaf.offset)
            yield block if last - first == leaf.size else block[first:last]

    def _tree(self, cid: Cid) -> Iterator[Cid]:
        """The blocks of an object, each node before its children; reads nodes and no leaves."""
        if cid.codec is Codec.RAW:
            yield cid
            return
        nodes: list[Cid] = []

        def fetch(inner: Cid) -> bytes:
            nodes.append(inner)
            return self.block(inner)

        yield cid
        for leaf in leaves(parse_node(cid, self.block(cid)), fetch):
            yield from nodes
            nodes.clear()
            yield leaf.cid

    def damaged(self, cid: Cid, blocks: Iterable[Cid]) -> list[Damaged]:
        """Those of an object's blocks that this store itself lacks or has other bytes of, children first."""
        found: list[Damaged] = []
        for block in dict.fromkeys(blocks):
            try:
                self.block(block, search=False)
            except (ObjectMissing, ObjectTampered) as error:
                found.append(Damaged(block, isinstance(error, ObjectTampered)))
        return found[::-1]

    def resolve(self, digest: bytes) -> Cid:
        """See `Store.resolve`; reads the one block."""
        return self._root(bytes(digest)).cid

    def get(self, target: Cid | bytes, *, limit: int = DEFAULT_LIMIT) -> bytes:
        """See `Store.get`."""
        return self._whole(self._root(target), limit)

    def _whole(self, root: Root, limit: int) -> bytes:
        if root.size > limit:
            raise ObjectTooLarge(
                f"The object {root.cid} has {root.size} bytes, more than the limit of {limit}.",
                cid=str(root.cid),
                size=root.size,
                limit=limit,
            )
        return b"".join(self._pieces(root, 0, None))

    def get_many(self, targets: Sequence[Cid | bytes], *, limit: int = DEFAULT_LIMIT) -> list[bytes]:
        """See `Store.get_many`; the root blocks together where the store can."""
        digests = [target.digest if isinstance(target, Cid) else bytes(target) for target in targets]
        known = self.prefetch([Cid.raw(digest) for digest in dict.fromkeys(digests)])
        return self._side_by_side(
            lambda item: self._whole(self._root(item[0], known.get(item[1])), limit),
            list(zip(targets, digests, strict=True)),
        )

    def prefetch(self, cids: Sequence[Cid]) -> dict[bytes, bytes]:
        """Verified blocks by digest: those of `cids` that come cheaper together; none where single ones cost nothing.

        A block that is not among them is not missing: ask `block`.
        """
        return {}

    def _side_by_side(self, work: Callable[[S], T], items: Sequence[S]) -> list[T]:
        """Does the same to every item, in threads where waiting for an answer is the larger part."""
        return [work(item) for item in items]

    def chunks(self, target: Cid | bytes, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """See `Store.chunks`."""
        check_range(start, length)
        return self._pieces(self._root(target), start, length)

    def open(self, target: Cid | bytes) -> BinaryIO:
        """See `Store.open`."""
        root = self._root(target)
        return open_object(root.cid, root.size, lambda start, length: self._pieces(root, start, length))

    def stat(self, target: Cid | bytes) -> ObjectStat:
        """See `Store.stat`; reads the inner nodes and no leaf but a root that is one."""
        root = self._root(target)
        blocks, stored = 1, len(root.block)

        def fetch(cid: Cid) -> bytes:
            nonlocal blocks, stored
            block = self.block(cid)
            blocks += 1
            stored += len(block)
            return block

        if root.node is not None:
            for leaf in leaves(root.node, fetch):
                blocks += 1
                stored += leaf.size
        return ObjectStat(root.cid, root.size, blocks, stored, self.is_pinned(root.cid))

    def verify_pins(self, targets: Iterable[Cid | bytes], *, deep: bool = False) -> list[ObjectProblem]:
        """See `Store.verify_pins`."""
        problems: list[ObjectProblem] = []
        for target in targets:
            cid = target if isinstance(target, Cid) else Cid.raw(target)
            try:
                cid = target if isinstance(target, Cid) else self.resolve(target)
                if deep:
                    for _ in self.chunks(cid):
                        pass
                else:
                    self._check_whole(cid)
                if not self.is_pinned(cid):
                    detail = f"{self.name} holds {cid} and doesn't pin it."
                    problems.append(ObjectProblem(cid, self.name, "unpinned", cid, detail))
            except (IntegrityError, Unavailable) as error:
                problems.append(problem(cid, self.name, error))
        return problems

    @abstractmethod
    def _check_whole(self, cid: Cid) -> None:
        """Raises ObjectMissing, naming the block where it can, when a block of the object isn't in this store."""

    def has(self, target: Cid | bytes) -> bool:
        """See `Store.has`; a damaged node counts as not there, `verify_pins` says why."""
        try:
            self._check_whole(target if isinstance(target, Cid) else self.resolve(target))
        except IntegrityError:
            return False
        return True
