"""The dead-man's switch: a delegate's grant works after silence and notice, and closes with the first sign of life."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
from client_world import Admitted, World, admit, ids, ndjson, observation

from medrec_py.chain import EmbeddedChain, generate_account
from medrec_py.client import Grant, Switch, Viewer
from medrec_py.client.silence import set_plan
from medrec_py.errors import InvalidInput, NotPermitted, Refused, TooEarly, UnknownGrant
from medrec_py.types.terms import GrantStatus

SILENCE, NOTICE = 10_000, 5000
MARGIN = 60
"""Seconds for this machine's own clock, which goes on under the tests; the exact second is in `Guardianship.t.sol`."""


@pytest.fixture
def child(world: World) -> Viewer:
    """Grown up: may see a silent parent's records."""
    viewer = world.network.viewer()
    viewer.register(name="child")
    return viewer


def arrange(admitted: Admitted, delegate: Viewer) -> Grant:
    return admitted.patient.delegates.after_silence(delegate.address, silence=SILENCE, notice=NOTICE)


def wait(world: World, seconds: int) -> None:
    chain = world.network.chain
    assert isinstance(chain, EmbeddedChain)
    chain.set_time(chain.now() + seconds)


def switch_of(admitted: Admitted) -> Switch:
    (switch,) = admitted.patient.delegates.switches()
    return switch


def with_record(world: World, *, wallet_mode: bool = False) -> Admitted:
    admitted = admit(world, wallet_mode=wallet_mode)
    world.hospital.publish(admitted.subject, ndjson(observation("first", "2024-01-01")))
    return admitted


def reads(delegate: Viewer, grant: Grant) -> list[str] | None:
    try:
        return ids(delegate.read(grant=grant, classes="laboratory").records)
    except NotPermitted:
        return None


@pytest.mark.parametrize("wallet_mode", [False, True], ids=["private mode", "wallet mode"])
def test_it_opens_after_silence_and_notice_and_not_before(world: World, child: Viewer, wallet_mode: bool) -> None:
    admitted = with_record(world, wallet_mode=wallet_mode)
    grant = arrange(admitted, child)
    assert reads(child, grant) is None
    with pytest.raises(TooEarly):
        child.announce_for(admitted.subject)
    wait(world, switch_of(admitted).silent_at - world.network.chain.now() - MARGIN)
    with pytest.raises(TooEarly):
        child.announce_for(admitted.subject)
    wait(world, MARGIN)
    assert reads(child, grant) is None, "silence alone opens nothing"
    child.announce_for(admitted.subject)
    opens_at = switch_of(admitted).opens_at
    wait(world, opens_at - world.network.chain.now() - MARGIN)
    assert reads(child, grant) is None
    assert not switch_of(admitted).is_open
    wait(world, MARGIN)
    assert reads(child, grant) == ["first"]
    assert switch_of(admitted).is_open
    assert [one.is_open for one in child.switches()] == [True]


def test_the_notice_is_seen_before_it_opens(world: World, child: Viewer) -> None:
    admitted = with_record(world)
    arrange(admitted, child)
    wait(world, SILENCE + 1)
    assert switch_of(admitted).opens_at == 0
    child.announce_for(admitted.subject)
    seen = switch_of(admitted)
    assert (seen.delegate, seen.name, seen.is_open) == (child.address, "child", False)
    assert world.network.chain.now() < seen.opens_at
    acts = [item.to_json() for item in admitted.patient.audit()]
    assert any("nnounced" in str(act) and child.address in str(act) for act in acts)


def test_a_sign_of_life_is_the_veto_and_the_silence_begins_anew(world: World, child: Viewer) -> None:
    admitted = with_record(world)
    grant = arrange(admitted, child)
    wait(world, SILENCE + 1)
    child.announce_for(admitted.subject)
    wait(world, NOTICE)
    assert reads(child, grant) == ["first"]
    admitted.patient.delegates.life_sign()
    assert reads(child, grant) is None
    wait(world, NOTICE + 1)
    assert reads(child, grant) is None
    with pytest.raises(TooEarly):
        child.announce_for(admitted.subject)


def test_any_act_of_that_address_closes_it(world: World, child: Viewer) -> None:
    admitted = with_record(world)
    grant = arrange(admitted, child)
    other = admitted.patient.grant(world.clinic.address, classes="laboratory")
    for act in (
        lambda: admitted.patient.suspend(other),
        lambda: admitted.patient.resume(other),
        lambda: admitted.patient.revoke(other),
        lambda: admitted.patient.close(admitted.subject, world.hospital.address),
    ):
        wait(world, SILENCE + 1)
        child.announce_for(admitted.subject)
        wait(world, NOTICE)
        assert reads(child, grant) == ["first"]
        act()
        assert reads(child, grant) is None


def test_anybody_can_show_the_patients_act_where_the_client_could_not(world: World, child: Viewer) -> None:
    """A grant made from another device, say, whose client gave no sign of life: `proveLife`."""
    admitted = with_record(world)
    grant = arrange(admitted, child)
    wait(world, SILENCE // 8)
    later = admitted.patient.grant(world.clinic.address, classes="laboratory")  # too early for a sign of its own
    wait(world, SILENCE - SILENCE // 8 + 10)
    child.announce_for(admitted.subject)
    context = world.stranger._context
    context.chain.send(world.stranger._account, context.guardianship.prove_life(admitted.subject, later.id))
    wait(world, NOTICE)
    assert reads(child, grant) is None
    assert switch_of(admitted).opens_at == 0


def test_the_delegates_own_withdrawals_feign_no_life(world: World, child: Viewer) -> None:
    admitted = with_record(world)
    grant = arrange(admitted, child)
    other = admitted.patient.grant(world.clinic.address, classes="laboratory")
    parent = world.network.viewer()
    admitted.patient.delegates.name(parent.address, until="2090-01-01")
    wait(world, SILENCE + 1)
    child.announce_for(admitted.subject)
    parent.revoke_for(admitted.subject, other.id)
    context = parent._context
    with pytest.raises(Refused):
        context.chain.send(parent._account, context.guardianship.prove_life(admitted.subject, other.id))
    wait(world, NOTICE)
    assert reads(child, grant) == ["first"]


def test_an_open_delegate_passes_it_on_and_a_sign_of_life_closes_that_too(world: World, child: Viewer) -> None:
    admitted = with_record(world)
    grant = arrange(admitted, child)
    wait(world, SILENCE + 1)
    passed_on = child.sub_grant(grant, world.specialist.address, classes="laboratory")
    assert reads(world.specialist, passed_on) is None
    child.announce_for(admitted.subject)
    wait(world, NOTICE)
    assert reads(world.specialist, passed_on) == ["first"]
    admitted.patient.delegates.life_sign()
    assert reads(world.specialist, passed_on) is None


def test_nobody_else_announces_and_another_viewer_gets_nothing_by_it(world: World, child: Viewer) -> None:
    admitted = with_record(world)
    arrange(admitted, child)
    ordinary = admitted.patient.grant(world.clinic.address, classes="laboratory")
    wait(world, SILENCE + 1)
    for somebody in (world.clinic, world.stranger):
        assert somebody.switches() == []
        with pytest.raises(UnknownGrant):
            somebody.announce_for(admitted.subject)
    guardianship = world.clinic._context.guardianship
    stolen = guardianship.announce(
        admitted.subject, world.clinic.address, world.clinic.address, ordinary.terms.salt, ()
    )
    with pytest.raises(Refused):
        world.network.chain.send(world.clinic._account, stolen)
    assert switch_of(admitted).opens_at == 0


def test_a_delegate_without_ether_announces_through_a_relayer_and_once(world: World) -> None:
    admitted = with_record(world)
    poor = world.network.viewer(generate_account(), relayer=world.network.relayer())
    poor.register()
    arrange(admitted, poor)
    wait(world, SILENCE + 1)
    sent = []
    sender = poor._actor._sender
    assert sender is not None

    class Keeping:
        def relay(self, calls):  # type: ignore[no-untyped-def]
            sent.append(calls)
            return sender.relay(calls)

    poor._actor._sender = Keeping()
    poor.announce_for(admitted.subject)
    assert switch_of(admitted).opens_at
    admitted.patient.delegates.life_sign()
    wait(world, SILENCE + 1)
    with pytest.raises(Refused):
        sender.relay(sent[0])  # signed for a turn that is over
    assert switch_of(admitted).opens_at == 0


def test_another_delegate_takes_the_place_of_the_first(world: World, child: Viewer) -> None:
    admitted = with_record(world)
    first = arrange(admitted, child)
    wait(world, SILENCE + 1)
    child.announce_for(admitted.subject)
    wait(world, NOTICE)
    friend = world.network.viewer()
    friend.register()
    second = arrange(admitted, friend)
    medrec = child._context.medrec
    assert medrec.grant_state(first.grantor, first.id).status is GrantStatus.REVOKED
    assert [one.delegate for one in admitted.patient.delegates.switches()] == [friend.address]
    assert child.switches() == []
    assert (reads(child, first), reads(friend, second)) == (None, None)
    with pytest.raises(UnknownGrant):
        child.announce_for(admitted.subject)


def test_a_grant_without_its_plan_is_no_switch(world: World, child: Viewer) -> None:
    """Whatever ended the plan: the delegate could announce nothing, and is not told that it could."""
    admitted = with_record(world)
    arrange(admitted, child)
    case = admitted.patient._cases.require(admitted.subject)
    for root in (os.urandom(32), bytes(32)):
        set_plan(admitted.patient._context, case.actor, root, SILENCE, NOTICE)
        assert admitted.patient.delegates.switches() == child.switches() == []
        with pytest.raises(UnknownGrant):
            child.announce_for(admitted.subject)


def test_revoking_the_grant_takes_the_switch_away_and_no_life_sign_is_wasted(world: World, child: Viewer) -> None:
    admitted = with_record(world)
    grant = arrange(admitted, child)
    admitted.patient.revoke(grant)
    assert admitted.patient.delegates.switches() == child.switches() == []
    before = world.clinic._context.guardianship.plan_of(admitted.subject)
    wait(world, SILENCE + 1)
    admitted.patient.grant(world.clinic.address, classes="laboratory")
    assert world.clinic._context.guardianship.plan_of(admitted.subject) == before
    with pytest.raises(InvalidInput, match="Nothing waits"):
        admitted.patient.delegates.life_sign()


def test_signs_of_life_follow_acts_when_a_quarter_of_the_silence_is_over(world: World, child: Viewer) -> None:
    admitted = with_record(world)
    arrange(admitted, child)
    first = switch_of(admitted).last_sign_at
    wait(world, SILENCE // 8)
    admitted.patient.publish(ndjson(observation("own", "2024-02-02")))
    assert switch_of(admitted).last_sign_at == first
    wait(world, SILENCE // 4)
    admitted.patient.grant(world.clinic.address, classes="laboratory", subject=admitted.subject)
    assert switch_of(admitted).last_sign_at > first


def test_an_act_of_another_address_is_no_sign_of_life_which_would_tie_the_two(world: World, child: Viewer) -> None:
    admitted = with_record(world)
    admitted.patient.delegates.after_silence(child.address, silence=SILENCE, notice=NOTICE, subject=admitted.subject)
    before = switch_of(admitted).last_sign_at
    wait(world, SILENCE + 1)
    second = admitted.patient.next_subject()
    assert second != admitted.subject
    admitted.patient.accept(world.hospital.invite(second))
    assert switch_of(admitted).last_sign_at == before


def test_guardians_and_switches_have_clocks_of_their_own(world: World, child: Viewer) -> None:
    admitted = with_record(world)
    people = [world.clinic.address, world.specialist.address]
    admitted.patient.guardians.appoint(people, threshold=2, notice=60, silence=SILENCE)
    arrange(admitted, child)
    plan = admitted.patient.guardians.plan()
    assert plan is not None
    assert plan.owner != admitted.subject
    assert {ward.owner for ward in world.network.guardian(world.clinic._account).wards()} >= {plan.owner}
    assert admitted.subject not in {ward.owner for ward in world.network.guardian(world.clinic._account).wards()}


@pytest.mark.parametrize(
    "given",
    [
        {"silence": 0},
        {"notice": 0},
        {"notice": timedelta(0)},
        {"silence": -1},
        {"notice": 1 << 32},
        {"delegations": 0},
    ],
    ids=str,
)
def test_what_would_be_no_switch_is_refused_before_anything_is_granted(
    world: World, admitted: Admitted, child: Viewer, given: dict[str, object]
) -> None:
    arguments = {"silence": SILENCE, "notice": NOTICE, **given}
    with pytest.raises(InvalidInput):
        admitted.patient.delegates.after_silence(child.address, **arguments)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput):
        admitted.patient.delegates.after_silence(admitted.subject, silence=SILENCE, notice=NOTICE)
    assert admitted.patient.grants() == []
