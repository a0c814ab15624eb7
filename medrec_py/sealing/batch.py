"""Batches: one Merkle root over parcels of many subjects, and the manifest from which each finds its own.

Leaf and tree are those of `IRecords.isInBatch` and OpenZeppelin's `MerkleProof` (keccak-256, leaves hashed twice, pairs
sorted).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BatchLeaf:
    """A parcel in a batch.

    Attributes:
        subject: Whose record it is.
        number: Number of the relationship between subject and author.
        digest: The parcel's digest, 32 bytes.
        locator: 16 bytes.
        blind: 32 bytes, see `batch_blind`.
    """

    subject: str
    number: int
    digest: bytes
    locator: bytes
    blind: bytes

    @property
    def hash(self) -> bytes:
        """The leaf, 32 bytes."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch ready to be anchored: `root`, `manifest` (an object for the store, shuffled) and the leaves' hashes."""

    root: bytes
    manifest: bytes
    leaf_hashes: tuple[bytes, ...]

    def proof(self, leaf: BatchLeaf) -> tuple[bytes, ...]:
        """The proof that the leaf is under the root.

        Raises:
            InvalidInput: It isn't.
        """
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """A line of a manifest; `leaf_hash` is the leaf, so that a subject builds its proof from the manifest alone."""

    locator: bytes
    digest: bytes
    leaf_hash: bytes


def make_batch(leaves: Sequence[BatchLeaf]) -> Batch:
    """Builds tree and manifest over at least one leaf."""
    raise NotImplementedError


def parse_manifest(data: bytes) -> tuple[ManifestEntry, ...]:
    """Reads a manifest.

    Raises:
        ContentInvalid: Not a manifest.
    """
    raise NotImplementedError


def manifest_root(entries: Sequence[ManifestEntry]) -> bytes:
    """The root over a manifest's leaves, to be compared with the anchored one."""
    raise NotImplementedError


def manifest_proof(entries: Sequence[ManifestEntry], position: int) -> tuple[bytes, ...]:
    """The proof of the entry at `position`, for `IRecords.isInBatch`."""
    raise NotImplementedError


def verify_proof(root: bytes, leaf_hash: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the leaf is under the root."""
    raise NotImplementedError
