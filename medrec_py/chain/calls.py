"""What is said to a chain and what comes back: calls, signed transactions, transaction receipts, storage proofs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from medrec_py.chain.hashing import checksum, keccak
from medrec_py.errors import ChainInconsistent, ProofInvalid
from medrec_py.types.events import LoggedEvent

_EMPTY_TRIE = keccak(b"\x80")


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

    @classmethod
    def from_rpc(
        cls, answer: Mapping[str, Any], slots: Sequence[int], block_number: int, state_root: bytes
    ) -> StorageProof:
        """From the answer of a node to `eth_getProof` for these slots.

        Raises:
            ChainInconsistent: It is no such answer.
        """
        try:
            entries = dict(zip(slots, answer["storageProof"], strict=True))
            return cls(
                address=checksum(bytes.fromhex(answer["address"][2:])),
                block_number=block_number,
                state_root=state_root,
                account_proof=_nodes(answer["accountProof"]),
                storage_hash=bytes.fromhex(answer["storageHash"][2:]),
                values={
                    slot: (int(entry["value"], 16) if len(entry["value"]) > 2 else 0).to_bytes(32, "big")
                    for slot, entry in entries.items()
                },
                storage_proofs={slot: _nodes(entry["proof"]) for slot, entry in entries.items()},
            )
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise ChainInconsistent("The answer to eth_getProof is malformed.", block=block_number) from error

    def verify(self, state_root: bytes) -> None:
        """Checks every value against a state root that the caller trusts.

        Raises:
            ProofInvalid: A path does not lead to what is claimed.
        """
        import rlp

        account = _prove(state_root, keccak(bytes.fromhex(self.address[2:])), self.account_proof, "account")
        fields = rlp.decode(account) if account else [b"", b"", _EMPTY_TRIE, b""]
        if fields[2] != self.storage_hash:
            raise ProofInvalid(f"The proof's storage root is not that of {self.address}.", address=self.address)
        for slot, value in self.values.items():
            proven = b""
            if self.storage_hash != _EMPTY_TRIE:
                key = keccak(slot.to_bytes(32, "big"))
                proven = _prove(self.storage_hash, key, self.storage_proofs[slot], f"slot {slot:#x}")
            if (rlp.decode(proven) if proven else b"").rjust(32, b"\0") != value:
                raise ProofInvalid(f"Slot {slot:#x} of {self.address} does not hold what is claimed.", slot=hex(slot))


def _nodes(texts: Sequence[str]) -> tuple[bytes, ...]:
    return tuple(bytes.fromhex(text[2:]) for text in texts)


def _prove(root: bytes, key: bytes, nodes: Sequence[bytes], what: str) -> bytes:
    """The value under a key in the Merkle-Patricia trie with this root; empty if the nodes prove that there is none."""
    import rlp
    from trie import HexaryTrie
    from trie.exceptions import BadTrieProof, InvalidNibbles, InvalidNode, TraversedPartialPath, ValidationError

    # Whatever the library finds wrong: it takes nodes for granted and stumbles over those that are none.
    malformed = (InvalidNibbles, InvalidNode, TraversedPartialPath, ValidationError, rlp.exceptions.RLPException)
    try:
        return bytes(HexaryTrie.get_from_proof(root, key, [rlp.decode(node) for node in nodes]))
    except (BadTrieProof, *malformed, ValueError, TypeError, LookupError, AttributeError, AssertionError) as error:
        raise ProofInvalid(f"The proof of {what} does not lead from the state root.", what=what) from error
