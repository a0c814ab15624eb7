"""People who want more than they were given: more keys, a longer time, somebody else's name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from client_world import Admitted, World, admit, ids, ndjson, observation

from medrec_py.chain import generate_account
from medrec_py.client import Grant, Viewer
from medrec_py.client.acts import Actor
from medrec_py.client.cutting import Cut
from medrec_py.client.grants import make_terms, seal_grant
from medrec_py.errors import InvitationInvalid, NotPermitted, Refused, SigningDeclined, UnknownGrant
from medrec_py.sealing import BundleKind, GrantBundle, RekeyBundle, open_bundle, seal_bundle
from medrec_py.types.terms import ZERO_BYTES32, PresentedGrant, Terms, new_salt
from medrec_py.types.vocabulary import VOCABULARY


def forge(by: Viewer, held: Grant, viewer: str, above: tuple[PresentedGrant, ...] = (), **terms: Any) -> bytes:
    """A grant that `by` writes by hand, sealed to the patient's key that came with `held`; its bundle's digest."""
    context = by._context
    subject_key = by._own(held).bundle.public_key
    assert subject_key is not None
    made = make_terms(
        viewer,
        **{  # type: ignore[arg-type]
            "classes": "all",
            "purposes": "TREAT",
            "starts": 0,
            "until": None,
            "records_from": None,
            "records_until": None,
            "agent": None,
            "delegations": 0,
            "condition": None,
            "now": context.chain.now(),
        }
        | terms,
    )
    draft = PresentedGrant(by.address, viewer, ZERO_BYTES32, made)
    nothing = Cut((), (), ())
    recipients = [context.public_key(viewer)]
    presented = seal_grant(context, held.subject, (*above, draft), nothing, subject_key, recipients)
    by._actor.submit(by._actor.grant(held.subject, presented))
    return presented.bundle


def rekeys_opened_by(viewer: Viewer, subject: str) -> list[RekeyBundle]:
    """Every re-key of a subject that is sealed to a viewer, however it would find it."""
    context = viewer._context
    context.sync()
    opened = []
    for entry in context.ledger(subject):
        try:
            data = context.store.get(entry.digest)
            bundle = open_bundle(data, context.bundle_context(subject), viewer.key, BundleKind.REKEY)
        except Exception:
            continue
        assert isinstance(bundle, RekeyBundle)
        opened.append(bundle)
    return opened


def classes_in(bundles: list[RekeyBundle]) -> set[int | None]:
    """The classes that re-keys hand over."""
    return {node.path.class_number for bundle in bundles for keys in bundle.keys for node in keys.nodes}


# ── grants that are none ──


def test_a_viewer_who_writes_itself_a_wider_grant_gets_no_key_for_it(world: World, admitted: Admitted) -> None:
    """It names itself grantor, leaves the grants above out, and seals the bundle properly to the patient."""
    patient, subject = admitted.patient, admitted.subject
    held = patient.grant(world.clinic.address, classes="laboratory")
    other = patient.grant(world.specialist.address, classes=["vital-signs", "laboratory"])
    forge(world.clinic, held, world.stranger.address)
    forge(world.clinic, held, world.clinic.address)
    patient.revoke(other)
    assert rekeys_opened_by(world.stranger, subject) == []
    assert classes_in(rekeys_opened_by(world.clinic, subject)) == {VOCABULARY.record_class("laboratory").number}
    assert {item.id for item in patient.grants()} == {held.id, other.id}


def test_a_revoked_viewer_who_writes_itself_a_grant_stays_blind(world: World, admitted: Admitted) -> None:
    patient, subject = admitted.patient, admitted.subject
    held = patient.grant(world.clinic.address, classes="laboratory")
    kept = patient.grant(world.specialist.address, classes="laboratory")
    patient.revoke(held)
    forge(world.clinic, held, world.clinic.address)
    forge(world.clinic, held, world.clinic.address, (kept.presented,), parent=kept.id)
    before = len(rekeys_opened_by(world.clinic, subject))
    patient.revoke(patient.grant(world.specialist.address, classes="all"))
    published = world.hospital.publish(subject, ndjson(observation("later", "2024-01-01")))
    assert len(rekeys_opened_by(world.clinic, subject)) == before
    assert not world.clinic.can_open(published.digests[0], subject=subject)


def test_a_wider_sub_grant_gets_at_a_rekey_no_more_than_the_grant_above_it(world: World, admitted: Admitted) -> None:
    patient, subject = admitted.patient, admitted.subject
    parent = patient.grant(
        world.clinic.address,
        classes="laboratory",
        records_from="2020-01-01",
        delegations=1,
        until=world.network.chain.now() + 86400,
    )
    forge(
        world.clinic,
        parent,
        world.specialist.address,
        (parent.presented,),
        parent=parent.id,
        classes=["laboratory", "vital-signs"],
    )
    patient.revoke(patient.grant(world.stranger.address, classes=["laboratory", "vital-signs"]))
    published = world.hospital.publish(
        subject,
        ndjson(
            observation("early", "2019-02-02"),
            observation("covered", "2021-02-02"),
            observation("vital", "2021-02-02", "vital-signs"),
            observation("far", "2150-02-02"),
        ),
    )
    opens = [world.specialist.can_open(digest, subject=subject) for digest in published.digests]
    reading = world.specialist.read(subject=subject)
    assert ids(reading.records) == ["covered"]
    assert sum(opens) == 1


def test_a_sub_grant_through_more_hands_than_the_first_grant_allows_gets_nothing(
    world: World, admitted: Admitted
) -> None:
    patient, subject = admitted.patient, admitted.subject
    world.hospital.publish(subject, ndjson(observation("a", "2024-01-01")))
    first = patient.grant(world.clinic.address, classes="laboratory", delegations=1)
    forge(
        world.clinic,
        first,
        world.specialist.address,
        (first.presented,),
        parent=first.id,
        classes="laboratory",
        delegations=9,
    )
    second = world.specialist.grants(subject=subject)[-1]
    with pytest.raises(NotPermitted) as refused:
        world.specialist.sub_grant(second, world.stranger.address, classes="laboratory")
    assert refused.value.facts["rule"] == "NOT_DELEGABLE"


@pytest.mark.parametrize("end", ["revoke", "suspend"])
def test_a_grant_that_does_not_hold_is_not_passed_on(world: World, admitted: Admitted, end: str) -> None:
    patient = admitted.patient
    parent = patient.grant(world.clinic.address, classes="laboratory", delegations=1)
    getattr(patient, end)(parent)
    with pytest.raises(NotPermitted) as refused:
        world.clinic.sub_grant(parent, world.specialist.address, classes="laboratory")
    assert refused.value.facts["rule"] == {"revoke": "REVOKED", "suspend": "SUSPENDED"}[end]


def test_a_stranger_who_grants_and_revokes_forces_no_change_of_keys(world: World, admitted: Admitted) -> None:
    """Anybody may say that they grant somebody's records; whoever never held a key of them can't hand one over."""
    patient, subject = admitted.patient, admitted.subject
    medrec = world.stranger._context.medrec
    world.stranger._actor.submit(medrec.grant(subject, world.clinic.address, b"\x11" * 32, b"\x22" * 32))
    world.stranger._context.sync()
    (item,) = world.stranger._context.index.grants(subject=subject)
    world.stranger.revoke(item.id)
    assert not world.hospital.publish(subject, ndjson(observation("a", "2024-01-01"))).pending_rekey
    assert patient.rekey() == []
    acts = [act.sentence for act in patient.audit() if act.act == "Granted"]
    assert acts
    assert all("no effect" in sentence for sentence in acts)


def test_a_viewer_whose_grants_have_ended_forces_no_change_of_keys(world: World, admitted: Admitted) -> None:
    patient, subject = admitted.patient, admitted.subject
    patient.revoke(patient.grant(world.clinic.address, classes="laboratory"))
    medrec = world.clinic._context.medrec
    world.clinic._actor.submit(medrec.grant(subject, world.stranger.address, b"\x11" * 32, b"\x22" * 32))
    world.clinic._context.sync()
    world.clinic.revoke(world.clinic._context.index.grants(subject=subject)[-1].id)
    assert not world.hospital.publish(subject, ndjson(observation("a", "2024-01-01"))).pending_rekey


# ── keys that changed, or should have ──


def test_what_the_patient_publishes_after_a_revocation_is_closed_to_the_revoked(
    world: World, admitted: Admitted
) -> None:
    patient = admitted.patient
    own = patient.publish(ndjson(observation("own", "2024-01-01"))).subject
    grant = patient.grant(world.clinic.address, classes="laboratory", subject=own)
    patient.revoke(grant, rekey=False)
    published = patient.publish(ndjson(observation("later", "2024-01-02")))
    assert not any(world.clinic.can_open(digest, subject=own) for digest in published.digests)


def test_what_the_patient_publishes_after_an_expiry_is_closed_to_the_viewer(world: World, admitted: Admitted) -> None:
    patient = admitted.patient
    own = patient.publish(ndjson(observation("own", "2024-01-01"))).subject
    patient.grant(world.clinic.address, classes="laboratory", subject=own, until=world.network.chain.now() + 60)
    world.network.chain.travel(61)
    published = patient.publish(ndjson(observation("later", "2024-01-02")))
    assert not any(world.clinic.can_open(digest, subject=own) for digest in published.digests)


def test_of_two_grants_to_one_viewer_the_revoked_one_gets_no_new_key(world: World, admitted: Admitted) -> None:
    patient, subject = admitted.patient, admitted.subject
    wide = patient.grant(world.clinic.address, classes=["laboratory", "vital-signs"])
    patient.grant(world.clinic.address, classes="laboratory", records_from="2024-01-01")
    patient.revoke(wide)
    published = world.hospital.publish(
        subject,
        ndjson(
            observation("a", "2023-01-01"),
            observation("b", "2024-02-02"),
            observation("v", "2024-02-02", "vital-signs"),
        ),
    )
    assert sum(world.clinic.can_open(digest, subject=subject) for digest in published.digests) == 1
    assert ids(world.clinic.read(subject=subject).records) == ["b"]


def test_a_viewer_with_an_unusable_key_does_not_keep_the_others_from_a_rekey(world: World, admitted: Admitted) -> None:
    """The registrar's contract looks at a key's length only: a viewer can replace its own by bytes that are no key."""
    patient, subject = admitted.patient, admitted.subject
    hostile = world.network.viewer()
    hostile.register(name="Hostile")
    grant = patient.grant(hostile.address, classes="laboratory")
    kept = patient.grant(world.specialist.address, classes="laboratory")
    ended = patient.grant(world.clinic.address, classes="laboratory")
    assert patient.records().faults == patient.rekey().faults == ()
    hostile._actor.submit(hostile._actor.register(b"\xff" * 1216, bytes(32)))
    patient.revoke(ended)
    published = world.hospital.publish(subject, ndjson(observation("a", "2024-01-01")))
    assert not published.pending_rekey
    assert ids(world.specialist.read(grant=kept).records) == ["a"]
    assert not world.clinic.can_open(published.digests[0], subject=subject)
    # The patient is told who was passed by, as long as that can still be handed anything.
    for faults in (patient.rekey().faults, patient.records().faults):
        assert [(fault.kind, fault.where) for fault in faults] == [("unusable key", hostile.address)]
        assert "Revoke its grant" in faults[0].sentence
    patient.revoke(grant)
    assert patient.rekey().faults == patient.records().faults == ()


def test_a_provider_with_an_unusable_key_is_named_and_gets_no_keys(world: World) -> None:
    """It seals to the patient alone from then on, since it sees a withdrawn grant that no re-key accounts for."""
    other = world.network.provider()
    other.register(name="Other")
    world.network.registrar().accredit(other.address)
    patient = world.network.patient()
    subject = patient.next_subject()
    patient.accept(other.invite(subject))
    ended = patient.grant(world.clinic.address, classes="laboratory", subject=subject)
    other._actor.submit(other._actor.register(b"\xff" * 1216, bytes(32)))
    patient.revoke(ended)
    assert [(fault.kind, fault.where) for fault in patient.rekey().faults] == [("unusable key", other.address)]
    assert other.publish(subject, ndjson(observation("a", "2024-01-01"))).pending_rekey
    found = patient.records()
    assert (ids(found), [fault.where for fault in found.faults]) == (["a"], [other.address])
    other.register(name="Other")
    assert patient.rekey()
    assert patient.records().faults == ()
    assert not other.publish(subject, ndjson(observation("b", "2024-01-01"))).pending_rekey


# ── names, acts, linking ──


def test_a_viewer_revokes_only_what_it_granted(world: World, admitted: Admitted) -> None:
    """On chain such a call succeeds and changes nothing: it must not look as if a grant had ended."""
    grant = admitted.patient.grant(world.clinic.address, classes="laboratory")
    for act in (world.clinic.revoke, world.clinic.suspend, world.stranger.revoke_agent):
        with pytest.raises(UnknownGrant):
            act(grant)


def test_in_private_mode_one_address_takes_one_provider(world: World) -> None:
    """Two providers that were given the same unused address would share a ledger, and know it."""
    other = world.network.provider()
    other.register(name="Other")
    world.network.registrar().accredit(other.address)
    patient = world.network.patient()
    subject = patient.next_subject()
    first, second = world.hospital.invite(subject), other.invite(subject)
    patient.accept(first)
    with pytest.raises(InvitationInvalid, match="another provider"):
        patient.accept(second)
    patient.accept(other.invite(patient.next_subject()))
    wallet = world.network.patient(wallet_mode=True)
    for provider in (world.hospital, other):
        wallet.accept(provider.invite(wallet.next_subject()))


def test_a_revocation_rekeys_only_the_address_it_is_about(world: World) -> None:
    """Re-keys of two addresses within a second would tie them together in public."""
    admitted = admit(world)
    patient = admitted.patient
    second = patient.next_subject()
    patient.accept(world.hospital.invite(second))
    grants = [
        patient.grant(world.clinic.address, classes="laboratory", subject=subject)
        for subject in (admitted.subject, second)
    ]
    patient.revoke(grants[0], rekey=False)
    patient.revoke(grants[1])
    index = world.network.index
    index.sync()
    assert [entry.author for entry in index.ledger(admitted.subject)] == []
    assert [entry.author for entry in index.ledger(second)] == [second]
    assert len(patient.rekey()) == 1


def test_a_participants_name_says_no_more_than_a_name(world: World, admitted: Admitted) -> None:
    impostor = world.network.viewer()
    impostor.register(name="the  patient\x1b[2J\u202e")
    admitted.patient.grant(impostor.address, classes="laboratory")
    sentence = next(act.sentence for act in admitted.patient.audit() if act.act == "Granted")
    assert impostor.address in sentence
    assert "\x1b" not in world.clinic._context.name_of(impostor.address)


@pytest.mark.parametrize(
    "document",
    [b"[" * 200_000, b"x" * (2 << 20), b'{"name": 7}', b'"\\ud800"', b'{"name": "\\ud800"}'],
    ids=["nested", "large", "number", "text", "surrogate"],
)
def test_a_hostile_description_costs_a_name_and_nothing_else(world: World, admitted: Admitted, document: bytes) -> None:
    impostor = world.network.viewer()
    digest = world.network.store.put(document).digest
    impostor._actor.submit(impostor._actor.register(impostor.key.public_key.data, digest))
    admitted.patient.grant(impostor.address, classes="laboratory")
    assert impostor.address in next(act.sentence for act in admitted.patient.audit() if act.act == "Granted")


@pytest.mark.parametrize(
    "statement",
    [f"[medrec:{'1' * 5000}:en]", "[medrec:\u0661:en]", "x" * 100_000],
    ids=["number", "other-digits", "long"],
)
def test_a_hostile_sentence_stops_no_reader(world: World, admitted: Admitted, statement: str) -> None:
    """Somebody else, with records of their own, grants to the same viewer."""
    hostile = admit(world)
    world.hospital.publish(admitted.subject, ndjson(observation("a", "2024-01-01")))
    good = admitted.patient.grant(world.clinic.address, classes="laboratory")
    case = hostile.patient._cases.of(hostile.subject)
    assert case is not None
    terms: Terms = replace(good.terms, statement=statement, salt=new_salt())
    context = world.clinic._context
    draft = PresentedGrant(hostile.subject, world.clinic.address, ZERO_BYTES32, terms)
    presented = seal_grant(
        context, hostile.subject, (draft,), Cut((), (), ()), case.key.public_key, [world.clinic.key.public_key]
    )
    case.actor.submit(case.actor.grant(hostile.subject, presented))
    assert good.id in {item.id for item in world.clinic.grants()}
    assert ids(world.clinic.read(subject=admitted.subject).records) == ["a"]


@pytest.mark.parametrize("ancestor", [{}, {"grantor": "x", "viewer": "y", "bundle": "0x00", "terms": {}}, {"a": 1}])
def test_a_sub_grant_with_malformed_grants_above_it_stops_nobody(
    world: World, admitted: Admitted, ancestor: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = admitted.patient
    held = patient.grant(world.clinic.address, classes="laboratory", delegations=1)
    plain = seal_bundle

    def with_ancestor(bundle: GrantBundle, *others: Any) -> bytes:
        return plain(replace(bundle, ancestors=(ancestor,)), *others)

    monkeypatch.setattr("medrec_py.client.grants.seal_bundle", with_ancestor)
    forge(world.clinic, held, world.specialist.address, (held.presented,), parent=held.id, classes="laboratory")
    monkeypatch.undo()
    assert [item.id for item in patient.grants()] == [held.id]
    assert world.specialist.grants(subject=admitted.subject) == []
    patient.revoke(held)


def test_a_grant_that_the_patient_declines_to_sign_leaves_no_keys_in_the_store(
    world: World, admitted: Admitted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The keys are sealed to the viewer before the wallet shows the sentence."""
    patient, store = admitted.patient, world.network.store
    world.hospital.publish(admitted.subject, ndjson(observation("a", "2024-07-01")))
    pinned = set(store.pins())

    def decline(*calls: Any) -> Any:
        assert set(store.pins()) > pinned
        raise SigningDeclined("No.")

    monkeypatch.setattr(Actor, "submit", decline)
    with pytest.raises(SigningDeclined):
        patient.grant(world.clinic.address, classes="laboratory", records_from="2024-06-01")
    assert set(store.pins()) == pinned


def test_an_act_of_a_stranger_for_the_patient_is_refused(world: World, admitted: Admitted) -> None:
    stranger = world.network.patient(generate_account())
    with pytest.raises(Refused):
        world.stranger._actor.submit(world.stranger._actor.close(admitted.subject, world.hospital.address))
    with pytest.raises(UnknownGrant):
        stranger.revoke(admitted.patient.grant(world.clinic.address, classes="laboratory"))
