"""Transactions priced, signed and delivered; many at once without waiting between them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from medrec_py.chain.accounts import Account, KeyAccount
from medrec_py.chain.calls import Call, SignedTransaction, TransactionReceipt
from medrec_py.chain.node import RpcFailure, RpcRequest, member, quantity
from medrec_py.chain.transactions import dynamic_fee_transaction, transaction_hash
from medrec_py.errors import InsufficientEther, NonceUsed, NotMined, Refused

if TYPE_CHECKING:
    from medrec_py.chain.connection import Chain

MOST_IN_FLIGHT: Final = 1_000
"""Transactions of one account that are handed over before their receipts are asked for."""
_FEWEST_IN_FLIGHT: Final = 16
_PIECE: Final = 500
PLAIN_TRANSFER: Final = 21_000
"""Gas of a transaction that calls nothing."""
_DEFAULT_PRIORITY_FEE: Final = 10**9
_FIRST_PAUSE: Final = 0.005
_LONGEST_PAUSE: Final = 1.0

MINING_TIMEOUT = 120.0
"""Seconds without any transaction being mined after which waiting ends."""
REPLACED_AFTER = 10.0
"""Seconds for a node to find the receipt of a nonce that is used up, before another transaction must have used it."""
STALLED_AFTER = 20.0
"""Seconds without any transaction being mined after which fees are raised: more than a main-network block takes."""


@dataclass(frozen=True, slots=True)
class Pricing:
    """What a transaction of one account costs now, and with which nonce it goes.

    Attributes:
        chain_id: EIP-155 id.
        nonce: The account's next nonce, waiting transactions counted.
        max_fee: Most wei per gas that will be paid: twice the base fee, so that it stays valid while the base fee rises
            by an eighth per block for five full blocks (EIP-1559), plus the priority fee.
        max_priority_fee: Wei per gas for whoever makes the block.
        block_gas_limit: Gas that fits a block.
        balance: Wei that the account holds.
    """

    chain_id: int
    nonce: int
    balance: int
    max_fee: int
    max_priority_fee: int
    block_gas_limit: int

    @classmethod
    def from_answers(cls, chain_id: int, nonce: Any, balance: Any, block: Any, priority_fee: Any) -> Pricing:  # noqa: ANN401
        """From the answers (JSON) to `pricing_requests`."""
        # Some chains don't know the priority fee's method; a gwei is what wallets then take.
        tip = _DEFAULT_PRIORITY_FEE if isinstance(priority_fee, RpcFailure) else quantity(priority_fee)
        base_fee = quantity(member(block, "baseFeePerGas"))
        return cls(
            chain_id, quantity(nonce), quantity(balance), 2 * base_fee + tip, tip, quantity(member(block, "gasLimit"))
        )

    def gas(self, estimate: int) -> int:
        """Gas to give a transaction: more than the estimate, because state may change before it is mined."""
        return max(estimate, min(estimate * 5 // 4 + 5_000, self.block_gas_limit))

    def cost(self, call: Call, estimate: int) -> int:
        """Most wei that the transaction can take, which is what a node wants to see in the account."""
        return self.gas(estimate) * self.max_fee + call.value

    def unaffordable(self, sender: str, needed: int) -> InsufficientEther:
        """The refusal for an account that can't pay."""
        return InsufficientEther(
            f"{sender} holds {self.balance} wei; the transaction may cost up to {needed}.",
            account=sender,
            balance=self.balance,
            needed=needed,
        )

    def draft(self, call: Call, estimate: int, nonce: int) -> dict[str, Any]:
        """The call as a transaction to sign."""
        return dynamic_fee_transaction(
            chain_id=self.chain_id,
            nonce=nonce,
            to=call.to,
            data=call.data,
            value=call.value,
            gas=self.gas(estimate),
            max_fee=self.max_fee,
            max_priority_fee=self.max_priority_fee,
        )


@dataclass(slots=True)
class Flight:
    """A transaction on its way.

    Attributes:
        call: What it calls.
        draft: What was signed last.
        hashes: Hashes of all that were signed with its nonce, of which one at most is ever mined.
    """

    call: Call
    draft: dict[str, Any]
    hashes: list[bytes] = field(default_factory=list)

    def sign(self, account: Account) -> SignedTransaction:
        """Signs the draft."""
        raw = account.sign_transaction(self.draft)
        self.hashes.append(transaction_hash(raw))
        return SignedTransaction(raw, self.hashes[-1], self.draft["nonce"])

    def raise_fees(self, least: int = 0, most: int | None = None) -> bool:
        """Makes the draft dearer by a quarter: nodes replace a waiting transaction for a tenth more, or an eighth.

        Args:
            least: Wei per gas that a transaction costs now, to which the fee rises if that is more.
            most: Wei per gas that are never exceeded.

        Returns:
            Whether it could be done: not when an eighth more than before would be above `most`.
        """
        fee, tip = self.draft["maxFeePerGas"], self.draft["maxPriorityFeePerGas"]
        raised = max(fee * 5 // 4 + 1, least)
        if most is not None and raised > most:
            raised = most
            if raised < fee * 9 // 8 + 1:
                return False
        # The tip has to rise as well to replace what waits, and can't be more than all that is paid.
        self.draft = {**self.draft, "maxFeePerGas": raised, "maxPriorityFeePerGas": min(tip * 5 // 4 + 1, raised)}
        return True


def pricing_requests(sender: str) -> list[RpcRequest]:
    """What has to be asked for a `Pricing`."""
    return [
        ("eth_getTransactionCount", [sender, "pending"]),
        ("eth_getBalance", [sender, "latest"]),
        ("eth_getBlockByNumber", ["latest", False]),
        ("eth_maxPriorityFeePerGas", []),
    ]


def call_query(call: Call, sender: str | None) -> dict[str, str]:
    """A call as `eth_call` and `eth_estimateGas` take it."""
    query = {"to": call.to, "data": "0x" + call.data.hex()}
    if call.value:
        query["value"] = hex(call.value)
    if sender:
        query["from"] = sender
    return query


# ── many at once ─────────────────────────────────────────────────────────────────────────────────────────────────────


def send_many(chain: Chain, account: Account, calls: Sequence[Call]) -> list[TransactionReceipt | Refused]:
    """See `Chain.send_many`.

    Each round estimates a stretch of calls in one batch, signs those that would succeed, hands them over in another and
    collects their receipts in a third. Where an estimate is refused, the round ends before that call: it may depend on
    the ones before, and only when it is refused with all of them mined is it refused for good.
    """
    outcomes: list[TransactionReceipt | Refused] = []
    in_flight = MOST_IN_FLIGHT
    while len(outcomes) < len(calls):
        stretch = calls[len(outcomes) : len(outcomes) + in_flight]
        estimates, pricing = _estimate(chain, account, stretch)
        refused = 0
        while refused < len(stretch) and isinstance(estimates[refused], RpcFailure):
            outcomes.append(chain.refusal(estimates[refused], stretch[refused], account.address))
            refused += 1
        ready, cost = refused, 0
        while ready < len(stretch) and not isinstance(estimates[ready], RpcFailure):
            cost += pricing.cost(stretch[ready], quantity(estimates[ready]))
            if cost > pricing.balance:
                # A node would let the rest wait for ether that may never come.
                break
            ready += 1
        if ready == refused:
            if ready < len(stretch):
                outcomes.append(pricing.unaffordable(account.address, cost))
            continue
        flights = [
            Flight(stretch[at], pricing.draft(stretch[at], quantity(estimates[at]), pricing.nonce + at - refused))
            for at in range(refused, ready)
        ]
        delivered = _deliver(chain, account, flights)
        outcomes.extend(delivered)
        in_flight = min(MOST_IN_FLIGHT, max(_FEWEST_IN_FLIGHT, 2 * len(delivered)))
    return outcomes


def _estimate(chain: Chain, account: Account, calls: Sequence[Call]) -> tuple[list[Any], Pricing]:
    requests: list[RpcRequest] = [("eth_estimateGas", [call_query(call, account.address)]) for call in calls]
    pricing = pricing_requests(account.address)
    answers = chain.node.batch([*pricing, *requests])
    return answers[len(pricing) :], chain.pricing(answers[: len(pricing)])


def _deliver(chain: Chain, account: Account, flights: Sequence[Flight]) -> list[TransactionReceipt | Refused]:
    """Hands over transactions with consecutive nonces; outcomes of all of them, or of the first ones."""
    signed, answers = _hand_over(chain, account, flights)
    rejected: dict[int, Refused] = {}
    for at, answer in enumerate(answers):
        if isinstance(answer, RpcFailure) and not chain.is_known(signed[at].hash):
            rejected[at] = chain.refusal(answer)
    accepted = [at for at in range(len(signed)) if at not in rejected]

    first = min(rejected, default=None)
    if first is not None and (not accepted or accepted[-1] < first) and (first > 0 or len(rejected) > 1):
        # Nothing behind the first rejected one waits for its nonce, so they all begin anew: with the nonce that is
        # theirs now, and once the node has room again.
        outcomes = settle(chain, account, flights[:first])
        return outcomes or [_alone(chain, account, flights[0].call, rejected[0])]

    for at, refusal in rejected.items():
        if not isinstance(refusal, NonceUsed) and any(later > at for later in accepted):
            _fill(chain, account, signed[at].nonce)
    mined = iter(settle(chain, account, [flights[at] for at in accepted]))
    return [
        _alone(chain, account, flight.call, rejected[at]) if at in rejected else next(mined)
        for at, flight in enumerate(flights)
    ]


def _hand_over(chain: Chain, account: Account, flights: Sequence[Flight]) -> tuple[list[SignedTransaction], list[Any]]:
    """Signs and hands over; the transactions, and what the node answered to each."""
    # Where signing asks nobody, the node has the first ones while the next ones are being signed.
    piece = _PIECE if isinstance(account, KeyAccount) else len(flights)
    signed: list[SignedTransaction] = []
    with ThreadPoolExecutor(1, "medrec-send") as handing:
        answers = []
        for at in range(0, len(flights), piece):
            fresh = [flight.sign(account) for flight in flights[at : at + piece]]
            signed.extend(fresh)
            requests = [("eth_sendRawTransaction", ["0x" + one.raw.hex()]) for one in fresh]
            answers.append(handing.submit(chain.node.batch, requests))
    return signed, [one for answer in answers for one in answer.result()]


def _alone(chain: Chain, account: Account, call: Call, refusal: Refused) -> TransactionReceipt | Refused:
    """The outcome of a call whose transaction was rejected: sent once more if only its nonce was taken."""
    if not isinstance(refusal, NonceUsed):
        return refusal
    try:
        return chain.send(account, call)
    except Refused as second:
        return second


def _fill(chain: Chain, account: Account, nonce: int) -> None:
    """Uses a nonce up with a transfer of nothing to oneself, so that the transactions behind it can be mined."""
    pricing = chain.pricing(chain.node.batch(pricing_requests(account.address)))
    call = nothing(account.address)
    chain.broadcast(Flight(call, pricing.draft(call, PLAIN_TRANSFER, nonce)).sign(account).raw)


def nothing(sender: str) -> Call:
    """A transfer of nothing to oneself, which uses a nonce up and does nothing else."""
    return Call(to=sender, data=b"", name="nothing")


def settle(chain: Chain, account: Account, flights: Sequence[Flight]) -> list[TransactionReceipt | Refused]:
    """Waits until transactions of one account that were handed over, in the order of their nonces, are mined.

    Receipts, or the mapped refusals of those that failed.

    When nothing moves for a while, what waits is signed again with the same nonce at a higher fee: it was dropped, is
    too cheap by now, or the node forgot to look at it. Accounts whose owner would be asked again are left alone.

    Raises:
        NotMined: Nothing moved for two minutes.
    """
    if not flights:
        return []
    last_nonce = flights[-1].draft["nonce"]
    begun = moved = nudged = time.monotonic()
    mined = -1
    while True:
        # Nonces are used up in their order, so the last one tells that all are mined, and the count how many.
        count, *last = chain.node.batch([_count(account), *_receipts(flights[-1])])
        if any(isinstance(answer, dict) for answer in last):
            break
        now = time.monotonic()
        if quantity(count) > mined:
            moved = nudged = now
            mined = quantity(count)
        waiting = [flight for flight in flights if flight.draft["nonce"] >= mined]
        if mined > last_nonce and now - moved >= REPLACED_AFTER:
            break
        if now - moved >= MINING_TIMEOUT:
            raise NotMined(
                f"{len(waiting)} of {len(flights)} transactions were not mined within {MINING_TIMEOUT:g} seconds.",
                hashes=["0x" + flight.hashes[-1].hex() for flight in waiting],
            )
        if waiting and now - nudged >= STALLED_AFTER and isinstance(account, KeyAccount):
            nudged = now
            _send_again(chain, account, waiting)
        time.sleep(min(max(_FIRST_PAUSE, (now - begun) / 10), _LONGEST_PAUSE))
    return _outcomes(chain, flights)


def _outcomes(chain: Chain, flights: Sequence[Flight]) -> list[TransactionReceipt | Refused]:
    """What became of transactions that are mined."""
    answers = iter(chain.node.batch([request for flight in flights for request in _receipts(flight)]))
    outcomes: list[TransactionReceipt | Refused] = []
    for flight in flights:
        receipts = [answer for answer in [next(answers) for _ in flight.hashes] if isinstance(answer, dict)]
        if receipts:
            outcomes.append(chain.outcome(receipts[0], flight.call.name, len(flight.call.data)))
        else:
            hashes = ["0x" + digest.hex() for digest in flight.hashes]
            outcomes.append(NonceUsed(f"Another transaction was mined in place of {flight.call.name}.", hashes=hashes))
    return outcomes


def _count(account: Account) -> RpcRequest:
    return ("eth_getTransactionCount", [account.address, "latest"])


def _receipts(flight: Flight) -> list[RpcRequest]:
    return [("eth_getTransactionReceipt", ["0x" + digest.hex()]) for digest in flight.hashes]


def _send_again(chain: Chain, account: Account, flights: Sequence[Flight]) -> None:
    for flight in flights:
        flight.raise_fees()
    # Refusals don't matter here: a transaction that was mined meanwhile is found by its hash.
    chain.node.batch([("eth_sendRawTransaction", ["0x" + flight.sign(account).raw.hex()]) for flight in flights])
