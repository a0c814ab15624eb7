"""Delegates: they withdraw in the subject's name, for as long as they may, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from client_world import Admitted, World, admit
from hypothesis import given
from hypothesis import strategies as st

from medrec_py import MedRec
from medrec_py.chain import EmbeddedChain, generate_account
from medrec_py.client import Viewer
from medrec_py.client.delegates import first_of_month
from medrec_py.errors import InvalidInput, MedRecError, Refused, UnknownGrant
from medrec_py.types.terms import GrantStatus

LATER = "2090-05-17"


@pytest.fixture
def parent(world: World) -> Viewer:
    return world.network.viewer()


def status(world: World, grant: object) -> GrantStatus:
    medrec = world.clinic._context.medrec
    return medrec.grant_state(grant.grantor, grant.id).status  # type: ignore[attr-defined]


def test_a_delegate_revokes_suspends_and_closes_in_the_subjects_name(
    world: World, admitted: Admitted, parent: Viewer
) -> None:
    first = admitted.patient.grant(world.clinic.address, classes="laboratory", agent=world.stranger.address)
    second = admitted.patient.grant(world.specialist.address, classes="laboratory")
    admitted.patient.delegates.name(parent.address, until=LATER)
    (held,) = parent.delegations()
    assert (held.subject, held.is_active) == (admitted.subject, True)
    parent.revoke_agent_for(admitted.subject, first.id)
    parent.revoke_for(admitted.subject, first.id)
    parent.suspend_for(admitted.subject, second.id)
    parent.close_for(admitted.subject, world.hospital.address)
    assert status(world, first) is GrantStatus.REVOKED
    assert status(world, second) is GrantStatus.SUSPENDED
    assert [item.is_open for item in admitted.patient.relationships()] == [False]


def test_a_delegate_without_ether_acts_through_a_relayer(world: World) -> None:
    admitted = admit(world)
    grant = admitted.patient.grant(world.clinic.address, classes="laboratory")
    poor = world.network.viewer(generate_account(), relayer=world.network.relayer())
    admitted.patient.delegates.name(poor.address, until=LATER)
    poor.suspend_for(admitted.subject, grant.id)
    assert status(world, grant) is GrantStatus.SUSPENDED
    poor.revoke_for(admitted.subject, grant.id)
    assert status(world, grant) is GrantStatus.REVOKED
    poor.close_for(admitted.subject, world.hospital.address)
    poor.resign(admitted.subject)
    assert [one.is_active for one in poor.delegations()] == [False]


def test_what_a_delegate_revoked_has_its_keys_changed_by_the_patients_client(world: World, parent: Viewer) -> None:
    admitted = admit(world)
    grant = admitted.patient.grant(world.clinic.address, classes="laboratory")
    admitted.patient.delegates.name(parent.address, until=LATER)
    parent.revoke_for(admitted.subject, grant.id)
    world.hospital._context.sync()
    assert world.hospital.keys(admitted.subject).is_stale
    assert admitted.patient.rekey()
    assert not world.hospital.keys(admitted.subject).is_stale


def test_nobody_acts_for_a_subject_that_did_not_name_them(world: World, admitted: Admitted, parent: Viewer) -> None:
    grant = admitted.patient.grant(world.clinic.address, classes="laboratory")
    admitted.patient.delegates.name(parent.address, until=LATER)
    for act in (
        lambda: world.stranger.revoke_for(admitted.subject, grant.id),
        lambda: world.stranger.suspend_for(admitted.subject, grant.id),
        lambda: world.stranger.close_for(admitted.subject, world.hospital.address),
        lambda: world.stranger.resign(admitted.subject),
    ):
        before = world.network.chain.head_number()
        try:
            act()
        except Refused:
            assert world.network.chain.head_number() == before
    assert status(world, grant) is GrantStatus.ACTIVE
    assert admitted.patient.relationships()[0].is_open
    assert parent.delegations()[0].is_active


def test_a_delegate_of_one_address_has_no_say_in_another(world: World, parent: Viewer) -> None:
    child, other = admit(world), admit(world)
    grant = other.patient.grant(world.clinic.address, classes="laboratory")
    child.patient.delegates.name(parent.address, until=LATER)
    with pytest.raises(Refused):
        parent.revoke_for(other.subject, grant.id)
    with pytest.raises(UnknownGrant):
        parent.revoke_for(child.subject, grant.id)
    assert status(world, grant) is GrantStatus.ACTIVE


def test_a_dismissed_delegate_and_one_who_resigned_may_nothing_more(world: World, admitted: Admitted) -> None:
    grant = admitted.patient.grant(world.clinic.address, classes="laboratory")
    dismissed, resigned = world.network.viewer(), world.network.viewer()
    for delegate in (dismissed, resigned):
        admitted.patient.delegates.name(delegate.address, until=LATER)
    admitted.patient.delegates.dismiss(dismissed.address)
    resigned.resign(admitted.subject)
    for delegate in (dismissed, resigned):
        with pytest.raises(Refused):
            delegate.revoke_for(admitted.subject, grant.id)
        assert [one.is_active for one in delegate.delegations()] == [False]
    assert {one.is_active for one in admitted.patient.delegates.list()} == {False}
    assert status(world, grant) is GrantStatus.ACTIVE


def test_a_delegation_is_over_when_the_child_comes_of_age() -> None:
    with MedRec.embedded() as network:
        hospital, clinic, parent = network.provider(), network.viewer(), network.viewer()
        hospital.register()
        clinic.register()
        network.registrar().accredit(hospital.address, until="2090-01-01")
        child = network.patient()
        subject = child.next_subject()
        child.accept(hospital.invite(subject))
        child.delegates.name(parent.address, until="2031-08-20")
        grant = child.grant(clinic.address, classes="laboratory")
        assert isinstance(network.chain, EmbeddedChain)
        network.chain.set_time(int(datetime(2031, 8, 1, tzinfo=UTC).timestamp()))
        assert [one.is_active for one in child.delegates.list()] == [False]
        with pytest.raises(Refused):
            parent.revoke_for(subject, grant.id)


def test_the_end_is_rounded_down_to_a_month_because_it_is_public(world: World, admitted: Admitted) -> None:
    admitted.patient.delegates.name(world.clinic.address, until="2090-05-17T13:14:15Z")
    (named,) = admitted.patient.delegates.list()
    assert datetime.fromtimestamp(named.expires_at, UTC) == datetime(2090, 5, 1, tzinfo=UTC)
    now = world.network.chain.now()
    with pytest.raises(InvalidInput, match="before it begins"):
        admitted.patient.delegates.name(
            world.clinic.address, until=now + 60 if first_of_month(now + 60) <= now else now
        )


@given(st.integers(0, 253402300799))
def test_rounding_keeps_the_month_and_only_that(seconds: int) -> None:
    rounded, given_at = datetime.fromtimestamp(first_of_month(seconds), UTC), datetime.fromtimestamp(seconds, UTC)
    assert rounded == datetime(given_at.year, given_at.month, 1, tzinfo=UTC)
    assert first_of_month(first_of_month(seconds)) == first_of_month(seconds)


def test_a_time_without_a_calendar_is_refused() -> None:
    with pytest.raises(InvalidInput):
        first_of_month(2**63)


def test_an_old_signature_names_nobody_again(world: World) -> None:
    """Every naming and dismissal counts the pair's turn up: what was signed before finds another one."""
    admitted = admit(world)
    case = admitted.patient._cases.require(admitted.subject)
    kept = case.actor.name_delegate(world.clinic.address, first_of_month(3_800_000_000))
    case.actor.submit(kept)
    admitted.patient.delegates.dismiss(world.clinic.address)
    with pytest.raises(MedRecError):
        case.actor.submit(kept)
    assert [one.is_active for one in admitted.patient.delegates.list()] == [False]
