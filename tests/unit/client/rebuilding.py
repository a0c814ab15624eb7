"""What can be known from a network's events alone, held against what its contracts say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from medrec_py.chain import Chain, EmergencyContract, GuardianshipContract, MedRecContract, RegistrarContract
from medrec_py.chain.contracts import Delegation, GrantState
from medrec_py.chain.custody import Declaration, GuardianPlan, Preparation
from medrec_py.chain.hashing import keccak
from medrec_py.index import Index
from medrec_py.types.events import (
    CUSTODY_EVENTS,
    AccreditationWithdrawn,
    Accredited,
    AgentRevoked,
    Anchored,
    BatchAnchored,
    DelegateDismissed,
    DelegateNamed,
    EmergencyDeclared,
    EmergencyPrepared,
    Granted,
    GrantRenounced,
    GrantResumed,
    GrantRevoked,
    GrantSuspended,
    KeyReleased,
    LifeSignGiven,
    LoggedEvent,
    PlanSet,
    ReceiptsCommitted,
    RecoveryAnnounced,
    Registered,
    RelationshipClosed,
    RelationshipOpened,
    Retracted,
    ShareReleased,
    VocabularyPublished,
)
from medrec_py.types.ledger import EMPTY_HEAD, entries_of, replay
from medrec_py.types.terms import GrantStatus

NOTHING = GrantState(GrantStatus.NONE, False, 0, 0)
NO_PLAN = GuardianPlan(bytes(32), 0, 0, 0, 0, 0)


@dataclass
class Rebuilt:
    """The state of all contracts, folded from events and from nothing else."""

    registrations: dict[str, bytes] = field(default_factory=dict)
    accreditations: dict[str, tuple[int, int]] = field(default_factory=dict)
    vocabularies: set[bytes] = field(default_factory=set)
    relationships: dict[tuple[str, str], tuple[int, int, int]] = field(default_factory=dict)
    ledgers: dict[str, bytes] = field(default_factory=dict)
    batches: dict[str, bytes] = field(default_factory=dict)
    batch_times: dict[tuple[str, bytes], int] = field(default_factory=dict)
    grants: dict[tuple[str, bytes], GrantState] = field(default_factory=dict)
    receipts: dict[tuple[str, int], bytes] = field(default_factory=dict)
    delegations: dict[tuple[str, str], Delegation] = field(default_factory=dict)
    plans: dict[str, GuardianPlan] = field(default_factory=dict)
    announcements: dict[tuple[str, str], int] = field(default_factory=dict)
    preparations: dict[str, Preparation] = field(default_factory=dict)
    declarations: dict[tuple[str, bytes], Declaration] = field(default_factory=dict)

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
            case DelegateNamed(subject, delegate, expires_at, turn):
                self._count(self.delegations.get((subject, delegate)), turn)
                self.delegations[subject, delegate] = Delegation(expires_at, turn)
            case DelegateDismissed(subject, delegate, by, turn):
                assert by in (subject, delegate)
                self._count(self.delegations.get((subject, delegate)), turn)
                self.delegations[subject, delegate] = Delegation(0, turn)
            case PlanSet(owner, guardians, silence, notice, _, turn):
                self._count(self.plans.get(owner), turn)
                self.plans[owner] = GuardianPlan(guardians, silence, notice, turn, time, 0)
            case LifeSignGiven(owner, sign_at, turn):
                before = self.plans.get(owner, NO_PLAN)
                # The turn stays as it is while an announcement stands all the same.
                announced_at = before.announced_at if turn == before.turn else 0
                self.plans[owner] = replace(before, turn=turn, last_sign_at=sign_at, announced_at=announced_at)
            case RecoveryAnnounced(owner, heir, _, opens_at):
                assert opens_at == time + self.plans[owner].notice
                self.plans[owner] = replace(self.plans[owner], announced_at=time)
                self.announcements[owner, heir] = time
            case ShareReleased(owner, heir):
                assert 0 < self.opens_at(owner, heir) <= time
            case EmergencyPrepared(subject, grant, _, turn):
                self._count(self.preparations.get(subject), turn)
                self.preparations[subject] = Preparation(grant, turn)
            case EmergencyDeclared(subject, provider, id, starts_at, expires_at):
                assert starts_at <= time < expires_at
                self.declarations[subject, id] = Declaration(provider, expires_at, self.preparations[subject].turn)
            case KeyReleased(subject, provider, _, id):
                declaration = self.declarations[subject, id]
                assert declaration.provider == provider
                assert time < declaration.expires_at
            case other:
                raise AssertionError(f"nobody rebuilds anything from {other}")

    def opens_at(self, owner: str, heir: str) -> int:
        """From when a plan is open to an heir; 0 when nothing that was announced stands."""
        plan, announced_at = self.plans.get(owner, NO_PLAN), self.announcements.get((owner, heir), 0)
        return announced_at + plan.notice if announced_at > plan.last_sign_at + plan.silence else 0

    @staticmethod
    def _count(before: Delegation | GuardianPlan | Preparation | None, turn: int) -> None:
        assert turn == (before.turn if before else 0) + 1

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
        custody = _of_custody(rebuilt, medrec, chain)
        if [item.logged for item in index.custody()] != [one for one in events if type(one.event) in CUSTODY_EVENTS]:
            return ["index: what it has of delegates, guardians and emergencies"]
        return [*_of_events(rebuilt, medrec, registrar), *custody, *_of_index(rebuilt, index, medrec)]


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


def _of_custody(rebuilt: Rebuilt, medrec: MedRecContract, chain: Chain) -> Iterator[str]:
    guardianship = GuardianshipContract(chain.deployment, chain)
    emergency = EmergencyContract(chain.deployment, chain)
    for (subject, delegate), delegation in rebuilt.delegations.items():
        if medrec.delegation_of(subject, delegate) != delegation:
            yield f"delegation of {subject} to {delegate}: {medrec.delegation_of(subject, delegate)}"
    for owner, plan in rebuilt.plans.items():
        if guardianship.plan_of(owner) != plan:
            yield f"plan of {owner}: {guardianship.plan_of(owner)}, not {plan}"
    for owner, heir in rebuilt.announcements:
        if guardianship.opens_at(owner, heir) != rebuilt.opens_at(owner, heir):
            yield f"announcement of {heir} by {owner}'s guardians"
    for subject, preparation in rebuilt.preparations.items():
        if emergency.prepared_of(subject) != preparation:
            yield f"what {subject} prepared: {emergency.prepared_of(subject)}"
    for (subject, id), declaration in rebuilt.declarations.items():
        if emergency.declaration_of(subject, id) != declaration:
            yield f"emergency {id.hex()}: {emergency.declaration_of(subject, id)}"


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
