"""Batches: one Merkle root over parcels of many subjects, and the manifest from which each finds its own.

Leaves are those of `IRecords.isInBatch`: keccak-256 twice over (subject, number, digest, locator, blind). The tree is a
complete binary one as `@openzeppelin/merkle-tree` lays it out, its pairs hashed in sorted order, so that OpenZeppelin's
`MerkleProof` verifies it.

A manifest is `MEDLST ‖ version (1) ‖ entries`, each entry `locator (16) ‖ digest (32) ‖ leaf (32)`, ascending by
locator. Since tags are random to all but their key's holder, that order is a shuffle that nobody chose. With the leaves
in it, a subject makes its own proof and sees that the manifest is the one that was anchored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from eth_utils.crypto import keccak

from medrec_py.crypto.encoding import address, number
from medrec_py.errors import ContentInvalid, InvalidInput, ParcelTampered
from medrec_py.sealing.locator import BLIND_BYTES, LOCATOR_BYTES
from medrec_py.sealing.merkle import proof_in, tree_over

MAGIC: Final = b"MEDLST"
VERSION: Final = 1
HASH_BYTES: Final = 32

_ENTRY_BYTES: Final = LOCATOR_BYTES + 2 * HASH_BYTES
_WORD_BYTES: Final = 32


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
        """The leaf, 32 bytes: keccak256(keccak256(abi.encode(subject, number, digest, locator, blind))).

        Raises:
            InvalidInput: A part has another length.
        """
        lengths = (len(self.digest), len(self.locator), len(self.blind))
        if lengths != (HASH_BYTES, LOCATOR_BYTES, BLIND_BYTES):
            raise InvalidInput(f"Digest, locator and blind have {lengths} bytes, not 32, 16 and 32.")
        words = (
            address(self.subject).rjust(_WORD_BYTES, b"\0"),
            number(self.number, 4, "The relationship's number").rjust(_WORD_BYTES, b"\0"),
            self.digest,
            self.locator.ljust(_WORD_BYTES, b"\0"),
            self.blind,
        )
        return keccak(keccak(b"".join(words)))


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """A line of a manifest: what finds a parcel, what fetches it, and its leaf."""

    locator: bytes
    digest: bytes
    leaf_hash: bytes


@dataclass(frozen=True, slots=True)
class Manifest:
    """All entries of a batch, ascending by locator, and the tree over their leaves.

    Attributes:
        entries: At least one.
    """

    entries: tuple[ManifestEntry, ...]
    _tree: tuple[bytes, ...]

    @classmethod
    def of(cls, entries: Sequence[ManifestEntry]) -> Manifest:
        """Sorts the entries and builds the tree.

        Raises:
            InvalidInput: None at all, or two with one locator.
        """
        if not entries:
            raise InvalidInput("A batch holds at least one parcel.")
        ordered = tuple(sorted(entries, key=lambda entry: entry.locator))
        twice = next((second for first, second in pairwise(ordered) if first.locator == second.locator), None)
        if twice is not None:
            raise InvalidInput(f"Two parcels of a batch have the locator {twice.locator.hex()}.")
        return cls(ordered, tree_over([entry.leaf_hash for entry in ordered]))

    @classmethod
    def parse(cls, data: bytes) -> Manifest:
        """Reads a manifest.

        Raises:
            ContentInvalid: Not a manifest.
        """
        body = memoryview(data)[len(MAGIC) + 1 :]
        if data[: len(MAGIC) + 1] != MAGIC + bytes((VERSION,)) or not body or len(body) % _ENTRY_BYTES:
            raise ContentInvalid(f"{len(data)} bytes that should be a batch's manifest are none.")
        entries = []
        for start in range(0, len(body), _ENTRY_BYTES):
            line = bytes(body[start : start + _ENTRY_BYTES])
            digest_end = LOCATOR_BYTES + HASH_BYTES
            entries.append(ManifestEntry(line[:LOCATOR_BYTES], line[LOCATOR_BYTES:digest_end], line[digest_end:]))
        if any(first.locator >= second.locator for first, second in pairwise(entries)):
            raise ContentInvalid("The entries of a batch's manifest are out of order, or one stands there twice.")
        return cls(tuple(entries), tree_over([entry.leaf_hash for entry in entries]))

    def encode(self) -> bytes:
        """What `parse` reads."""
        lines = (entry.locator + entry.digest + entry.leaf_hash for entry in self.entries)
        return MAGIC + bytes((VERSION,)) + b"".join(lines)

    @property
    def root(self) -> bytes:
        """The Merkle root, to be compared with the anchored one."""
        return self._tree[0]

    def proof(self, position: int) -> tuple[bytes, ...]:
        """The proof for `IRecords.isInBatch` of the entry at `position`.

        Raises:
            InvalidInput: No such position.
        """
        return proof_in(self._tree, position)

    def require(self, root: bytes, count: int) -> None:
        """Makes sure that this is the manifest of an anchored batch.

        Args:
            root: The root that the author anchored.
            count: How many leaves its event says it has.

        Raises:
            ParcelTampered: It isn't.
        """
        if self.root != root or len(self.entries) != count:
            raise ParcelTampered(
                f"A manifest of {len(self.entries)} entries has the root {self.root.hex()}; anchored were {count} "
                f"under {root.hex()}.",
                expected=root,
                actual=self.root,
            )


def make_manifest(leaves: Sequence[BatchLeaf]) -> Manifest:
    """The manifest over the parcels of a batch.

    Raises:
        InvalidInput: No leaf, two with one locator, or one with parts of another length.
    """
    return Manifest.of([ManifestEntry(leaf.locator, leaf.digest, leaf.hash) for leaf in leaves])
