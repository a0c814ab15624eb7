"""Several stores that keep the same objects.

A write counts once a quorum of replicas has taken it. A read is put together block by block from whichever replica
has each: an object that is damaged everywhere, but nowhere in the same place, is still whole. Which replica lacked or
altered what is never silent: it is logged, kept in `incidents`, and named in the error when no replica could help.
`verify_pins` finds what is wrong where, `repair` mends it from the others.
"""

from __future__ import annotations

import itertools
import logging
import queue
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import BinaryIO, Final, TypeVar, cast

from medrec_py.errors import (
    IntegrityError,
    ObjectMissing,
    ObjectTampered,
    QuorumNotReached,
    StoreAddressInvalid,
    StoreUnavailable,
    Unavailable,
)
from medrec_py.storage.blocks import BlockStore, Damaged, problem
from medrec_py.storage.cid import Cid
from medrec_py.storage.store import ObjectProblem
from medrec_py.storage.unixfs import MAX_LINKS, Block, Leaf, split

S = TypeVar("S")
T = TypeVar("T")

_REST_SECONDS: Final = 30.0
"""For how long a replica that didn't answer is asked last."""
_QUEUED_CHUNKS: Final = 2
_READERS: Final = 8
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RepairReport:
    """What a repair did.

    Attributes:
        repaired: The problems that were found and are gone.
        remaining: The problems that are still there, with the reason why.
    """

    repaired: tuple[ObjectProblem, ...]
    remaining: tuple[ObjectProblem, ...]


class _SourceFailed(Exception):
    """Ends a replica's copy of a stream whose source broke off; the source's own error is raised to the caller."""


class _Branch:
    """One replica's end of a stream that is read once and written to all; a binary file as far as `put` needs it."""

    def __init__(self) -> None:
        self._chunks: queue.Queue[Block | BaseException] = queue.Queue(_QUEUED_CHUNKS)
        self._rest: Block = b""
        self._ended = False

    def read(self, length: int) -> bytes:
        """At most `length` bytes; empty at the end."""
        if not self._rest and not self._ended:
            item = self._chunks.get()
            if isinstance(item, BaseException):
                raise item
            self._rest, self._ended = item, not item
        piece, self._rest = self._rest[:length], self._rest[length:]
        return bytes(piece)

    def feed(self, item: Block | BaseException, writer: Future[list[Cid]]) -> None:
        """Hands an item over, waiting while the replica is slow and giving up when it is done for."""
        while not writer.done():
            try:
                self._chunks.put(item, timeout=0.05)
                return
            except queue.Full:
                continue


class ReplicatedStore(BlockStore):
    """The same objects in several stores.

    Args:
        stores: The replicas, the preferred ones first; closed with this store.
        quorum: How many must take a write before it counts; a majority when not given.

    Raises:
        StoreAddressInvalid: No replica, two of the same name, or a quorum that can't be met.
    """

    def __init__(self, stores: Sequence[BlockStore], *, quorum: int | None = None) -> None:
        self.stores = tuple(stores)
        self.quorum = len(stores) // 2 + 1 if quorum is None else quorum
        if not 1 <= self.quorum <= len(stores):
            raise StoreAddressInvalid(
                f"A quorum of {self.quorum} can't be met by {len(stores)} replicas.",
                hint="Give a quorum between 1 and the number of replicas.",
            )
        if len({store.name for store in stores}) < len(stores):
            raise StoreAddressInvalid("The same store is named twice: that makes no replica.")
        self.name = ", ".join(store.name for store in stores)
        self.incidents: deque[ObjectProblem] = deque(maxlen=1000)
        """What went wrong in replicas while others stood in, the latest last."""
        self._resting: dict[str, float] = {}

    # ── write ──

    def put(self, source: bytes | BinaryIO, *, pin: bool = True) -> Cid:
        """See `Store.put`; reads `source` once and writes all replicas side by side.

        Raises:
            QuorumNotReached: Fewer than `quorum` replicas took it; names those that didn't, and why.
        """
        if isinstance(source, bytes | bytearray | memoryview):
            content = source
            return self._written(lambda store: [store.put(content, pin=pin)])[0]
        branches = {store.name: _Branch() for store in self.stores}

        def feed(writers: dict[str, Future[list[Cid]]]) -> None:
            def hand(item: Block | BaseException) -> None:
                for name, branch in branches.items():
                    branch.feed(item, writers[name])

            try:
                for chunk in split(source):
                    hand(chunk)
            except BaseException:
                hand(_SourceFailed())
                raise
            hand(b"")

        return self._written(lambda store: [store.put(cast(BinaryIO, branches[store.name]), pin=pin)], feed)[0]

    def put_many(self, objects: Sequence[bytes], *, pin: bool = True) -> list[Cid]:
        """See `Store.put_many`; a replica counts when it took all."""
        return self._written(lambda store: store.put_many(objects, pin=pin))

    def _written(
        self,
        write: Callable[[BlockStore], list[Cid]],
        feed: Callable[[dict[str, Future[list[Cid]]]], None] | None = None,
    ) -> list[Cid]:
        """Runs `write` on every replica, each in a thread of its own, and counts."""
        with ThreadPoolExecutor(len(self.stores)) as pool:
            writers = {store.name: pool.submit(write, store) for store in self.stores}
            if feed is not None:
                feed(writers)
        failed: dict[str, str] = {}
        taken: list[list[Cid]] = []
        for store in self.stores:
            try:
                taken.append(writers[store.name].result())
            except (Unavailable, IntegrityError) as error:
                self._let_rest(store, error)
                failed[store.name] = error.message
                _log.warning("writing: %s", error.message)
        if len(taken) < self.quorum:
            raise self._no_quorum("took the write", len(taken), failed)
        return taken[0]

    def _no_quorum(self, act: str, done: int, failed: dict[str, str]) -> QuorumNotReached:
        return QuorumNotReached(
            f"{done} of {len(self.stores)} replicas {act} and {self.quorum} must: {'; '.join(failed.values())}",
            taken=done,
            quorum=self.quorum,
            failed=failed,
        )

    # ── read ──

    def _ordered(self) -> list[BlockStore]:
        """The replicas, those that lately didn't answer last."""
        now = time.monotonic()
        return sorted(self.stores, key=lambda store: self._resting.get(store.name, 0.0) > now)

    def _let_rest(self, store: BlockStore, error: Exception) -> None:
        if isinstance(error, Unavailable):
            self._resting[store.name] = time.monotonic() + _REST_SECONDS

    def _note(self, store: BlockStore, cid: Cid, error: IntegrityError | Unavailable) -> None:
        """Remembers what one replica did wrong."""
        self._let_rest(store, error)
        self.incidents.append(problem(cid, store.name, error))
        _log.warning("reading %s: %s", cid, error.message)

    def block(self, cid: Cid, *, search: bool = True) -> bytes:
        """See `BlockStore.block`; from the first replica that has it, then from the peers of any.

        Raises:
            ObjectMissing: No replica has it.
            ObjectTampered: None has it and at least one returned other bytes.
            StoreUnavailable: None of those that answered has it.
        """
        errors: dict[str, IntegrityError | Unavailable] = {}
        for store in self._ordered():
            try:
                return store.block(cid, search=False)
            except (IntegrityError, Unavailable) as error:
                self._note(store, cid, error)
                errors[store.name] = error
        for store in self._ordered() if search else ():
            if isinstance(errors[store.name], ObjectMissing):
                try:
                    return store.block(cid)
                except (IntegrityError, Unavailable) as error:
                    errors[store.name] = error
        raise _combined(cid, errors)

    def leaf_blocks(self, root: Cid, wanted: Iterator[Leaf], *, search: bool = True) -> Iterator[tuple[Leaf, bytes]]:
        """See `BlockStore.leaf_blocks`; where one replica fails the next goes on."""
        while rest := deque(itertools.islice(wanted, MAX_LINKS)):
            while rest:
                for store in self._ordered():
                    try:
                        for leaf, block in store.leaf_blocks(root, iter(tuple(rest)), search=False):
                            rest.popleft()
                            yield leaf, block
                    except (IntegrityError, Unavailable) as error:
                        self._note(store, root, error)
                if rest:
                    leaf = rest.popleft()
                    yield leaf, self.block(leaf.cid, search=search)

    def prefetch(self, cids: Sequence[Cid]) -> dict[bytes, bytes]:
        """See `BlockStore.prefetch`; what the preferred replica has of them."""
        return self._ordered()[0].prefetch(cids)

    def _side_by_side(self, work: Callable[[S], T], items: Sequence[S]) -> list[T]:
        with ThreadPoolExecutor(max(1, min(_READERS, len(items)))) as pool:
            return list(pool.map(work, items))

    # ── keep ──

    def _each(self, act: Callable[[BlockStore], T]) -> tuple[dict[str, T], dict[str, IntegrityError | Unavailable]]:
        """Runs `act` on every replica side by side: answers and errors by the replica's name."""
        answers: dict[str, T] = {}
        errors: dict[str, IntegrityError | Unavailable] = {}
        with ThreadPoolExecutor(len(self.stores)) as pool:
            asked = {store.name: pool.submit(act, store) for store in self.stores}
        for name, answer in asked.items():
            try:
                answers[name] = answer.result()
            except (IntegrityError, Unavailable) as error:
                errors[name] = error
        return answers, errors

    def _all(self, act: Callable[[BlockStore], T]) -> dict[str, T]:
        """As `_each`, for acts that no replica may miss."""
        answers, errors = self._each(act)
        if errors:
            raise StoreUnavailable(
                "Not every replica could do it: " + " ".join(error.message for error in errors.values()),
                failed=sorted(errors),
            )
        return answers

    def _check_whole(self, cid: Cid) -> None:
        """Passes when any replica holds the whole object."""
        answers, errors = self._each(lambda store: store._check_whole(cid))
        if not answers:
            raise _combined(cid, errors)

    def pin(self, target: Cid | bytes) -> None:
        """See `Store.pin`; a quorum must hold it already, `repair` copies it to the others.

        Raises:
            QuorumNotReached: Fewer than `quorum` replicas could pin it.
        """
        pinned, errors = self._each(lambda store: store.pin(target))
        if not pinned and all(isinstance(error, ObjectMissing) for error in errors.values()):
            raise _combined(_label(target), errors)
        if len(pinned) < self.quorum:
            failed = {name: error.message for name, error in errors.items()}
            raise self._no_quorum(f"pinned {_label(target)}", len(pinned), failed)

    def unpin(self, target: Cid | bytes) -> None:
        """See `Store.unpin`; on every replica."""
        self._all(lambda store: store.unpin(target))

    def is_pinned(self, target: Cid | bytes) -> bool:
        """See `Store.is_pinned`; True when a quorum of replicas pins it."""
        answers, errors = self._each(lambda store: store.is_pinned(target))
        pinned = sum(answers.values())
        if pinned < self.quorum <= pinned + len(errors):
            raise _combined(_label(target), errors)
        return pinned >= self.quorum

    def pins(self) -> Iterator[Cid]:
        """See `Store.pins`; the union, each once. Every replica must answer."""
        yield from sorted(set().union(*self._all(lambda store: list(store.pins())).values()))

    def verify_pins(self, targets: Iterable[Cid | bytes], *, deep: bool = False) -> list[ObjectProblem]:
        """See `Store.verify_pins`; the problems of every replica, each named."""
        wanted = list(targets)
        answers, errors = self._each(lambda store: store.verify_pins(wanted, deep=deep))
        found = [item for store in self.stores for item in answers.get(store.name, [])]
        return found + [problem(_label(target), name, error) for name, error in errors.items() for target in wanted]

    def repair(self, targets: Iterable[Cid | bytes] | None = None, *, deep: bool = True) -> RepairReport:
        """Copies the blocks that a replica lacks or has altered from those that have them, and pins the objects there.

        Args:
            targets: What ought to be in every replica; what any replica has pinned when not given.
            deep: Read and hash every block, so that altered ones are found and not only missing ones.
        """
        unreadable: list[ObjectProblem] = []
        tried: list[tuple[BlockStore, Cid, list[ObjectProblem], str]] = []
        for target in self.pins() if targets is None else targets:
            try:
                cid = target if isinstance(target, Cid) else self.resolve(target)
            except (IntegrityError, Unavailable) as error:
                unreadable += [problem(_label(target), store.name, error) for store in self.stores]
                continue
            for store in self.stores:
                found = store.verify_pins([cid], deep=deep)
                if found:
                    tried.append((store, cid, found, self._restored(store, cid, found)))
        repaired: list[ObjectProblem] = []
        remaining: list[ObjectProblem] = []
        for store, cid, found, failure in tried:  # looked at again only now: mending one may have helped another
            left = store.verify_pins([cid], deep=deep)
            remaining += [replace(item, detail=f"{item.detail} {failure}".strip()) for item in left]
            repaired += [] if left else found
        return RepairReport(tuple(repaired), tuple(unreadable + remaining))

    def _restored(self, store: BlockStore, cid: Cid, found: Sequence[ObjectProblem]) -> str:
        """Mends one object in one replica; what went wrong, or nothing."""
        try:
            if all(item.kind == "unpinned" for item in found):
                store.pin(cid)
            else:
                store.mend(cid, store.damaged(cid, self._tree(cid)), self.block)
        except (IntegrityError, Unavailable) as error:
            return error.message
        return ""

    def mend(self, cid: Cid, damaged: Sequence[Damaged], fetch: Callable[[Cid], bytes]) -> None:
        """See `BlockStore.mend`; on every replica."""
        self._all(lambda store: store.mend(cid, damaged, fetch))

    def remove(self, target: Cid | bytes) -> None:
        """See `Store.remove`; from every replica."""
        self._all(lambda store: store.remove(target))

    def close(self) -> None:
        """Closes every replica."""
        for store in self.stores:
            store.close()


def _label(target: Cid | bytes) -> Cid:
    """A CID to speak of a target by, before its codec is known."""
    return target if isinstance(target, Cid) else Cid.raw(target)


def _combined(cid: Cid, errors: dict[str, IntegrityError | Unavailable]) -> IntegrityError | Unavailable:
    """One error for what every replica answered: tampering outweighs silence, silence outweighs absence."""
    replicas = {name: problem(cid, name, error).kind for name, error in errors.items()}
    message = f"No replica has {cid}: " + "; ".join(error.message.rstrip(".") for error in errors.values()) + "."
    tampered = next((error for error in errors.values() if isinstance(error, ObjectTampered)), None)
    if tampered is not None:
        facts = {name: tampered.facts.get(name) for name in ("cid", "expected", "found")}
        return ObjectTampered(message, hint=None, replicas=replicas, **facts)
    kind = StoreUnavailable if "unavailable" in replicas.values() else ObjectMissing
    return kind(message, cid=str(cid), replicas=replicas)
