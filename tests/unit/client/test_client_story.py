"""What patients, providers and viewers do with each other, in both modes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from client_world import Admitted, World, admit, ids, ndjson, observation

from medrec_py.chain import generate_account, presented_grant_id
from medrec_py.client import Grant, Patient
from medrec_py.errors import (
    InvalidInput,
    InvitationInvalid,
    MedRecError,
    NoParticipantKey,
    NoRelationship,
    NotAnAuthor,
    NotPermitted,
    ObjectMissing,
    Refused,
    UnknownGrant,
    UnknownSubject,
)
from medrec_py.types.terms import Operation, new_salt


def test_a_provider_reads_back_what_it_wrote_and_the_patient_reads_all(world: World, admitted: Admitted) -> None:
    world.hospital.publish(admitted.subject, ndjson(observation("a", "2024-01-01"), observation("b", None)))
    assert ids(world.hospital.records(admitted.subject)) == ["a", "b"]
    assert ids(admitted.patient.records()) == ["a", "b"]


def test_a_viewer_reads_exactly_the_class_and_dates_that_were_granted(world: World, admitted: Admitted) -> None:
    world.hospital.publish(
        admitted.subject,
        ndjson(
            observation("before", "2020-06-14"),
            observation("first-day", "2020-06-15"),
            observation("later-year", "2023-02-03"),
            observation("month-only", "2020-06"),
            observation("undated", None),
            observation("vital", "2023-02-03", "vital-signs"),
        ),
    )
    admitted.patient.grant(world.clinic.address, classes="laboratory", records_from="2020-06-15")
    reading = world.clinic.read(subject=admitted.subject, classes="laboratory")
    assert ids(reading.records) == ["first-day", "later-year"]


def test_an_upper_bound_cuts_a_year_too(world: World, admitted: Admitted) -> None:
    world.hospital.publish(
        admitted.subject,
        ndjson(*(observation(day, day) for day in ("2019-12-31", "2020-01-01", "2020-03-31", "2020-04-01"))),
    )
    admitted.patient.grant(
        world.clinic.address, classes="laboratory", records_from="2020-01-01", records_until="2020-03-31"
    )
    reading = world.clinic.read(subject=admitted.subject)
    assert ids(reading.records) == ["2020-01-01", "2020-03-31"]


def test_a_grant_without_dates_covers_undated_records_and_what_is_published_later(
    world: World, admitted: Admitted
) -> None:
    admitted.patient.grant(world.clinic.address, classes="laboratory")
    world.hospital.publish(admitted.subject, ndjson(observation("a", "2024-01-01"), observation("b", None)))
    assert ids(world.clinic.read(subject=admitted.subject).records) == ["a", "b"]


@pytest.mark.parametrize(
    ("asked", "rule"),
    [
        ({"classes": "medications"}, "CLASS"),
        ({"classes": "laboratory", "purpose": "HRESCH"}, "PURPOSE"),
        ({"classes": "laboratory", "operation": Operation.EXPORT}, "OPERATION"),
        ({"classes": "laboratory", "records_until": "2019-12-31"}, "RECORD_DATE"),
        ({"classes": "laboratory", "agent": "0x00000000000000000000000000000000000000AA"}, "AGENT"),
    ],
)
def test_each_other_request_is_refused_by_the_rule_it_breaks(
    world: World, admitted: Admitted, asked: dict[str, object], rule: str
) -> None:
    world.hospital.publish(admitted.subject, ndjson(observation("a", "2024-01-01")))
    admitted.patient.grant(world.clinic.address, classes="laboratory", purposes="TREAT", records_from="2020-01-01")
    with pytest.raises(NotPermitted) as refused:
        world.clinic.read(subject=admitted.subject, **asked)  # type: ignore[arg-type]
    assert refused.value.facts["rule"] == rule
    if rule in ("CLASS", "RECORD_DATE"):
        assert refused.value.facts["parcels_with_key"] == 0


def test_a_stranger_has_neither_a_grant_nor_a_key(world: World, admitted: Admitted) -> None:
    """OnlySubjectGrants: who was granted nothing is refused by the rule, and for lack of a key."""
    published = world.hospital.publish(admitted.subject, ndjson(observation("a", "2024-01-01")))
    grant = admitted.patient.grant(world.clinic.address, classes="all")
    with pytest.raises(NotPermitted) as refused:
        world.stranger.read(subject=admitted.subject, classes="laboratory")
    assert refused.value.facts["rule"] == "NO_GRANT"
    assert not any(world.stranger.can_open(digest, subject=admitted.subject) for digest in published.digests)
    with pytest.raises(NotPermitted):
        world.stranger.read(subject=admitted.subject, classes="laboratory", grant=grant)


def test_after_a_revocation_nothing_published_later_opens_and_the_others_go_on(
    world: World, admitted: Admitted
) -> None:
    """RevokedMeansBlind, for the one; the keys of the others are changed along."""
    patient, subject = admitted.patient, admitted.subject
    revoked = patient.grant(world.clinic.address, classes=["laboratory", "vital-signs"])
    kept = patient.grant(world.specialist.address, classes="laboratory")
    world.hospital.publish(subject, ndjson(observation("old", "2024-01-01")))
    patient.revoke(revoked)
    published = world.hospital.publish(subject, ndjson(observation("new", "2024-01-02")))
    assert not published.pending_rekey
    assert not any(world.clinic.can_open(digest, subject=subject) for digest in published.digests)
    with pytest.raises(NotPermitted) as refused:
        world.clinic.read(subject=subject, classes="laboratory")
    assert refused.value.facts["rule"] == "REVOKED"
    assert ids(world.specialist.read(grant=kept).records) == ["new", "old"]
    assert ids(world.hospital.records(subject)) == ["new", "old"]
    assert ids(patient.records()) == ["new", "old"]


def test_until_the_rekey_the_provider_seals_to_the_patient_alone(world: World, admitted: Admitted) -> None:
    """RevokedMeansBlind, also while no new keys are there."""
    patient, subject = admitted.patient, admitted.subject
    revoked = patient.grant(world.clinic.address, classes="laboratory")
    kept = patient.grant(world.specialist.address, classes="laboratory", records_from="2024-06-01")
    patient.revoke(revoked, rekey=False)
    published = world.hospital.publish(
        subject,
        ndjson(observation("june", "2024-06-02"), observation("may", "2024-05-31"), observation("y", "2025-01-01")),
    )
    assert published.pending_rekey
    assert ids(patient.records()) == ["june", "may", "y"]
    assert ids(world.specialist.read(grant=kept).records) == []
    assert world.hospital.records(subject) == []
    assert patient.rekey()
    assert not patient.rekey(), "a second re-key finds nothing to do"
    assert ids(world.specialist.read(grant=kept).records) == ["june", "y"]
    assert ids(world.hospital.records(subject)) == ["june", "may", "y"]
    assert not any(world.clinic.can_open(digest, subject=subject) for digest in published.digests)
    assert not world.hospital.publish(subject, ndjson(observation("z", "2025-01-02"))).pending_rekey
    assert ids(world.specialist.read(grant=kept).records) == ["june", "y", "z"]


def test_a_renounced_grant_is_rekeyed_like_a_revoked_one(world: World, admitted: Admitted) -> None:
    patient, subject = admitted.patient, admitted.subject
    grant = patient.grant(world.clinic.address, classes="laboratory")
    world.clinic.renounce(grant)
    assert world.hospital.publish(subject, ndjson(observation("a", "2024-01-01"))).pending_rekey
    patient.rekey()
    published = world.hospital.publish(subject, ndjson(observation("b", "2024-01-02")))
    assert not published.pending_rekey
    assert not world.clinic.can_open(published.digests[0], subject=subject)
    assert patient.grants()[0].state == "renounced"


def test_an_expired_grant_permits_nothing_and_its_keys_are_changed(world: World, admitted: Admitted) -> None:
    patient, subject = admitted.patient, admitted.subject
    world.hospital.publish(subject, ndjson(observation("a", "2024-01-01")))
    until = world.network.chain.now() + 3600
    patient.grant(world.clinic.address, classes="laboratory", until=until)
    assert ids(world.clinic.read(subject=subject).records) == ["a"]
    world.network.chain.travel(3601)
    with pytest.raises(NotPermitted) as refused:
        world.clinic.read(subject=subject, classes="laboratory")
    assert refused.value.facts["rule"] == "EXPIRED"
    assert patient.rekey()
    published = world.hospital.publish(subject, ndjson(observation("b", "2024-01-02")))
    assert not world.clinic.can_open(published.digests[0], subject=subject)


def test_a_suspended_grant_rests_and_resumes(world: World, admitted: Admitted) -> None:
    patient, subject = admitted.patient, admitted.subject
    world.hospital.publish(subject, ndjson(observation("a", "2024-01-01")))
    grant = patient.grant(world.clinic.address, classes="laboratory")
    for _ in range(2):
        patient.suspend(grant)
        with pytest.raises(NotPermitted) as refused:
            world.clinic.read(subject=subject, classes="laboratory")
        assert refused.value.facts["rule"] == "SUSPENDED"
        patient.resume(grant)
        assert ids(world.clinic.read(subject=subject).records) == ["a"]


def test_a_sub_grant_permits_no_more_than_its_parent_and_ends_with_it(world: World, admitted: Admitted) -> None:
    """AttenuationOnly, RevocationIsFinal."""
    patient, subject = admitted.patient, admitted.subject
    world.hospital.publish(
        subject,
        ndjson(
            observation("lab-2019", "2019-05-05"),
            observation("lab-2021", "2021-05-05"),
            observation("lab-2022", "2022-05-05"),
            observation("vital", "2021-05-05", "vital-signs"),
        ),
    )
    parent = patient.grant(
        world.clinic.address, classes="laboratory", records_from="2020-01-01", delegations=1, until="2100-01-01"
    )
    wide = world.clinic.sub_grant(
        parent, world.specialist.address, classes=["laboratory", "vital-signs"], records_from="2019-01-01"
    )
    assert ids(world.specialist.read(grant=wide).records) == ["lab-2021", "lab-2022"]
    with pytest.raises(NotPermitted):
        world.specialist.read(grant=wide, classes="vital-signs")
    narrow = world.clinic.sub_grant(parent, world.specialist.address, classes="laboratory", records_from="2021-06-01")
    assert ids(world.specialist.read(grant=narrow).records) == ["lab-2022"]
    assert {item.id for item in patient.grants()} == {parent.id, wide.id, narrow.id}, "the patient sees every sub-grant"
    with pytest.raises(NotPermitted):
        world.specialist.sub_grant(wide, world.stranger.address, classes="laboratory")
    patient.revoke(parent)
    with pytest.raises(NotPermitted) as refused:
        world.specialist.read(grant=wide, classes="laboratory")
    assert refused.value.facts["rule"] == "REVOKED"
    published = world.hospital.publish(subject, ndjson(observation("later", "2022-07-07")))
    assert not world.specialist.can_open(published.digests[0], subject=subject)


def test_a_patient_withdraws_somebody_elses_sub_grant(world: World, admitted: Admitted) -> None:
    patient, subject = admitted.patient, admitted.subject
    world.hospital.publish(subject, ndjson(observation("a", "2021-05-05")))
    parent = patient.grant(world.clinic.address, classes="laboratory", delegations=1)
    child = world.clinic.sub_grant(parent, world.specialist.address, classes="laboratory")
    patient.revoke(child)
    with pytest.raises(NotPermitted):
        world.specialist.read(grant=child, classes="laboratory")
    published = world.hospital.publish(subject, ndjson(observation("b", "2021-05-06")))
    assert not published.pending_rekey
    assert not world.specialist.can_open(published.digests[0], subject=subject)
    assert ids(world.clinic.read(grant=parent).records) == ["a", "b"]


def test_an_agent_acts_until_it_is_dismissed(world: World, admitted: Admitted) -> None:
    agent = "0x00000000000000000000000000000000000000AA"
    world.hospital.publish(admitted.subject, ndjson(observation("a", "2021-05-05")))
    grant = admitted.patient.grant(world.clinic.address, classes="laboratory", agent=agent)
    assert ids(world.clinic.read(grant=grant, agent=agent).records) == ["a"]
    world.clinic.revoke_agent(grant)
    with pytest.raises(NotPermitted) as refused:
        world.clinic.read(grant=grant, classes="laboratory", agent=agent)
    assert refused.value.facts["rule"] == "AGENT_REVOKED"
    assert ids(world.clinic.read(grant=grant).records) == ["a"]


def test_a_condition_ends_a_grant_when_it_no_longer_holds(world: World, admitted: Admitted) -> None:
    world.hospital.publish(admitted.subject, ndjson(observation("a", "2021-05-05")))
    condition = world.network.deployment.while_accredited
    grant = admitted.patient.grant(world.clinic.address, classes="laboratory", condition=condition)
    registrar = world.network.registrar()
    with pytest.raises(NotPermitted) as refused:
        world.clinic.read(grant=grant, classes="laboratory")
    assert refused.value.facts["rule"] == "CONDITION"
    registrar.accredit(world.clinic.address)
    assert ids(world.clinic.read(grant=grant).records) == ["a"]
    registrar.withdraw_accreditation(world.clinic.address)
    with pytest.raises(NotPermitted):
        world.clinic.read(grant=grant, classes="laboratory")


def test_another_device_finds_everything_with_the_wallet_alone(world: World) -> None:
    wallet = generate_account()
    first = world.network.patient(wallet)
    subjects = []
    for _ in range(2):
        subject = first.next_subject()
        first.accept(world.hospital.invite(subject))
        world.hospital.publish(subject, ndjson(observation(f"of-{len(subjects)}", "2024-01-01")))
        subjects.append(subject)
    first.grant(world.clinic.address, classes="laboratory", subject=subjects[0])
    first.publish(ndjson(observation("own", "2024-02-02")))

    second = world.network.patient(wallet)
    assert second.subjects()[1:] == subjects
    assert ids(second.records()) == ["of-0", "of-1", "own"]
    assert [item.to_json() for item in second.grants()] == [item.to_json() for item in first.grants()]
    assert second.relationships() == first.relationships()
    assert second.next_subject() == first.next_subject() not in subjects


def test_a_patient_with_several_addresses_names_the_one_that_is_granted(world: World) -> None:
    admitted = admit(world)
    other = admitted.patient.next_subject()
    admitted.patient.accept(world.hospital.invite(other))
    with pytest.raises(InvalidInput, match="several addresses"):
        admitted.patient.grant(world.clinic.address, classes="laboratory")
    grant = admitted.patient.grant(world.clinic.address, classes="laboratory", subject=other)
    assert grant.subject == other


def test_a_batch_over_many_patients_is_found_and_read_by_each(world: World) -> None:
    people = [admit(world) for _ in range(3)]
    sources = {
        item.subject: ndjson(observation(f"r{at}", "2023-03-03"), observation(f"v{at}", "2022-02-02", "vital-signs"))
        for at, item in enumerate(people)
    }
    grant = people[0].patient.grant(world.clinic.address, classes="laboratory")
    published = world.hospital.publish_many(sources)
    assert len({item.transaction_hash for item in published.values()}) == 1
    for at, item in enumerate(people):
        assert ids(item.patient.records()) == [f"r{at}", f"v{at}"]
        assert item.patient.verify().ok
    assert ids(world.clinic.read(grant=grant).records) == ["r0"]
    assert ids(world.hospital.records(people[1].subject)) == ["r1", "v1"]


def test_a_closed_relationship_takes_no_more_and_reopens_as_the_next(world: World, admitted: Admitted) -> None:
    """OnlyRelatedAuthors, though the provider is accredited."""
    patient, subject = admitted.patient, admitted.subject
    world.hospital.publish(subject, ndjson(observation("a", "2024-01-01")))
    patient.close(subject, world.hospital.address)
    with pytest.raises(NoRelationship):
        world.hospital.publish(subject, ndjson(observation("b", "2024-01-01")))
    assert ids(patient.records()) == ["a"], "what was written stays the patient's"
    patient.accept(world.hospital.invite(subject))
    world.hospital.publish(subject, ndjson(observation("c", "2024-01-01")))
    assert ids(patient.records()) == ["a", "c"]
    assert [item.number for item in patient.relationships()] == [1, 2]


def test_an_invitation_is_for_one_subject_and_one_time(world: World, admitted: Admitted) -> None:
    stranger = world.network.patient()
    invitation = world.hospital.invite(stranger.next_subject())
    with pytest.raises(InvitationInvalid):
        admitted.patient.accept(invitation)
    stranger.accept(invitation)
    with pytest.raises(Refused):
        stranger.accept(invitation)
    with pytest.raises(InvalidInput, match="open already"):
        world.hospital.invite(admitted.subject)


def test_a_provider_without_accreditation_opens_and_anchors_nothing(world: World) -> None:
    """OnlyRelatedAuthors, from the first step."""
    impostor = world.network.provider()
    impostor.register(name="Impostor")
    patient = world.network.patient()
    with pytest.raises(Refused) as refused:
        patient.accept(impostor.invite(patient.next_subject()))
    assert type(refused.value).__name__ == "NotAccredited"


def test_a_provider_whose_accreditation_was_withdrawn_anchors_nothing_more(world: World) -> None:
    """OnlyRelatedAuthors, though the relationship is open."""
    provider = world.network.provider()
    provider.register(name="Former")
    world.network.registrar().accredit(provider.address)
    patient = world.network.patient()
    subject = patient.next_subject()
    patient.accept(provider.invite(subject))
    world.network.registrar().withdraw_accreditation(provider.address)
    with pytest.raises(NotAnAuthor):
        provider.publish(subject, ndjson(observation("a", "2024-01-01")))


def test_a_retracted_parcel_is_marked_and_kept(world: World, admitted: Admitted) -> None:
    wrong = world.hospital.publish(admitted.subject, ndjson(observation("wrong", "2024-01-01")))
    right = world.hospital.publish(admitted.subject, ndjson(observation("right", "2024-01-01")))
    world.hospital.retract(admitted.subject, wrong.digests[0], replacement=right.digests[0])
    by_id = {item.record.id: item for item in admitted.patient.records()}
    assert by_id["wrong"].retracted
    assert by_id["wrong"].replacement == right.digests[0]
    assert not by_id["right"].retracted
    assert admitted.patient.verify().ok


def test_export_holds_every_record_and_the_history(world: World, admitted: Admitted, tmp_path: Path) -> None:
    world.hospital.publish(admitted.subject, ndjson(observation("a", "2024-01-01", valueQuantity={"value": 1.5})))
    admitted.patient.grant(world.clinic.address, classes="laboratory")
    written = admitted.patient.export(tmp_path / "mine.json")
    bundle = json.loads((tmp_path / "mine.json").read_text())
    assert [entry["resource"]["id"] for entry in bundle["entry"]] == ["a"]
    history = json.loads(Path(written["history"]).read_text())
    assert [act["act"] for act in history["acts"]] == ["RelationshipOpened", "Anchored", "Granted"]
    assert history["grants"][0]["state"] == "active"


def test_the_audit_tells_every_act_in_order_with_who_did_it(world: World, admitted: Admitted) -> None:
    patient = admitted.patient
    world.hospital.publish(admitted.subject, ndjson(observation("a", "2024-01-01")))
    grant = patient.grant(world.clinic.address, classes="laboratory")
    patient.suspend(grant)
    patient.resume(grant)
    patient.revoke(grant)
    acts = [item.act for item in patient.audit()]
    assert acts[:6] == [
        "RelationshipOpened",
        "Anchored",
        "Granted",
        "GrantSuspended",
        "GrantResumed",
        "GrantRevoked",
    ]
    assert acts[6:] == ["Anchored"], "the re-key is anchored by the patient"
    assert patient.audit()[1].actor_name == "Hospital"


def test_what_is_unknown_is_named(world: World, admitted: Admitted) -> None:
    with pytest.raises(UnknownGrant, match="aa" * 32):
        admitted.patient.revoke(b"\xaa" * 32)
    with pytest.raises(UnknownSubject):
        admitted.patient.grant(world.clinic.address, classes="all", subject=world.hospital.address)
    with pytest.raises(NoParticipantKey):
        admitted.patient.grant(world.network.viewer().address, classes="all")
    with pytest.raises(InvalidInput, match="labratory"):
        admitted.patient.grant(world.clinic.address, classes="labratory")
    with pytest.raises(InvalidInput, match="before it begins"):
        admitted.patient.grant(world.clinic.address, classes="all", until="2020-01-01")


def test_a_lying_grant_hides_no_real_one(world: World, admitted: Admitted) -> None:
    """Anybody may write a grant to anybody: one whose bundle is missing or says nothing must not stop a viewer."""
    world.hospital.publish(admitted.subject, ndjson(observation("a", "2024-01-01")))
    real = admitted.patient.grant(world.clinic.address, classes="laboratory")
    context = world.stranger._context
    for bundle in (b"\x11" * 32, context.store.put(b"not a bundle").digest):
        call = context.medrec.grant(admitted.subject, world.clinic.address, bundle, b"\x22" * 32)
        world.stranger._actor.submit(call)
    assert [item.id for item in world.clinic.grants(subject=admitted.subject)] == [real.id]
    assert ids(world.clinic.read(subject=admitted.subject).records) == ["a"]
    assert [item.id for item in admitted.patient.grants()] == [real.id]


def test_errors_are_json(world: World) -> None:
    with pytest.raises(MedRecError) as refused:
        world.clinic.read(subject=world.hospital.address, classes="laboratory")
    document = json.loads(json.dumps(refused.value.to_json()))
    assert document["facts"]["rule"] == "NO_GRANT"


def test_an_unsent_grant_revoked_beforehand_never_becomes_active(world: World, admitted: Admitted) -> None:
    """A patient withdraws a grant that a relayer still holds back: whoever sends it later is refused."""
    patient = admitted.patient
    grant: Grant = patient.grant(world.clinic.address, classes="laboratory")
    context = world.stranger._context
    case = patient._cases.of(admitted.subject)
    assert case is not None
    held_back = replace(grant.presented, terms=replace(grant.terms, salt=new_salt()))
    call = case.actor.grant(admitted.subject, held_back)
    case.actor.submit(case.actor.revoke(presented_grant_id(admitted.subject, held_back)))
    with pytest.raises(Refused) as refused:
        case.actor.submit(call)
    assert type(refused.value).__name__ == "GrantAlreadyExists"
    assert context.medrec.grant_state(admitted.subject, grant.id).status.name == "ACTIVE"


def test_a_relayer_sends_signed_acts_and_nothing_else(world: World) -> None:
    relayer = world.network.relayer()
    medrec = world.clinic._context.medrec
    posing = replace(medrec.revoke(b"\x11" * 32), name="revokeWithSig")
    elsewhere = replace(medrec.revoke_with_sig(world.clinic.address, b"\x11" * 32, bytes(65)), to=world.clinic.address)
    paying = replace(medrec.revoke_with_sig(world.clinic.address, b"\x11" * 32, bytes(65)), value=1)
    for call in (posing, elsewhere, paying):
        with pytest.raises(InvalidInput, match="not a signed act"):
            relayer.relay([call])


def test_a_grant_whose_key_bundle_is_lost_can_be_revoked_and_rekeyed(world: World, admitted: Admitted) -> None:
    patient, subject = admitted.patient, admitted.subject
    grant = patient.grant(world.clinic.address, classes="laboratory")
    world.network.store.remove(grant.presented.bundle)
    elsewhere = Patient(
        world.clinic._context, patient._account, wallet_mode=patient.wallet_mode, sender=patient._sender
    )
    with pytest.raises(ObjectMissing):
        elsewhere.grants()
    assert [fault.kind for fault in elsewhere.verify().faults] == ["missing object"]
    elsewhere.revoke(grant.id)
    published = world.hospital.publish(subject, ndjson(observation("a", "2024-01-01")))
    assert not published.pending_rekey
    assert not world.clinic.can_open(published.digests[0], subject=subject)
