"""What is published, how far it has come, and the proof that it arrived."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from medrec_py.chain import Call
from medrec_py.errors import MedRecError
from medrec_py.types.events import Anchored, BatchAnchored, Event


@dataclass(frozen=True, slots=True)
class Parcel:
    """A sealed object on its way: its bytes (or the file that holds them), its digest, and its locator if it has one.

    Manifests and key bundles, which have no locator, travel in the same way.
    """

    sealed: bytes | Path
    digest: bytes
    locator: bytes = b""


@dataclass(frozen=True, slots=True)
class Publication:
    """Objects to be stored and pinned, and then the transaction that commits to them.

    Attributes:
        parcels: The sealed objects.
        calls: What the transaction calls; several become one multicall.
        expects: The events that the transaction emits, by which it is recognised on chain. Their `time` is not
            compared, since only the chain knows it.
        key: Names this publication for its publisher, who so finds it again after a crash: submitting another with
            the key of one that was accepted gives back that one's receipt and publishes nothing. `None` for none.
        relayed: Whether the calls are signed acts, which anybody's transaction may bring to the chain and which count
            once; see `medrec_py.outbox.Courier`.
    """

    parcels: tuple[Parcel, ...]
    calls: tuple[Call, ...]
    expects: tuple[Event, ...]
    key: str | None = None
    relayed: bool = False

    @classmethod
    def anchoring(
        cls,
        subject: str,
        author: str,
        parcels: Sequence[Parcel],
        call: Call,
        *,
        key: str | None = None,
        relayed: bool = False,
    ) -> Publication:
        """Parcels for the ledger of `subject`; `call` is `anchor` or `anchorWithSig` over them, in this order."""
        expected = Anchored(
            subject, author, 0, tuple(parcel.digest for parcel in parcels), tuple(parcel.locator for parcel in parcels)
        )
        return cls(tuple(parcels), (call,), (expected,), key, relayed)

    @classmethod
    def batch(
        cls,
        author: str,
        root: bytes,
        count: int,
        parcels: Sequence[Parcel],
        manifest: Parcel,
        call: Call,
        *,
        key: str | None = None,
    ) -> Publication:
        """Parcels of many subjects under a Merkle root; `call` is `anchorBatch`."""
        expected = BatchAnchored(author, 0, root, manifest.digest, count)
        return cls((*parcels, manifest), (call,), (expected,), key)


class PublicationState(StrEnum):
    """How far a publication has come; each state is on disk before the next step begins."""

    ACCEPTED = "accepted"
    """The sealed bytes are in the journal: it will be published, whatever happens to this process."""
    STORED = "stored"
    """Every parcel is in the store, pinned, and that was verified."""
    SIGNED = "signed"
    """The signed transaction, or act, is in the journal; it may have been broadcast, or handed to a relayer."""
    ANCHORED = "anchored"
    """The transaction was mined and succeeded; confirmations may be outstanding."""
    CONFIRMED = "confirmed"
    """Enough blocks stand on top. Done."""
    FAILED = "failed"
    """The chain refused it. Parcels stay stored; `retry` or `discard`."""


class Step(StrEnum):
    """Instants that an observer of the outbox sees, in order; at each the process may die without harm."""

    SEALED = "sealed"
    ACCEPTED = "accepted"
    PUT = "put"
    STORED = "stored"
    PREPARED = "prepared"
    SIGNED = "signed"
    BROADCAST = "broadcast"
    MINED = "mined"
    ANCHORED = "anchored"
    CONFIRMED = "confirmed"
    CLEANED = "cleaned"


@dataclass(frozen=True, slots=True)
class PublicationStatus:
    """A publication in the journal.

    Attributes:
        id: Its name in this outbox.
        key: The publisher's name for it.
        state: How far it has come.
        sender: Address that signs its transaction, or its act.
        digests: Its parcels' digests.
        accepted_at: Unix time.
        transaction_hash: The latest transaction signed for it; `None` before.
        reason: Why it failed; empty otherwise.
        relayed: Whether it is an act that somebody else's transaction brings to the chain.
    """

    id: str
    key: str | None
    state: PublicationState
    sender: str
    digests: tuple[bytes, ...]
    accepted_at: float
    transaction_hash: bytes | None
    reason: str
    relayed: bool = False


@dataclass(frozen=True, slots=True)
class PublicationReceipt:
    """The proof that a publication stands on chain.

    Attributes:
        id: Its name in the outbox.
        digests: Its parcels' digests, in order; `locators` likewise.
        transaction_hash: 32 bytes.
        block_number: Height of its block; `block_hash` 32 bytes.
        gas_used: Gas the transaction cost.
        calldata_bytes: Length of its calldata.
        stored_bytes: Bytes of the sealed parcels.
    """

    id: str
    digests: tuple[bytes, ...]
    locators: tuple[bytes, ...]
    transaction_hash: bytes
    block_number: int
    block_hash: bytes
    gas_used: int
    calldata_bytes: int
    stored_bytes: int


@dataclass(frozen=True, slots=True)
class PublicationOutcome:
    """What `resume` did with one publication: a receipt, or the error that stopped it (the journal keeps it)."""

    id: str
    receipt: PublicationReceipt | None
    error: MedRecError | None
