"""The relayer itself: lets an act in, signs and journals its transaction, and carries it until it is mined."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from medrec_py.chain import Account, Call, Chain, SignedTransaction
from medrec_py.chain.transactions import unsigned
from medrec_py.client.acts import require_signatures_of_their_own
from medrec_py.errors import (
    IdempotencyKeyReused,
    InsufficientEther,
    InvalidInput,
    MedRecError,
    NonceUsed,
    RelayBudgetSpent,
    RelayJournalDamaged,
    RelayUnavailable,
    RpcRefused,
    Unavailable,
    UnknownAct,
    WrongChain,
)
from medrec_py.relay.acts import Act, calls_of
from medrec_py.relay.carrying import Carrier
from medrec_py.relay.journal import ActState, ActStatus, RelayJournal
from medrec_py.relay.limits import DAY, Meter, RelayLimits, until_tomorrow
from medrec_py.relay.metrics import Metrics

log = logging.getLogger("medrec_py.relay")

_DEAR_SECONDS: Final = 60
"""When to ask again where gas is too dear: some blocks later."""
_QUIET_SECONDS: Final = 30.0
"""How often a relayer without open acts looks around."""


class RelayStep(StrEnum):
    """Steps of an act, each of which may be the last before the process dies."""

    SIMULATED = "simulated"
    SIGNED = "signed"
    JOURNALLED = "journalled"
    BROADCAST = "broadcast"
    PENDING = "pending"
    MINED = "mined"
    FINISHED = "finished"


class SignerBusy(Exception):
    """An act of one of the signers is on its way: what it changes, the next one may depend on."""


@dataclass(frozen=True, slots=True)
class Health:
    """Whether a relayer can relay.

    Attributes:
        problems: Why it can't, in sentences; empty when it can.
        waiting: Acts on their way.
    """

    problems: tuple[str, ...]
    waiting: int


class RelayService:
    """Pays for other people's signed acts, within limits, and survives being killed at any point.

    Threads may share it. `start` makes it carry acts in the background; `turn` does one round of that.

    Args:
        chain: Where to; it knows its deployment.
        account: Pays. Nobody else should send from it, though what they do is survived.
        journal: Keeps what was signed; a journal in memory when None.
        limits: What is given away.
        confirmations: Blocks, the act's own included, after which it counts as confirmed.
        poll_seconds: How often the chain is asked while an act is on its way.
        observer: Called with each step, for tests that kill the process there.
        clock: Unix time.
    """

    def __init__(
        self,
        chain: Chain,
        account: Account,
        *,
        journal: RelayJournal | None = None,
        limits: RelayLimits | None = None,
        confirmations: int = 1,
        poll_seconds: float = 0.25,
        observer: Callable[[RelayStep], None] = lambda step: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.chain: Final = chain
        self.account: Final = account
        self.limits: Final = limits or RelayLimits()
        self.metrics: Final = Metrics()
        self.meter: Final = Meter(self.limits)
        self._journal = journal or RelayJournal()
        self._clock = clock
        self._observer = observer
        self._poll = poll_seconds
        self._lock = threading.RLock()
        self._busy: dict[str, frozenset[str]] = {}
        self._carrier = Carrier(chain, account, self._journal, self.limits, self.metrics, confirmations, clock)
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._trouble = ""
        try:
            self._recover()
        except BaseException:
            self._journal.close()
            raise

    # ── lifecycle ────────────────────────────────────────────────────────────────────────────────────────────────────

    def start(self) -> None:
        """Begins to carry acts in the background. May be called again."""
        with self._lock:
            if self._thread is None and not self._stop.is_set():
                self._thread = threading.Thread(target=self._run, name="medrec-relay", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Ends it; what is on its way is carried on after the next start. May be called twice."""
        self._stop.set()
        self._wake.set()
        thread = self._thread
        if thread is not None:
            thread.join()
        self._journal.close()

    # ── acts ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def submit(self, calls: Sequence[Call], *, key: str | None = None) -> ActState:
        """Simulates, signs, journals and broadcasts, once however often the same calls are handed in.

        Args:
            calls: Signed acts, all or none.
            key: An idempotency key of the sender's own.

        Raises:
            InvalidInput: One of them is not a signed act, or the key came with other calls.
            Refused: The contracts refuse (nothing was sent), or the relayer does: too often, too much, no ether.
            Unavailable: The chain does not answer, or the relayer is out of ether.
            SignerBusy: Another act of a signer is on its way; try again in a moment.
        """
        act = Act.of(self.chain.deployment, calls)
        if len(act.calls) > self.limits.calls_per_act:
            raise InvalidInput(
                f"{len(act.calls)} calls came at once; at most {self.limits.calls_per_act} are taken.",
                hint="Send them in several requests.",
            )
        hashed = None if key is None else hashlib.sha256(key.encode()).digest()
        with self._lock:
            known = self._known(act, hashed)
            if known is not None:
                return known
            if not act.is_withdrawing and any(act.signers & signers for signers in self._busy.values()):
                raise SignerBusy
            self._send(act, hashed)
            self._wake.set()
            return self.find(act.id)

    def find(self, id: str) -> ActState:
        """How far an act has come.

        Raises:
            UnknownAct: There is none with this id, or it was forgotten.
        """
        found = self._journal.find(id)
        if found is None:
            raise UnknownAct(f"There is no act {id[:80]}.", act=id[:80])
        return found

    def gas_left(self, *, withdrawing: bool = False) -> int:
        """Gas that is left of today's budget: for any act, or for withdrawing ones."""
        left = self.limits.gas_per_day - self._journal.gas_spent(int(self._clock() // DAY))
        return max(0, left if withdrawing else left - self.limits.withdrawing_gas_per_day)

    def turn(self) -> bool:
        """One round: looks for what was mined, hands over again, raises fees, closes gaps; whether anything waits."""
        with self._lock:
            acts = self._carrier.turn(self._observer)
            self._busy = {id: self._busy[id] for id in acts if id in self._busy}
            self.metrics.waiting.set(len(acts))
            return bool(acts)

    def health(self) -> Health:
        """Whether chain, purse and background work are in order."""
        problems = []
        try:
            balance = self.chain.balance(self.account.address)
            self.metrics.balance.set(balance)
            if balance < self.limits.gas_per_act * 10**9:
                problems.append("The relayer's account is nearly empty.")
        except MedRecError as error:
            problems.append(f"The chain does not answer ({type(error).__name__}).")
        if self._thread is None or not self._thread.is_alive():
            problems.append("Acts are not being carried.")
        if self._trouble:
            problems.append(f"The last round failed ({self._trouble}).")
        return Health(tuple(problems), len(self._busy))

    # ── internals ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _recover(self) -> None:
        """Finds out again whose acts were on their way when the last process ended."""
        for act in self._journal.open_acts():
            first = act.signed[0]
            draft = self._recovered(first.transaction.raw)
            # What an older deployment's journal holds is carried on, but holds up nobody here.
            with suppress(InvalidInput):
                if not first.fills:
                    calls = calls_of(self.chain.deployment, Call(draft["to"], draft["data"]))
                    self._busy[act.state.id] = Act.of(self.chain.deployment, calls).signers

    def _recovered(self, raw: bytes) -> dict[str, Any]:
        """What a journalled transaction says; it has to be one that this relayer can carry on."""
        from eth_account import Account as EthAccount
        from eth_keys.exceptions import BadSignature
        from eth_utils.exceptions import ValidationError

        try:
            draft = unsigned(raw)
            sender = str(EthAccount.recover_transaction(raw))
        except (InvalidInput, ValueError, TypeError, BadSignature, ValidationError) as error:
            raise RelayJournalDamaged("The journal holds bytes that are no signed transaction.") from error
        if draft["chainId"] != self.chain.chain_id:
            raise WrongChain(
                f"The journal has acts on their way to chain {draft['chainId']}; this is chain {self.chain.chain_id}.",
                hint="Name another journal with --journal; the acts in it wait for their own chain.",
            )
        if sender != self.account.address:
            raise InvalidInput(
                f"The journal has acts on their way that {sender} pays for, not {self.account.address}.",
                hint="Relay with that account, or name another journal with --journal.",
                account=sender,
            )
        return draft

    def _known(self, act: Act, key: bytes | None) -> ActState | None:
        if key is not None:
            named = self._journal.of_key(key)
            if named is not None and named != act.id:
                raise IdempotencyKeyReused("This idempotency key came with other calls before.")
        found = self._journal.find(act.id)
        return None if found is None or found.status is ActStatus.FAILED else found

    def _send(self, act: Act, key: bytes | None) -> None:
        now = self._clock()
        signed, gas = self._sign(act, now)
        self._observer(RelayStep.SIGNED)
        block = self.chain.head_number()
        self._journal.add(act.id, key, signed, gas=gas, block=block, now=now)
        self._busy[act.id] = act.signers
        self.meter.count(act.signers, gas, now)
        self.metrics.acts.labels("accepted").inc()
        self._observer(RelayStep.JOURNALLED)
        # Whatever goes wrong from here on, the background work hands it over again.
        with suppress(Unavailable, NonceUsed, RpcRefused, InsufficientEther):
            self.chain.broadcast(signed.raw)
            self._observer(RelayStep.BROADCAST)
            self._journal.pending(act.id)
            self._observer(RelayStep.PENDING)
        log.info("an act was accepted (%d calls, %d gas)", len(act.calls), gas)

    def _sign(self, act: Act, now: float) -> tuple[SignedTransaction, int]:
        """Simulates, checks the limits, and signs under the next nonce; the transaction, and gas set aside for it."""
        require_signatures_of_their_own(self.chain, self.chain.one_call(act.calls), self.account.address)
        try:
            signed = self.chain.prepare(self.account, act.calls, nonce=self._carrier.next_nonce())
        except InsufficientEther as error:
            # Not the signer's business, nor how much it is: another relayer may do it.
            self.metrics.refusals.labels("InsufficientEther").inc()
            raise RelayUnavailable("The relayer's account can't pay for this act.") from error
        self._observer(RelayStep.SIMULATED)
        draft = unsigned(signed.raw)
        gas, fee = draft["gas"], draft["maxFeePerGas"]
        if gas > self.limits.gas_per_act:
            raise InvalidInput(
                f"This act takes up to {gas} gas; at most {self.limits.gas_per_act} are given to one.",
                hint="Send it in smaller parts.",
            )
        if fee > self.limits.max_fee_per_gas:
            raise RelayBudgetSpent(
                f"Gas costs up to {fee} wei now; this relayer pays at most {self.limits.max_fee_per_gas}.",
                retry_after=_DEAR_SECONDS,
            )
        # Only now, when it is proven who signed: a forger could use up another's allowance otherwise.
        self.meter.require_room(act.signers, gas, now)
        left = self.gas_left(withdrawing=act.is_withdrawing)
        if gas > left:
            raise RelayBudgetSpent(
                f"This act takes up to {gas} gas; {left} are left today.", retry_after=until_tomorrow(now)
            )
        return signed, gas

    def _run(self) -> None:
        waiting = True
        while not self._stop.is_set():
            self._wake.wait(self._poll if waiting else _QUIET_SECONDS)
            self._wake.clear()
            if self._stop.is_set():
                return
            try:
                waiting = self.turn()
                self._trouble = ""
            except Exception as error:
                # Only the kind: messages of errors name addresses.
                self._trouble = type(error).__name__
                waiting = True
                self.metrics.troubles.labels(self._trouble).inc()
                log.warning("a round failed: %s", self._trouble)
                self._stop.wait(self._poll)
