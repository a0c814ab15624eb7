"""The steps between acceptance and confirmation, each of which may be the last before the process dies.

What makes it exactly once is the nonce. A signed transaction is in the journal before anybody sees it, and may be
broadcast any number of times, because its nonce can be used up only once. A second one with another nonce is signed
only when the first can never be mined: its nonce is used up, none of the journalled transactions has a receipt, and no
event since shows what it was to do. That takes a node whose answers are consistent with each other.

What is signed by one and sent by another has no nonce of ours; `medrec_py.outbox.relaying` says what makes that once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final

from medrec_py.chain import Account, Chain, TransactionReceipt
from medrec_py.errors import (
    AnchoringUnproven,
    ContractRefusal,
    InvalidInput,
    JournalDamaged,
    JournalUnavailable,
    MedRecError,
    NonceUsed,
    NotMined,
    PublicationPending,
    Refused,
    RpcRefused,
    Unavailable,
)
from medrec_py.outbox.evidence import evidence, matches, name_of
from medrec_py.outbox.journal import Entry, Journal, StoredParcel
from medrec_py.outbox.publication import PublicationReceipt, PublicationState, Step
from medrec_py.outbox.relaying import Courier, Relaying
from medrec_py.outbox.spool import Claim, Spool
from medrec_py.storage import Cid, Store

_GROUP_BYTES: Final = 32 << 20
_GROUP_OBJECTS: Final = 500
_ALONE_BYTES: Final = 4 << 20
"""Objects from this size on are streamed to the store one by one, so that memory stays bounded."""
_SIGNINGS: Final = 5
"""How often in one run a nonce may turn out to be used up by others."""
_FIRST_PAUSE: Final = 0.005
_LONGEST_PAUSE: Final = 1.0


@dataclass(frozen=True, slots=True)
class Signers:
    """Who can go on with a publication: an account that sends, somebody who has it relayed, both or neither."""

    account: Account | None = None
    courier: Courier | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """What carries publications from the journal to the store and the chain; see `medrec_py.outbox.Outbox`."""

    journal: Journal
    spool: Spool
    store: Store
    chain: Chain
    confirmations: int
    timeout: float
    observer: Callable[[Step, str], None]

    def begin(self, claim: Claim, signers: Signers) -> None:
        """Stores the parcels, signs the transaction and broadcasts it, as far as that was not done before."""
        with self._kept(claim.id):
            entry = self._entry(claim.id)
            if entry.status.state is PublicationState.ACCEPTED:
                self._store(claim, entry)
            if not entry.status.relayed:
                self._launch(claim.id, signers.account)

    def finish(self, claim: Claim, signers: Signers) -> PublicationReceipt:
        """Waits until the transaction is mined and confirmed, and proves that it did what it was to do."""
        with self._kept(claim.id):
            if self._entry(claim.id).status.relayed:
                relaying = Relaying(self.journal, self.chain, self.timeout, self.observer)
                mined: TransactionReceipt | None = relaying.bring(claim.id, signers.courier)
            else:
                mined = self._mined(claim.id, signers.account)
            while mined is None:  # others used its nonce up; each time round a signature is needed, so this ends
                self._launch(claim.id, signers.account)
                mined = self._mined(claim.id, signers.account)
            self._prove(self._entry(claim.id), mined)
            self.observer(Step.MINED, claim.id)
            if self.confirmations > 1:
                self.journal.anchored(claim.id, PublicationState.ANCHORED, mined)
                self.observer(Step.ANCHORED, claim.id)
                mined = self.chain.wait(mined.hash, timeout=self.timeout, confirmations=self.confirmations)
            self.journal.anchored(claim.id, PublicationState.CONFIRMED, mined)
        self.observer(Step.CONFIRMED, claim.id)
        claim.remove()
        self.observer(Step.CLEANED, claim.id)
        receipt = self._entry(claim.id).receipt
        assert receipt is not None  # recorded just now
        return receipt

    def check_stored(self, id: str, parcels: Sequence[Cid | bytes]) -> None:
        """Asks the store for every parcel, by CID or digest.

        Raises:
            PublicationPending: One is not whole and pinned there; names it.
        """
        problems = self.store.verify_pins(parcels)
        if problems:
            raise PublicationPending(
                f"The store {problems[0].store} does not keep {len(problems)} of {len(parcels)} parcels of publication "
                f"{id}: {problems[0].detail}",
                publication=id,
                problems=[str(problem.cid) for problem in problems],
            )

    # ── storing ──

    def _store(self, claim: Claim, entry: Entry) -> None:
        end = max((parcel.extent.offset + parcel.extent.size for parcel in entry.parcels), default=0)
        if claim.size < end:
            raise JournalDamaged(
                f"The file of publication {claim.id} has {claim.size} of its {end} bytes.", publication=claim.id
            )
        stored: list[Cid | bytes] = []
        for group in _groups(entry.parcels):
            if len(group) == 1 and group[0].extent.size >= _ALONE_BYTES:
                cids = [self.store.put(claim.open(group[0].extent))]
            else:
                cids = self.store.put_many([claim.read(parcel.extent) for parcel in group])
            for parcel, cid in zip(group, cids, strict=True):
                if parcel.digest != cid.digest:
                    raise JournalDamaged(
                        f"A parcel of publication {claim.id} has the digest 0x{cid.digest.hex()} on disk, and had "
                        f"0x{parcel.digest.hex()} when it was accepted.",
                        publication=claim.id,
                    )
            stored += cids
        self.observer(Step.PUT, claim.id)
        self.check_stored(claim.id, stored)
        self.journal.stored(claim.id)
        self.observer(Step.STORED, claim.id)
        claim.empty()

    # ── anchoring ──

    def _launch(self, id: str, account: Account | None) -> None:
        """Sees to it that the network has a transaction that can be mined, or has mined one."""
        for _ in range(_SIGNINGS):
            entry = self._entry(id)
            if not entry.transactions:
                if self._sign(entry, account):
                    return
                continue
            if self._receipt(entry) is not None:
                return
            try:
                self.chain.broadcast(entry.transactions[-1].raw)
            except NonceUsed:
                if self._outcome(entry) is not None or self._sign(entry, account):
                    return
                continue
            except RpcRefused:
                # Too cheap for today, most often: the same act at today's price, under the same nonce.
                if account is None or not self._replace(entry, account):
                    raise
                return
            self.observer(Step.BROADCAST, id)
            return
        raise PublicationPending(
            f"Others used up the nonce of {self._entry(id).status.sender} {_SIGNINGS} times.", publication=id
        )

    def _sign(self, entry: Entry, account: Account | None, waiting: bytes | None = None) -> bool:
        """Signs (what waits, dearer), journals and broadcasts; false when the node doesn't take it."""
        id, sender = entry.status.id, entry.status.sender
        if account is None:
            raise PublicationPending(
                f"Publication {id} waits to be signed by {sender}.",
                hint="Resume with that account.",
                publication=id,
            )
        if account.address.lower() != sender.lower():
            raise InvalidInput(f"Publication {id} is {sender}'s to sign, not {account.address}'s.", publication=id)
        with self.spool.holding(f"{self.chain.chain_id}-{sender}", self.timeout), self.chain.lock(sender):
            since = self.chain.head_number()
            if waiting is None:
                signed = self.chain.prepare(account, entry.calls)
            else:
                self.chain.simulate(entry.calls, account.address)
                dearer = self.chain.reprice(account, waiting)
                assert dearer is not None  # only a limit, which is not given here, could forbid it
                signed = dearer
            self.observer(Step.PREPARED, id)
            self.journal.signed(id, signed, since)
            self.observer(Step.SIGNED, id)
            try:
                self.chain.broadcast(signed.raw)
            except (NonceUsed, RpcRefused):
                return False
        self.observer(Step.BROADCAST, id)
        return True

    def _mined(self, id: str, account: Account | None) -> TransactionReceipt | None:
        """The receipt of the publication's transaction, waited for; a dearer one takes its place half-way.

        `None` when it can never be mined, because its nonce was used up by another.
        """
        begun, pause, replaced = time.monotonic(), _FIRST_PAUSE, False
        while True:
            entry = self._entry(id)
            spent = self._is_spent(entry.status.sender, entry.transactions[-1].nonce)
            found = self._receipt(entry) or (evidence(self.chain, entry) if spent else None)
            if found is not None or spent:
                return found
            waited = time.monotonic() - begun
            if waited >= self.timeout:
                digest = "0x" + entry.transactions[-1].hash.hex()
                raise NotMined(f"The transaction {digest} was not mined within {self.timeout:g} seconds.", hash=digest)
            if waited >= self.timeout / 2 and account is not None and not replaced:
                replaced = True
                self._replace(entry, account)
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _replace(self, entry: Entry, account: Account) -> bool:
        """Signs the waiting transaction anew, dearer: the same nonce, so at most one of them is mined."""
        # Refused when the call fails now, or nobody can pay more: the one that waits decides.
        with suppress(Refused):
            return self._sign(entry, account, entry.transactions[-1].raw)
        return False

    def _outcome(self, entry: Entry) -> TransactionReceipt | None:
        """What became of a publication whose nonce is taken: a receipt, or `None` when it can never be mined.

        Raises:
            NotMined: Neither is certain yet: what took the nonce is not mined deep enough.
        """
        deadline, pause = time.monotonic() + self.timeout, _FIRST_PAUSE
        while True:
            spent = self._is_spent(entry.status.sender, entry.transactions[-1].nonce)
            found = self._receipt(entry) or (evidence(self.chain, entry) if spent else None)
            if found is not None or spent:
                return found
            if time.monotonic() >= deadline:
                nonce = entry.transactions[-1].nonce
                raise NotMined(f"Nonce {nonce} of {entry.status.sender} is taken by a transaction that is not mined.")
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _receipt(self, entry: Entry) -> TransactionReceipt | None:
        """The receipt of any transaction that was signed for it; raises the refusal if it reverted."""
        for transaction in reversed(entry.transactions):
            found = self.chain.receipt(transaction.hash, name=name_of(entry))
            if found is not None:
                return found
        return None

    def _is_spent(self, sender: str, nonce: int) -> bool:
        """Whether a nonce is used up by a block with the confirmations asked for."""
        block = max(0, self.chain.head_number() - self.confirmations + 1)
        return int(self.chain.ask("eth_getTransactionCount", sender, hex(block)), 16) > nonce

    def _prove(self, entry: Entry, receipt: TransactionReceipt) -> None:
        for expected in entry.expects:
            if not any(matches(expected, logged.event) for logged in receipt.events):
                raise AnchoringUnproven(
                    f"The transaction 0x{receipt.hash.hex()} succeeded and did not emit {type(expected).__name__} as "
                    f"publication {entry.status.id} says it would.",
                    publication=entry.status.id,
                    transaction=receipt.hash,
                )

    # ── errors ──

    def _entry(self, id: str) -> Entry:
        entry = self.journal.entry(id)
        if entry is None:
            raise JournalDamaged(f"Publication {id} has vanished from the journal.", publication=id)
        return entry

    @contextmanager
    def _kept(self, id: str) -> Iterator[None]:
        """Records what the chain refuses for good; all else leaves the publication pending and says so."""
        try:
            yield
        except (ContractRefusal, AnchoringUnproven) as error:
            error.facts["publication"] = id
            self.journal.failed(id, str(error))
            raise
        except (PublicationPending, JournalUnavailable):
            raise
        except (Unavailable, Refused) as error:
            raise _pending(id, error) from error
        except OSError as error:
            reason = error.strerror or str(error)
            raise JournalUnavailable(
                f"The file of publication {id} can't be used: {reason}.", publication=id
            ) from error


def _pending(id: str, error: MedRecError) -> PublicationPending:
    return PublicationPending(
        f"Publication {id} is in the journal and waits: {error.message}",
        hint=f"{error.hint} Then `resume` finishes it, once.".strip(),
        publication=id,
        cause=type(error).__name__,
    )


def _groups(parcels: Sequence[StoredParcel]) -> Iterator[list[StoredParcel]]:
    """Parcels in runs that fit memory and one request; large ones alone."""
    group: list[StoredParcel] = []
    size = 0
    for parcel in parcels:
        alone = parcel.extent.size >= _ALONE_BYTES
        if group and (alone or len(group) == _GROUP_OBJECTS or size + parcel.extent.size > _GROUP_BYTES):
            yield group
            group, size = [], 0
        group.append(parcel)
        size += parcel.extent.size
        if alone:
            yield group
            group, size = [], 0
    if group:
        yield group
