"""A connected chain: reading, simulating, sending one or many, and the log in bulk."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Final, Self

from medrec_py.chain import logs as bulk_logs
from medrec_py.chain import sending
from medrec_py.chain.accounts import Account
from medrec_py.chain.calls import Call, SignedTransaction, StorageProof, TransactionReceipt
from medrec_py.chain.decoding import decode_logs
from medrec_py.chain.deployment import Deployment
from medrec_py.chain.node import Node, RemoteNode, RpcFailure, RpcRequest, member, quantity, raw_bytes
from medrec_py.chain.reverts import decode_revert
from medrec_py.chain.transactions import transaction_hash, unsigned
from medrec_py.errors import (
    DeploymentMissing,
    InsufficientEther,
    NonceUsed,
    NotMined,
    OutOfGas,
    Refused,
    RpcRefused,
    UnknownRevert,
    WrongChain,
)
from medrec_py.types.events import LoggedEvent

_REVERT_CODES: Final = (3, -32015)
"""JSON-RPC codes of a revert: geth's (and most others'), and OpenEthereum's."""
_FIRST_PAUSE: Final = 0.005
_LONGEST_PAUSE: Final = 1.0
_NONCE_ATTEMPTS: Final = 5


class Chain:
    """One EVM chain. `EmbeddedChain` is the same without a server.

    Every method that asks a server raises `ChainUnavailable` (with its address) when there is no answer; nothing is
    lost by it. A revert is raised as the error class named like the Solidity error (`medrec_py.errors`). Threads may
    share a chain.

    Args:
        node: What answers JSON-RPC; use `Chain.connect` for a server.
    """

    def __init__(self, node: Node) -> None:
        self.node = node
        self._chain_id: int | None = None
        self._deployment: Deployment | None = None
        self._span = bulk_logs.Span()
        self._locks: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)

    @classmethod
    def connect(cls, rpc_url: str, *, timeout: float = 30.0) -> Chain:
        """Connects to a JSON-RPC server (http, https, ws, wss, or the path of an ipc socket).

        Args:
            rpc_url: Its address.
            timeout: Seconds that it has for an answer.

        Raises:
            RpcAddressInvalid: That is no such address.
            ChainUnavailable: Nothing answers there.
        """
        chain = cls(RemoteNode(rpc_url, timeout=timeout))
        _ = chain.chain_id
        return chain

    @classmethod
    def over(cls, provider: Any, address: str) -> Chain:  # noqa: ANN401 (web3's class depends on the address)
        """A chain over a web3 provider that is connected already, such as ape's.

        Args:
            provider: One that speaks JSON-RPC (HTTP, web socket, ipc), not web3's tester.
            address: What messages call it.
        """
        return cls(RemoteNode(address, provider=provider))

    @property
    def address(self) -> str:
        """Where it is: the URL without credentials, or the embedded chain's folder."""
        return self.node.address

    # ── deployment ───────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def deployment(self) -> Deployment:
        """The deployment whose events are decoded.

        Raises:
            DeploymentMissing: `use` was never called.
        """
        if self._deployment is None:
            raise DeploymentMissing(f"No deployment was named for the chain at {self.address}.")
        return self._deployment

    def use(self, deployment: Deployment) -> Self:
        """Sets the deployment whose events `logs` and receipts hold. `deploy()` does so itself."""
        if deployment.chain_id != self.chain_id:
            raise WrongChain(f"The deployment is on chain {deployment.chain_id}, but this is chain {self.chain_id}.")
        self._deployment = deployment
        return self

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def chain_id(self) -> int:
        """EIP-155 chain id."""
        if self._chain_id is None:
            self._chain_id = quantity(self.ask("eth_chainId"))
        return self._chain_id

    def head_number(self) -> int:
        """Height of the latest block."""
        return quantity(self.ask("eth_blockNumber"))

    def now(self) -> int:
        """Unix time at which views are evaluated: of the latest block; on the embedded chain never behind the clock."""
        return quantity(member(self.ask("eth_getBlockByNumber", "latest", False), "timestamp"))

    def block_hash(self, number: int) -> bytes | None:
        """Hash of the canonical block at this height, 32 bytes; None when there is none (yet, or any more)."""
        block = self.ask("eth_getBlockByNumber", hex(number), False)
        return None if block is None else raw_bytes(member(block, "hash"))

    def block_times(self, hashes: Sequence[bytes]) -> list[int | None]:
        """Unix times of the blocks with these hashes, in the order asked; None for a block that isn't known."""
        blocks = self.node.batch([("eth_getBlockByHash", ["0x" + block.hex(), False]) for block in hashes])
        return [
            None if block is None or isinstance(block, RpcFailure) else quantity(member(block, "timestamp"))
            for block in blocks
        ]

    def balance(self, address: str) -> int:
        """Wei that an address holds."""
        return quantity(self.ask("eth_getBalance", address, "latest"))

    def code(self, address: str) -> bytes:
        """Code at an address; empty for an account without."""
        return raw_bytes(self.ask("eth_getCode", address, "latest"))

    def call(self, call: Call, *, sender: str | None = None, block: int | None = None) -> bytes:
        """What a view returns, ABI-encoded, at a block (the latest when None); raises the mapped refusal."""
        query = sending.call_query(call, sender)
        return raw_bytes(self.ask("eth_call", query, "latest" if block is None else hex(block)))

    def simulate(self, call: Call | Sequence[Call], sender: str) -> int:
        """Gas that a transaction would take, if it would succeed now; raises the mapped refusal if not."""
        one = self.one_call(call)
        try:
            return quantity(self.node.request("eth_estimateGas", [sending.call_query(one, sender)]))
        except RpcFailure as failure:
            raise self.refusal(failure, one, sender) from None

    def logs(self, from_block: int, to_block: int) -> list[LoggedEvent]:
        """All events of the deployment's contracts in these blocks, both included, in the chain's order.

        A range that the server finds too large is asked for in smaller pieces.
        """
        return bulk_logs.fetch(self, self.deployment, from_block, to_block, self._span)

    def storage_proof(self, contract: str, slots: Sequence[int], block: int | None = None) -> StorageProof:
        """Storage slots with their Merkle paths (`eth_getProof`); `StorageProof.verify` checks them."""
        number = self.head_number() if block is None else block
        header = self.ask("eth_getBlockByNumber", hex(number), False)
        if header is None:
            raise RpcRefused(f"The chain at {self.address} has no block {number}.", block=number)
        answer = self.ask(
            "eth_getProof", contract, ["0x" + slot.to_bytes(32, "big").hex() for slot in slots], hex(number)
        )
        return StorageProof.from_rpc(answer, slots, number, raw_bytes(member(header, "stateRoot")))

    # ── sending ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def send(self, account: Account, call: Call | Sequence[Call]) -> TransactionReceipt:
        """Simulates, signs, broadcasts and waits until mined. Several calls become one `MedRec.multicall`.

        Raises:
            Refused: The mapped refusal, before anything is spent where the simulation finds it.
            ChainUnavailable: No answer; the transaction may or may not be mined. Use `prepare` where that matters.
        """
        one = self.one_call(call)
        with self.lock(account.address):
            for attempt in range(_NONCE_ATTEMPTS):
                flight = self._draft(account, one, None)
                try:
                    self.broadcast(flight.sign(account).raw)
                    break
                except NonceUsed:
                    # Somebody else sends from the same account: take the next nonce.
                    if attempt == _NONCE_ATTEMPTS - 1:
                        raise
        outcome = sending.settle(self, account, [flight])[0]
        if isinstance(outcome, Refused):
            raise outcome
        return outcome

    def prepare(self, account: Account, call: Call | Sequence[Call], *, nonce: int | None = None) -> SignedTransaction:
        """Simulates and signs, and sends nothing: keep `raw` safe, then `broadcast` and `wait`, again after a crash.

        Args:
            account: Who signs and pays.
            call: One call, or several of MedRec's.
            nonce: The account's nonce to use up; its next one when None.
        """
        return self._draft(account, self.one_call(call), nonce).sign(account)

    def reprice(
        self, account: Account, waiting: bytes, *, most: int | None = None, instead: Call | None = None
    ) -> SignedTransaction | None:
        """Signs what waits anew: the same nonce, so at most one of them is mined, at a fee for which nodes replace it.

        Sends nothing and simulates nothing: what waits was simulated, and whether it would still succeed is for the
        caller to ask. The fee rises by a quarter, or to today's price when that is more.

        Args:
            account: Who signed it.
            waiting: The raw transaction that waits.
            most: Wei per gas that are never exceeded.
            instead: Another call to take its place, such as one that does nothing.

        Returns:
            The dearer transaction; None when it would cost more than `most`.

        Raises:
            InsufficientEther: The account can't pay for it.
        """
        draft = unsigned(waiting)
        call = instead or Call(draft["to"], draft["data"], value=draft["value"])
        if instead is not None:
            gas = self.simulate(instead, account.address)
            draft |= {"to": instead.to, "data": instead.data, "value": instead.value, "gas": gas}
        pricing = self.pricing(self.node.batch(sending.pricing_requests(account.address)))
        flight = sending.Flight(call, draft)
        if not flight.raise_fees(pricing.max_fee, most):
            return None
        needed = flight.draft["gas"] * flight.draft["maxFeePerGas"] + call.value
        if needed > pricing.balance:
            raise pricing.unaffordable(account.address, needed)
        return flight.sign(account)

    def broadcast(self, raw: bytes) -> bytes:
        """Hands a signed transaction to the network; fine if it is known or mined already.

        Returns:
            Its hash.

        Raises:
            NonceUsed: Another transaction used the nonce up: this one can never be mined; prepare a new one.
            InsufficientEther: The account can't pay for it.
            RpcRefused: The node rejects it for another reason.
        """
        digest = transaction_hash(raw)
        try:
            self.node.request("eth_sendRawTransaction", ["0x" + raw.hex()])
        except RpcFailure as failure:
            if not self.is_known(digest):
                raise rejection(failure) from None
        return digest

    def is_known(self, digest: bytes) -> bool:
        """Whether the network has the transaction with this hash, mined or waiting."""
        return self.ask("eth_getTransactionByHash", "0x" + digest.hex()) is not None

    def receipt(self, transaction_hash: bytes, *, name: str = "") -> TransactionReceipt | None:
        """The receipt of a mined transaction, None while it isn't mined; raises the mapped refusal if it reverted."""
        digest = "0x" + transaction_hash.hex()
        answers = self.node.batch([("eth_getTransactionReceipt", [digest]), ("eth_getTransactionByHash", [digest])])
        receipt, transaction = (self._answer(answer) for answer in answers)
        if receipt is None or transaction is None:
            return None
        outcome = self.outcome(receipt, name, len(raw_bytes(member(transaction, "input"))))
        if isinstance(outcome, Refused):
            raise outcome
        return outcome

    def wait(
        self, transaction_hash: bytes, *, timeout: float = 120.0, confirmations: int = 1, name: str = ""
    ) -> TransactionReceipt:
        """Waits until it is mined and `confirmations - 1` blocks stand on top.

        Raises:
            NotMined: Not within `timeout` seconds (an `Unavailable`): broadcast or wait again.
            Refused: It was mined and reverted; the mapped refusal.
        """
        deadline = time.monotonic() + timeout
        pause = _FIRST_PAUSE
        while True:
            found = self.receipt(transaction_hash, name=name)
            if found is not None and (
                confirmations <= 1 or self.head_number() >= found.block_number + confirmations - 1
            ):
                return found
            if time.monotonic() >= deadline:
                digest = "0x" + transaction_hash.hex()
                raise NotMined(f"The transaction {digest} was not mined within {timeout:g} seconds.", hash=digest)
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    def send_many(self, account: Account, calls: Sequence[Call]) -> list[TransactionReceipt | Refused]:
        """Sends each call as a transaction of its own, in order, signed ahead and in JSON-RPC batches.

        A call that is refused leaves its refusal at its place and does not stop those behind it.

        Raises:
            ChainUnavailable: No answer; any part may or may not be mined.
        """
        with self.lock(account.address):
            return sending.send_many(self, account, calls)

    # ── lifecycle ────────────────────────────────────────────────────────────────────────────────────────────────────

    def travel(self, seconds: int) -> int:
        """Moves a development chain's clock forward and mines a block; returns the new time.

        Raises:
            RpcRefused: The server is no development node.
        """
        self.ask("evm_increaseTime", seconds)
        self.ask("evm_mine")
        return self.now()

    def close(self) -> None:
        """Releases connection and files. A chain is also a context manager."""
        self.node.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._chain_id or '?'} at {self.address}>"

    # ── used by the parts of this package ────────────────────────────────────────────────────────────────────────────

    def ask(self, method: str, *params: Any) -> Any:  # noqa: ANN401 (JSON)
        """The result of a JSON-RPC request; an error of the node as an error of the public tree."""
        try:
            return self.node.request(method, list(params))
        except RpcFailure as failure:
            raise self.refusal(failure) from None

    def lock(self, sender: str) -> threading.RLock:
        """Held from choosing a nonce of `sender` until the transaction is broadcast."""
        return self._locks[sender]

    def one_call(self, call: Call | Sequence[Call]) -> Call:
        """A single call as it is; several as one multicall of the deployment's MedRec."""
        if isinstance(call, Call):
            return call
        if len(call) == 1:
            return call[0]
        from medrec_py.chain.contracts import MedRecContract

        return MedRecContract(self.deployment, self).multicall(call)

    def pricing(self, answers: Sequence[Any]) -> sending.Pricing:
        """What transactions cost now, from the answers to `pricing_requests`."""
        nonce, balance, block = map(self._answer, answers[:3])
        return sending.Pricing.from_answers(self.chain_id, nonce, balance, block, answers[3])

    def refusal(self, failure: RpcFailure, call: Call | None = None, sender: str | None = None) -> Refused:
        """A node's error as an error of the public tree."""
        reverted = failure.code in _REVERT_CODES or "revert" in failure.message.lower()
        if reverted and failure.data is not None:
            return decode_revert(failure.data)
        if reverted:
            # Some nodes give the revert's data when calling only, not when estimating.
            if call is not None:
                try:
                    self.node.request("eth_call", [sending.call_query(call, sender), "latest"])
                except RpcFailure as second:
                    return self.refusal(second)
            return UnknownRevert(f"The contract reverted: {failure.message}.")
        if "OutOfGas" in failure.message or "out of gas" in failure.message.lower():
            return OutOfGas(OutOfGas.sentence)
        return rejection(failure)

    def outcome(self, receipt: Any, name: str, calldata_bytes: int) -> TransactionReceipt | Refused:  # noqa: ANN401
        """A receipt as the node gives it; the mapped refusal if the transaction failed."""
        if quantity(member(receipt, "status")) != 1:
            return self._why(receipt)
        contracts = () if self._deployment is None else self._deployment.contracts
        return TransactionReceipt(
            hash=raw_bytes(member(receipt, "transactionHash")),
            block_number=quantity(member(receipt, "blockNumber")),
            block_hash=raw_bytes(member(receipt, "blockHash")),
            gas_used=quantity(member(receipt, "gasUsed")),
            calldata_bytes=calldata_bytes,
            events=tuple(decode_logs(member(receipt, "logs"), contracts)),
            name=name,
        )

    def _draft(self, account: Account, call: Call, nonce: int | None) -> sending.Flight:
        estimate: RpcRequest = ("eth_estimateGas", [sending.call_query(call, account.address)])
        gas, *answers = self.node.batch([estimate, *sending.pricing_requests(account.address)])
        if isinstance(gas, RpcFailure):
            raise self.refusal(gas, call, account.address)
        pricing = self.pricing(answers)
        needed = pricing.cost(call, quantity(gas))
        if needed > pricing.balance:
            raise pricing.unaffordable(account.address, needed)
        return sending.Flight(call, pricing.draft(call, quantity(gas), pricing.nonce if nonce is None else nonce))

    def _why(self, receipt: Any) -> Refused:  # noqa: ANN401 (JSON)
        """Why a mined transaction failed: the same call again, on the state before its block and then on the latest."""
        transaction = self.ask("eth_getTransactionByHash", receipt["transactionHash"])
        query = {
            "from": transaction["from"],
            "to": transaction["to"],
            "data": transaction["input"],
            "value": transaction["value"],
            "gas": transaction["gas"],
        }
        for block in (hex(quantity(member(receipt, "blockNumber")) - 1), receipt["blockNumber"], "latest"):
            try:
                self.node.request("eth_call", [query, block])
            except RpcFailure as failure:
                refusal = self.refusal(failure)
                if not isinstance(refusal, RpcRefused):
                    refusal.facts["transaction"] = receipt["transactionHash"]
                    return refusal
        if receipt["gasUsed"] == transaction["gas"]:
            return OutOfGas(OutOfGas.sentence, transaction=receipt["transactionHash"])
        return UnknownRevert(
            f"The transaction {receipt['transactionHash']} failed; the same call succeeds now.",
            transaction=receipt["transactionHash"],
        )

    def _answer(self, answer: Any) -> Any:  # noqa: ANN401 (JSON)
        if isinstance(answer, RpcFailure):
            raise self.refusal(answer)
        return answer


def rejection(failure: RpcFailure) -> Refused:
    """Why a node took no transaction, or no request at all, from the words that nodes commonly use."""
    words = failure.message.lower()
    if "nonce too low" in words or "replacement" in words or "already been used" in words:
        return NonceUsed(f"The transaction's nonce is used up: {failure.message}.")
    if "insufficient funds" in words or "insufficient balance" in words:
        return InsufficientEther(f"The account can't pay for the transaction: {failure.message}.")
    return RpcRefused(f"The chain's server refuses: {failure.message} (code {failure.code}).", code=failure.code)
