"""What an index answers equals what the events say."""

from __future__ import annotations

import pytest
from event_strategies import EVERYBODY, GRANT_ACTS, PATIENTS, PROVIDERS, STRANGER, VIEWERS, Registry, registries, word
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scripted_chain import FIRST_TIME, SECONDS_PER_BLOCK, ScriptedChain, TimelessChain
from sqlalchemy import create_engine, text

from medrec_py.errors import IndexDamaged, InvalidInput, RegistrationBroken, TimesUnknown
from medrec_py.index import Index
from medrec_py.types.events import Accredited, Registered
from medrec_py.types.ledger import entries_of, replay
from medrec_py.types.terms import GrantStatus

PATIENT, OTHER_PATIENT = PATIENTS[:2]
PROVIDER = PROVIDERS[0]
VIEWER = VIEWERS[0]


def index_of(registry: Registry, per_block: int = 1) -> tuple[Index, ScriptedChain]:
    chain = ScriptedChain()
    chain.mine_all(registry.events, per_block)
    index = Index("sqlite://", chain)
    index.sync()
    return index, chain


# ------------------------------------------------------------------------------------------- events rebuild the state


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(registries() | registries(12, GRANT_ACTS), st.integers(1, 5))
def test_events_rebuild_state(registry, per_block):
    index, _chain = index_of(registry, per_block)
    with index:
        for (subject, provider), (number, is_open) in registry.relationships.items():
            of_pair = index.relationships(subject=subject, provider=provider)
            assert [relationship.number for relationship in of_pair] == list(range(1, number + 1))
            assert [relationship.is_open for relationship in of_pair] == [False] * (number - 1) + [is_open]
        for id, granted in registry.granted.items():
            found = index.grant(id)
            assert found.status is registry.status(id)
            assert found.turn == registry.turns.get((granted.grantor, id), 0)
            assert found.agent_revoked == (
                (granted.grantor, id) in registry.agents_dismissed or (granted.viewer, id) in registry.agents_dismissed
            )
            assert (found.bundle, found.terms_hash) == (granted.bundle, granted.terms_hash)
        for who in EVERYBODY:
            by_role = {
                "subject": [id for id, grant in registry.granted.items() if grant.subject == who],
                "viewer": [id for id, grant in registry.granted.items() if grant.viewer == who],
                "grantor": [id for id, grant in registry.granted.items() if grant.grantor == who],
            }
            for role, ids in by_role.items():
                assert [grant.id for grant in index.grants(**{role: who})] == ids
            participant = index.participant(who)
            if who in registry.registrations:
                assert participant.registration == registry.registrations[who]
                assert (participant.public_key, participant.descriptor) == registry.keys[who]
            else:
                assert participant is None
            standing = index.accreditation(who)
            expected = registry.accredited.get(who)
            assert (standing and (standing.roles, standing.expires_at)) == expected
            assert [batch.root for batch in index.batches(who)] == [
                batch.root for batch in registry.batches.get(who, [])
            ]
        assert index.vocabularies() == registry.vocabularies


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(registries(), st.integers(1, 5))
def test_ledger_is_the_plain_fold_over_the_events(registry, per_block):
    index, chain = index_of(registry, per_block)
    with index:
        for subject in EVERYBODY:
            expected = [
                entry
                for logged in chain.all_events
                if getattr(logged.event, "subject", None) == subject
                for entry in entries_of(logged)
            ]
            assert index.ledger(subject) == expected
            assert replay(index.ledger(subject)) == replay(expected)
        for author in EVERYBODY:
            of_author = [
                entry
                for logged in chain.all_events
                if type(logged.event).__name__ == "BatchAnchored" and logged.event.author == author
                for entry in entries_of(logged)
            ]
            assert [batch.entry for batch in index.batches(author)] == of_author


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(registries(), st.integers(1, 5))
def test_every_event_comes_back_as_it_went_in(registry, per_block):
    index, chain = index_of(registry, per_block)
    with index:
        assert list(index.events()) == chain.all_events


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(registries(), st.sets(st.sampled_from(PATIENTS), min_size=1))
def test_the_timeline_holds_what_concerns_the_subjects_and_nothing_else(registry, subjects):
    index, chain = index_of(registry)

    def concerns(event) -> bool:
        if getattr(event, "subject", None) in subjects or getattr(event, "grantor", None) in subjects:
            return True
        if hasattr(event, "id"):
            grant = registry.granted.get(event.id)
            is_theirs = grant is not None and {grant.subject, grant.grantor} & subjects
            parties = {grant.subject, grant.grantor, grant.viewer} if is_theirs else set()
            return getattr(event, "actor", getattr(event, "grantor", None)) in parties | subjects
        return getattr(event, "participant", None) in subjects

    with index:
        timeline = index.timeline(sorted(subjects))
        assert [item.logged for item in timeline] == [item for item in chain.all_events if concerns(item.event)]
        for item in timeline:
            assert item.moment.block_number == item.logged.block_number


def test_events_are_read_in_pages_and_within_bounds():
    registry = Registry()
    for seed in range(4100):
        registry.act("anchor", PATIENT, PROVIDER, seed, 1)
    index, chain = index_of(registry, per_block=7)
    with index:
        assert list(index.events()) == chain.all_events
        some = [event for event in chain.all_events if 100 <= event.block_number <= 110]
        assert list(index.events(from_block=100, to_block=110)) == some


# -------------------------------------------------------------------------------------------------- single questions


def test_a_sub_grant_that_the_subject_revoked_is_revoked_for_its_grantor_too():
    registry = Registry()
    registry.act("grant", PATIENT, VIEWER, VIEWERS[1], 0)
    id = registry.grant_id(PATIENT, VIEWER, VIEWERS[1], 0)
    registry.act("revoke", PATIENT, id)
    index, _ = index_of(registry)
    with index:
        [grant] = index.grants(grantor=VIEWER)
        assert grant.status is GrantStatus.REVOKED
        assert grant.changed > grant.granted


def test_a_stranger_who_revokes_somebody_elses_grant_changes_nothing():
    registry = Registry()
    registry.act("grant", PATIENT, PATIENT, VIEWER, 0)
    id = registry.grant_id(PATIENT, PATIENT, VIEWER, 0)
    registry.act("revoke", STRANGER, id)
    index, _ = index_of(registry)
    with index:
        assert index.grant(id).status is GrantStatus.ACTIVE
        assert [type(item.logged.event).__name__ for item in index.timeline(PATIENT)] == ["Granted"]


def test_a_revocation_before_the_grant_counts():
    registry = Registry()
    id = registry.grant_id(PATIENT, VIEWER, VIEWERS[1], 0)
    registry.act("revoke", PATIENT, id)
    registry.act("grant", PATIENT, VIEWER, VIEWERS[1], 0)
    index, _ = index_of(registry)
    with index:
        assert index.grant(id).status is GrantStatus.REVOKED


def test_open_only_leaves_closed_relationships_out():
    registry = Registry()
    registry.act("open", PATIENT, PROVIDER, 0)
    registry.act("close", PATIENT, PROVIDER, True)
    registry.act("open", PATIENT, PROVIDER, 1)
    index, _ = index_of(registry)
    with index:
        assert [relationship.number for relationship in index.relationships(provider=PROVIDER, open_only=True)] == [2]
        first = index.relationships(subject=PATIENT)[0]
        assert (first.closed_by, first.is_open) == (PATIENT, False)


def test_a_digest_is_found_with_the_ledger_that_holds_it():
    registry = Registry()
    registry.act("anchor", PATIENT, PROVIDER, 0, 2)
    registry.act("anchor", OTHER_PATIENT, PROVIDER, 0, 1)
    registry.act("retract", PATIENT, PROVIDER, 0, False)
    index, _ = index_of(registry)
    with index:
        found = index.entries_with(word(("digest", 0, 0)))
        assert [(owner, entry.kind.name) for owner, entry in found] == [
            (PATIENT, "ANCHOR"),
            (OTHER_PATIENT, "ANCHOR"),
            (PATIENT, "RETRACT"),
        ]
        assert index.entries_with(word("nothing")) == []


def test_addresses_are_found_in_any_spelling_and_nonsense_is_refused():
    registry = Registry()
    registry.act("open", PATIENT, PROVIDER, 0)
    index, _ = index_of(registry)
    with index:
        assert index.relationships(subject=PATIENT.lower()) == index.relationships(subject=PATIENT)
        with pytest.raises(InvalidInput, match="'patient' is no address"):
            index.ledger("patient")


def test_an_accreditation_is_told_as_it_stood_at_a_time():
    registry = Registry()
    registry.act("accredit", PROVIDER, 1, 2_000_000_000)  # block 0
    registry.act("accredit", PROVIDER, 3, 2_100_000_000)  # block 1
    registry.act("withdraw", PROVIDER)  # block 2
    index, _ = index_of(registry)
    with index:
        times = [FIRST_TIME + SECONDS_PER_BLOCK * block for block in range(3)]
        assert index.accreditation(PROVIDER, times[0] - 1) is None
        assert index.accreditation(PROVIDER, times[0]).roles == 1
        assert index.accreditation(PROVIDER, times[1] - 1).roles == 1
        standing = index.accreditation(PROVIDER, times[1])
        assert (standing.roles, standing.since.time) == (3, times[1])
        assert standing.covers(2, 2_099_999_999)
        assert not standing.covers(2, 2_100_000_000)
        assert not standing.covers(4, times[1])
        assert index.accreditation(PROVIDER, times[2]) is None
        assert index.accreditation(PROVIDER) is None


def test_a_source_without_times_leaves_them_open_and_says_so_when_asked():
    registry = Registry()
    registry.act("accredit", PROVIDER, 1, 2_000_000_000)
    registry.act("anchor", PATIENT, PROVIDER, 0, 1)
    chain = ScriptedChain()
    chain.mine_all(registry.events)
    with Index("sqlite://", TimelessChain(chain)) as index:
        index.sync()
        assert index.accreditation(PROVIDER).since.time is None
        with pytest.raises(TimesUnknown, match="block 0"):
            index.accreditation(PROVIDER, 1)
        [item] = index.timeline(PATIENT)
        assert item.moment.time == registry.events[1].time  # the event itself says it


def test_a_block_time_is_asked_for_once():
    registry = Registry()
    registry.act("open", PATIENT, PROVIDER, 0)
    index, chain = index_of(registry)
    with index:
        assert index.relationships(subject=PATIENT)[0].opened.time == FIRST_TIME
        assert index.relationships(subject=PATIENT)[0].opened.time == FIRST_TIME
        assert chain.calls.count("block_times") == 1


# --------------------------------------------------------------------------------------------------- bent indexes


def bent(tmp_path, registry: Registry, *statements: str) -> Index:
    chain = ScriptedChain()
    chain.mine_all(registry.events)
    url = f"sqlite:///{tmp_path}/index.sqlite"
    with Index(url, chain) as index:
        index.sync()
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()
    return Index(url, chain)


def registered_three_times() -> Registry:
    registry = Registry()
    for seed in range(3):
        registry.act("register", PROVIDER, seed)
    return registry


def test_a_hidden_registration_is_noticed(tmp_path):
    with (
        bent(tmp_path, registered_three_times(), "DELETE FROM events WHERE block = 1") as index,
        pytest.raises(RegistrationBroken, match="Registration 2 of"),
    ):
        index.participant(PROVIDER)


def test_an_exchanged_key_is_noticed_at_the_registration_that_follows(tmp_path):
    registry = registered_three_times()
    key = registry.events[0].public_key.hex()
    other = registry.events[2].public_key.hex()
    with (
        bent(tmp_path, registry, f"UPDATE events SET data = replace(data, '{key}', '{other}')") as index,
        pytest.raises(RegistrationBroken, match="Registration 2 of"),
    ):
        index.participant(PROVIDER)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET kind = 'Nonsense'",
        "UPDATE events SET data = '{}'",
        "UPDATE events SET data = '{\"previous\": 5}'",
        "UPDATE events SET actor = NULL",
        "DELETE FROM blocks",
    ],
)
def test_rows_that_no_index_wrote_are_named(tmp_path, statement):
    registry = Registry()
    registry.act("register", PROVIDER, 0)
    with bent(tmp_path, registry, statement) as index, pytest.raises(IndexDamaged, match=r"Event 0/0 can't be read\."):
        list(index.events())


def test_an_entry_that_no_index_wrote_is_named(tmp_path):
    registry = Registry()
    registry.act("anchor", PATIENT, PROVIDER, 0, 1)
    for change in ("digest = x'00'", "kind = 9"):
        with (
            bent(tmp_path / change[:4], registry, f"UPDATE entries SET {change}") as index,
            pytest.raises(IndexDamaged, match="Entry 0/0/0"),
        ):
            index.ledger(PATIENT)


# ------------------------------------------------------------------------------------------------------- large answers


def test_a_hospital_with_many_records_is_asked_for_its_accreditation_without_reading_them():
    registry = Registry()
    registry.act("accredit", PROVIDER, 1, 2_000_000_000)
    for seed in range(500):
        registry.act("anchor", PATIENT, PROVIDER, seed, 1)
    index, _ = index_of(registry, per_block=50)
    with index, index._database.reading() as connection:
        plan = connection.execute(
            text(
                "EXPLAIN QUERY PLAN SELECT * FROM events WHERE actor = 'x' AND kind IN ('Accredited', 'Registered') "
                "ORDER BY block, log_index"
            )
        ).all()
        assert any("events_by_actor (actor=? AND kind=?)" in row[-1] for row in plan), plan


def test_participant_events_keep_every_field():
    registry = Registry()
    registry.act("register", PROVIDER, 0)
    registry.act("accredit", PROVIDER, 2**64 - 1, 2**64 - 1)
    index, _ = index_of(registry)
    with index:
        first, second = (logged.event for logged in index.events())
        assert isinstance(first, Registered)
        assert isinstance(second, Accredited)
        assert [first, second] == registry.events
        assert index.participant(PROVIDER).accreditation.expires_at == 2**64 - 1
