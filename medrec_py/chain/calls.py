"""What is said to a chain and what comes back: calls, signed transactions, transaction receipts, storage proofs."""

from __future__ import annotations

from dataclasses import dataclass

from medrec_py.types.events import LoggedEvent


@dataclass(frozen=True, slots=True)
class Call:
    """A call of one contract function, not yet signed.

    Attributes:
        to: Address of the contract, EIP-55.
        data: Selector and ABI-encoded arguments.
        name: Solidity name of the function, for messages and tables (`grantWithSig`).
        value: Wei sent along.
    """

    to: str
    data: bytes
    name: str = ""
    value: int = 0


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """A transaction ready to be broadcast, any number of times.

    Attributes:
        raw: The signed, encoded transaction.
        hash: 32 bytes.
        nonce: The sender's nonce that it uses up.
    """

    raw: bytes
    hash: bytes
    nonce: int


@dataclass(frozen=True, slots=True)
class TransactionReceipt:
    """A mined transaction that succeeded.

    Attributes:
        hash: 32 bytes.
        block_number: Height of its block.
        block_hash: 32 bytes.
        gas_used: Gas it cost.
        calldata_bytes: Length of its calldata.
        events: What the deployment's contracts emitted in it, in order.
        name: `Call.name`, or the names of several joined by `+`; empty for a transaction that was not sent from here.
    """

    hash: bytes
    block_number: int
    block_hash: bytes
    gas_used: int
    calldata_bytes: int
    events: tuple[LoggedEvent, ...]
    name: str = ""


@dataclass(frozen=True, slots=True)
class StorageProof:
    """Answer to `eth_getProof` (EIP-1186): storage slots and the Merkle paths from a block's state root.

    Attributes:
        address: The contract, EIP-55.
        block_number: Height of the block.
        state_root: The block header's state root, 32 bytes.
        account_proof: Nodes from the state root to the account, RLP.
        storage_hash: Root of the account's storage, 32 bytes.
        values: Value (32 bytes) by slot.
        storage_proofs: Nodes from `storage_hash` to the value, RLP, by slot.
    """

    address: str
    block_number: int
    state_root: bytes
    account_proof: tuple[bytes, ...]
    storage_hash: bytes
    values: dict[int, bytes]
    storage_proofs: dict[int, tuple[bytes, ...]]

    def verify(self, state_root: bytes) -> None:
        """Checks every value against a state root that the caller trusts.

        Raises:
            ProofInvalid: A path does not lead to what is claimed.
        """
        raise NotImplementedError
