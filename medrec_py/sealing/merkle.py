"""Complete binary Merkle trees as `@openzeppelin/merkle-tree` lays them out, for OpenZeppelin's `MerkleProof`.

A tree is one array: the root first, the leaves last and in reverse; each pair is hashed in sorted order.
"""

from __future__ import annotations

from collections.abc import Sequence

from eth_utils.crypto import keccak

from medrec_py.errors import InvalidInput


def tree_over(leaf_hashes: Sequence[bytes]) -> tuple[bytes, ...]:
    """The tree over at least one leaf, 32 bytes each."""
    size = 2 * len(leaf_hashes) - 1
    tree = [b""] * size
    tree[size - len(leaf_hashes) :] = reversed(leaf_hashes)
    for index in range(size - len(leaf_hashes) - 1, -1, -1):
        tree[index] = _pair(tree[2 * index + 1], tree[2 * index + 2])
    return tuple(tree)


def proof_in(tree: Sequence[bytes], position: int) -> tuple[bytes, ...]:
    """The proof of the leaf at `position`, counted as the leaves were given.

    Raises:
        InvalidInput: No such position.
    """
    count = (len(tree) + 1) // 2
    if not 0 <= position < count:
        raise InvalidInput(f"A tree of {count} leaves has no position {position}.")
    index = len(tree) - 1 - position
    siblings = []
    while index:
        siblings.append(tree[index + 1 if index % 2 else index - 1])
        index = (index - 1) // 2
    return tuple(siblings)


def verify_proof(root: bytes, leaf_hash: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the leaf is under the root, as OpenZeppelin's `MerkleProof.verify` finds."""
    computed = leaf_hash
    for sibling in proof:
        computed = _pair(computed, sibling)
    return computed == root


def _pair(first: bytes, second: bytes) -> bytes:
    return keccak(first + second if first < second else second + first)
