"""What can be known from a network's events alone, held against what its contracts say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from medrec_py.chain import Chain, MedRecContract, RegistrarContract
from medrec_py.chain.contracts import GrantState
from medrec_py.chain.hashing import keccak
from medrec_py.index import Index
from medrec_py.types.events import (
    AccreditationWithdrawn,
    Accredited,
    AgentRevoked,
    Anchored,
    BatchAnchored,
    Granted,
    GrantRenounced,
    GrantResumed,
    GrantRevoked,
    GrantSuspended,
    LoggedEvent,
    ReceiptsCommitted,
    Registered,
    RelationshipClosed,
    RelationshipOpened,
    Retracted,
    VocabularyPublished,
)
from medrec_py.types.ledger import EMPTY_HEAD, entries_of, replay
from medrec_py.types.terms import GrantStatus

NOTHING = GrantState(GrantStatus.NONE, False, 0, 0)


@dataclass
class Rebuilt:
    """The state of both contracts, folded from events and from nothing else."""

    registrations: dict[str, bytes] = field(default_factory=dict)
    accreditations: dict[str, tuple[int, int]] = field(default_factory=dict)
    vocabularies: set[bytes] = field(default_factory=set)
    relationships: dict[tuple[str, str], tuple[int, int, int]] = field(default_factory=dict)
    ledgers: dict[str, bytes] = field(default_factory=dict)
    batches: dict[str, bytes] = field(default_factory=dict)
    batch_times: dict[tuple[str, bytes], int] = field(default_factory=dict)
    grants: dict[tuple[str, bytes], GrantState] = field(default_factory=dict)
    receipts: dict[tuple[str, int], bytes] = field(default_factory=dict)

    def add(self, logged: LoggedEvent, time: int) -> None:
        """Folds in one more event, of a block with this time."""
        match logged.event:
            case Registered(participant, previous, public_key, descriptor):
                assert self.registrations.get(participant, bytes(32)) == previous
                self.registrations[participant] = keccak(previous + keccak(public_key) + descriptor)
            case Accredited(participant, roles, expires_at):
                self.accreditations[participant] = (roles, expires_at)
            case AccreditationWithdrawn(participant):
                self.accreditations[participant] = (0, 0)
            case VocabularyPublished(vocabulary):
                self.vocabularies.add(vocabulary)
            case RelationshipOpened(subject, provider, number):
                assert self.relationships.get((subject, provider), (0, 0, 0))[0] == number - 1
                self.relationships[subject, provider] = (number, time, 0)
            case RelationshipClosed(subject, provider, number):
                opened = self.relationships[subject, provider]
                assert opened[0] == number
                self.relationships[subject, provider] = (number, opened[1], time)
            case Anchored(subject) | Retracted(subject):
                self.ledgers[subject] = replay(entries_of(logged), self.ledgers.get(subject, EMPTY_HEAD))
            case BatchAnchored(author, when, root):
                self.batches[author] = replay(entries_of(logged), self.batches.get(author, EMPTY_HEAD))
                self.batch_times[author, root] = when
            case ReceiptsCommitted(gateway, epoch, head):
                self.receipts[gateway, epoch] = head
            case Granted(_, grantor, _, id):
                self._change(grantor, id, time, GrantStatus.ACTIVE)
            case GrantRevoked(actor, id):
                self._change(actor, id, time, GrantStatus.REVOKED)
            case GrantRenounced(grantor, id):
                self._change(grantor, id, time, GrantStatus.RENOUNCED)
            case GrantSuspended(grantor, id, turn):
                self._change(grantor, id, time, GrantStatus.SUSPENDED, turn + 1)
            case GrantResumed(grantor, id, turn):
                self._change(grantor, id, time, GrantStatus.ACTIVE, turn + 1)
            case AgentRevoked(actor, id):
                before = self.grants.get((actor, id), NOTHING)
                self.grants[actor, id] = GrantState(before.status, True, before.turn, time)
            case other:
                raise AssertionError(f"nobody rebuilds anything from {other}")

    def _change(self, actor: str, id: bytes, time: int, status: GrantStatus, turn: int | None = None) -> None:
        before = self.grants.get((actor, id), NOTHING)
        self.grants[actor, id] = GrantState(status, before.agent_revoked, before.turn if turn is None else turn, time)


def differences(chain: Chain) -> list[str]:
    """Where the state that events tell, or an index built anew from them, is not what the contracts say.

    Empty when events rebuild the whole state.
    """
    deployment = chain.deployment
    medrec, registrar = MedRecContract(deployment, chain), RegistrarContract(deployment, chain)
    rebuilt = Rebuilt()
    with Index("sqlite://", chain, start_block=deployment.block_number) as index:
        index.sync()
        events = list(index.events())
        for logged, time in zip(events, chain.block_times([logged.block_hash for logged in events]), strict=True):
            assert time is not None
            rebuilt.add(logged, time)
        return [*_of_events(rebuilt, medrec, registrar), *_of_index(rebuilt, index, medrec)]


def _of_events(rebuilt: Rebuilt, medrec: MedRecContract, registrar: RegistrarContract) -> Iterator[str]:
    for who, head in rebuilt.registrations.items():
        if registrar.registration_of(who) != head:
            yield f"registration of {who}"
    for who, (roles, expires_at) in rebuilt.accreditations.items():
        stands = registrar.accreditation_of(who)
        if (stands.roles, stands.expires_at) != (roles, expires_at):
            yield f"accreditation of {who}: {stands}"
    for vocabulary in rebuilt.vocabularies:
        if not registrar.is_vocabulary(vocabulary):
            yield f"vocabulary {vocabulary.hex()}"
    for (subject, provider), expected in rebuilt.relationships.items():
        found = medrec.relationship_of(subject, provider)
        if (found.number, found.opened_at, found.closed_at) != expected:
            yield f"relationship of {subject} with {provider}: {found}"
    for subject, head in rebuilt.ledgers.items():
        if medrec.ledger_head(subject) != head:
            yield f"ledger of {subject}"
    for author, head in rebuilt.batches.items():
        if medrec.batch_head(author) != head:
            yield f"batches of {author}"
    for (author, root), time in rebuilt.batch_times.items():
        if medrec.batch_anchored_at(author, root) != time:
            yield f"batch {root.hex()} of {author}"
    for (gateway, epoch), head in rebuilt.receipts.items():
        if medrec.receipts_head(gateway, epoch) != head:
            yield f"receipts of {gateway} in epoch {epoch}"
    for (actor, id), state in rebuilt.grants.items():
        if medrec.grant_state(actor, id) != state:
            yield f"grant {id.hex()} by {actor}: {medrec.grant_state(actor, id)}"


def _of_index(rebuilt: Rebuilt, index: Index, medrec: MedRecContract) -> Iterator[str]:
    """The index's own answers, which fold the events in SQL."""
    for who, head in rebuilt.registrations.items():
        participant = index.participant(who)
        if participant is None or participant.registration != head:
            yield f"index: registration of {who}"
    for who, expected in rebuilt.accreditations.items():
        standing = index.accreditation(who)
        if ((standing.roles, standing.expires_at) if standing else (0, 0)) != expected:
            yield f"index: accreditation of {who}: {standing}"
    if set(index.vocabularies()) != rebuilt.vocabularies:
        yield "index: vocabularies"
    for subject, head in rebuilt.ledgers.items():
        if replay(index.ledger(subject)) != head:
            yield f"index: ledger of {subject}"
    for author, head in rebuilt.batches.items():
        if replay(batch.entry for batch in index.batches(author)) != head:
            yield f"index: batches of {author}"
    for (subject, provider), (number, _, closed_at) in rebuilt.relationships.items():
        item = index.relationships(subject=subject, provider=provider)[-1]
        if (item.number, item.is_open) != (number, closed_at == 0):
            yield f"index: relationship of {subject} with {provider}: {item}"
    for _, id in rebuilt.grants:
        grant = index.grant(id)
        if grant is None:
            continue  # withdrawn, or its agent dismissed, before it was ever made
        said, subjects = medrec.grant_state(grant.grantor, id), medrec.grant_state(grant.subject, id)
        overruled = subjects.status is GrantStatus.REVOKED and not said.status.is_terminal
        dismissed = said.agent_revoked or medrec.grant_state(grant.viewer, id).agent_revoked
        expected_status = GrantStatus.REVOKED if overruled else said.status
        if (grant.status, grant.turn, grant.agent_revoked) != (expected_status, said.turn, dismissed):
            yield f"index: grant {id.hex()}: {grant.status}, {grant.turn}, {grant.agent_revoked}; chain: {said}"
