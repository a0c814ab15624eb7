"""How things stand after the events so far: what the queries of an index return."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from eth_hash.auto import keccak

from medrec_py.errors import RegistrationBroken
from medrec_py.types.events import (
    AccreditationWithdrawn,
    Accredited,
    AgentRevoked,
    Granted,
    GrantRenounced,
    GrantResumed,
    GrantRevoked,
    GrantSuspended,
    LoggedEvent,
    Registered,
    RelationshipClosed,
    RelationshipOpened,
)
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


# ----------------------------------------------------------------------------------------------------------- folding


def fold_relationships(items: Iterable[TimelineItem]) -> list[IndexedRelationship]:
    """Relationships after these events, in the order in which they were opened."""
    standing: dict[tuple[str, str, int], IndexedRelationship] = {}
    for item in items:
        match item.logged.event:
            case RelationshipOpened(subject, provider, number, bundle):
                opened = IndexedRelationship(subject, provider, number, bundle, item.moment)
                standing[subject, provider, number] = opened
            case RelationshipClosed(subject, provider, number, by):
                before = standing.get((subject, provider, number))
                if before is not None:
                    standing[subject, provider, number] = replace(before, closed=item.moment, closed_by=by)
    return list(standing.values())


def fold_grants(items: Iterable[TimelineItem]) -> list[IndexedGrant]:
    """Grants after these events, in the order of granting.

    As in `contracts/core/Grants.sol`, each actor has a state of its own for an id, perhaps before the grant is made.
    What counts is the grantor's, unless the subject revoked, and either side's dismissal of the agent.
    """
    granted: dict[bytes, TimelineItem] = {}
    status: dict[tuple[str, bytes], tuple[GrantStatus, Moment]] = {}
    turns: dict[tuple[str, bytes], int] = {}
    dismissed: set[tuple[str, bytes]] = set()
    for item in items:
        match item.logged.event:
            case Granted() as event:
                granted[event.id] = item
                status[event.grantor, event.id] = (GrantStatus.ACTIVE, item.moment)
            case GrantRevoked(actor, id):
                status[actor, id] = (GrantStatus.REVOKED, item.moment)
            case GrantRenounced(grantor, id):
                status[grantor, id] = (GrantStatus.RENOUNCED, item.moment)
            case GrantSuspended(grantor, id, turn):
                status[grantor, id] = (GrantStatus.SUSPENDED, item.moment)
                turns[grantor, id] = turn + 1
            case GrantResumed(grantor, id, turn):
                status[grantor, id] = (GrantStatus.ACTIVE, item.moment)
                turns[grantor, id] = turn + 1
            case AgentRevoked(actor, id):
                dismissed.add((actor, id))
    return [_grant(item, status, turns, dismissed) for item in granted.values()]


def _grant(
    item: TimelineItem,
    status: dict[tuple[str, bytes], tuple[GrantStatus, Moment]],
    turns: dict[tuple[str, bytes], int],
    dismissed: set[tuple[str, bytes]],
) -> IndexedGrant:
    event = item.logged.event
    assert isinstance(event, Granted)  # the caller keeps nothing else
    standing, changed = status[event.grantor, event.id]
    overruled = status.get((event.subject, event.id))
    if not standing.is_terminal and overruled is not None and overruled[0] is GrantStatus.REVOKED:
        standing, changed = overruled
    return IndexedGrant(
        subject=event.subject,
        grantor=event.grantor,
        viewer=event.viewer,
        id=event.id,
        bundle=event.bundle,
        terms_hash=event.terms_hash,
        status=standing,
        turn=turns.get((event.grantor, event.id), 0),
        agent_revoked=(event.grantor, event.id) in dismissed or (event.viewer, event.id) in dismissed,
        granted=item.moment,
        changed=max(changed, item.moment),
    )


def fold_accreditation(items: Iterable[TimelineItem]) -> IndexedAccreditation | None:
    """The accreditation that stands after these events of one participant."""
    standing: IndexedAccreditation | None = None
    for item in items:
        match item.logged.event:
            case Accredited(_, roles, expires_at, credential):
                standing = IndexedAccreditation(roles, expires_at, credential, item.moment)
            case AccreditationWithdrawn():
                standing = None
    return standing


def fold_participant(items: Iterable[TimelineItem]) -> IndexedParticipant | None:
    """A participant after its events, its registrations verified: each names the head of those before it.

    The fold, from `Registrar._register`: `keccak256(abi.encode(previous, keccak256(publicKey), descriptor))`.

    Raises:
        RegistrationBroken: They form no hash chain.
    """
    kept = list(items)
    standing: IndexedParticipant | None = None
    head = bytes(32)
    for item in kept:
        event = item.logged.event
        if not isinstance(event, Registered):
            continue
        count = 0 if standing is None else standing.registrations
        if event.previous != head:
            raise RegistrationBroken(
                f"Registration {count + 1} of {event.participant} follows 0x{event.previous.hex()}, "
                f"but the registrations before it lead to 0x{head.hex()}.",
                participant=event.participant,
                registration=count + 1,
            )
        head = keccak(event.previous + keccak(event.public_key) + event.descriptor)
        standing = IndexedParticipant(
            event.participant, event.public_key, event.descriptor, head, item.moment, count + 1, None
        )
    return None if standing is None else replace(standing, accreditation=fold_accreditation(kept))
