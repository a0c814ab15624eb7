"""The outbox: accepts publications durably and sees each of them through, once."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from medrec_py.chain import Account, Call, Chain
from medrec_py.errors import (
    InvalidInput,
    JournalUnavailable,
    MedRecError,
    PublicationFailed,
    PublicationInvalid,
    PublicationPending,
    UnknownPublication,
)
from medrec_py.outbox.delivery import Delivery, Signers
from medrec_py.outbox.journal import PENDING_STATES, Entry, Journal
from medrec_py.outbox.publication import (
    Publication,
    PublicationOutcome,
    PublicationReceipt,
    PublicationState,
    PublicationStatus,
    Step,
)
from medrec_py.outbox.relaying import Courier
from medrec_py.outbox.spool import Claim, Spool, unavailable
from medrec_py.storage import Store
from medrec_py.storage.unixfs import digest_of
from medrec_py.types.ledger import LOCATOR_BYTES

_TOGETHER: Final = 64
"""Publications that `resume` broadcasts before it waits for the first; each holds a file open."""
_DIGEST_BYTES: Final = 32


class Outbox:
    """A journal of publications in a folder. Several processes and threads may share the folder.

    Args:
        path: Folder of the journal; made (mode 0700) when absent.
        store: Where parcels go.
        chain: Where they are anchored.
        confirmations: Blocks, the transaction's own included, that count as confirmed.
        timeout: Seconds to wait for a transaction before `submit` gives up waiting; the publication stays pending.
        observer: Called with each step as it is passed, and the publication's id.

    Raises:
        JournalUnavailable: The folder can't be used.
        JournalDamaged: What it holds is no journal.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        store: Store,
        chain: Chain,
        *,
        confirmations: int = 1,
        timeout: float = 120.0,
        observer: Callable[[Step, str], None] | None = None,
    ) -> None:
        if confirmations < 1:
            raise PublicationInvalid(
                f"A publication can't be confirmed by {confirmations} blocks.",
                hint="Its own block counts: give 1 or more.",
            )
        folder = Path(path)
        self._folder = folder
        self._spool = Spool(folder)
        self._journal = Journal(folder / "journal.sqlite")
        self._chain = chain
        self._store = store
        self._observer = observer or (lambda step, id: None)
        self._delivery = Delivery(self._journal, self._spool, store, chain, confirmations, timeout, self._observer)

    # ── publishing ───────────────────────────────────────────────────────────────────────────────────────────────────

    def submit(self, publication: Publication, account: Account | Courier) -> PublicationReceipt:
        """Publishes: `accept`, then store, pin, sign, anchor and confirm.

        Args:
            publication: What to publish.
            account: Sends the transaction; a `Courier` when the publication is to be relayed.

        Raises:
            PublicationInvalid: It can't be accepted as it is; nothing was published.
            PublicationPending: Store or chain did not answer, or the account can't pay. The publication is in the
                journal; `resume` finishes it.
            Refused: The contract refuses it; it stays in the journal as failed, for `retry` or `discard`.
            PublicationFailed: One with this key failed earlier.
            JournalUnavailable: It could not be accepted; nothing was published.
        """
        claim = self._accept(publication, account.address)
        if claim is None:
            return self._submit_again(publication.key or "", _signers(account))
        with claim:
            return self._deliver(claim, _signers(account))

    def accept(self, publication: Publication, sender: str) -> str:
        """Takes a publication into the journal and does nothing else. Never lost from here on.

        Args:
            publication: What to publish.
            sender: Address of the account that will sign its transaction, or that signed its act.

        Returns:
            Its id; that of the earlier one when its key was accepted before.
        """
        claim = self._accept(publication, sender)
        if claim is None:
            return str(self._journal.find(self._chain.chain_id, publication.key or ""))
        claim.close()
        return claim.id

    def resume(self, accounts: Iterable[Account | Courier] = ()) -> list[PublicationOutcome]:
        """Finishes what was begun, once. Those that another process works on are left to it.

        Args:
            accounts: Signers for those whose transaction is not signed yet, and couriers for those that are relayed,
                found by address.
        """
        signers: dict[str, Signers] = {}
        for given in accounts:
            address = given.address.lower()
            signers[address] = _signers(given, signers.get(address, Signers()))
        self._sweep()
        waiting = self._journal.ids(self._chain.chain_id, PENDING_STATES)
        outcomes: list[PublicationOutcome] = []
        for start in range(0, len(waiting), _TOGETHER):
            outcomes += self._resume_together(waiting[start : start + _TOGETHER], signers)
        return outcomes

    def retry(self, id: str, account: Account | Courier, calls: Iterable[Call] | None = None) -> PublicationReceipt:
        """Tries a failed publication once more, with other calls when given (a fresh `anchorWithSig`, say).

        Raises:
            UnknownPublication: There is no failed one with this id.
            InvalidInput: It is another account's.
            PublicationPending: The store does not keep its parcels, or did not answer.
        """
        sender = self._failed(id).status.sender
        if account.address.lower() != sender.lower():
            raise InvalidInput(f"Publication {id} is {sender}'s to sign, not {account.address}'s.", publication=id)
        with self._claimed(id) as claim:
            entry = self._failed(id)
            self._delivery.check_stored(id, [parcel.digest for parcel in entry.parcels])
            self._journal.reopened(id, None if calls is None else tuple(calls))
            return self._deliver(claim, _signers(account))

    def discard(self, id: str, *, keep_objects: bool = False) -> None:
        """Forgets a failed publication and removes its parcels from the store, unless told to keep them.

        Raises:
            UnknownPublication: There is no failed one with this id.
        """
        self._failed(id)
        with self._claimed(id) as claim:
            entry = self._failed(id)
            if not keep_objects:
                for parcel in entry.parcels:
                    self._store.remove(parcel.digest)
            self._journal.forget(id)
            claim.remove()

    # ── looking ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def pending(self) -> list[PublicationStatus]:
        """Publications that are neither confirmed nor failed, in the order of acceptance."""
        return self._statuses(PENDING_STATES)

    def failed(self) -> list[PublicationStatus]:
        """Publications that the chain refused, with the reason."""
        return self._statuses((PublicationState.FAILED,))

    def find(self, key: str) -> PublicationStatus | None:
        """The publication that was accepted under this key."""
        id = self._journal.find(self._chain.chain_id, key)
        entry = None if id is None else self._journal.entry(id)
        return None if entry is None else entry.status

    def receipt(self, id: str) -> PublicationReceipt | None:
        """The receipt of a confirmed publication; `None` while it is not, or when there is none such."""
        entry = self._journal.entry(id)
        confirmed = entry is not None and entry.status.state is PublicationState.CONFIRMED
        return entry.receipt if entry is not None and confirmed else None

    # ── lifecycle ────────────────────────────────────────────────────────────────────────────────────────────────────

    def close(self) -> None:
        """Gives back files. May be called twice."""
        self._journal.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ── accepting ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _accept(self, publication: Publication, sender: str) -> Claim | None:
        """The claim on a publication that is now in the journal; `None` when its key was taken before."""
        _check(publication)
        chain_id = self._chain.chain_id
        if publication.key is not None and self._journal.find(chain_id, publication.key) is not None:
            return None
        id = secrets.token_hex(8)
        since = self._chain.head_number() if publication.relayed else None
        with unavailable(self._folder):
            claim = self._spool.claim(id)
        if claim is None:
            raise JournalUnavailable(f"The new file {id} in {self._folder} is locked.")
        with ExitStack() as on_failure:
            on_failure.enter_context(claim)
            with unavailable(self._folder), self._removed_on_failure(claim):
                extents = claim.write([parcel.sealed for parcel in publication.parcels])
                for parcel, extent in zip(publication.parcels, extents, strict=True):
                    _check_digest(parcel.digest, digest_of(claim.open(extent)))
            self._observer(Step.SEALED, id)
            # A failure from here on leaves the file: the journal may hold the publication all the same.
            if not self._journal.accept(
                id,
                publication,
                extents,
                chain_id=chain_id,
                sender=sender,
                accepted_at=time.time(),
                since_block=since,
            ):
                claim.remove()
                return None
            self._observer(Step.ACCEPTED, id)
            on_failure.pop_all()
        return claim

    @contextmanager
    def _removed_on_failure(self, claim: Claim) -> Iterator[None]:
        try:
            yield
        except BaseException:
            claim.remove()
            raise

    def _submit_again(self, key: str, signers: Signers) -> PublicationReceipt:
        """What became of the publication with a key that was accepted before; goes on with it if need be."""
        id = str(self._journal.find(self._chain.chain_id, key))
        with self._claimed(id) as claim:
            entry = self._known(id)
            if entry.status.state is PublicationState.CONFIRMED and entry.receipt is not None:
                claim.remove()
                return entry.receipt
            if entry.status.state is PublicationState.FAILED:
                raise PublicationFailed(f"Publication {id} failed: {entry.status.reason}", publication=id, key=key)
            return self._deliver(claim, signers)

    # ── delivering ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _deliver(self, claim: Claim, signers: Signers) -> PublicationReceipt:
        self._delivery.begin(claim, signers)
        return self._delivery.finish(claim, signers)

    def _resume_together(self, ids: Sequence[str], signers: dict[str, Signers]) -> list[PublicationOutcome]:
        """Broadcasts all before waiting for the first, so that they share blocks."""
        outcomes: dict[str, PublicationOutcome] = {}
        begun: list[tuple[Claim, Signers]] = []
        with ExitStack() as claims:
            for id in ids:
                claim = self._spool.claim(id)
                if claim is None:
                    continue  # somebody is at work on it
                claims.enter_context(claim)
                entry = self._journal.entry(id)
                if entry is None or entry.status.state not in PENDING_STATES:
                    continue  # somebody was, and finished it in the meantime
                able = signers.get(entry.status.sender.lower(), Signers())
                try:
                    self._delivery.begin(claim, able)
                    begun.append((claim, able))
                except MedRecError as error:
                    outcomes[id] = PublicationOutcome(id, None, error)
            for claim, able in begun:
                try:
                    outcomes[claim.id] = PublicationOutcome(claim.id, self._delivery.finish(claim, able), None)
                except MedRecError as error:
                    outcomes[claim.id] = PublicationOutcome(claim.id, None, error)
        return [outcomes[id] for id in ids if id in outcomes]

    def _sweep(self) -> None:
        """Removes files that a process left behind when it died: before it accepted, or after all was confirmed."""
        for id in self._spool.ids():
            if self._is_needed(id):
                continue
            claim = self._spool.claim(id)
            if claim is not None:
                with claim:
                    # Whoever held it may have accepted it between the two looks.
                    if not self._is_needed(id):
                        claim.remove()

    def _is_needed(self, id: str) -> bool:
        entry = self._journal.entry(id)
        return entry is not None and entry.status.state in PENDING_STATES

    # ── entries ──────────────────────────────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def _claimed(self, id: str) -> Iterator[Claim]:
        claim = self._spool.claim(id)
        if claim is None:
            raise PublicationPending(f"Another process is at work on publication {id}.", publication=id)
        with claim:
            yield claim

    def _known(self, id: str) -> Entry:
        entry = self._journal.entry(id)
        if entry is None:
            raise UnknownPublication(f"The outbox {self._folder} holds no publication {id!r}.", publication=id)
        return entry

    def _failed(self, id: str) -> Entry:
        entry = self._known(id)
        if entry.status.state is not PublicationState.FAILED:
            raise UnknownPublication(f"Publication {id} is {entry.status.state}, not failed.", publication=id)
        return entry

    def _statuses(self, states: Sequence[PublicationState]) -> list[PublicationStatus]:
        entries = (self._journal.entry(id) for id in self._journal.ids(self._chain.chain_id, states))
        # One may move on between the two queries.
        return [entry.status for entry in entries if entry is not None and entry.status.state in states]


def _signers(given: Account | Courier, known: Signers | None = None) -> Signers:
    """What was given, beside what is known."""
    known = known or Signers()
    # An account has no `bring`: it signs transactions, and sends them itself.
    return Signers(known.account, given) if isinstance(given, Courier) else Signers(given, known.courier)


def _check(publication: Publication) -> None:
    if not publication.calls or not publication.expects:
        raise PublicationInvalid("A publication has a call, and says which event the call emits.")
    for parcel in publication.parcels:
        if len(parcel.digest) != _DIGEST_BYTES:
            raise PublicationInvalid(f"A digest has {_DIGEST_BYTES} bytes, not {len(parcel.digest)}.")
        if len(parcel.locator) not in (0, LOCATOR_BYTES):
            raise PublicationInvalid(f"A locator has {LOCATOR_BYTES} bytes, not {len(parcel.locator)}.")


def _check_digest(said: bytes, found: bytes) -> None:
    if said != found:
        raise PublicationInvalid(
            f"A parcel has the digest 0x{found.hex()}, not 0x{said.hex()}.",
            hint="Compute it from the sealed bytes (`medrec_py.storage.unixfs.digest_of`).",
        )
