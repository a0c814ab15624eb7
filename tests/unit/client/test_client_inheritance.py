"""Inherited roots: a new device with nothing but the new wallet sees what the old wallets had."""

from __future__ import annotations

import pytest
from client_world import Admitted, World, admit, ids, ndjson, observation

from medrec_py.chain import generate_account
from medrec_py.client import Patient
from medrec_py.crypto import RootKey
from medrec_py.errors import InvalidInput, WalletLost
from medrec_py.sealing import Reason


def fresh(world: World, patient: Patient) -> Patient:
    """The same wallet on another device."""
    return world.network.patient(patient._account, wallet_mode=patient.wallet_mode, root=patient._given_root)


def test_what_was_inherited_is_found_from_the_new_wallet_alone(world: World, admitted: Admitted) -> None:
    world.hospital.publish(admitted.subject, ndjson(observation("old", "2024-01-01")))
    admitted.patient.publish(ndjson(observation("own", "2024-01-02")))
    wallet = admitted.patient.address if admitted.patient.wallet_mode else None
    heir = world.network.patient()
    assert heir.inherit(admitted.patient.root, wallet=wallet) is not None
    found = fresh(world, heir)
    assert ids(found.records()) == ["old", "own"]
    assert admitted.subject in found.subjects()
    assert [item.subject for item in found.relationships()] == [admitted.subject]
    assert found.verify().ok


def test_inheriting_twice_does_nothing_the_second_time(world: World, admitted: Admitted) -> None:
    heir = world.network.patient()
    wallet = admitted.patient.address if admitted.patient.wallet_mode else None
    heir.inherit(admitted.patient.root, wallet=wallet)
    head = world.network.chain.head_number()
    assert fresh(world, heir).inherit(admitted.patient.root, wallet=wallet) is None
    assert world.network.chain.head_number() == head


def test_roots_are_inherited_through_several_wallets_and_in_a_circle(world: World) -> None:
    admitted = admit(world)
    world.hospital.publish(admitted.subject, ndjson(observation("first", "2024-01-01")))
    second, third = world.network.patient(), world.network.patient()
    second.inherit(admitted.patient.root, reason=Reason.MOVE)
    third.inherit(second.root, reason="recovery")
    admitted.patient.inherit(third.root, reason="move")
    for patient in (second, third, admitted.patient):
        assert ids(fresh(world, patient).records()) == ["first"]
        subjects = fresh(world, patient).subjects()
        assert len(subjects) == len(set(subjects))


def test_the_keys_of_a_relationship_are_changed_as_before_beside_what_was_inherited(world: World) -> None:
    """A letter that is no re-key is not taken for a lost one, which would waste epochs."""
    heir = world.network.patient(wallet_mode=True)
    heir.accept(world.hospital.invite(heir.address))
    heir.inherit(RootKey.random(), reason="unsteady")
    grant = heir.grant(world.clinic.address, classes="laboratory")
    heir.revoke(grant)
    tree = heir._cases.own().trees(heir._context)
    assert [item.epochs for item in tree] == [{grant.terms.classes.bit_length() - 1: 1}] * 2
    assert all(item.is_whole for item in tree)
    assert not world.hospital.keys(heir.address).is_stale


def test_a_new_relationship_opens_at_the_new_wallets_own_address(world: World) -> None:
    admitted = admit(world)
    heir = world.network.patient()
    heir.inherit(admitted.patient.root)
    assert heir.next_subject() not in (admitted.subject, admitted.patient.next_subject())
    assert heir.publish(ndjson(observation("own", "2024-01-01"))).subject == heir._cases.own().subject


def test_an_heir_withdraws_what_the_old_wallet_granted(world: World) -> None:
    admitted = admit(world)
    world.hospital.publish(admitted.subject, ndjson(observation("old", "2024-01-01")))
    grant = admitted.patient.grant(world.clinic.address, classes="laboratory")
    heir = world.network.patient()
    heir.inherit(admitted.patient.root)
    heir.revoke(grant.id)
    assert {item.id: item.state for item in heir.grants()}[grant.id] == "revoked"


def test_nobody_signs_for_a_lost_wallet(world: World) -> None:
    admitted = admit(world, wallet_mode=True)
    grant = admitted.patient.grant(world.clinic.address, classes="laboratory")
    heir = world.network.patient()
    heir.inherit(admitted.patient.root, wallet=admitted.patient.address)
    with pytest.raises(WalletLost, match=admitted.patient.address):
        heir.revoke(grant.id)


def test_what_nobody_signs_for_keeps_no_other_keys_from_being_changed(world: World) -> None:
    admitted = admit(world, wallet_mode=True)
    grant = admitted.patient.grant(world.clinic.address, classes="laboratory")
    admitted.patient.revoke(grant, rekey=False)
    heir = world.network.patient()
    heir.inherit(admitted.patient.root, wallet=admitted.patient.address)
    subject = heir.next_subject()
    heir.accept(world.hospital.invite(subject))
    own = heir.grant(world.clinic.address, classes="laboratory", subject=subject)
    heir.revoke(own, rekey=False)
    assert len(heir.rekey()) == 1
    assert heir.rekey() == []


def test_a_wallet_does_not_inherit_itself_nor_for_no_reason(world: World) -> None:
    patient = world.network.patient()
    with pytest.raises(InvalidInput, match="its own root"):
        patient.inherit(patient.root)
    with pytest.raises(InvalidInput, match="theft"):
        patient.inherit(RootKey.random(), reason="theft")
    with pytest.raises(InvalidInput):
        patient.inherit(RootKey.random(), wallet="0x12")


def test_a_strangers_letter_is_no_inheritance(world: World) -> None:
    """A root is taken over from the wallet's own ledger only: what others anchor or seal is not even looked at."""
    patient = world.network.patient(wallet_mode=True)
    patient.accept(world.hospital.invite(patient.address))
    own = patient._cases.own()
    stranger = world.network.patient(generate_account())
    from medrec_py.sealing import InheritanceBundle, make_locators, seal_bundle

    sealed = seal_bundle(
        InheritanceBundle(stranger.root, Reason.MOVE),
        patient._context.bundle_context(own.subject),
        [own.key.public_key],
    )
    digest = world.network.store.put(sealed).digest
    actor = world.hospital._actor
    actor.submit(actor.anchor(own.subject, [digest], make_locators([own.own_mailbox])))
    patient._context.sync()
    assert patient._cases.inherited() == []
