"""The chain's events in SQL, and the questions that patients, providers and viewers ask of them.

An index is a copy: it can be deleted and built anew, and nothing it says needs to be believed, because ledgers and
registrations replay to heads that the chain keeps as state (`medrec_py.types.ledger`).
"""

from medrec_py.index.follower import SyncProgress, SyncReport
from medrec_py.index.index import Index
from medrec_py.index.source import EventSource, TimedSource
from medrec_py.index.standing import (
    IndexedAccreditation,
    IndexedBatch,
    IndexedGrant,
    IndexedParticipant,
    IndexedRelationship,
    Moment,
    TimelineItem,
)

__all__ = [
    "EventSource",
    "Index",
    "IndexedAccreditation",
    "IndexedBatch",
    "IndexedGrant",
    "IndexedParticipant",
    "IndexedRelationship",
    "Moment",
    "SyncProgress",
    "SyncReport",
    "TimedSource",
    "TimelineItem",
]
