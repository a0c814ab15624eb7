"""Histories that the contracts could have emitted, for Hypothesis: few people, so that their acts meet."""

from __future__ import annotations

import hashlib

from eth_hash.auto import keccak
from eth_utils.address import to_checksum_address
from hypothesis import strategies as st

from medrec_py.types.events import (
    AccreditationWithdrawn,
    Accredited,
    AgentRevoked,
    Anchored,
    BatchAnchored,
    Event,
    Granted,
    GrantRenounced,
    GrantResumed,
    GrantRevoked,
    GrantSuspended,
    ReceiptsCommitted,
    Registered,
    RelationshipClosed,
    RelationshipOpened,
    Retracted,
    VocabularyPublished,
)
from medrec_py.types.terms import GrantStatus


def person(name: str) -> str:
    return to_checksum_address(hashlib.sha256(name.encode()).digest()[:20])


PATIENTS = [person(f"patient {n}") for n in range(3)]
PROVIDERS = [person(f"provider {n}") for n in range(2)]
VIEWERS = [person(f"viewer {n}") for n in range(2)]
STRANGER = person("stranger")
EVERYBODY = [*PATIENTS, *PROVIDERS, *VIEWERS, STRANGER]


def word(seed: object) -> bytes:
    return hashlib.sha256(repr(seed).encode()).digest()


class Registry:
    """A plain model of the contracts' state: turns attempted acts into the events that they would emit."""

    def __init__(self, first_time: int = 1_700_000_000) -> None:
        self.events: list[Event] = []
        self.time = first_time
        self.relationships: dict[tuple[str, str], tuple[int, bool]] = {}
        self.states: dict[tuple[str, bytes], GrantStatus] = {}
        self.turns: dict[tuple[str, bytes], int] = {}
        self.agents_dismissed: set[tuple[str, bytes]] = set()
        self.granted: dict[bytes, Granted] = {}
        self.registrations: dict[str, bytes] = {}
        self.keys: dict[str, tuple[bytes, bytes]] = {}
        self.accredited: dict[str, tuple[int, int] | None] = {}
        self.vocabularies: list[bytes] = []
        self.batches: dict[str, list[BatchAnchored]] = {}

    def act(self, verb: str, *arguments: object) -> None:
        before = len(self.events)
        getattr(self, verb)(*arguments)
        self.time += len(self.events) - before

    def open(self, subject: str, provider: str, seed: int) -> None:
        number, is_open = self.relationships.get((subject, provider), (0, False))
        if not is_open:
            self.relationships[subject, provider] = (number + 1, True)
            self.events.append(RelationshipOpened(subject, provider, number + 1, word(("bundle", seed))))

    def close(self, subject: str, provider: str, by_subject: bool) -> None:
        number, is_open = self.relationships.get((subject, provider), (0, False))
        if is_open:
            self.relationships[subject, provider] = (number, False)
            self.events.append(RelationshipClosed(subject, provider, number, subject if by_subject else provider))

    def anchor(self, subject: str, author: str, seed: int, count: int) -> None:
        digests = tuple(word(("digest", seed, n)) for n in range(count))
        locators = tuple(word(("locator", seed, n))[:16] for n in range(count))
        self.events.append(Anchored(subject, author, self.time, digests, locators))

    def retract(self, subject: str, author: str, seed: int, replaced: bool) -> None:
        replacement = word(("replacement", seed)) if replaced else bytes(32)
        self.events.append(Retracted(subject, author, self.time, word(("digest", seed, 0)), replacement))

    def batch(self, author: str, seed: int, count: int) -> None:
        event = BatchAnchored(author, self.time, word(("root", seed)), word(("manifest", seed)), count)
        if all(event.root != other.root for other in self.batches.get(author, [])):
            self.batches.setdefault(author, []).append(event)
            self.events.append(event)

    @staticmethod
    def grant_id(subject: str, grantor: str, viewer: str, seed: int) -> bytes:
        return word(("grant", subject, grantor, viewer, seed))

    def grant(self, subject: str, grantor: str, viewer: str, seed: int) -> None:
        id = self.grant_id(subject, grantor, viewer, seed)
        if self.states.get((grantor, id), GrantStatus.NONE) is GrantStatus.NONE:
            self.states[grantor, id] = GrantStatus.ACTIVE
            self.granted[id] = Granted(subject, grantor, viewer, id, word(("bundle", seed)), word(("terms", seed)))
            self.events.append(self.granted[id])

    def revoke(self, actor: str, id: bytes) -> None:
        if not self.states.get((actor, id), GrantStatus.NONE).is_terminal:
            self.states[actor, id] = GrantStatus.REVOKED
            self.events.append(GrantRevoked(actor, id))

    def renounce(self, grantor: str, id: bytes) -> None:
        if not self.states.get((grantor, id), GrantStatus.NONE).is_terminal:
            self.states[grantor, id] = GrantStatus.RENOUNCED
            self.events.append(GrantRenounced(grantor, id))

    def suspend(self, grantor: str, id: bytes) -> None:
        self._turn(grantor, id, GrantStatus.ACTIVE, GrantStatus.SUSPENDED, GrantSuspended)

    def resume(self, grantor: str, id: bytes) -> None:
        self._turn(grantor, id, GrantStatus.SUSPENDED, GrantStatus.ACTIVE, GrantResumed)

    def _turn(self, grantor: str, id: bytes, before: GrantStatus, after: GrantStatus, kind: type) -> None:
        if self.states.get((grantor, id)) is before:
            self.states[grantor, id] = after
            turn = self.turns.get((grantor, id), 0)
            self.turns[grantor, id] = turn + 1
            self.events.append(kind(grantor, id, turn))

    def dismiss_agent(self, actor: str, id: bytes) -> None:
        if (actor, id) not in self.agents_dismissed:
            self.agents_dismissed.add((actor, id))
            self.events.append(AgentRevoked(actor, id))

    def register(self, participant: str, seed: int) -> None:
        previous = self.registrations.get(participant, bytes(32))
        key, descriptor = word(("key", seed)) * 38, word(("descriptor", seed))
        self.registrations[participant] = keccak(previous + keccak(key) + descriptor)
        self.keys[participant] = (key, descriptor)
        self.events.append(Registered(participant, previous, key, descriptor))

    def accredit(self, participant: str, roles: int, expires_at: int) -> None:
        self.accredited[participant] = (roles, expires_at)
        self.events.append(Accredited(participant, roles, expires_at, word(("credential", roles))))

    def withdraw(self, participant: str) -> None:
        if self.accredited.get(participant) is not None:
            self.accredited[participant] = None
            self.events.append(AccreditationWithdrawn(participant))

    def publish_vocabulary(self, seed: int) -> None:
        if word(("vocabulary", seed)) not in self.vocabularies:
            self.vocabularies.append(word(("vocabulary", seed)))
            self.events.append(VocabularyPublished(self.vocabularies[-1]))

    def commit_receipts(self, gateway: str, epoch: int) -> None:
        self.events.append(ReceiptsCommitted(gateway, epoch, word(("head", epoch)), 7))

    def status(self, id: bytes) -> GrantStatus:
        """What `Grants._evaluateStatus` says, except that the subject's revocation also ends a suspension."""
        grant = self.granted[id]
        own = self.states[grant.grantor, id]
        if not own.is_terminal and self.states.get((grant.subject, id)) is GrantStatus.REVOKED:
            return GrantStatus.REVOKED
        return own


_seeds = st.integers(0, 3)
_patients, _providers, _viewers = st.sampled_from(PATIENTS), st.sampled_from(PROVIDERS), st.sampled_from(VIEWERS)
_anybody = st.sampled_from(EVERYBODY)
# Few enough that a history of some dozens of acts says several things about one grant.
_grant = (st.sampled_from(PATIENTS[:2]), st.sampled_from([PATIENTS[0], VIEWERS[0]]), _viewers, st.integers(0, 1))
_grantors = _grant[1]
_ids = st.builds(Registry.grant_id, *_grant)

ACTS = st.one_of(
    st.tuples(st.just("open"), _patients, _providers, _seeds),
    st.tuples(st.just("close"), _patients, _providers, st.booleans()),
    st.tuples(st.just("anchor"), _patients, _providers, _seeds, st.integers(1, 4)),
    st.tuples(st.just("retract"), _patients, _providers, _seeds, st.booleans()),
    st.tuples(st.just("batch"), _providers, _seeds, st.integers(1, 2**32 - 1)),
    st.tuples(st.just("grant"), *_grant),
    st.tuples(st.just("revoke"), _anybody, _ids),
    st.tuples(st.just("renounce"), _grantors, _ids),
    st.tuples(st.just("suspend"), _grantors, _ids),
    st.tuples(st.just("resume"), _grantors, _ids),
    st.tuples(st.just("dismiss_agent"), _anybody, _ids),
    st.tuples(st.just("register"), _anybody, _seeds),
    st.tuples(st.just("accredit"), _providers, st.integers(1, 3), st.integers(1, 2**64 - 1)),
    st.tuples(st.just("withdraw"), _providers),
    st.tuples(st.just("publish_vocabulary"), _seeds),
    st.tuples(st.just("commit_receipts"), _providers, st.integers(0, 2**64 - 1)),
)


_one_grant = (st.just(PATIENTS[0]), st.sampled_from([PATIENTS[0], VIEWERS[0]]), st.just(VIEWERS[1]), st.just(0))
_two_ids = st.builds(Registry.grant_id, *_one_grant)
_its_grantors, _its_people = st.sampled_from([PATIENTS[0], VIEWERS[0]]), st.sampled_from([*PATIENTS[:1], *VIEWERS])

GRANT_ACTS = st.one_of(
    st.tuples(st.just("grant"), *_one_grant),
    st.tuples(st.just("revoke"), _its_people, _two_ids),
    st.tuples(st.just("renounce"), _its_grantors, _two_ids),
    st.tuples(st.just("suspend"), _its_grantors, _two_ids),
    st.tuples(st.just("resume"), _its_grantors, _two_ids),
    st.tuples(st.just("dismiss_agent"), _its_people, _two_ids),
)
"""Acts about two grants only, so that every order of them comes up."""


@st.composite
def registries(draw: st.DrawFn, max_acts: int = 40, acts: st.SearchStrategy = ACTS) -> Registry:
    """The model after some acts; its `events` are what the contracts emitted."""
    registry = Registry()
    for act in draw(st.lists(acts, max_size=max_acts)):
        registry.act(*act)
    return registry
