"""A connected chain: reading, simulating, sending one or many, and the log in bulk."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from medrec_py.chain.accounts import Account
from medrec_py.chain.calls import Call, SignedTransaction, StorageProof, TransactionReceipt
from medrec_py.chain.deployment import Deployment
from medrec_py.errors import Refused
from medrec_py.types.events import LoggedEvent


class Chain:
    """One EVM chain. `EmbeddedChain` is the same without a server.

    Every method that asks a server raises `ChainUnavailable` (with its address) when there is no answer; nothing is
    lost by it. A revert is raised as the error class named like the Solidity error (`medrec_py.errors`).

    Attributes:
        address: Where it is: the URL without credentials, or the embedded chain's folder.
    """

    address: str

    @classmethod
    def connect(cls, rpc_url: str, *, timeout: float = 30.0) -> Chain:
        """Connects to a JSON-RPC server (http, https, ws, wss, or the path of an ipc socket)."""
        raise NotImplementedError

    # ── deployment ───────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def deployment(self) -> Deployment:
        """The deployment whose events are decoded.

        Raises:
            DeploymentMissing: `use` was never called.
        """
        raise NotImplementedError

    def use(self, deployment: Deployment) -> Self:
        """Sets the deployment whose events `logs` and receipts hold. `deploy()` does so itself."""
        raise NotImplementedError

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def chain_id(self) -> int:
        """EIP-155 chain id."""
        raise NotImplementedError

    def head_number(self) -> int:
        """Height of the latest block."""
        raise NotImplementedError

    def now(self) -> int:
        """Unix time at which views are evaluated: of the latest block; on the embedded chain never behind the clock."""
        raise NotImplementedError

    def block_hash(self, number: int) -> bytes | None:
        """Hash of the canonical block at this height, 32 bytes; None when there is none (yet, or any more)."""
        raise NotImplementedError

    def balance(self, address: str) -> int:
        """Wei that an address holds."""
        raise NotImplementedError

    def code(self, address: str) -> bytes:
        """Code at an address; empty for an account without."""
        raise NotImplementedError

    def call(self, call: Call, *, sender: str | None = None, block: int | None = None) -> bytes:
        """What a view returns, ABI-encoded, at a block (the latest when None); raises the mapped refusal."""
        raise NotImplementedError

    def simulate(self, call: Call | Sequence[Call], sender: str) -> int:
        """Gas that a transaction would take, if it would succeed now; raises the mapped refusal if not."""
        raise NotImplementedError

    def logs(self, from_block: int, to_block: int) -> list[LoggedEvent]:
        """All events of the deployment's contracts in these blocks, both included, in the chain's order."""
        raise NotImplementedError

    def storage_proof(self, contract: str, slots: Sequence[int], block: int | None = None) -> StorageProof:
        """Storage slots with their Merkle paths (`eth_getProof`); `StorageProof.verify` checks them."""
        raise NotImplementedError

    # ── sending ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def send(self, account: Account, call: Call | Sequence[Call]) -> TransactionReceipt:
        """Simulates, signs, broadcasts and waits until mined. Several calls become one `MedRec.multicall`.

        Raises:
            Refused: The mapped refusal, before anything is spent where the simulation finds it.
            ChainUnavailable: No answer; the transaction may or may not be mined. Use `prepare` where that matters.
        """
        raise NotImplementedError

    def prepare(self, account: Account, call: Call | Sequence[Call], *, nonce: int | None = None) -> SignedTransaction:
        """Simulates and signs, and sends nothing: keep `raw` safe, then `broadcast` and `wait`, again after a crash."""
        raise NotImplementedError

    def broadcast(self, raw: bytes) -> bytes:
        """Hands a signed transaction to the network; fine if it is known or mined already.

        Returns:
            Its hash.

        Raises:
            NonceUsed: Another transaction used the nonce up: this one can never be mined; prepare a new one.
            Refused: The node rejects it (too little ether, ...).
        """
        raise NotImplementedError

    def receipt(self, transaction_hash: bytes, *, name: str = "") -> TransactionReceipt | None:
        """The receipt of a mined transaction, None while it isn't mined; raises the mapped refusal if it reverted."""
        raise NotImplementedError

    def wait(
        self, transaction_hash: bytes, *, timeout: float = 120.0, confirmations: int = 1, name: str = ""
    ) -> TransactionReceipt:
        """Waits until it is mined and `confirmations - 1` blocks stand on top.

        Raises:
            NotMined: Not within `timeout` seconds (an `Unavailable`): broadcast or wait again.
            Refused: It was mined and reverted; the mapped refusal.
        """
        raise NotImplementedError

    def send_many(self, account: Account, calls: Sequence[Call]) -> list[TransactionReceipt | Refused]:
        """Sends each call as a transaction of its own, in order, signed ahead and in JSON-RPC batches.

        A call that is refused leaves its refusal at its place and does not stop those behind it.
        """
        raise NotImplementedError

    # ── lifecycle ────────────────────────────────────────────────────────────────────────────────────────────────────

    def travel(self, seconds: int) -> int:
        """Moves a development chain's clock forward and mines a block; returns the new time.

        Raises:
            Refused: The server is no development node.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Releases connection and files. A chain is also a context manager."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
