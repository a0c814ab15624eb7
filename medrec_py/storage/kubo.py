"""A Kubo node as a store.

Nothing the node says is believed: the CID of an upload is computed here too and compared, a pin is asked for after
it was made, and every block is hashed. A run of leaves is fetched by one `cat` and cut at the leaves' borders, which
the verified node above them gives, so that a verified read costs no more requests than a plain one.
"""

from __future__ import annotations

import contextlib
import io
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, BinaryIO, Final, TypeVar

from medrec_py.errors import CidInvalid, IntegrityError, ObjectMissing, ObjectTampered, StoreUnavailable
from medrec_py.storage.addresses import KuboAddress
from medrec_py.storage.blocks import BlockStore, Damaged, verified
from medrec_py.storage.cid import Cid, Codec
from medrec_py.storage.kubo_rpc import REPLY_LIMIT, Absent, KuboRpc
from medrec_py.storage.store import ObjectProblem
from medrec_py.storage.unixfs import (
    CHUNK_BYTES,
    MAX_BLOCK_BYTES,
    MAX_LINKS,
    Block,
    Builder,
    Built,
    Leaf,
    codec_of,
    split,
)

_WORKERS: Final = 8
_BATCH: Final = 100
"""CIDs in one request: they stand in its URL, 64 bytes each."""
_LAYOUT: Final = {
    "cid-version": "1",
    "hash": "sha2-256",
    "raw-leaves": "true",
    "chunker": f"size-{CHUNK_BYTES}",
    "max-file-links": str(MAX_LINKS),
    "trickle": "false",
    "inline": "false",
    "progress": "false",
}
"""The options of `add` that fix the layout of `unixfs`, said each time since a node's own defaults may differ."""

S = TypeVar("S")
T = TypeVar("T")


class _Upload:
    """One object on its way to the node: hands out chunks and computes the CID of what it handed out."""

    def __init__(self, name: str, source: bytes | BinaryIO) -> None:
        self.name = name
        self.failure: BaseException | None = None
        self.built: Built | None = None
        self._chunks = split(source)
        self._builder = Builder()

    def read(self, _length: int) -> Block:
        """The next chunk, empty at the end. Keeps what the source raised: the HTTP client would disguise it."""
        try:
            chunk = next(self._chunks, b"")
            if chunk:
                self._builder.add(chunk)
            else:
                self.built = self._builder.finish()
            return chunk
        except BaseException as error:
            self.failure = error
            raise


class KuboStore(BlockStore):
    """Objects in a Kubo node.

    Args:
        address: Multiaddr or URL of the RPC API; see `medrec_py.storage.addresses`.
        timeout: Seconds that the node may take to answer, and between two pieces of an answer.
        search_seconds: How long to let the node look for a block among its peers before it counts as missing; not
            used when it has none.

    Raises:
        StoreAddressInvalid: No such address.
    """

    def __init__(self, address: str, *, timeout: float = 60.0, search_seconds: float = 10.0) -> None:
        self._rpc = KuboRpc(KuboAddress.parse(address), timeout)
        self.name = self._rpc.name
        self._search_seconds = min(search_seconds, timeout)
        self._pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="kubo")

    # ── write ──

    def put(self, source: bytes | BinaryIO, *, pin: bool = True) -> Cid:
        """See `Store.put`."""
        return self._add([source], pin)[0]

    def put_many(self, objects: Sequence[bytes], *, pin: bool = True) -> list[Cid]:
        """See `Store.put_many`; one request."""
        return self._add(objects, pin) if objects else []

    def _add(self, sources: Sequence[bytes | BinaryIO], pin: bool) -> list[Cid]:
        uploads = [_Upload(str(number), source) for number, source in enumerate(sources)]
        limit = REPLY_LIMIT + 256 * len(uploads)
        try:
            reply = self._rpc.call("add", limit=limit, files=uploads, pin=str(pin).lower(), **_LAYOUT)
        except (StoreUnavailable, Absent, OSError) as error:
            for upload in uploads:
                if upload.failure is not None:
                    raise upload.failure from None
            if isinstance(error, Absent):
                raise self._rpc.unavailable(f"refused add: {error.message}") from error
            raise
        said = {str(item.get("Name")): item.get("Hash") for item in self._rpc.parse("add", reply, limit)}
        cids = [self._agreed(upload, said.get(upload.name)) for upload in uploads]
        if pin:
            unpinned = self._unpinned(list(dict.fromkeys(cids)))
            if unpinned:
                raise self._not_pinned(unpinned[0])
        return cids

    def _agreed(self, upload: _Upload, said: object) -> Cid:
        """The CID of what was uploaded, if the node found the same."""
        if upload.built is None or said is None:
            raise self._rpc.unavailable(f"didn't take the whole of object {upload.name}")
        cid = upload.built.cid
        if said != str(cid):
            raise ObjectTampered(
                f"The Kubo node {self.name} stored {upload.built.size} bytes as {str(said)[:100]}, but they are {cid}.",
                hint="It altered them, or its Import settings override the layout (e.g. UnixFSPBNodeFieldOrder).",
                store=self.name,
                expected=str(cid),
                found=str(said)[:100],
            )
        return cid

    def _not_pinned(self, cid: Cid) -> StoreUnavailable:
        return self._rpc.unavailable(f"said it pinned {cid} and doesn't")

    # ── read ──

    def block(self, cid: Cid, *, search: bool = True) -> bytes:
        """See `BlockStore.block`; searches for `search_seconds` when the node has peers."""
        return verified(cid, self._fetch(cid, search), self.name)

    def _fetch(self, cid: Cid, search: bool) -> bytes:
        try:
            return self._rpc.call("block/get", str(cid), limit=MAX_BLOCK_BYTES, offline="true")
        except Absent as error:
            if not search or self._search_seconds <= 0 or not self._has_peers():
                raise self._missing(cid, error.message) from None
        seconds = f"{self._search_seconds:g}s"
        try:
            return self._rpc.call("block/get", str(cid), limit=MAX_BLOCK_BYTES, timeout=seconds)
        except Absent as error:
            raise self._missing(cid, f"{error.message}; its peers were asked for {seconds}") from None

    def _missing(self, cid: Cid, why: str) -> ObjectMissing:
        return ObjectMissing(
            f"The Kubo node {self.name} has no block {cid} ({why[:300]}).", cid=str(cid), store=self.name
        )

    def _has_peers(self) -> bool:
        try:
            return any(item.get("Peers") for item in self._rpc.lines("swarm/peers"))
        except (StoreUnavailable, Absent):  # a node that runs offline refuses the question
            return False

    def leaf_blocks(self, root: Cid, wanted: Iterator[Leaf], *, search: bool = True) -> Iterator[tuple[Leaf, bytes]]:
        """See `BlockStore.leaf_blocks`; one request for up to 1024 leaves."""
        while batch := list(itertools.islice(wanted, MAX_LINKS)):
            rest = iter(batch)
            if len(batch) > 1:
                for leaf, block in self._run(root, batch):
                    next(rest)
                    yield leaf, block
            for leaf in rest:  # a single leaf, or what the run broke off at: this says why, or finds it elsewhere
                yield leaf, self.block(leaf.cid, search=search)

    def _run(self, root: Cid, run: list[Leaf]) -> Iterator[tuple[Leaf, bytes]]:
        """Leaves by one `cat`, each verified; ends early at the first that isn't what it should be."""
        first, last = run[0], run[-1]
        length = last.offset + last.size - first.offset
        opts = {"offset": str(first.offset), "length": str(length), "offline": "true", "progress": "false"}
        with contextlib.suppress(StoreUnavailable, Absent), self._rpc.stream("cat", [str(root)], opts) as pieces:
            rest = b""
            for leaf in run:
                parts, missing = [rest], leaf.size - len(rest)
                while missing > 0:
                    parts.append(next(pieces, b""))
                    if not parts[-1]:
                        return
                    missing -= len(parts[-1])
                block = b"".join(parts)
                block, rest = block[: leaf.size], block[leaf.size :]
                if Cid.of_raw(block) != leaf.cid:
                    return
                yield leaf, block

    def prefetch(self, cids: Sequence[Cid]) -> dict[bytes, bytes]:
        """See `BlockStore.prefetch`; two requests for a hundred blocks, one for their sizes and one for their bytes.

        A node that lacks one of them answers for none.
        """
        found: dict[bytes, bytes] = {}
        for start in range(0, len(cids) if len(cids) > 2 else 0, _BATCH):
            batch = cids[start : start + _BATCH]
            with contextlib.suppress(StoreUnavailable, Absent):
                found.update(self._together(batch))
        return found

    def _together(self, cids: Sequence[Cid]) -> Iterator[tuple[bytes, bytes]]:
        """Blocks by digest, taken as raw whatever they are and cut where the node says; only those that hash right."""
        names = [str(cid) for cid in cids]
        told = self._rpc.lines("dag/stat", *names, offline="true", progress="false")
        stats = told[-1].get("DagStats") if told else None
        sizes: list[Any] = []
        if isinstance(stats, list):
            sizes = [item.get("Size") for item in stats if isinstance(item, dict)]
        if len(sizes) != len(cids) or not all(isinstance(size, int) and 0 <= size <= MAX_BLOCK_BYTES for size in sizes):
            return
        content = memoryview(self._rpc.call("cat", *names, limit=sum(sizes), offline="true", progress="false"))
        at = 0
        for cid, size in zip(cids, sizes, strict=True):
            block = bytes(content[at : at + size])
            at += size
            if Cid.of_raw(block) == cid:
                yield cid.digest, block

    def _side_by_side(self, work: Callable[[S], T], items: Sequence[S]) -> list[T]:
        return list(self._pool.map(work, items))

    # ── keep ──

    def _check_whole(self, cid: Cid) -> None:
        path = "files/stat"
        try:
            found = self._rpc.lines(path, f"/ipfs/{cid}", with_local="true", offline="true")
        except Absent as error:
            raise self._missing(cid, error.message) from None
        if found and all(item.get("Local") is True for item in found):
            return
        for block in self._tree(cid):
            try:
                self._rpc.call("block/stat", str(block), offline="true")
            except Absent as error:
                raise self._missing(block, error.message) from None
        raise self._missing(cid, "it says that a part of the object isn't there")

    def pin(self, target: Cid | bytes) -> None:
        """See `Store.pin`; what the node lacks it fetches from its peers, if it has any."""
        cid = target if isinstance(target, Cid) else self.resolve(target)
        try:
            self._check_whole(cid)
        except ObjectMissing:  # without peers the node would wait for one, whatever it is told
            if not self._has_peers():
                raise
        try:
            self._rpc.call("pin/add", str(cid), timeout=f"{self._rpc.timeout:g}s")
        except Absent as error:
            raise self._missing(cid, error.message) from None
        if not self.is_pinned(cid):
            raise self._not_pinned(cid)

    def unpin(self, target: Cid | bytes) -> None:
        """See `Store.unpin`."""
        for cid in _names(target):
            with contextlib.suppress(Absent):
                self._rpc.call("pin/rm", str(cid))

    def is_pinned(self, target: Cid | bytes) -> bool:
        """See `Store.is_pinned`."""
        return any(not self._unpinned([cid]) for cid in _names(target))

    def _unpinned(self, cids: Sequence[Cid]) -> list[Cid]:
        """Those that the node doesn't list as pinned recursively."""
        missing: list[Cid] = []
        for start in range(0, len(cids), _BATCH):
            batch = cids[start : start + _BATCH]
            try:
                reply = self._rpc.lines("pin/ls", *map(str, batch), type="recursive")
            except Absent:  # one that isn't pinned makes it refuse the whole question
                missing += batch if len(batch) == 1 else [cid for cid in batch if self._unpinned([cid])]
                continue
            listed: dict[str, Any] = {}
            for item in reply:
                keys = item.get("Keys")
                listed.update(keys if isinstance(keys, dict) else {})
            missing += [cid for cid in batch if str(cid) not in listed]
        return missing

    def pins(self) -> Iterator[Cid]:
        """See `Store.pins`; those of other kinds than ours (CIDv0, other hashes) are passed over."""
        with self._rpc.stream("pin/ls", (), {"type": "recursive", "stream": "true"}) as pieces:
            rest = b""
            for piece in itertools.chain(pieces, [b"\n"]):
                *lines, rest = (rest + piece).split(b"\n")
                for item in self._rpc.parse("pin/ls", b"\n".join(lines)):
                    with contextlib.suppress(CidInvalid):
                        yield Cid.parse(str(item.get("Cid")))
                if len(rest) > REPLY_LIMIT:
                    raise self._rpc.unavailable("answered pin/ls with a line without end")

    def verify_pins(self, targets: Iterable[Cid | bytes], *, deep: bool = False) -> list[ObjectProblem]:
        """See `Store.verify_pins`; three requests for a hundred small objects, eight at a time for what is left."""
        wanted = list(targets)
        sound = self._sound([target.digest if isinstance(target, Cid) else target for target in wanted])
        rest = [target for target in wanted if (target.digest if isinstance(target, Cid) else target) not in sound]
        check = super().verify_pins
        found = self._side_by_side(lambda target: check([target], deep=deep), rest)
        return [item for items in found for item in items]

    def _sound(self, digests: Sequence[bytes]) -> set[bytes]:
        """Digests of the objects of one block whose bytes are there and hash right, and that are pinned."""
        blocks = self.prefetch([Cid.raw(digest) for digest in dict.fromkeys(digests)])
        whole = [Cid.raw(digest) for digest, block in blocks.items() if codec_of(block) is Codec.RAW]
        return {cid.digest for cid in whole} - {cid.digest for cid in self._unpinned(whole)} if whole else set()

    def mend(self, cid: Cid, damaged: Sequence[Damaged], fetch: Callable[[Cid], bytes]) -> None:
        """See `BlockStore.mend`.

        Kubo doesn't write a block that it believes to have, and doesn't remove one that is pinned: for a corrupt block
        the pins above it are lifted, and set again when the good bytes are there.
        """
        lifted = {cid: None}
        failed: StoreUnavailable | IntegrityError | None = None
        try:
            for item in damaged:
                good = fetch(item.cid)
                if item.corrupt:
                    self._drop(item.cid, lifted)
                self._put_block(item.cid, good)
        finally:
            for pinned in lifted:
                try:
                    self.pin(pinned)
                except (StoreUnavailable, IntegrityError) as error:
                    failed = error
        if failed is not None:
            raise failed

    def _drop(self, cid: Cid, lifted: dict[Cid, None]) -> None:
        """Removes one block, lifting the pins that stand in the way; those are added to `lifted`."""
        while True:
            reply = self._rpc.lines("block/rm", str(cid), force="true")
            refusal = " ".join(str(item.get("Error") or "") for item in reply)
            if not refusal:
                return
            holders: Iterable[Cid] = [cid]  # "pinned: recursive"
            if "pinned via" in refusal:
                holders = [Cid.parse(refusal.split()[-1])]
            elif "pin check failed" in refusal:  # Kubo gives up at the first pinned object with a corrupt node
                holders = self._damaged_pins()
            new = [holder for holder in holders if holder not in lifted or self.is_pinned(holder)]
            if not new:
                raise self._rpc.unavailable(f"doesn't let go of the corrupt block {cid}: {refusal[:300]}")
            for holder in new:
                lifted[holder] = None
                self.unpin(holder)

    def _damaged_pins(self) -> Iterator[Cid]:
        """The pinned objects with a node that is missing or corrupt."""
        for pinned in list(self.pins()):
            try:
                for _ in self._tree(pinned):
                    pass
            except IntegrityError:
                yield pinned

    def _put_block(self, cid: Cid, content: bytes) -> None:
        codec = "raw" if cid.codec is Codec.RAW else "dag-pb"
        reply = self._rpc.call("block/put", files=[io.BytesIO(content)], cid_codec=codec, mhtype="sha2-256")
        said = [item.get("Key") for item in self._rpc.parse("block/put", reply)]
        if said != [str(cid)]:
            raise self._rpc.unavailable(f"stored the block {cid} as something else: {str(said)[:200]}")

    def remove(self, target: Cid | bytes) -> None:
        """See `Store.remove`; blocks that the node itself still needs, it keeps."""
        doomed: list[Cid] = []
        with contextlib.suppress(IntegrityError):  # of a damaged object, what can still be known goes
            doomed.extend(self._tree(target if isinstance(target, Cid) else self.resolve(target)))
        self.unpin(target)
        for start in range(0, len(doomed), _BATCH):
            with contextlib.suppress(Absent):
                self._rpc.call("block/rm", *map(str, doomed[start : start + _BATCH]), force="true", quiet="true")

    def close(self) -> None:
        """See `Store.close`."""
        self._pool.shutdown()
        self._rpc.close()


def _names(target: Cid | bytes) -> list[Cid]:
    """The CIDs that a pin of `target` may stand under: with a bare digest the block needn't be read."""
    return [target] if isinstance(target, Cid) else [Cid.raw(target), Cid.dag_pb(target)]
