"""The embedded chain behind web3's tester provider, for code that speaks web3."""

from __future__ import annotations

from typing import Any

from eth_keys.main import KeyAPI
from eth_tester import EthereumTester
from eth_tester.backends.pyevm import PyEVMBackend
from web3 import EthereumTesterProvider, Web3

from medrec_py.chain.embedded_node import EmbeddedNode


class _Backend(PyEVMBackend):  # type: ignore[misc]
    """eth-tester's py-evm backend over a chain that exists already and is kept by its node."""

    def __init__(self, node: EmbeddedNode, key: bytes) -> None:
        self._node = node
        self._key = KeyAPI().PrivateKey(key)
        super().__init__()

    def reset_to_genesis(self, *_: object, **__: object) -> None:
        self.account_keys = (self._key,)
        self.chain = self._node.evm

    def mine_blocks(self, num_blocks: int = 1, coinbase: bytes = bytes(20)) -> tuple[bytes, ...]:
        with self._node.lock:
            self.chain.header = self.chain.header.copy(timestamp=self._node.clock())
            hashes = super().mine_blocks(num_blocks, coinbase)
            self._node.store.commit()
            return tuple(hashes)

    def time_travel(self, to_timestamp: int) -> None:
        with self._node.lock:
            self._node.request("evm_increaseTime", [to_timestamp - self._node.clock()])
            self._node.mine()

    def take_snapshot(self) -> None:
        raise NotImplementedError("The embedded chain takes no snapshots: its blocks are kept as they are mined.")

    def revert_to_snapshot(self, snapshot: object) -> None:
        raise NotImplementedError("The embedded chain takes no snapshots: its blocks are kept as they are mined.")


class _Provider(EthereumTesterProvider):
    """web3's provider, which otherwise says that every chain has eth-tester's own id."""

    def __init__(self, node: EmbeddedNode, key: bytes) -> None:
        super().__init__(EthereumTester(_Backend(node, key)))
        self._node = node

    def make_request(self, method: Any, params: Any) -> Any:  # noqa: ANN401 (as web3 has it)
        if method == "eth_chainId":
            return {"jsonrpc": "2.0", "id": 0, "result": self._node.request(method, [])}
        with self._node.lock:
            return super().make_request(method, params)


def tester_web3(node: EmbeddedNode, key: bytes) -> Any:  # noqa: ANN401 (web3)
    """A `Web3` over the node's chain; the account of `key` is its only unlocked one."""
    return Web3(_Provider(node, key))
