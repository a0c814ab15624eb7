"""How the bytes of an object become blocks: the UnixFS file layout of IPFS.

The layout is that of the profile `unixfs-v1-2025` (IPIP-499), which Kubo, Helia and others share: CIDv1, sha2-256,
chunks of 1 MiB as raw leaves, a balanced tree of dag-pb nodes with at most 1024 links. An object of at most one chunk
is that one raw leaf. The same bytes so have the same CID wherever they are added.

A node is the canonical protobuf of a PBNode (https://ipld.io/specs/codecs/dag-pb/spec/): the links first, each with
Hash (a binary CID), Name (empty) and Tsize (bytes of the whole subtree's blocks), then Data: a UnixFS message
(https://specs.ipfs.tech/unixfs/) of type File with the file's size and the size under each link.

The reader is stricter than IPFS: only canonical file nodes with raw leaves and no inline data. It takes other chunk
sizes and numbers of links, so an object that somebody added with other settings is read all the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

from medrec_py.errors import InvalidInput, ObjectMalformed
from medrec_py.storage.cid import CID_BYTES, Cid, Codec

CHUNK_BYTES: Final = 1 << 20
MAX_LINKS: Final = 1024
MAX_BLOCK_BYTES: Final = 2 << 20
"""The largest block that IPFS nodes exchange (the limit of Bitswap messages); larger ones are refused unread."""
MAX_DEPTH: Final = 8
"""Levels of nodes the reader follows; three levels of this layout already hold 1 PiB."""

_LINK_TAG: Final = 0x12  # PBNode.Links = 2, length-delimited
_DATA_TAG: Final = 0x0A  # PBNode.Data = 1, length-delimited
_HASH_HEAD: Final = bytes((0x0A, CID_BYTES))  # PBLink.Hash = 1, length-delimited, a binary CID
_NAME_TSIZE: Final = b"\x12\x00\x18"  # PBLink.Name = 2, empty; PBLink.Tsize = 3, varint
_FILE_SIZE: Final = b"\x08\x02\x18"  # Data.Type = 1: File; Data.filesize = 3, varint
_BLOCK_SIZE_TAG: Final = 0x20  # Data.blocksizes = 4, varint, unpacked
_LINK_FIXED: Final = len(_HASH_HEAD) + CID_BYTES + len(_NAME_TSIZE)

Block = bytes | memoryview
Emit = Callable[[Cid, Block], None]


@dataclass(frozen=True, slots=True)
class Link:
    """A node's link to a child.

    Attributes:
        cid: The child.
        size: Bytes of the file below this link.
        total: Bytes of all blocks below this link, nodes included (dag-pb's Tsize).
    """

    cid: Cid
    size: int
    total: int


@dataclass(frozen=True, slots=True)
class FileNode:
    """An inner node of a file: its links in the order of the file's bytes."""

    links: tuple[Link, ...]

    @property
    def size(self) -> int:
        """Bytes of the file below this node."""
        return sum(link.size for link in self.links)


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf and where its bytes stand in the file: `offset` to `offset + size`."""

    cid: Cid
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Built:
    """What a builder made of a source.

    Attributes:
        cid: CID of the object.
        size: Bytes of the object.
        blocks: Blocks emitted, equal ones counted each time.
        stored: Bytes of all these blocks.
    """

    cid: Cid
    size: int
    blocks: int
    stored: int


def _varint(value: int) -> bytes:
    """An unsigned LEB128 varint, as protobuf writes it."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _read_varint(block: bytes, at: int) -> tuple[int, int]:
    """The varint at `at` and the position behind it; ValueError when cut short, over 64 bits or not minimal."""
    value = shift = 0
    while at < len(block) and shift < 64:
        byte = block[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if value >> 64 or (byte == 0 and shift):
                raise ValueError("varint is not minimal or over 64 bits")
            return value, at
        shift += 7
    raise ValueError("varint is cut short or over 64 bits")


def encode_node(links: Sequence[Link]) -> bytes:
    """The block of an inner node, byte for byte as Kubo writes it."""
    out = bytearray()
    sizes = bytearray()
    for link in links:
        total = _varint(link.total)
        out += bytes((_LINK_TAG, _LINK_FIXED + len(total))) + _HASH_HEAD + bytes(link.cid) + _NAME_TSIZE + total
        sizes.append(_BLOCK_SIZE_TAG)
        sizes += _varint(link.size)
    data = _FILE_SIZE + _varint(sum(link.size for link in links)) + bytes(sizes)
    out.append(_DATA_TAG)
    out += _varint(len(data)) + data
    return bytes(out)


def _parse(block: bytes) -> FileNode:
    """Reads an inner node; ValueError (CidInvalid is turned into one) says what is wrong."""
    if len(block) > MAX_BLOCK_BYTES:
        raise ValueError(f"{len(block)} bytes are more than a block may have")
    at = 0
    found: list[tuple[Cid, int]] = []
    while at < len(block) and block[at] == _LINK_TAG:
        length, at = _read_varint(block, at + 1)
        end = at + length
        if block[at : at + 2] != _HASH_HEAD or end > len(block) or length <= _LINK_FIXED:
            raise ValueError(f"link {len(found)} has no 36-byte CID")
        try:
            cid = Cid.from_bytes(block[at + 2 : at + 2 + CID_BYTES])
        except InvalidInput as error:
            raise ValueError(f"link {len(found)}: {error.message}") from None
        if block[at + 2 + CID_BYTES : at + _LINK_FIXED] != _NAME_TSIZE:
            raise ValueError(f"link {len(found)} is named or has no size")
        total, at = _read_varint(block, at + _LINK_FIXED)
        if at != end:
            raise ValueError(f"link {len(found)} has more fields than it may")
        found.append((cid, total))
    if not found:
        raise ValueError("no links")
    if at >= len(block) or block[at] != _DATA_TAG:
        raise ValueError("no UnixFS data behind the links")
    length, at = _read_varint(block, at + 1)
    if at + length != len(block) or block[at : at + 3] != _FILE_SIZE:
        raise ValueError("the UnixFS data is no file without inline bytes")
    filesize, at = _read_varint(block, at + 3)
    links: list[Link] = []
    for cid, total in found:
        if at >= len(block) or block[at] != _BLOCK_SIZE_TAG:
            raise ValueError("fewer sizes than links")
        size, at = _read_varint(block, at + 1)
        is_leaf = cid.codec is Codec.RAW
        if size == 0 or total < size or (is_leaf and not size == total <= MAX_BLOCK_BYTES):
            raise ValueError(f"link {len(links)} says {size} bytes of file in {total} bytes of blocks")
        links.append(Link(cid, size, total))
    node = FileNode(tuple(links))
    if at != len(block) or node.size != filesize:
        raise ValueError(f"the sizes of the links don't sum up to the file's {filesize} bytes")
    return node


def parse_node(cid: Cid, block: bytes) -> FileNode:
    """Reads an inner node.

    Args:
        cid: The block's CID, for the error's message.
        block: The block, already verified against `cid`.

    Raises:
        ObjectMalformed: It is no canonical file node.
    """
    try:
        return _parse(block)
    except ValueError as error:
        raise ObjectMalformed(f"The block {cid} is no node of a file: {error}.", cid=str(cid)) from None


def codec_of(block: Block) -> Codec:
    """Which codec a block has whose bare digest is known: the rule that makes a 32-byte digest name one object.

    A block that is a canonical file node is `DAG_PB`; every other block is `RAW`. The rule looks at nothing but the
    block, so everybody finds the same object behind a digest. A file node begins with 0x12 and a sealed object with
    its magic, so no sealed object is ever taken for a node; `Builder` refuses the (never accidental) small object
    that would be.
    """
    if not block or block[0] != _LINK_TAG:
        return Codec.RAW
    try:
        _parse(bytes(block))
    except ValueError:
        return Codec.RAW
    return Codec.DAG_PB


class Builder:
    """Makes the blocks of one object from its chunks, in order, holding at most `MAX_LINKS` links a level.

    Args:
        emit: Called with each block as soon as it is complete: leaves in the order of the file, a node after its
            children, the root last. Without it only the CID is computed.
    """

    def __init__(self, emit: Emit | None = None) -> None:
        self._emit = emit
        self._levels: list[list[Link]] = [[]]
        self._blocks = 0
        self._last: Block = b""

    def add(self, chunk: Block) -> None:
        """Takes the next chunk: `CHUNK_BYTES` of the object, or less when it is the last."""
        cid = Cid.raw(hashlib.sha256(chunk).digest())
        self._last = chunk
        self._put(cid, chunk)
        self._push(0, Link(cid, len(chunk), len(chunk)))

    def finish(self) -> Built:
        """Makes the nodes that are still open, the root last.

        Raises:
            InvalidInput: The object is one chunk that is itself a file node, so that its digest alone would name
                another object.
        """
        if not self._levels[0]:
            self.add(b"")
        level = 0
        while len(self._levels[level]) > 1 or level + 1 < len(self._levels):
            self._close(level)
            level += 1
        root = self._levels[level][0]
        if root.cid.codec is Codec.RAW and codec_of(self._last) is Codec.DAG_PB:
            raise InvalidInput(
                f"The {root.size} bytes are themselves an IPFS file node, {root.cid}.",
                hint="Store the file that the node describes, or wrap the bytes in a format of their own.",
                cid=str(root.cid),
            )
        return Built(root.cid, root.size, self._blocks, root.total)

    def _push(self, level: int, link: Link) -> None:
        if len(self._levels[level]) == MAX_LINKS:
            self._close(level)
        self._levels[level].append(link)

    def _close(self, level: int) -> None:
        """Turns the links of a level into one node and links it from the level above."""
        links = self._levels[level]
        self._levels[level] = []
        block = encode_node(links)
        cid = Cid.dag_pb(hashlib.sha256(block).digest())
        self._put(cid, block)
        if level + 1 == len(self._levels):
            self._levels.append([])
        total = len(block) + sum(link.total for link in links)
        self._push(level + 1, Link(cid, sum(link.size for link in links), total))

    def _put(self, cid: Cid, block: Block) -> None:
        self._blocks += 1
        if self._emit is not None:
            self._emit(cid, block)


def split(source: bytes | BinaryIO) -> Iterator[Block]:
    """The chunks of a source, read to its end; nothing for an empty one."""
    if isinstance(source, bytes | bytearray | memoryview):
        view = memoryview(source)
        for start in range(0, len(view), CHUNK_BYTES):
            yield view[start : start + CHUNK_BYTES]
        return
    while chunk := read_fully(source, CHUNK_BYTES):
        yield chunk


def read_fully(source: BinaryIO, length: int) -> bytes:
    """Reads `length` bytes, fewer only at the end: a pipe or socket may return less than it was asked for."""
    first = source.read(length)
    if not first or len(first) == length:
        return first or b""
    pieces = [first]
    missing = length - len(first)
    while missing and (piece := source.read(missing)):
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)


def build(source: bytes | BinaryIO, emit: Emit | None = None) -> Built:
    """Makes the blocks of a whole source in bounded memory; see `Builder`.

    >>> str(build(b"medrec").cid)
    'bafkreigxkld54qj2hl6boob6ajn27ratyn6xewrfrhaci2plx2rc77g7ka'
    """
    builder = Builder(emit)
    for chunk in split(source):
        builder.add(chunk)
    return builder.finish()


def digest_of(source: bytes | BinaryIO) -> bytes:
    """The 32-byte digest that any store will keep these bytes under, computed without storing them."""
    return build(source).cid.digest


def leaves(node: FileNode, fetch: Callable[[Cid], bytes], start: int = 0, stop: int | None = None) -> Iterator[Leaf]:
    """The leaves of a file that hold any of the bytes `start` to `stop`, in order.

    Args:
        node: The root.
        fetch: Gets the verified block of an inner node; called only for nodes that the range touches.
        start: First byte of the range.
        stop: End of the range (exclusive); the file's end when not given.

    Raises:
        ObjectMalformed: A node is none, has another size than its parent says, or the tree is too deep.
    """
    end = node.size if stop is None else min(stop, node.size)

    def walk(inner: FileNode, offset: int, depth: int) -> Iterator[Leaf]:
        for link in inner.links:
            if offset >= end:
                return
            if offset + link.size > start:
                if link.cid.codec is Codec.RAW:
                    yield Leaf(link.cid, offset, link.size)
                else:
                    if depth == MAX_DEPTH:
                        raise ObjectMalformed(f"The node {link.cid} lies deeper than {MAX_DEPTH} levels.")
                    child = parse_node(link.cid, fetch(link.cid))
                    if child.size != link.size:
                        raise ObjectMalformed(
                            f"The node {link.cid} holds {child.size} bytes and its parent says {link.size}.",
                            cid=str(link.cid),
                        )
                    yield from walk(child, offset, depth + 1)
            offset += link.size

    yield from walk(node, 0, 1)
