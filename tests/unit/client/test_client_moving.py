"""Moving to another wallet: step by step, each once, and a thief with the old wallet gets nothing new."""

from __future__ import annotations

import dataclasses

import pytest
from client_world import World, admit, ids, ndjson, observation

from medrec_py.client import Patient
from medrec_py.client.succession import make_succession, standing
from medrec_py.errors import InvalidInput, NoRelationship, Refused
from medrec_py.sealing import make_locators, seal_bundle


def fresh(world: World, patient: Patient) -> Patient:
    """The same wallet on another device, which remembers nothing."""
    return world.network.patient(patient._account, wallet_mode=patient.wallet_mode)


@pytest.mark.parametrize("to_wallet_mode", [False, True], ids=["to private", "to wallet"])
@pytest.mark.parametrize("from_wallet_mode", [False, True], ids=["from private", "from wallet"])
def test_a_move_takes_relationships_records_and_grants_along(
    world: World, from_wallet_mode: bool, to_wallet_mode: bool
) -> None:
    admitted = admit(world, wallet_mode=from_wallet_mode)
    old, new = admitted.patient, world.network.patient(wallet_mode=to_wallet_mode)
    world.hospital.publish(admitted.subject, ndjson(observation("before", "2024-01-01")))
    grant = old.grant(world.clinic.address, classes="laboratory", records_from="2020-06-15")

    first = old.moving.to(new)
    assert not first.is_done
    assert [(item.is_followed, item.is_closed) for item in first.relationships] == [(False, False)]
    assert "Hospital has not followed yet" in first.pending[0]

    (followed,) = world.hospital.follow()
    assert followed.subject == first.relationships[0].successor
    assert world.hospital.follow() == []

    second = fresh(world, old).moving.to(fresh(world, new))
    assert second.is_done, second.pending
    assert [(item.is_followed, item.is_closed) for item in second.relationships] == [(True, True)]
    (made,) = (*first.granted, *second.granted)
    assert (made.viewer, made.subject) == (world.clinic.address, followed.subject)

    third = fresh(world, old).moving.to(fresh(world, new))
    assert third.is_done
    assert third.granted == ()

    published = world.hospital.publish(admitted.subject, ndjson(observation("after", "2024-02-01")))
    assert published.subject == followed.subject
    alone = fresh(world, new)
    assert ids(alone.records()) == ["after", "before"]
    assert ids(world.clinic.read(subject=followed.subject, classes="laboratory").records) == ["after"]
    assert ids(world.clinic.read(subject=admitted.subject, classes="laboratory", grant=grant).records) == ["before"]
    assert alone.verify().ok


def test_publishing_follows_by_itself_and_keeps_what_is_new_from_the_old_wallet(world: World) -> None:
    admitted = admit(world)
    thief, new = fresh(world, admitted.patient), world.network.patient()
    admitted.patient.moving.to(new)
    published = world.hospital.publish(admitted.subject, ndjson(observation("after", "2024-02-01")))
    assert published.subject != admitted.subject
    assert ids(new.records()) == ["after"]
    assert ids(thief.records()) == []
    many = world.hospital.publish_many({admitted.subject: ndjson(observation("batched", "2024-02-01"))})
    assert many[admitted.subject].subject == published.subject
    assert ids(new.records()) == ["after", "batched"]
    assert ids(thief.records()) == []


def test_a_thief_with_the_old_wallet_leads_nobody_elsewhere_after_the_move(world: World) -> None:
    admitted = admit(world)
    new, loot = world.network.patient(), world.network.patient()
    moved = admitted.patient.moving.to(new)
    thief = fresh(world, admitted.patient)
    assert thief.moving.to(loot).relationships[0].successor == moved.relationships[0].successor, "it is taken already"
    _announce_elsewhere(world, thief, admitted.subject, loot)
    (followed,) = world.hospital.follow()
    assert followed.subject == moved.relationships[0].successor
    admitted.patient.moving.to(new)
    _announce_elsewhere(world, thief, admitted.subject, loot)
    assert world.hospital.follow() == []
    assert world.hospital.publish(admitted.subject, ndjson(observation("x", "2024-01-01"))).subject == followed.subject
    assert loot.relationships() == [] or all(not item.is_open for item in loot.relationships())


def test_a_relationship_that_the_patient_closed_without_moving_leads_nowhere(world: World) -> None:
    admitted = admit(world)
    admitted.patient.close(admitted.subject, world.hospital.address)
    thief = fresh(world, admitted.patient)
    _announce_elsewhere(world, thief, admitted.subject, world.network.patient())
    assert world.hospital.follow() == []
    thief._context.sync()
    case = thief._cases.require(admitted.subject)
    tree = next(tree for tree in case.trees(thief._context) if tree.provider == world.hospital.address)
    successions = case.mail(thief._context, tree.mailbox).successions
    assert len(successions) == 1
    assert standing(thief._context, world.hospital.address, successions, is_open=False) is None
    with pytest.raises(NoRelationship):
        world.hospital.publish(admitted.subject, ndjson(observation("x", "2024-01-01")))


def test_only_the_address_that_was_named_moves(world: World) -> None:
    admitted = admit(world)
    other = world.network.provider()
    other.register(name="Other hospital")
    world.network.registrar().accredit(other.address)
    second = admitted.patient.next_subject()
    admitted.patient.accept(other.invite(second))
    new = world.network.patient()
    moved = admitted.patient.moving.to(new, subject=second)
    assert [item.subject for item in moved.relationships] == [second]
    assert world.hospital.follow() == []
    rest = admitted.patient.moving.to(new)
    successors = [item.successor for item in rest.relationships]
    assert len(successors) == len(set(successors)) == 2, "each relationship has an address of its own"
    assert new.next_subject() not in successors, "nor is one that is promised given to anybody else"
    with pytest.raises(InvalidInput, match="none of the addresses"):
        admitted.patient.moving.to(new, subject=world.clinic.address)
    with pytest.raises(InvalidInput, match="the old one"):
        admitted.patient.moving.to(fresh(world, admitted.patient))


def test_what_was_taken_back_after_the_move_is_not_granted_once_more(world: World) -> None:
    admitted = admit(world)
    admitted.patient.grant(world.clinic.address, classes="laboratory")
    suspended = admitted.patient.grant(world.specialist.address, classes="medications")
    admitted.patient.suspend(suspended)
    new = world.network.patient()
    admitted.patient.moving.to(new)
    world.hospital.follow()
    made = {grant.viewer: grant for grant in admitted.patient.moving.to(new).granted}
    states = {grant.id: grant.state for grant in new.grants()}
    assert states[made[world.specialist.address].id] == "suspended"
    new.revoke(made[world.clinic.address])
    assert admitted.patient.moving.to(new).granted == ()


def test_grants_about_records_of_the_patients_own_go_to_the_new_wallets_own_address(world: World) -> None:
    old, new = world.network.patient(), world.network.patient()
    old.publish(ndjson(observation("own", "2024-01-01")))
    old.grant(world.clinic.address, classes="laboratory")
    moved = old.moving.to(new)
    assert moved.is_done, moved.pending
    (made,) = moved.granted
    assert made.subject == new._cases.own().subject
    new.publish(ndjson(observation("own later", "2024-02-01")))
    assert ids(world.clinic.read(subject=made.subject, classes="laboratory").records) == ["own later"]
    assert ids(new.records()) == ["own", "own later"]


def test_what_is_prepared_for_emergencies_is_not_granted_anew_by_itself(world: World) -> None:
    """Its key belongs to custodians of the old address: the new wallet prepares its own."""
    admitted = admit(world)
    custodians = [world.clinic.address, world.specialist.address]
    admitted.patient.emergency.prepare("laboratory", custodians)
    new = world.network.patient()
    admitted.patient.moving.to(new)
    world.hospital.follow()
    moved = admitted.patient.moving.to(new)
    assert moved.granted == ()
    assert any("prepared for emergencies" in sentence for sentence in moved.pending)
    new.emergency.prepare("laboratory", custodians, subject=moved.relationships[0].successor)
    assert admitted.patient.moving.to(new).is_done


def test_sub_grants_are_named_as_what_others_have_to_do(world: World) -> None:
    admitted = admit(world)
    grant = admitted.patient.grant(world.clinic.address, classes="laboratory", delegations=1)
    world.clinic.sub_grant(grant, world.specialist.address, classes="laboratory")
    new = world.network.patient()
    admitted.patient.moving.to(new)
    world.hospital.follow()
    moved = admitted.patient.moving.to(new)
    assert any(f"only {world.clinic.address} can do so anew" in sentence for sentence in moved.pending)


def test_delegates_are_named_for_the_new_addresses(world: World) -> None:
    admitted = admit(world)
    admitted.patient.delegates.name(world.specialist.address, until="2090-05-17")
    new = world.network.patient()
    admitted.patient.moving.to(new)
    world.hospital.follow()
    moved = admitted.patient.moving.to(new)
    assert moved.is_done, moved.pending
    named = {(one.subject, one.delegate, one.is_active) for one in new.delegates.list()}
    assert (moved.relationships[0].successor, world.specialist.address, True) in named


def test_an_heir_settles_what_it_inherited(world: World) -> None:
    """After a recovery the old keys may be in any hands: the new wallet moves everything to addresses of its own."""
    admitted = admit(world)
    world.hospital.publish(admitted.subject, ndjson(observation("before", "2024-01-01")))
    admitted.patient.grant(world.clinic.address, classes="laboratory")
    heir = world.network.patient()
    heir.inherit(admitted.patient.root)
    assert not heir.moving.settle().is_done
    world.hospital.follow()
    settled = heir.moving.settle()
    assert settled.is_done, settled.pending
    assert [grant.viewer for grant in settled.granted] == [world.clinic.address]
    world.hospital.publish(admitted.subject, ndjson(observation("after", "2024-01-01")))
    assert ids(heir.records()) == ["after", "before"]
    assert ids(fresh(world, admitted.patient).records()) == ["before"]
    assert heir.moving.settle().granted == ()


def test_the_relationships_of_a_lost_wallet_in_wallet_mode_are_named_as_pending(world: World) -> None:
    admitted = admit(world, wallet_mode=True)
    heir = world.network.patient()
    heir.inherit(admitted.patient.root, wallet=admitted.patient.address)
    settled = heir.moving.settle()
    assert [(item.successor, item.is_followed) for item in settled.relationships] == [(None, False)]
    assert any("is lost" in sentence for sentence in settled.pending)


def test_a_provider_is_not_kept_from_others_by_one_acceptance_that_is_false(world: World) -> None:
    """A succession whose acceptance nobody signed is refused by the contract and passed over."""
    false, honest = admit(world), admit(world)
    _announce_elsewhere(world, false.patient, false.subject, world.network.patient(), acceptance=bytes(65))
    new = world.network.patient()
    moved = honest.patient.moving.to(new)
    assert [item.subject for item in world.hospital.follow()] == [moved.relationships[0].successor]
    with pytest.raises(Refused):
        world.hospital.publish(false.subject, ndjson(observation("x", "2024-01-01")))


def _announce_elsewhere(
    world: World, holder: Patient, subject: str, elsewhere: Patient, *, acceptance: bytes | None = None
) -> None:
    """Whoever holds a wallet anchors a succession of their own making, whatever the rules of the client are."""
    context = holder._context
    context.sync()
    case = holder._cases.require(subject)
    tree = next(tree for tree in case.trees(context) if tree.provider == world.hospital.address)
    key = context.public_key(world.hospital.address)
    succession = make_succession(context, elsewhere._cases.next(), world.hospital.address, key)
    if acceptance is not None:
        succession = dataclasses.replace(succession, acceptance=acceptance)
    sealed = seal_bundle(succession, context.bundle_context(subject), [key, case.key.public_key])
    digest = context.store.put(sealed).digest
    case.actor.submit(case.actor.anchor(subject, [digest], make_locators([tree.mailbox])))
