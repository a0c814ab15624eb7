"""How things stand after the events so far: what the queries of an index return."""

from __future__ import annotations

from dataclasses import dataclass

from medrec_py.types.events import LoggedEvent
from medrec_py.types.ledger import LedgerEntry
from medrec_py.types.terms import GrantStatus


@dataclass(frozen=True, slots=True, order=True)
class Moment:
    """When something happened on chain; sorts in the chain's order.

    Attributes:
        block_number: Height of the block.
        log_index: Position among the block's logs.
        transaction_hash: 32 bytes.
        time: Unix time of the block; `None` when the index's source can't tell.
    """

    block_number: int
    log_index: int
    transaction_hash: bytes
    time: int | None = None


@dataclass(frozen=True, slots=True)
class IndexedRelationship:
    """One relationship of a pair; a pair that reopened has several.

    Attributes:
        subject: Address of the subject.
        provider: Address of the provider.
        number: Counts the relationships of the pair, from 1.
        bundle: Digest of the key bundle for the provider, 32 bytes.
        opened: When it was opened.
        closed: When it was closed; `None` while it is open.
        closed_by: Who closed it.
    """

    subject: str
    provider: str
    number: int
    bundle: bytes
    opened: Moment
    closed: Moment | None = None
    closed_by: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether it stands."""
        return self.closed is None


@dataclass(frozen=True, slots=True)
class IndexedGrant:
    """A grant as the chain knows it. What it says (the terms) is in the key bundle.

    Attributes:
        subject: Address the records are about.
        grantor: Who granted: the subject, or the viewer of the parent grant.
        viewer: Who may look.
        id: 32 bytes.
        bundle: Digest of the key bundle, 32 bytes.
        terms_hash: Struct hash of the terms, 32 bytes.
        status: Active, Suspended, Revoked or Renounced, the subject's own revocation of a sub-grant included. Expiry
            and the standing of parent grants are in the terms, which the index does not know.
        turn: How often it was suspended or resumed.
        agent_revoked: Whether grantor or viewer dismissed the agent.
        granted: When it was granted.
        changed: When its status last changed; equals `granted` at first.
    """

    subject: str
    grantor: str
    viewer: str
    id: bytes
    bundle: bytes
    terms_hash: bytes
    status: GrantStatus
    turn: int
    agent_revoked: bool
    granted: Moment
    changed: Moment


@dataclass(frozen=True, slots=True)
class IndexedAccreditation:
    """An accreditation: roles (bit set) until the Unix second `expires_at`, on the evidence of `credential`."""

    roles: int
    expires_at: int
    credential: bytes
    since: Moment

    def covers(self, roles: int, at: int) -> bool:
        """Whether it covers all of `roles` at a Unix time, as `Registrar.isAccredited` answers."""
        return at < self.expires_at and self.roles & roles == roles


@dataclass(frozen=True, slots=True)
class IndexedParticipant:
    """A registered participant, its registrations verified as a hash chain.

    Attributes:
        address: Its address.
        public_key: The latest X-Wing public key, 1,216 bytes.
        descriptor: Digest of the public document about it, 32 bytes.
        registration: Head of the hash chain over its registrations, 32 bytes: must equal `Registrar.registrationOf`.
        registered: When it published this key.
        registrations: How often it registered.
        accreditation: The accreditation that stands, running or not; `None` when there is none.
    """

    address: str
    public_key: bytes
    descriptor: bytes
    registration: bytes
    registered: Moment
    registrations: int
    accreditation: IndexedAccreditation | None


@dataclass(frozen=True, slots=True)
class IndexedBatch:
    """A Merkle root that an author anchored for parcels of many subjects.

    Attributes:
        root: Merkle root, 32 bytes.
        manifest: Digest of the list of parcels, 32 bytes.
        count: Number of leaves.
        entry: The entry it made in the author's hash chain; `replay` over all of them gives `batchHead`.
    """

    author: str
    time: int
    root: bytes
    manifest: bytes
    count: int
    entry: LedgerEntry


@dataclass(frozen=True, slots=True)
class TimelineItem:
    """One event in the history of a patient, and when it happened."""

    logged: LoggedEvent
    moment: Moment
