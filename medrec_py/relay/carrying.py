"""Carrying signed transactions until they are mined: again after a crash, dearer when stuck, without gaps of nonces.

What makes an act happen once is its nonce. All transactions signed for an act have the same one, so at most one of them
is mined; another nonce is taken only when the first was used up by a transaction that is none of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from medrec_py.chain import Account, Call, Chain, SignedTransaction, TransactionReceipt
from medrec_py.chain.node import RpcFailure, RpcRequest, member, quantity
from medrec_py.chain.sending import REPLACED_AFTER, nothing
from medrec_py.chain.transactions import unsigned
from medrec_py.errors import ContractRefusal, InsufficientEther, NonceUsed, RpcRefused
from medrec_py.relay.journal import ActStatus, OpenAct, RelayJournal, Signed
from medrec_py.relay.limits import DAY, RelayLimits
from medrec_py.relay.metrics import Metrics

if TYPE_CHECKING:
    from medrec_py.relay.service import RelayStep

_HAND_OVER_SECONDS: Final = 3.0
"""How often a transaction is handed over again that the node does not count."""
_MOST_FILLED: Final = 16
"""Gaps that are closed in one round."""


@dataclass(frozen=True, slots=True)
class _View:
    """What the node said at the beginning of a round.

    Attributes:
        mined: Nonces used up by blocks.
        counted: The same, with those that wait without a gap.
        head: Height of the chain.
    """

    mined: int
    counted: int
    head: int


class Carrier:
    """The background work of a relayer, round by round. Its caller sees to it that rounds don't overlap.

    Args:
        chain: Where to.
        account: Signs and pays.
        journal: What is on its way.
        limits: Most that a gas may cost, and when to raise fees.
        metrics: Counts what happens.
        confirmations: Blocks that make an act confirmed.
        clock: Unix time.
    """

    def __init__(
        self,
        chain: Chain,
        account: Account,
        journal: RelayJournal,
        limits: RelayLimits,
        metrics: Metrics,
        confirmations: int,
        clock: Callable[[], float],
    ) -> None:
        self._chain = chain
        self._account = account
        self._journal = journal
        self._limits = limits
        self._metrics = metrics
        self._confirmations = confirmations
        self._clock = clock
        self._handed: dict[bytes, float] = {}
        self._missing: dict[str, float] = {}

    def next_nonce(self) -> int:
        """The nonce that nothing of ours uses, in the journal or at the node."""
        acts = self._journal.open_acts()
        counted = quantity(self._chain.ask("eth_getTransactionCount", self._account.address, "pending"))
        return max([counted, *(act.nonce + 1 for act in acts)])

    def turn(self, observer: Callable[[RelayStep], None]) -> list[str]:
        """One round; ids of the acts that are not finished after it."""
        acts = self._journal.open_acts()
        now = self._clock()
        if acts:
            acts = self._settle(acts, observer)
        if acts:
            view = self._view()
            self._heal(acts, view)
            for act in acts:
                if act.nonce < view.mined:
                    self._replace_stolen(act, view)
                else:
                    self._hand_over(act, view)
            waiting = [act for act in acts if act.nonce >= view.mined]
            if waiting:
                self._raise_fees(waiting[0], view)
        self._journal.forget(now - self._limits.forget_after_seconds, int(now // DAY))
        return [act.state.id for act in self._journal.open_acts()]

    # ── what was mined ──

    def _settle(self, acts: Sequence[OpenAct], observer: Callable[[RelayStep], None]) -> list[OpenAct]:
        """Finishes what is mined deep enough; the rest."""
        from medrec_py.relay.service import RelayStep

        requests: list[RpcRequest] = [("eth_blockNumber", [])]
        requests += [
            ("eth_getTransactionReceipt", ["0x" + signed.transaction.hash.hex()])
            for act in acts
            for signed in act.signed
        ]
        head, *answers = self._chain.node.batch(requests)
        remaining, receipts = [], iter(answers)
        for act in acts:
            found = [(signed, next(receipts)) for signed in act.signed]
            mined = next(((signed, receipt) for signed, receipt in found if isinstance(receipt, dict)), None)
            if mined is None:
                remaining.append(act)
                continue
            observer(RelayStep.MINED)
            depth = quantity(head) - quantity(member(mined[1], "blockNumber")) + 1 if isinstance(head, str) else 0
            if depth >= self._confirmations:
                self._finish(act, *mined)
                observer(RelayStep.FINISHED)
        return remaining

    def _finish(self, act: OpenAct, signed: Signed, receipt: Any) -> None:  # noqa: ANN401 (JSON)
        outcome = self._chain.outcome(receipt, "", 0)
        error = None
        if signed.fills:
            error = act.state.error or "NonceUsed"
        elif not isinstance(outcome, TransactionReceipt):
            error = type(outcome).__name__
        gas_used = quantity(member(receipt, "gasUsed"))
        self._end(act, error, hash=signed.transaction.hash, block=quantity(receipt["blockNumber"]), gas_used=gas_used)

    def _end(
        self, act: OpenAct, error: str | None, *, hash: bytes | None = None, block: int | None = None, gas_used: int = 0
    ) -> None:
        now = self._clock()
        self._journal.finish(
            act.state.id, hash=hash, block=block, gas_used=gas_used, error=error, day=int(now // DAY), now=now
        )
        self._handed = {
            key: at for key, at in self._handed.items() if key not in {s.transaction.hash for s in act.signed}
        }
        self._missing.pop(act.state.id, None)
        self._metrics.gas.inc(gas_used)
        self._metrics.acts.labels("confirmed" if error is None else "failed").inc()
        self._metrics.seconds.observe(max(0.0, now - act.priced_at))

    # ── what is on its way ──

    def _view(self) -> _View:
        address = self._account.address
        answers = self._chain.node.batch(
            [
                ("eth_getTransactionCount", [address, "latest"]),
                ("eth_getTransactionCount", [address, "pending"]),
                ("eth_blockNumber", []),
            ]
        )
        for answer in answers:
            if isinstance(answer, RpcFailure):
                raise self._chain.refusal(answer)
        mined, counted, head = map(quantity, answers)
        return _View(mined, max(mined, counted), head)

    def _hand_over(self, act: OpenAct, view: _View) -> None:
        """Hands a transaction over that the node does not count."""
        signed = act.latest.transaction
        if act.state.status is ActStatus.PENDING and act.nonce < view.counted:
            return
        now = time.monotonic()
        if now - self._handed.get(signed.hash, -_HAND_OVER_SECONDS) < _HAND_OVER_SECONDS:
            return
        self._handed[signed.hash] = now
        self._broadcast(act.state.id, signed)

    def _broadcast(self, id: str, signed: SignedTransaction) -> None:
        try:
            self._chain.broadcast(signed.raw)
        except (NonceUsed, RpcRefused, InsufficientEther) as error:
            # Mined meanwhile, too cheap for today, or nothing left to pay with: later rounds see to each.
            self._metrics.troubles.labels(type(error).__name__).inc()
        else:
            self._journal.pending(id)

    def _raise_fees(self, act: OpenAct, view: _View) -> None:
        """Signs the transaction that all others wait for anew, dearer; or, if it would revert by now, an empty one."""
        waited = self._clock() - act.priced_at
        blocks = view.head - act.priced_block
        if blocks < self._limits.reprice_after_blocks and waited < self._limits.reprice_after_seconds:
            return
        latest = act.latest
        instead = nothing(self._account.address) if latest.fills else None
        if instead is None:
            draft = unsigned(latest.transaction.raw)
            try:
                self._chain.simulate(Call(draft["to"], draft["data"]), self._account.address)
            except ContractRefusal as refusal:
                # Somebody else did it, or it lapsed: an empty transaction costs less than a revert.
                self._journal.doomed(act.state.id, type(refusal).__name__)
                instead = nothing(self._account.address)
        most = self._limits.max_fee_per_gas
        dearer = self._chain.reprice(self._account, latest.transaction.raw, most=most, instead=instead)
        if dearer is None:
            self._metrics.repriced.labels("too dear").inc()
            return
        self._journal.add_signed(act.state.id, Signed(dearer, instead is not None), block=view.head, now=self._clock())
        self._metrics.repriced.labels("dearer").inc()
        self._broadcast(act.state.id, dearer)

    # ── nonces ──

    def _heal(self, acts: Sequence[OpenAct], view: _View) -> None:
        """Uses nonces up that nobody knows a transaction for, so that those behind them can be mined."""
        taken = {act.nonce for act in acts}
        gaps = [nonce for nonce in range(view.counted, max(taken)) if nonce not in taken]
        for nonce in gaps[:_MOST_FILLED]:
            signed = self._chain.prepare(self._account, nothing(self._account.address), nonce=nonce)
            gas = unsigned(signed.raw)["gas"]
            id = "fill:0x" + signed.hash.hex()
            self._journal.fill(id, signed, gas=gas, block=view.head, now=self._clock())
            self._metrics.healed.labels("gap").inc()
            self._broadcast(id, signed)

    def _replace_stolen(self, act: OpenAct, view: _View) -> None:
        """Signs an act under another nonce when something else has used its nonce up."""
        since = self._missing.setdefault(act.state.id, time.monotonic())
        # A node may know the count of nonces before it finds the receipt.
        if time.monotonic() - since < REPLACED_AFTER:
            return
        self._metrics.healed.labels("stolen nonce").inc()
        first = act.signed[0]
        if first.fills or act.latest.fills:
            self._end(act, act.state.error or "NonceUsed")
            return
        draft = unsigned(first.transaction.raw)
        try:
            signed = self._chain.prepare(self._account, Call(draft["to"], draft["data"]), nonce=self.next_nonce())
        except ContractRefusal as refusal:
            self._end(act, type(refusal).__name__)
            return
        self._missing.pop(act.state.id, None)
        self._journal.add_signed(act.state.id, Signed(signed, fills=False), block=view.head, now=self._clock())
        self._broadcast(act.state.id, signed)
