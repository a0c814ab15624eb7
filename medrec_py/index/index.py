"""The index: follows a source into SQL and answers from there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Final, Self

from medrec_py.index.follower import SyncProgress, SyncReport
from medrec_py.index.source import EventSource
from medrec_py.index.standing import (
    IndexedAccreditation,
    IndexedBatch,
    IndexedGrant,
    IndexedParticipant,
    IndexedRelationship,
    TimelineItem,
)
from medrec_py.types.events import LoggedEvent
from medrec_py.types.ledger import LedgerEntry

KEPT_BLOCK_HASHES: Final = 128
"""Blocks below the head whose hashes are kept to find a fork; two epochs of Ethereum (64 slots) finalise, and double."""


class Index:
    """Events of one deployment in SQL, and queries over them. Safe to share between threads.

    Args:
        url: SQLAlchemy URL: `sqlite://` (in memory), `sqlite:///path/index.sqlite`, `postgresql+psycopg://host/name`.
        source: The chain to follow; `None` to answer from what is there already.
        start_block: First block that can hold an event; the source's deployment block when not given.
        kept_hashes: Blocks below the head whose hashes are kept, at least 64.

    Raises:
        IndexOfAnotherChain: The database follows another chain or deployment.
        IndexUnavailable: The database can't be opened or reached.
    """

    def __init__(
        self,
        url: str = "sqlite://",
        source: EventSource | None = None,
        *,
        start_block: int | None = None,
        kept_hashes: int = KEPT_BLOCK_HASHES,
    ) -> None:
        raise NotImplementedError

    def sync(self, *, progress: Callable[[SyncProgress], None] | None = None) -> SyncReport:
        """Reads what is new, rolls back what was replaced. Resumes where an interrupted one stopped; idempotent.

        Raises:
            Unavailable: The source or the database did not answer. What was read is kept.
            SourceInconsistent: The source gave two different events for one position.
        """
        raise NotImplementedError

    @property
    def head(self) -> int:
        """The last block read; `start_block - 1` before the first `sync`. Queries answer as of this block."""
        raise NotImplementedError

    def relationships(
        self, *, subject: str | None = None, provider: str | None = None, open_only: bool = False
    ) -> list[IndexedRelationship]:
        """Relationships of a subject, of a provider or of the pair, closed ones included, in the order of opening."""
        raise NotImplementedError

    def grants(
        self, *, subject: str | None = None, viewer: str | None = None, grantor: str | None = None
    ) -> list[IndexedGrant]:
        """Grants about a subject, to a viewer and by a grantor (all that are given must hold), in order of granting."""
        raise NotImplementedError

    def grant(self, id: bytes) -> IndexedGrant | None:
        """The grant with this id."""
        raise NotImplementedError

    def ledger(self, subject: str) -> list[LedgerEntry]:
        """Every entry of a subject's ledger, in order; `replay` gives the head to compare with `ledgerHead`."""
        raise NotImplementedError

    def batches(self, author: str) -> list[IndexedBatch]:
        """Every batch of an author, in order."""
        raise NotImplementedError

    def participant(self, address: str) -> IndexedParticipant | None:
        """The participant's latest key, descriptor and accreditation; `None` when it never registered.

        Raises:
            RegistrationBroken: The registrations don't form a hash chain: some are missing, added or altered.
        """
        raise NotImplementedError

    def accreditation(self, address: str, at: int | None = None) -> IndexedAccreditation | None:
        """The accreditation that stood at a Unix time (the latest when `None`), running or not.

        Raises:
            TimesUnknown: `at` is given and the source can't tell when blocks were made.
        """
        raise NotImplementedError

    def vocabularies(self) -> list[bytes]:
        """Hashes of the published tables of classes and purposes, in order."""
        raise NotImplementedError

    def timeline(self, subjects: str | Sequence[str]) -> list[TimelineItem]:
        """Everything on chain about these subjects, in order: relationships, entries, grants and what became of them."""
        raise NotImplementedError

    def events(self, *, from_block: int = 0, to_block: int | None = None) -> Iterator[LoggedEvent]:
        """All indexed events in these blocks (both included), in order, as the source gave them."""
        raise NotImplementedError

    def close(self) -> None:
        """Gives back connections and files. May be called twice."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
