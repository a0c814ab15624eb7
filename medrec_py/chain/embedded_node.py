"""py-evm answering JSON-RPC inside the process: Prague rules, one block for each transaction, at once."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import rlp
from eth import EVM_RECURSION_LIMIT
from eth.abc import BlockHeaderAPI, ComputationAPI, ReceiptAPI, SignedTransactionAPI
from eth.chains.base import MiningChain
from eth.constants import BLANK_ROOT_HASH, POST_MERGE_DIFFICULTY, POST_MERGE_MIX_HASH, POST_MERGE_NONCE
from eth.exceptions import HeaderNotFound, TransactionNotFound
from eth.rlp.accounts import Account as AccountState
from eth.vm.forks.prague import PragueVM
from eth.vm.spoof import SpoofTransaction
from eth_typing import BlockNumber
from eth_utils.exceptions import ValidationError
from trie import HexaryTrie
from trie.exceptions import MissingTrieNode

from medrec_py.chain.block_store import BlockStore
from medrec_py.chain.hashing import checksum, keccak
from medrec_py.chain.node import RpcFailure, RpcRequest

# py-evm raises Python's recursion limit to what nested calls need, and py-ecc, which it imports, to 100,000: with that,
# a deeply nested JSON document from anywhere overruns the stack and kills the process instead of raising an error.
sys.setrecursionlimit(EVM_RECURSION_LIMIT)

GAS_LIMIT: Final = 30_000_000
"""Gas of a block: that of a main-network block after London, so that what fits here fits there."""
_ENDOWMENT: Final = 10**9 * 10**18
_TIP: Final = 10**9
"""Wei per gas that is asked for above the base fee, as development nodes do."""
_REVERTED: Final = 3
"""JSON-RPC code that execution nodes answer a revert with."""


class PatientPragueVM(PragueVM):
    """Prague, except that a block may bear the same second as its parent.

    One block for each transaction would otherwise push the chain's time a second ahead of the clock with each, and
    grants would expire early.
    """

    @classmethod
    def validate_header(cls, header: BlockHeaderAPI, parent_header: BlockHeaderAPI) -> None:
        """See `VirtualMachineAPI.validate_header`."""
        if parent_header is not None and header.timestamp == parent_header.timestamp:
            parent_header = parent_header.copy(timestamp=header.timestamp - 1)
        super().validate_header(header, parent_header)


class EmbeddedNode:
    """A `Node` over py-evm.

    Args:
        store: The database; a chain is begun in an empty one.
        chain_id: EIP-155 id of a new chain.
        developer: Address that owns all ether of a new chain, 20 bytes.
        address: What the node is called in messages.
    """

    def __init__(self, store: BlockStore, *, chain_id: int, developer: bytes, address: str) -> None:
        self.lock = threading.RLock()
        self.store = store
        self.address = address
        self.evm = _open_chain(store, chain_id, developer)
        self.offset = int.from_bytes(store[_OFFSET], "big") if _OFFSET in store else 0
        self._logs: dict[int, list[dict[str, Any]]] = {}
        self._methods: dict[str, Callable[..., Any]] = {
            "eth_chainId": lambda: hex(self.evm.chain_id),
            "web3_clientVersion": lambda: "medrec-embedded/py-evm",
            "eth_blockNumber": lambda: hex(self._head().block_number),
            "eth_getBlockByNumber": self._get_block,
            "eth_getBlockByHash": self._get_block_by_hash,
            "eth_getBalance": lambda address, block="latest": hex(self._state(block).get_balance(_bytes(address))),
            "eth_getTransactionCount": lambda address, block="latest": hex(
                self._state(block).get_nonce(_bytes(address))
            ),
            "eth_getCode": lambda address, block="latest": _hex(self._state(block).get_code(_bytes(address))),
            "eth_getStorageAt": self._get_storage,
            "eth_getProof": self._get_proof,
            "eth_call": self._call,
            "eth_estimateGas": self._estimate_gas,
            "eth_gasPrice": lambda: hex((self._head().base_fee_per_gas or 0) + _TIP),
            "eth_maxPriorityFeePerGas": lambda: hex(_TIP),
            "net_version": lambda: str(self.evm.chain_id),
            "eth_sendRawTransaction": self._send,
            "eth_getTransactionByHash": self._get_transaction,
            "eth_getTransactionReceipt": self._get_receipt,
            "eth_getLogs": self._get_logs,
            "evm_increaseTime": self._increase_time,
            "evm_mine": lambda: self.mine(),
        }

    # ── Node ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def request(self, method: str, params: list[Any]) -> Any:  # noqa: ANN401 (JSON)
        """See `Node.request`."""
        answer = self._methods.get(method)
        if answer is None:
            raise RpcFailure(-32601, f"The embedded chain does not know the method {method}.")
        with self.lock:
            try:
                return answer(*params)
            except (HeaderNotFound, MissingTrieNode) as error:
                raise RpcFailure(-32000, f"unknown block: {error}") from error

    def batch(self, requests: Sequence[RpcRequest]) -> list[Any]:
        """See `Node.batch`."""
        results: list[Any] = []
        for method, params in requests:
            try:
                results.append(self.request(method, params))
            except RpcFailure as failure:
                results.append(failure)
        return results

    def close(self) -> None:
        """Lets the database go."""
        with self.lock:
            self.store.close()

    # ── time and blocks ──────────────────────────────────────────────────────────────────────────────────────────────

    def clock(self) -> int:
        """Time of the next block: the wall clock plus all travel, and never behind the latest block."""
        return max(int(time.time()) + self.offset, self._head().timestamp)

    def mine(self, transactions: Sequence[SignedTransactionAPI] = ()) -> str:
        """Mines a block now and makes it durable; returns its hash."""
        with self.lock:
            self.evm.header = self.evm.header.copy(timestamp=self.clock())
            try:
                imported, _, _ = self.evm.mine_all(transactions)
                self.store.commit()
            except BaseException:
                self.forget_pending()
                raise
            return _hex(imported.imported_block.hash)

    def forget_pending(self) -> None:
        """Drops what was executed since the last block."""
        self.store.roll_back()
        self.evm.header = self.evm.create_header_from_parent(self._head())

    def _increase_time(self, seconds: int) -> int:
        if seconds < 0:
            raise RpcFailure(-32602, "time moves forward only")
        self.offset = self.clock() + seconds - int(time.time())
        self.store[_OFFSET] = max(self.offset, 0).to_bytes(8, "big")
        self.offset = max(self.offset, 0)
        return self.offset

    def _head(self) -> BlockHeaderAPI:
        header: BlockHeaderAPI = self.evm.get_canonical_head()
        return header

    def _header(self, block: str) -> BlockHeaderAPI:
        if block in ("latest", "pending", "safe", "finalized"):
            return self._head()
        number = 0 if block == "earliest" else int(block, 16)
        header: BlockHeaderAPI = self.evm.get_canonical_block_header_by_number(number)
        return header

    def _get_block(self, block: str, _: bool = False) -> dict[str, Any] | None:
        try:
            return self._block(self._header(block))
        except HeaderNotFound:
            return None

    def _get_block_by_hash(self, block_hash: str, _: bool = False) -> dict[str, Any] | None:
        try:
            return self._block(self.evm.get_block_header_by_hash(_bytes(block_hash)))
        except HeaderNotFound:
            return None

    def _block(self, header: BlockHeaderAPI) -> dict[str, Any]:
        return {
            "number": hex(header.block_number),
            "hash": _hex(header.hash),
            "parentHash": _hex(header.parent_hash),
            "stateRoot": _hex(header.state_root),
            "timestamp": hex(header.timestamp),
            "gasLimit": hex(header.gas_limit),
            "baseFeePerGas": hex(header.base_fee_per_gas or 0),
        }

    # ── state ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _state(self, block: str) -> Any:  # noqa: ANN401 (py-evm)
        return self._vm(block).state

    def _vm(self, block: str) -> Any:  # noqa: ANN401 (py-evm)
        # A view is evaluated as in the block that would be mined now: an expiry counts from its second on, whether or
        # not anybody has sent a transaction since.
        if block in ("latest", "pending"):
            return self.evm.get_vm(self.evm.header.copy(timestamp=self.clock()))
        header = self._header(block)
        return self.evm.get_vm(
            self.evm.create_header_from_parent(header, timestamp=header.timestamp, gas_limit=header.gas_limit)
        )

    def _get_storage(self, address: str, slot: str, block: str = "latest") -> str:
        return _hex(self._state(block).get_storage(_bytes(address), int(slot, 16)).to_bytes(32, "big"))

    def _get_proof(self, address: str, slots: list[str], block: str = "latest") -> dict[str, Any]:
        state_root = self._header(block).state_root
        accounts = HexaryTrie(self.store, state_root)
        key = keccak(_bytes(address))
        encoded = accounts[key]
        account = rlp.decode(encoded, AccountState) if encoded else AccountState()
        storage = HexaryTrie(self.store, account.storage_root)
        proofs = []
        for slot in slots:
            slot_key = keccak(int(slot, 16).to_bytes(32, "big"))
            value = storage[slot_key]
            nodes = [] if account.storage_root == BLANK_ROOT_HASH else storage.get_proof(slot_key)
            proofs.append({"key": slot, "value": _hex(rlp.decode(value) if value else b""), "proof": _encoded(nodes)})
        return {
            "address": address,
            "accountProof": _encoded(accounts.get_proof(key)),
            "balance": hex(account.balance),
            "nonce": hex(account.nonce),
            "codeHash": _hex(account.code_hash),
            "storageHash": _hex(account.storage_root),
            "storageProof": proofs,
        }

    # ── execution ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _call(self, call: dict[str, str], block: str = "latest") -> str:
        _, computation = self._execute(call, block)
        return _hex(_output(computation))

    def _estimate_gas(self, call: dict[str, str], block: str = "latest") -> str:
        gas_used, computation = self._execute(call, block)
        _output(computation)
        # Refunds (at most a fifth) come after the gas was needed, and a call within keeps back one part in 64.
        return hex(gas_used * 5 // 4 + 5_000)

    def _execute(self, call: dict[str, str], block: str) -> tuple[int, ComputationAPI]:
        vm = self._vm(block)
        sender = _bytes(call.get("from", "0x" + "00" * 20))
        header = vm.get_header()
        # Whether the sender could pay is the node's business when it sends, not that of a question.
        vm.state.set_balance(sender, _ENDOWMENT)
        transaction = vm.get_transaction_builder().new_unsigned_dynamic_fee_transaction(
            chain_id=self.evm.chain_id,
            nonce=vm.state.get_nonce(sender),
            max_priority_fee_per_gas=0,
            max_fee_per_gas=header.base_fee_per_gas,
            gas=int(call["gas"], 16) if "gas" in call else header.gas_limit,
            to=_bytes(call["to"]) if call.get("to") else b"",
            value=int(call.get("value", "0x0"), 16),
            data=_bytes(call.get("data", call.get("input", "0x"))),
            access_list=(),
        )
        spoofed = SpoofTransaction(transaction, from_=sender)
        try:
            computation = vm.state.apply_transaction(spoofed)
        except ValidationError as error:
            raise RpcFailure(-32000, str(error)) from error
        return vm.finalize_gas_used(spoofed, computation), computation

    def _send(self, raw: str) -> str:
        builder = self.evm.get_vm_class_for_block_number(0).get_transaction_builder()
        try:
            transaction = builder.decode(_bytes(raw))
        except Exception as error:
            # rlp and py-evm raise half a dozen unrelated classes for bytes that are no transaction.
            raise RpcFailure(-32602, f"failed to decode signed transaction: {error}") from error
        if self._find(transaction.hash) is not None:
            raise RpcFailure(-32000, "already known")
        self._require_valid(transaction)
        try:
            self.mine([transaction])
        except ValidationError as error:
            raise RpcFailure(-32000, str(error)) from error
        return _hex(transaction.hash)

    def _require_valid(self, transaction: SignedTransactionAPI) -> None:
        if transaction.chain_id not in (None, self.evm.chain_id):
            raise RpcFailure(-32000, f"invalid chain id: {transaction.chain_id}, not {self.evm.chain_id}")
        try:
            sender = transaction.sender
        except Exception as error:
            raise RpcFailure(-32000, f"invalid signature: {error}") from error
        state = self._state("latest")
        expected = state.get_nonce(sender)
        if transaction.nonce != expected:
            words = "nonce too low" if transaction.nonce < expected else "nonce too high"
            raise RpcFailure(-32000, f"{words}: next nonce {expected}, tx nonce {transaction.nonce}")
        if state.get_balance(sender) < transaction.max_fee_per_gas * transaction.gas + transaction.value:
            raise RpcFailure(-32000, "insufficient funds for gas * price + value")

    # ── transactions and logs ────────────────────────────────────────────────────────────────────────────────────────

    def _find(self, transaction_hash: bytes) -> tuple[int, int] | None:
        try:
            number, index = self.evm.chaindb.get_transaction_index(transaction_hash)
        except TransactionNotFound:
            return None
        return (number, index)

    def _get_transaction(self, transaction_hash: str) -> dict[str, Any] | None:
        place = self._find(_bytes(transaction_hash))
        if place is None:
            return None
        number, index = place
        transaction = self.evm.get_canonical_transaction_by_index(number, index)
        return {
            "hash": transaction_hash,
            "blockNumber": hex(number),
            "from": checksum(transaction.sender),
            "to": checksum(transaction.to) if transaction.to else None,
            "nonce": hex(transaction.nonce),
            "gas": hex(transaction.gas),
            "value": hex(transaction.value),
            "input": _hex(transaction.data),
        }

    def _get_receipt(self, transaction_hash: str) -> dict[str, Any] | None:
        place = self._find(_bytes(transaction_hash))
        if place is None:
            return None
        number, index = place
        header = self.evm.get_canonical_block_header_by_number(number)
        receipts = self._receipts(header)
        before = receipts[index - 1].gas_used if index else 0
        return {
            "transactionHash": transaction_hash,
            "blockNumber": hex(number),
            "blockHash": _hex(header.hash),
            "status": "0x1" if receipts[index].state_root == b"\x01" else "0x0",
            "gasUsed": hex(receipts[index].gas_used - before),
            "logs": [log for log in self._block_logs(number) if log["transactionHash"] == transaction_hash],
        }

    def _get_logs(self, query: dict[str, Any]) -> list[dict[str, Any]]:
        named = query.get("address") or ()
        addresses = {address.lower() for address in ([named] if isinstance(named, str) else named)}
        topics = [_alternatives(wanted) for wanted in query.get("topics") or ()]
        if "blockHash" in query:
            first = last = self.evm.get_block_header_by_hash(_bytes(query["blockHash"])).block_number
        else:
            first = self._header(query.get("fromBlock", "latest")).block_number
            last = min(self._head().block_number, _number(query.get("toBlock", "latest")))
        return [
            log
            for number in range(first, last + 1)
            for log in self._block_logs(number)
            if (not addresses or log["address"] in addresses) and _has_topics(log["topics"], topics)
        ]

    def _block_logs(self, number: int) -> list[dict[str, Any]]:
        found = self._logs.get(number)
        if found is not None:
            return found
        header = self.evm.get_canonical_block_header_by_number(number)
        logs: list[dict[str, Any]] = []
        if header.bloom:
            hashes = self.evm.chaindb.get_block_transaction_hashes(header)
            for transaction_hash, receipt in zip(hashes, self._receipts(header), strict=True):
                for log in receipt.logs:
                    logs.append(
                        {
                            "address": _hex(log.address),
                            "topics": [_hex(topic.to_bytes(32, "big")) for topic in log.topics],
                            "data": _hex(log.data),
                            "blockNumber": hex(number),
                            "blockHash": _hex(header.hash),
                            "transactionHash": _hex(transaction_hash),
                            "logIndex": hex(len(logs)),
                        }
                    )
        self._logs[number] = logs
        return logs

    def _receipts(self, header: BlockHeaderAPI) -> tuple[ReceiptAPI, ...]:
        builder = self.evm.get_vm_class(header).get_receipt_builder()
        return tuple(self.evm.chaindb.get_receipts(header, builder))


_OFFSET: Final = b"medrec:offset"
_CHAIN_ID: Final = b"medrec:chain-id"


def _open_chain(store: BlockStore, chain_id: int, developer: bytes) -> Any:  # noqa: ANN401 (py-evm)
    known = _CHAIN_ID in store
    number = int.from_bytes(store[_CHAIN_ID], "big") if known else chain_id

    class EmbeddedMiningChain(MiningChain):
        vm_configuration = ((BlockNumber(0), PatientPragueVM),)

        def create_header_from_parent(self, parent_header: BlockHeaderAPI, **params: Any) -> BlockHeaderAPI:  # noqa: ANN401
            return super().create_header_from_parent(parent_header, **{"gas_limit": GAS_LIMIT, **params})

        def get_transaction_builder(self) -> Any:  # noqa: ANN401
            return self.get_vm().get_transaction_builder()

    EmbeddedMiningChain.chain_id = number
    if known:
        return EmbeddedMiningChain(store.atomic())
    genesis: dict[str, Any] = {
        "difficulty": POST_MERGE_DIFFICULTY,
        "mix_hash": POST_MERGE_MIX_HASH,
        "nonce": POST_MERGE_NONCE,
        "gas_limit": GAS_LIMIT,
        "timestamp": int(time.time()),
        "coinbase": bytes(20),
        "extra_data": b"",
    }
    state: dict[Any, Any] = {developer: {"balance": _ENDOWMENT, "nonce": 0, "code": b"", "storage": {}}}
    evm = EmbeddedMiningChain.from_genesis(store.atomic(), genesis, state)
    store[_CHAIN_ID] = number.to_bytes(8, "big")
    store.commit()
    return evm


def _output(computation: ComputationAPI) -> bytes:
    if not computation.is_error:
        return bytes(computation.output)
    error = computation.error
    if type(error).__name__ == "Revert":
        raise RpcFailure(_REVERTED, "execution reverted", bytes(computation.output))
    raise RpcFailure(-32000, f"{type(error).__name__}: {error}")


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text[2:])


def _hex(value: bytes) -> str:
    return "0x" + value.hex()


def _number(block: str) -> int:
    return 2**63 if block in ("latest", "pending") else int(block, 16)


def _alternatives(wanted: str | list[str] | None) -> set[str] | None:
    """What may stand at one place among a log's topics; None for anything."""
    if wanted is None:
        return None
    return {topic.lower() for topic in ([wanted] if isinstance(wanted, str) else wanted)}


def _has_topics(topics: Sequence[str], wanted: Sequence[set[str] | None]) -> bool:
    """Whether a log has what a filter asks for, place by place (Ethereum execution API, `eth_getLogs`)."""
    return len(wanted) <= len(topics) and all(
        not allowed or topic in allowed for topic, allowed in zip(topics, wanted, strict=False)
    )


def _encoded(nodes: Sequence[Any]) -> list[str]:
    return [_hex(rlp.encode(node)) for node in nodes]
