"""A Kubo node as a store, over its RPC API.

The only file that knows `ipfshttpclient`. That library is not maintained any more, so little of it is used: it parses
the address, keeps the connections and encodes uploads. Its `connect()` refuses daemons of 0.9 and later and is not
called; its replies are read here, in pieces and up to a limit, because it would hold any reply whole.

Nothing the node says is believed: the CID of an upload is computed here too and compared, a pin is asked for after
it was made, and every block is hashed. A run of leaves is fetched by one `cat` and cut at the leaves' borders, which
the verified node above them gives, so that a verified read costs no more requests than a plain one.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, BinaryIO, Final, TypeVar

import ipfshttpclient
import requests
import urllib3.exceptions
from ipfshttpclient import exceptions, multipart

from medrec_py.errors import (
    CidInvalid,
    IntegrityError,
    ObjectMissing,
    ObjectTampered,
    StoreAddressInvalid,
    StoreUnavailable,
)
from medrec_py.storage.addresses import KuboAddress
from medrec_py.storage.blocks import BlockStore
from medrec_py.storage.cid import Cid
from medrec_py.storage.store import DEFAULT_LIMIT, ObjectProblem
from medrec_py.storage.unixfs import (
    CHUNK_BYTES,
    MAX_BLOCK_BYTES,
    MAX_LINKS,
    Block,
    Builder,
    Built,
    Leaf,
    split,
)

CONNECT_SECONDS: Final = 5.0
UPLOAD_STALL_SECONDS: Final = 60.0
"""How long the node may take no bytes of an upload, e.g. while its disk syncs."""
_REPLY_LIMIT: Final = 1 << 20
_ERROR_LIMIT: Final = 64 << 10
_PIECE_BYTES: Final = 256 << 10
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
_ABSENT: Final = ("could not find", "not found", "context deadline exceeded", "no providers")

T = TypeVar("T")


class _Absent(Exception):
    """The node says that it has no such block, pin or object."""


class _Upload:
    """One object on its way to the node: hands out chunks and computes the CID of what it handed out."""

    def __init__(self, name: str, source: bytes | BinaryIO) -> None:
        self.name = name  # ipfshttpclient sends it as the part's file name
        self.failure: BaseException | None = None
        self._chunks = split(source)
        self._builder = Builder()
        self.built: Built | None = None

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
        parsed = KuboAddress.parse(address)
        self.name = parsed.name
        self._timeout = timeout
        self._search_seconds = search_seconds
        try:
            client = ipfshttpclient.Client(
                parsed.multiaddr,
                chunk_size=CHUNK_BYTES,
                auth=parsed.auth,
                headers={"Accept-Encoding": "identity"},
                timeout=(CONNECT_SECONDS, timeout),
                session=True,
            )
        except exceptions.AddressError as error:
            raise StoreAddressInvalid(f"{self.name!r} is no address of a Kubo RPC API.") from error
        self._client = client
        self._rpc: Any = client._client
        session = self._rpc._session
        session.trust_env = False  # no proxy or netrc of the environment: a node is spoken to directly
        session.max_redirects = 0
        session.hooks["response"].append(_shorten_error)
        for adapter in session.adapters.values():  # an argument that urllib3 warns of: Python 2's
            adapter.poolmanager.connection_pool_kw.pop("strict", None)
        self._pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="kubo")

    # ── requests ──

    @contextlib.contextmanager
    def _answering(self, path: str) -> Iterator[None]:
        """Turns every way in which HTTP can fail into `StoreUnavailable`, or `_Absent`."""
        try:
            yield
        except exceptions.ErrorResponse as error:
            message = str(error)
            if any(sign in message for sign in _ABSENT) or "not pinned" in message:
                raise _Absent(message) from error
            raise self._unavailable(f"refused {path}: {message[:300]}") from error
        except exceptions.StatusError as error:
            status = getattr(getattr(error.original, "response", None), "status_code", "?")
            hint = "Check that this is the RPC API of a Kubo node (port 5001 by default), and the credentials."
            raise self._unavailable(f"answered {path} with HTTP status {status}", hint) from error
        except (exceptions.TimeoutError, requests.Timeout, urllib3.exceptions.TimeoutError) as error:
            raise self._unavailable(f"didn't answer {path} in {self._timeout:g} s") from error
        except (exceptions.CommunicationError, requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise self._unavailable(f"can't be reached for {path}: {_reason(error)}") from error

    def _unavailable(self, fact: str, hint: str | None = None) -> StoreUnavailable:
        return StoreUnavailable(f"The Kubo node {self.name} {fact}.", hint=hint, store=self.name)

    @contextlib.contextmanager
    def _stream(
        self, path: str, args: Sequence[str], opts: dict[str, str], body: multipart.FilesStream | None = None
    ) -> Iterator[Iterator[bytes]]:
        """The reply to a request as it comes in, in pieces of at most 256 KiB."""
        params = [*opts.items(), *(("arg", arg) for arg in args)]
        # the first of the two is also how long a single write may block
        wait = (CONNECT_SECONDS if body is None else UPLOAD_STALL_SECONDS, self._timeout)
        with self._answering(path):
            closables, pieces = self._rpc._request(
                "POST",
                path,
                params,
                auth=None,
                data=body and body.body(),
                headers=body and body.headers(),
                timeout=wait,
                chunk_size=_PIECE_BYTES,
            )
            try:
                yield pieces
            finally:
                for closable in closables:
                    closable.close()

    def _call(self, path: str, *args: str, limit: int = _REPLY_LIMIT, seconds: float = math.inf, **opts: str) -> bytes:
        """A whole reply, cut off just behind `limit` bytes; option names have `_` for `-`."""
        named = {name.replace("_", "-"): value for name, value in opts.items()}
        deadline = time.monotonic() + min(seconds, self._timeout) + CONNECT_SECONDS
        reply = bytearray()
        with self._stream(path, args, named) as pieces:
            for piece in pieces:
                reply += piece
                if len(reply) > limit:
                    break
                if time.monotonic() > deadline:
                    raise self._unavailable(f"didn't finish its answer to {path} in {self._timeout:g} s")
        return bytes(reply)

    def _json(self, path: str, reply: bytes) -> list[dict[str, Any]]:
        """The JSON objects of a reply, one a line."""
        try:
            if len(reply) > _REPLY_LIMIT:
                raise ValueError(f"more than {_REPLY_LIMIT} bytes")
            parsed = [json.loads(line) for line in reply.splitlines() if line.strip()]
            if not all(isinstance(item, dict) for item in parsed):
                raise ValueError("no JSON objects")
            return parsed
        except (ValueError, RecursionError) as error:
            hint = "Check that this is the RPC API of a Kubo node (port 5001 by default)."
            raise self._unavailable(f"answered {path} with something else: {error}", hint) from None

    def _side_by_side(self, work: Callable[[T], Any], items: Iterable[T]) -> list[Any]:
        return list(self._pool.map(work, items))

    # ── write ──

    def put(self, source: bytes | BinaryIO, *, pin: bool = True) -> Cid:
        """See `Store.put`."""
        return self._add([source], pin)[0]

    def put_many(self, objects: Sequence[bytes], *, pin: bool = True) -> list[Cid]:
        """See `Store.put_many`; one request."""
        return self._add(objects, pin) if objects else []

    def _add(self, sources: Sequence[bytes | BinaryIO], pin: bool) -> list[Cid]:
        uploads = [_Upload(str(number), source) for number, source in enumerate(sources)]
        body = multipart.FilesStream(uploads, chunk_size=CHUNK_BYTES)
        reply = bytearray()
        try:
            opts = {**_LAYOUT, "pin": "true" if pin else "false"}
            with self._stream("add", (), opts, body) as pieces:
                for piece in pieces:
                    reply += piece
                    if len(reply) > _REPLY_LIMIT + 256 * len(sources):
                        break
        except (StoreUnavailable, _Absent, OSError):
            for upload in uploads:
                if upload.failure is not None:
                    raise upload.failure from None
            raise
        said = {str(item.get("Name")): item.get("Hash") for item in self._lines("add", bytes(reply))}
        cids = [self._agreed(upload, said.get(upload.name)) for upload in uploads]
        if pin:
            unpinned = self._unpinned(list(dict.fromkeys(cids)))
            if unpinned:
                raise self._unavailable(f"said it pinned {unpinned[0]} and doesn't")
        return cids

    def _lines(self, path: str, reply: bytes) -> list[dict[str, Any]]:
        """As `_json`, for replies that may be long because what was asked for was."""
        return [item for line in reply.splitlines() for item in self._json(path, line)]

    def _agreed(self, upload: _Upload, said: object) -> Cid:
        """The CID of what was uploaded, if the node found the same."""
        if upload.built is None or said is None:
            raise self._unavailable(f"didn't take the whole of object {upload.name}")
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

    # ── read ──

    def _fetch(self, cid: Cid) -> bytes:
        try:
            return self._local(cid)
        except _Absent as error:
            if self._search_seconds <= 0 or not self._has_peers():
                raise self._missing(cid, str(error)) from None
        seconds = min(self._search_seconds, self._timeout)
        try:
            return self._call("block/get", str(cid), limit=MAX_BLOCK_BYTES, timeout=f"{seconds:g}s")
        except _Absent as error:
            raise self._missing(cid, f"{error} after {seconds:g} s among its peers") from None

    def _local(self, cid: Cid) -> bytes:
        return self._call("block/get", str(cid), limit=MAX_BLOCK_BYTES, offline="true")

    def _missing(self, cid: Cid, why: str) -> ObjectMissing:
        return ObjectMissing(
            f"The Kubo node {self.name} has no block {cid} ({why[:300]}).", cid=str(cid), store=self.name
        )

    def _has_peers(self) -> bool:
        try:
            return any(item.get("Peers") for item in self._json("swarm/peers", self._call("swarm/peers")))
        except (StoreUnavailable, _Absent):  # a node that runs offline refuses the question
            return False

    def _leaf_blocks(self, root: Cid, wanted: Iterator[Leaf]) -> Iterator[tuple[Leaf, bytes]]:
        while batch := list(itertools.islice(wanted, MAX_LINKS)):
            rest = iter(batch)
            if len(batch) > 1:
                for leaf, block in self._run(root, batch):
                    next(rest)
                    yield leaf, block
            for leaf in rest:  # a single leaf, or what the run broke off at: this says why, or finds it elsewhere
                yield leaf, self._block(leaf.cid)

    def _run(self, root: Cid, run: list[Leaf]) -> Iterator[tuple[Leaf, bytes]]:
        """Leaves by one `cat`, each verified; ends early at the first that isn't what it should be."""
        first, last = run[0], run[-1]
        opts = {
            "offset": str(first.offset),
            "length": str(last.offset + last.size - first.offset),
            "offline": "true",
            "progress": "false",
        }
        with contextlib.suppress(StoreUnavailable, _Absent), self._stream("cat", [str(root)], opts) as pieces:
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

    def get_many(self, targets: Sequence[Cid | bytes], *, limit: int = DEFAULT_LIMIT) -> list[bytes]:
        """See `Store.get_many`; eight requests at a time."""
        return self._side_by_side(lambda target: self.get(target, limit=limit), targets)

    # ── keep ──

    def _check_whole(self, cid: Cid) -> None:
        try:
            reply = self._call("files/stat", f"/ipfs/{cid}", with_local="true", offline="true")
        except _Absent as error:
            raise self._missing(cid, str(error)) from None
        if all(item.get("Local") is True for item in self._json("files/stat", reply)):
            return
        for block in self._tree(cid):
            try:
                self._call("block/stat", str(block), offline="true")
            except _Absent as error:
                raise self._missing(block, str(error)) from None
        raise self._missing(cid, "it says that a part of the object isn't there")

    def pin(self, target: Cid | bytes) -> None:
        """See `Store.pin`; what the node lacks it fetches from its peers, if it has any."""
        cid = target if isinstance(target, Cid) else self.resolve(target)
        try:
            if self._has_peers():
                self._call("pin/add", str(cid), timeout=f"{self._timeout:g}s")
            else:
                self._call("pin/add", str(cid), offline="true")
        except _Absent as error:
            raise self._missing(cid, str(error)) from None
        if not self.is_pinned(cid):
            raise self._unavailable(f"said it pinned {cid} and doesn't")

    def unpin(self, target: Cid | bytes) -> None:
        """See `Store.unpin`."""
        for cid in _names(target):
            with contextlib.suppress(_Absent):
                self._call("pin/rm", str(cid))

    def is_pinned(self, target: Cid | bytes) -> bool:
        """See `Store.is_pinned`."""
        return any(not self._unpinned([cid]) for cid in _names(target))

    def _unpinned(self, cids: Sequence[Cid]) -> list[Cid]:
        """Those that the node doesn't list as pinned recursively."""
        missing: list[Cid] = []
        for start in range(0, len(cids), _BATCH):
            batch = cids[start : start + _BATCH]
            try:
                reply = self._call("pin/ls", *map(str, batch), type="recursive")
            except _Absent:  # one that isn't pinned makes it refuse the whole question
                missing += batch if len(batch) == 1 else [cid for cid in batch if self._unpinned([cid])]
                continue
            listed: dict[str, Any] = {}
            for item in self._json("pin/ls", reply):
                keys = item.get("Keys")
                listed.update(keys if isinstance(keys, dict) else {})
            missing += [cid for cid in batch if str(cid) not in listed]
        return missing

    def pins(self) -> Iterator[Cid]:
        """See `Store.pins`; those of other kinds than ours (CIDv0, other hashes) are passed over."""
        with self._stream("pin/ls", (), {"type": "recursive", "stream": "true"}) as pieces:
            rest = b""
            for piece in pieces:
                *lines, rest = (rest + piece).split(b"\n")
                for item in self._lines("pin/ls", b"\n".join(lines)):
                    with contextlib.suppress(CidInvalid):
                        yield Cid.parse(str(item.get("Cid")))

    def verify_pins(self, targets: Iterable[Cid | bytes], *, deep: bool = False) -> list[ObjectProblem]:
        """See `Store.verify_pins`; eight requests at a time."""
        check = super().verify_pins
        found = self._side_by_side(lambda target: check([target], deep=deep), targets)
        return [item for items in found for item in items]

    def remove(self, target: Cid | bytes) -> None:
        """See `Store.remove`; blocks that the node itself still needs, it keeps."""
        self.unpin(target)
        doomed: list[Cid] = []
        with contextlib.suppress(IntegrityError):  # of a damaged object, what can still be known goes
            doomed.extend(self._tree(target if isinstance(target, Cid) else self.resolve(target)))
        for start in range(0, len(doomed), _BATCH):
            with contextlib.suppress(_Absent):
                self._call("block/rm", *map(str, doomed[start : start + _BATCH]), force="true", quiet="true")

    def close(self) -> None:
        """See `Store.close`."""
        self._pool.shutdown()
        self._client.close()


def _names(target: Cid | bytes) -> list[Cid]:
    """The CIDs that a pin of `target` may stand under: with a bare digest the block needn't be read."""
    return [target] if isinstance(target, Cid) else [Cid.raw(target), Cid.dag_pb(target)]


def _shorten_error(response: Any, **_: object) -> None:  # noqa: ANN401  (sets what requests calls private)
    """Reads the body of an error reply up to a limit, before ipfshttpclient would read all of it."""
    if response.status_code >= 400:
        response._content = response.raw.read(_ERROR_LIMIT)
        response._content_consumed = True


def _reason(error: BaseException) -> str:
    """The innermost cause: the outer layers only repeat it in longer words."""
    while True:
        told = (error.__cause__, getattr(error, "original", None), getattr(error, "reason", None), *error.args[:1])
        inner = next((item for item in told if isinstance(item, BaseException)), None)
        if inner is None:
            return str(error) or type(error).__name__
        error = inner
