"""Several stores that keep the same objects.

A write counts once a quorum of replicas has taken it; a read asks one replica after the other until one returns bytes
that hash right. Which replica lacked or altered what is never silent: it is logged, kept in `incidents`, and named in
the error when no replica could help. `verify_pins` finds what is missing where, `repair` copies it back.
"""

from __future__ import annotations

import itertools
import logging
import queue
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
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
from medrec_py.storage.blocks import check_range, open_object, problem
from medrec_py.storage.cid import Cid
from medrec_py.storage.store import DEFAULT_LIMIT, ObjectProblem, ObjectStat, Store
from medrec_py.storage.unixfs import Block, split

T = TypeVar("T")

_REST_SECONDS: Final = 30.0
"""For how long a replica that didn't answer is asked last."""
_QUEUED_CHUNKS: Final = 2
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


class ReplicatedStore(Store):
    """The same objects in several stores.

    Args:
        stores: The replicas, the preferred ones first; closed with this store.
        quorum: How many must take a write before it counts; a majority when not given.

    Raises:
        StoreAddressInvalid: No replica, or a quorum that can't be met.
    """

    def __init__(self, stores: Sequence[Store], *, quorum: int | None = None) -> None:
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
        write: Callable[[Store], list[Cid]],
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
                self._rest(store, error)
                failed[store.name] = error.message
                _log.warning("replica %s didn't take a write: %s", store.name, error.message)
        if len(taken) < self.quorum:
            reasons = "; ".join(failed.values())
            raise QuorumNotReached(
                f"{len(taken)} of {len(self.stores)} replicas took the write and {self.quorum} must: {reasons}",
                taken=len(taken),
                quorum=self.quorum,
                failed=failed,
            )
        return taken[0]

    # ── read ──

    def _ordered(self) -> list[Store]:
        now = time.monotonic()
        return sorted(self.stores, key=lambda store: self._resting.get(store.name, 0.0) > now)

    def _rest(self, store: Store, error: Exception) -> None:
        if isinstance(error, Unavailable):
            self._resting[store.name] = time.monotonic() + _REST_SECONDS

    def _note(self, store: Store, cid: Cid, error: IntegrityError | Unavailable) -> ObjectProblem:
        """Remembers what one replica did wrong."""
        found = problem(cid, store.name, error)
        self._rest(store, error)
        self.incidents.append(found)
        _log.warning("replica %s, object %s: %s", store.name, cid, error.message)
        return found

    def _first(self, target: Cid | bytes, ask: Callable[[Store], T]) -> T:
        """The answer of the first replica that has one."""
        cid = _label(target)
        errors: list[tuple[ObjectProblem, IntegrityError | Unavailable]] = []
        for store in self._ordered():
            try:
                return ask(store)
            except (IntegrityError, Unavailable) as error:
                errors.append((self._note(store, cid, error), error))
        raise _combined(cid, errors)

    def _relay(self, target: Cid | bytes, start: int, length: int | None, stores: Sequence[Store]) -> Iterator[bytes]:
        """A range, going on with the next replica where one fails."""
        cid = _label(target)
        errors: list[tuple[ObjectProblem, IntegrityError | Unavailable]] = []
        for store in stores:
            try:
                for piece in store.chunks(target, start, length):
                    start += len(piece)
                    length = None if length is None else length - len(piece)
                    yield piece
                return
            except (IntegrityError, Unavailable) as error:
                errors.append((self._note(store, cid, error), error))
        raise _combined(cid, errors)

    def resolve(self, digest: bytes) -> Cid:
        """See `Store.resolve`."""
        return self._first(digest, lambda store: store.resolve(digest))

    def get(self, target: Cid | bytes, *, limit: int = DEFAULT_LIMIT) -> bytes:
        """See `Store.get`; falls through to the next replica."""
        return self._first(target, lambda store: store.get(target, limit=limit))

    def get_many(self, targets: Sequence[Cid | bytes], *, limit: int = DEFAULT_LIMIT) -> list[bytes]:
        """See `Store.get_many`; all from one replica if it can, else each from the first that can."""
        if not targets:
            return []
        preferred = self._ordered()[0]
        try:
            return preferred.get_many(targets, limit=limit)
        except (IntegrityError, Unavailable):  # found out again, and noted, below
            return [self.get(target, limit=limit) for target in targets]

    def chunks(self, target: Cid | bytes, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """See `Store.chunks`."""
        check_range(start, length)
        pieces = self._relay(target, start, length, self._ordered())
        head = list(itertools.islice(pieces, 1))  # so that a missing object is told at the call
        return itertools.chain(head, pieces)

    def open(self, target: Cid | bytes) -> BinaryIO:
        """See `Store.open`."""
        return self._open(target, self._ordered())

    def _open(self, target: Cid | bytes, stores: Sequence[Store]) -> BinaryIO:
        known = self._first(target, lambda store: store.stat(target))
        return open_object(known.cid, known.size, lambda start, length: self._relay(known.cid, start, length, stores))

    # ── keep ──

    def _each(self, act: Callable[[Store], T]) -> tuple[dict[str, T], dict[str, IntegrityError | Unavailable]]:
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

    def _all(self, act: Callable[[Store], T]) -> dict[str, T]:
        """As `_each`, for acts that no replica may miss."""
        answers, errors = self._each(act)
        if errors:
            raise StoreUnavailable(
                "Not every replica could do it: " + " ".join(error.message for error in errors.values()),
                failed=sorted(errors),
            )
        return answers

    def has(self, target: Cid | bytes) -> bool:
        """See `Store.has`; True when any replica holds it whole."""
        answers, errors = self._each(lambda store: store.has(target))
        if any(answers.values()):
            return True
        if any(isinstance(error, Unavailable) for error in errors.values()):
            raise _combined(_label(target), [(problem(_label(target), n, e), e) for n, e in errors.items()])
        return False

    def stat(self, target: Cid | bytes) -> ObjectStat:
        """See `Store.stat`; pinned means pinned by a quorum."""
        known = self._first(target, lambda store: store.stat(target))
        return ObjectStat(known.cid, known.size, known.blocks, known.stored, self.is_pinned(known.cid))

    def pin(self, target: Cid | bytes) -> None:
        """See `Store.pin`; a quorum must hold it already, `repair` copies it to the others.

        Raises:
            QuorumNotReached: Fewer than `quorum` replicas could pin it.
        """
        pinned, errors = self._each(lambda store: store.pin(target))
        if len(pinned) < self.quorum:
            if errors and all(isinstance(error, ObjectMissing) for error in errors.values()) and not pinned:
                raise _combined(_label(target), [(problem(_label(target), n, e), e) for n, e in errors.items()])
            reasons = "; ".join(error.message for error in errors.values())
            counts = f"{len(pinned)} of {len(self.stores)} replicas pinned {_label(target)} and {self.quorum} must"
            raise QuorumNotReached(
                f"{counts}: {reasons}",
                taken=len(pinned),
                quorum=self.quorum,
                failed=sorted(errors),
            )

    def unpin(self, target: Cid | bytes) -> None:
        """See `Store.unpin`; on every replica."""
        self._all(lambda store: store.unpin(target))

    def is_pinned(self, target: Cid | bytes) -> bool:
        """See `Store.is_pinned`; True when a quorum of replicas pins it."""
        answers, errors = self._each(lambda store: store.is_pinned(target))
        pinned = sum(answers.values())
        if pinned < self.quorum <= pinned + len(errors):
            raise _combined(_label(target), [(problem(_label(target), n, e), e) for n, e in errors.items()])
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
        """Copies what a replica lacks or has altered from one that has it, and pins it there.

        Args:
            targets: What ought to be in every replica; what any replica has pinned when not given.
            deep: Read and hash every block, so that altered ones are found and not only missing ones.
        """
        repaired: list[ObjectProblem] = []
        remaining: list[ObjectProblem] = []
        for target in self.pins() if targets is None else targets:
            try:
                cid = target if isinstance(target, Cid) else self.resolve(target)
            except (IntegrityError, Unavailable) as error:
                remaining += [problem(_label(target), store.name, error) for store in self.stores]
                continue
            problems = self.verify_pins([cid], deep=deep)
            for store in self.stores:
                mine = [item for item in problems if item.store == store.name]
                if not mine:
                    continue
                try:
                    self._restore(store, cid, mine)
                    repaired += mine
                except (IntegrityError, Unavailable) as error:
                    remaining.append(problem(cid, store.name, error))
        return RepairReport(tuple(repaired), tuple(remaining))

    def _restore(self, store: Store, cid: Cid, problems: Sequence[ObjectProblem]) -> None:
        if all(item.kind == "unpinned" for item in problems):
            store.pin(cid)
            return
        others = [other for other in self._ordered() if other is not store]
        with self._open(cid, others) as source:
            if any(item.kind == "corrupt" for item in problems):
                store.remove(cid)  # a store may believe that it has a block whose bytes have changed
            store.put(source)

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


def _combined(
    cid: Cid, errors: Sequence[tuple[ObjectProblem, IntegrityError | Unavailable]]
) -> IntegrityError | Unavailable:
    """One error for what every replica answered: tampering outweighs silence, silence outweighs absence."""
    replicas = {found.store: found.kind for found, _ in errors}
    message = f"No replica has {cid}: " + "; ".join(f"{error.message.rstrip('.')}" for _, error in errors) + "."
    tampered = next((error for _, error in errors if isinstance(error, ObjectTampered)), None)
    if tampered is not None:
        facts = {name: tampered.facts.get(name) for name in ("cid", "expected", "found")}
        return ObjectTampered(message, hint=None, replicas=replicas, **facts)
    silent = any(isinstance(error, Unavailable) for _, error in errors)
    kind: type[IntegrityError] | type[Unavailable]
    kind = StoreUnavailable if silent else type(errors[0][1]) if len(set(replicas.values())) == 1 else ObjectMissing
    return kind(message, cid=str(cid), replicas=replicas)
