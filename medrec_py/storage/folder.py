"""The embedded store: a folder of blocks, named by what they hash to.

::

    format               what this folder is, and its version
    blocks/7K/CIQ….data  one block a file; the name is the block's multihash, the shard the two characters before
                         its last, as in Kubo's flatfs, so that blocks can be copied from one to the other
    pins/bafkrei…        an empty file for each pinned object
    tmp/                 files being written
    lock                 held shared while writing, exclusively while deleting

A file comes into being under `tmp/`, is synced, then renamed: under its final name it is always whole. An object
exists when its root block does, and that is written last; its pin after that. A process killed at any instant leaves
files in `tmp/` (swept when the store is next opened and nobody writes) and blocks that no object needs (`collect`).
"""

from __future__ import annotations

import base64
import contextlib
import errno
import fcntl
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final

from medrec_py.errors import CidInvalid, IntegrityError, ObjectMissing, StoreAddressInvalid, StoreUnavailable
from medrec_py.storage.blocks import BlockStore, Damaged, problem, verified
from medrec_py.storage.cid import Cid, Codec
from medrec_py.storage.folder_writes import Writes
from medrec_py.storage.store import ObjectProblem
from medrec_py.storage.unixfs import MAX_BLOCK_BYTES, MAX_DEPTH, Block, Builder, Link, parse_node, split

_FORMAT: Final = b"medrec content-addressed folder 1\n"
_MULTIHASH_HEAD: Final = bytes((0x12, 32))  # sha2-256, 32 bytes
_KEY_CHARS: Final = 55  # 34 bytes at 5 bits a character, unpadded


def _key(digest: bytes) -> str:
    """A block's file name without its suffix: its multihash in upper-case base32."""
    return base64.b32encode(_MULTIHASH_HEAD + digest).decode("ascii").rstrip("=")


def _digest(key: str) -> bytes | None:
    """The digest behind a file name; None when it is no name of ours."""
    if len(key) != _KEY_CHARS:
        return None
    try:
        multihash = base64.b32decode(key + "=")
    except ValueError:
        return None
    digest = multihash[2:]
    return digest if multihash[:2] == _MULTIHASH_HEAD and _key(digest) == key else None


def _sync_folder(path: Path) -> None:
    """Makes the names in a folder durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class FolderStore(BlockStore):
    """Objects in a folder of the local disk. Several processes and threads may use one folder at once.

    Args:
        path: The folder; made when absent.

    Raises:
        StoreAddressInvalid: The folder holds something else.
        StoreUnavailable: It can't be made or written.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).absolute()
        self.name = str(path)
        self._blocks = self.path / "blocks"
        self._pins = self.path / "pins"
        self._tmp = self.path / "tmp"
        self._lock = self.path / "lock"
        with self._disk("open"):
            self._prepare()

    # ── write ──

    def put(self, source: bytes | BinaryIO, *, pin: bool = True) -> Cid:
        """See `Store.put`."""
        return self._put([source], pin)[0]

    def put_many(self, objects: Sequence[bytes], *, pin: bool = True) -> list[Cid]:
        """See `Store.put_many`; all are synced together."""
        return self._put(objects, pin)

    def _put(self, sources: Sequence[bytes | BinaryIO], pin: bool) -> list[Cid]:
        cids: list[Cid] = []
        with self._locked(fcntl.LOCK_SH), Writes(self) as writes:
            for source in sources:
                builder = Builder(writes.emit)
                for chunk in split(source):
                    builder.add(chunk)
                cids.append(builder.finish().cid)
                writes.end_object()
            writes.finish()
            if pin:
                self._write_pins(cids)
        return cids

    def _write_pins(self, cids: Iterable[Cid]) -> None:
        with self._disk("write"):
            for cid in cids:
                (self._pins / str(cid)).touch()
            _sync_folder(self._pins)

    def write_block(self, cid: Cid, block: Block) -> list[Path]:
        """Writes a block unless the same bytes are there; damaged ones are replaced.

        Returns:
            The folders to sync before the block's name is durable.
        """
        path = self._path(cid)
        with self._disk("write"):
            new = not path.parent.is_dir()
            path.parent.mkdir(exist_ok=True)
            if not self._holds(path, block):
                self._write_file(path, block)
        return [path.parent, self._blocks] if new else [path.parent]

    def sync_folder(self, folder: Path) -> None:
        """Makes the names in one of this store's folders durable."""
        with self._disk("write"):
            _sync_folder(folder)

    @staticmethod
    def _holds(path: Path, block: Block) -> bool:
        try:
            return path.stat().st_size == len(block) and path.read_bytes() == block
        except OSError:  # absent, or unreadable: written anew either way
            return False

    def _write_file(self, path: Path, content: Block) -> None:
        """Writes a file so that it is there whole or not at all."""
        temporary = self._tmp / secrets.token_hex(16)
        try:
            with open(temporary, "xb", buffering=0) as file:
                rest = memoryview(content)
                while rest:
                    rest = rest[file.write(rest) :]
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise

    # ── read ──

    def _path(self, cid: Cid) -> Path:
        key = _key(cid.digest)
        return self._blocks / key[-3:-1] / f"{key}.data"

    def block(self, cid: Cid, *, search: bool = True) -> bytes:
        """See `BlockStore.block`; a folder has nobody to ask."""
        with self._disk("read"):
            try:
                with open(self._path(cid), "rb", buffering=0) as file:
                    content = file.read(MAX_BLOCK_BYTES + 1) or b""
            except FileNotFoundError:
                raise self._missing(cid) from None
        return verified(cid, content, self.name)

    def _missing(self, cid: Cid) -> ObjectMissing:
        return ObjectMissing(f"The folder {self.name} has no block {cid}.", cid=str(cid), store=self.name)

    def _check_whole(self, cid: Cid) -> None:
        for block in self._tree(cid):
            if not self._path(block).is_file():
                raise self._missing(block)

    # ── keep ──

    def mend(self, cid: Cid, damaged: Sequence[Damaged], fetch: Callable[[Cid], bytes]) -> None:
        """See `BlockStore.mend`."""
        with self._locked(fcntl.LOCK_SH):
            with Writes(self) as writes:
                for item in damaged:
                    writes.emit(item.cid, fetch(item.cid))
                writes.end_object()
                writes.finish()
            self._check_whole(cid)
            self._write_pins([cid])

    def pin(self, target: Cid | bytes) -> None:
        """See `Store.pin`."""
        with self._locked(fcntl.LOCK_SH):
            cid = target if isinstance(target, Cid) else self.resolve(target)
            self._check_whole(cid)
            self._write_pins([cid])

    def unpin(self, target: Cid | bytes) -> None:
        """See `Store.unpin`."""
        with self._disk("write"):
            for cid in self._names(target):
                (self._pins / str(cid)).unlink(missing_ok=True)
            _sync_folder(self._pins)

    def is_pinned(self, target: Cid | bytes) -> bool:
        """See `Store.is_pinned`."""
        with self._disk("read"):
            return any((self._pins / str(cid)).exists() for cid in self._names(target))

    @staticmethod
    def _names(target: Cid | bytes) -> list[Cid]:
        """The CIDs that a pin of `target` may be filed under: with a bare digest the block needn't be read."""
        return [target] if isinstance(target, Cid) else [Cid.raw(target), Cid.dag_pb(target)]

    def pins(self) -> Iterator[Cid]:
        """See `Store.pins`; sorted by name."""
        with self._disk("read"):
            names = sorted(os.listdir(self._pins))
        for name in names:
            with contextlib.suppress(CidInvalid):
                yield Cid.parse(name)

    def remove(self, target: Cid | bytes) -> None:
        """See `Store.remove`."""
        with self._locked(fcntl.LOCK_EX):
            self.unpin(target)
            doomed: set[bytes] = set()
            with contextlib.suppress(IntegrityError):  # of a damaged object, what can still be known goes
                for cid in self._tree(target if isinstance(target, Cid) else self.resolve(target)):
                    doomed.add(cid.digest)
            for pinned in self.pins():
                with contextlib.suppress(IntegrityError):
                    for cid in self._tree(pinned):
                        doomed.discard(cid.digest)
            with self._disk("write"):
                for digest in doomed:
                    self._path(Cid.raw(digest)).unlink(missing_ok=True)

    def collect(self) -> int:
        """Deletes every block that no pinned object needs; waits for writers to finish.

        Returns:
            Number of blocks deleted.

        Raises:
            IntegrityError: A pinned object is damaged, so what it needs is not known; nothing is deleted.
        """
        with self._locked(fcntl.LOCK_EX):
            needed = {cid.digest for pinned in self.pins() for cid in self._tree(pinned)}
            doomed = [digest for digest in self._digests() if digest not in needed]
            with self._disk("write"):
                for digest in doomed:
                    self._path(Cid.raw(digest)).unlink(missing_ok=True)
        return len(doomed)

    def verify(self) -> list[ObjectProblem]:
        """Reads every block of the folder and every pinned object.

        Returns:
            One problem for each block that a pinned object lacks or that is damaged, in the order of the objects'
            names, then damaged blocks that no pinned object needs. Empty: all well.
        """
        problems: list[ObjectProblem] = []
        seen: dict[bytes, IntegrityError | None] = {}

        def inspect(owner: Cid, block: Cid, depth: int) -> None:
            if block.digest not in seen:
                seen[block.digest] = self._damage(block)
            error = seen[block.digest]
            children: tuple[Link, ...] = ()
            if error is None and block.codec is Codec.DAG_PB:
                try:
                    children = parse_node(block, self.block(block)).links if depth < MAX_DEPTH else ()
                except IntegrityError as malformed:
                    error = malformed
            if error is not None:
                problems.append(problem(owner, self.name, error))
            for link in children:
                inspect(owner, link.cid, depth + 1)

        for pinned in self.pins():
            inspect(pinned, pinned, 0)
        for digest in self._digests():
            if digest not in seen:
                inspect(Cid.raw(digest), Cid.raw(digest), 0)
        return problems

    def _damage(self, block: Cid) -> IntegrityError | None:
        try:
            self.block(block)
        except IntegrityError as error:
            return error
        return None

    def _digests(self) -> Iterator[bytes]:
        """The digests that the folder has a block file for, sorted."""
        with self._disk("read"):
            keys = sorted(path.stem for path in self._blocks.glob("??/*.data"))
        for key in keys:
            digest = _digest(key)
            if digest is not None:
                yield digest

    def close(self) -> None:
        """Nothing stays open between calls."""

    # ── the folder ──

    def _prepare(self) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        known = {"format", "blocks", "pins", "tmp", "lock"}
        foreign = sorted(name for name in os.listdir(self.path) if name not in known)
        label = self.path / "format"
        if label.is_file():
            if label.read_bytes() != _FORMAT:
                raise StoreAddressInvalid(
                    f"The folder {self.name} is a store of another version: {label.read_bytes()[:60]!r}.",
                    hint="Use the version of medrec that wrote it, or another folder.",
                    path=self.name,
                )
        elif foreign:
            raise StoreAddressInvalid(
                f"The folder {self.name} holds {foreign[0]!r} and is no store.",
                hint="Give an empty folder or one that doesn't exist yet.",
                path=self.name,
            )
        for folder in (self._blocks, self._pins, self._tmp):
            folder.mkdir(exist_ok=True)
        self._sweep()
        if not label.is_file():
            with self._locked(fcntl.LOCK_SH):
                self._write_file(label, _FORMAT)
            _sync_folder(self.path)

    def _sweep(self) -> None:
        """Deletes what killed processes left half written, if nobody is writing just now."""
        handle = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for leftover in self._tmp.iterdir():
                leftover.unlink(missing_ok=True)
        except BlockingIOError:
            pass
        finally:
            os.close(handle)

    @contextlib.contextmanager
    def _locked(self, mode: int) -> Iterator[None]:
        """Holds the folder's lock: shared to write, exclusively to delete. Released by the kernel when killed."""
        with self._disk("lock"):
            handle = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            with self._disk("lock"):
                fcntl.flock(handle, mode)
            yield
        finally:
            os.close(handle)

    @contextlib.contextmanager
    def _disk(self, verb: str) -> Iterator[None]:
        """Turns an error of the disk into one that says what can be done about it."""
        try:
            yield
        except OSError as error:
            code = errno.errorcode.get(error.errno or 0, "?")
            raise StoreUnavailable(
                f"Can't {verb} the folder {self.name}: {code}, {error.strerror or error}.",
                hint="Nothing acknowledged is lost. Free space, or mend the disk or its permissions, then try again.",
                store=self.name,
                errno=code,
            ) from error
