"""Emergency access: prepared by the patient, declared on chain, opened by custodians, and in no other way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from client_world import ids, ndjson, observation

from medrec_py import MedRec
from medrec_py.chain import EmbeddedChain, generate_account
from medrec_py.client import Patient, Provider, Viewer
from medrec_py.client.custodian import Custodian
from medrec_py.client.declaring import combined_key
from medrec_py.client.emergencies import Emergency, custody_of, declared, standing_preparation
from medrec_py.crypto import MailboxKey, ParticipantKey, ParticipantSeed, split
from medrec_py.errors import (
    InvalidInput,
    MedRecError,
    NoShare,
    NotAccredited,
    NotDeclared,
    NotPermitted,
    NotPrepared,
    SharesBroken,
    TooFewShares,
)
from medrec_py.sealing import GrantBundle, ShareBundle, seal_bundle
from medrec_py.types.vocabulary import VOCABULARY

WHY = "unconscious after an accident"


@dataclass
class Town:
    """A patient of a hospital, an emergency ward, three custodians, somebody who was granted something."""

    network: MedRec
    hospital: Provider
    ward: Provider
    clinic: Viewer
    custodians: list[Custodian]
    patient: Patient
    subject: str

    def prepare(self, classes: object = ("laboratory", "allergies"), **extra: object) -> None:
        people = {f"custodian {at}": one.address for at, one in enumerate(self.custodians)}
        self.patient.emergency.prepare(classes, people, label="the patient", **extra)  # type: ignore[arg-type]

    def declare(self, **extra: float) -> Emergency:
        return self.ward.declare_emergency(self.subject, reason=WHY, **extra)

    def pass_time(self, **amount: float) -> None:
        chain = self.network.chain
        assert isinstance(chain, EmbeddedChain)
        chain.set_time(chain.now() + int(timedelta(**amount).total_seconds()))


@pytest.fixture(scope="module")
def settled() -> Iterator[Town]:
    with MedRec.embedded() as network:
        hospital, ward, clinic = network.provider(), network.provider(), network.viewer()
        hospital.register(name="Hospital")
        ward.register(name="Emergency ward")
        clinic.register(name="Clinic")
        registrar = network.registrar()
        registrar.accredit(hospital.address, until="2090-01-01")
        registrar.accredit(ward.address, ("emergency",), until="2090-01-01")
        custodians = [network.custodian() for _ in range(3)]
        for custodian in custodians:
            custodian.register()
        yield Town(network, hospital, ward, clinic, custodians, network.patient(), "")


@pytest.fixture(params=["private", "wallet"])
def town(settled: Town, request: pytest.FixtureRequest) -> Town:
    patient = settled.network.patient(wallet_mode=request.param == "wallet")
    subject = patient.next_subject()
    patient.accept(settled.hospital.invite(subject))
    settled.hospital.publish(
        subject, ndjson(observation("lab", "2024-01-01"), observation("vital", "2024-01-01", "vital-signs"))
    )
    return replace(settled, patient=patient, subject=subject)


# ── the way it goes ──


def test_two_of_three_custodians_open_what_was_prepared_and_no_more(town: Town) -> None:
    town.prepare()
    emergency = town.declare()
    for custodian in town.custodians[:2]:
        (asked,) = [item for item in custodian.requests() if item.id == emergency.id]
        assert (asked.reason, asked.label, asked.provider_name, asked.stands) == (
            WHY,
            "the patient",
            "Emergency ward",
            True,
        )
        assert custodian.release(asked) is not None
        assert custodian.release(emergency.id) is None
    reading = town.ward.emergency_records(town.subject)
    assert ids(reading.records) == ["lab"]
    assert ids(town.ward.emergency_records(town.subject, classes="laboratory").records) == ["lab"]
    with pytest.raises(NotPermitted):
        town.ward.emergency_records(town.subject, classes="vital-signs")
    assert town.ward.emergency_records(town.subject, records_from="2025-01-01").records == ()


def test_the_patient_sees_at_once_who_why_and_who_released(town: Town) -> None:
    town.prepare()
    emergency = town.declare()
    town.custodians[1].release(emergency.id)
    device = town.network.patient(town.patient._account, wallet_mode=town.patient.wallet_mode)
    (seen,) = device.emergency.declarations()
    assert (seen.id, seen.provider_name, seen.reason, seen.stands) == (emergency.id, "Emergency ward", WHY, True)
    assert seen.released_by == (town.custodians[1].address,)
    tree = {grant.id: grant for grant in device.grants()}
    assert tree[emergency.id].state == "active"
    assert tree[emergency.id].chain[0].viewer == town.network.deployment.emergency
    assert len(tree[emergency.id].to_json()["classes"]) == len(VOCABULARY.classes)
    (plan,) = device.emergency.plans()
    assert (plan.threshold, plan.is_used) == (2, True)
    assert [name for _, name in plan.custodians] == ["custodian 0", "custodian 1", "custodian 2"]
    told = {item.act: item.sentence for item in device.audit()}
    assert told["EmergencyPrepared"] == "the patient prepared access for emergencies."
    assert told["EmergencyDeclared"].startswith("Emergency ward declared an emergency, until ")
    assert told["KeyReleased"].endswith("released a share of the emergency key to Emergency ward.")


def test_the_patient_ends_an_emergency_by_revoking_it(town: Town) -> None:
    town.prepare()
    emergency = town.declare()
    for custodian in town.custodians:
        custodian.release(emergency.id)
    assert ids(town.ward.emergency_records(town.subject).records) == ["lab"]
    town.patient.revoke(emergency.id)
    with pytest.raises(NotDeclared):
        town.ward.emergency_records(town.subject)
    with pytest.raises(NotDeclared):
        town.network.custodian(town.custodians[0]._account).release(emergency.id)


def test_an_emergency_ends_by_itself(town: Town) -> None:
    town.prepare()
    emergency = town.declare(hours=2)
    for custodian in town.custodians:
        custodian.release(emergency.id)
    town.pass_time(hours=3)
    with pytest.raises(NotDeclared):
        town.ward.emergency_records(town.subject)


# ── attacks ──


def test_one_custodian_alone_opens_nothing(town: Town) -> None:
    town.prepare()
    emergency = town.declare()
    with pytest.raises(TooFewShares):
        town.ward.emergency_records(town.subject)
    town.custodians[0].release(emergency.id)
    with pytest.raises(TooFewShares, match="1 of the 2"):
        town.ward.emergency_records(town.subject)


def test_no_custodian_releases_before_a_declaration_or_after_it(town: Town) -> None:
    town.prepare()
    with pytest.raises(NoShare):
        town.custodians[0].release(bytes(32))
    context = town.custodians[0]._context
    call = context.emergency.release(town.subject, town.ward.address, bytes(32), bytes(32))
    with pytest.raises(NotDeclared):
        context.chain.send(town.custodians[0]._account, call)
    emergency = town.declare(hours=1)
    town.pass_time(hours=2)
    objects = len(list(town.network.store.pins()))
    with pytest.raises(NotDeclared):
        town.custodians[0].release(emergency.id)
    assert len(list(town.network.store.pins())) == objects, "nothing was sealed either"


def test_only_an_accredited_emergency_provider_declares(town: Town) -> None:
    town.prepare()
    for somebody in (town.hospital, town.network.provider()):
        if somebody is not town.hospital:
            somebody.register()
        with pytest.raises(NotAccredited):
            somebody.declare_emergency(town.subject, reason=WHY)


def test_whoever_loses_the_accreditation_is_shut_out_at_once(town: Town) -> None:
    town.prepare()
    ward = town.network.provider()
    ward.register()
    town.network.registrar().accredit(ward.address, ("emergency",), until="2090-01-01")
    emergency = ward.declare_emergency(town.subject, reason=WHY)
    for custodian in town.custodians[:2]:
        custodian.release(emergency.id)
    assert ids(ward.emergency_records(town.subject).records) == ["lab"]
    town.network.registrar().withdraw_accreditation(ward.address)
    with pytest.raises(NotDeclared):
        ward.emergency_records(town.subject)
    with pytest.raises(NotDeclared):
        town.custodians[2].release(emergency.id)


def test_no_key_reaches_an_emergency_provider_but_through_custodians(town: Town) -> None:
    """A provider that puts a mailbox into its declaration gets no re-key there, whatever the patient's client does."""
    town.prepare()
    ward, mailbox = town.ward, MailboxKey.random()
    from medrec_py.client import declaring

    def with_mailbox(*arguments: object, **named: object) -> GrantBundle:
        return replace(GrantBundle(*arguments, **named), mailbox_key=mailbox)  # type: ignore[arg-type]

    original = declaring.GrantBundle
    declaring.GrantBundle = with_mailbox  # type: ignore[assignment,misc]
    try:
        emergency = town.declare()
    finally:
        declaring.GrantBundle = original  # type: ignore[misc]
    town.patient.rekey()
    reader = town.network.viewer(ward._account)
    head = town.patient._context.ledger(town.subject)
    from medrec_py.sealing import match_locators

    assert match_locators([entry.locator for entry in head], [mailbox]) == {}
    assert reader.grants(subject=town.subject) == []
    assert emergency.stands


def test_the_key_of_an_emergency_opens_nothing_that_comes_after_it(town: Town) -> None:
    """RevokedMeansBlind: the emergency key is known by then, and nothing new is sealed to it."""
    town.prepare()
    emergency = town.declare()
    for custodian in town.custodians[:2]:
        custodian.release(emergency.id)
    event = next(event for event in declared(town.ward._context, subject=town.subject) if event.id == emergency.id)
    _, received = town.ward._prepared_grant(event)
    town.patient.revoke(emergency.id)
    after = town.hospital.publish(town.subject, ndjson(observation("after", "2024-03-01"))).digests[0]
    town.patient.rekey()
    context = town.ward._context
    context.sync()
    from medrec_py.client.window import Window

    root = town.patient.emergency.plans()[0].grant
    (opened,) = received.grants(town.subject, root.id)
    found = [item.anchor.digest for item in received.holdings(opened).locate(context, Window()).parcels]
    assert found
    assert after not in found
    assert ids(town.patient.records()) == ["after", "lab", "vital"]


def test_keys_are_changed_after_an_emergency_although_its_terms_were_kept_from_the_patient(town: Town) -> None:
    """A provider that seals its declaration's grant to itself alone: when it ends is in the event all the same."""
    town.prepare()
    from medrec_py.client import declaring

    def to_itself(bundle: object, place: object, recipients: list[object]) -> bytes:
        to = [town.ward.key.public_key] if isinstance(bundle, GrantBundle) else recipients
        return seal_bundle(bundle, place, to)  # type: ignore[arg-type]

    original = declaring.seal_bundle
    declaring.seal_bundle = to_itself  # type: ignore[assignment]
    try:
        emergency = town.declare(hours=1)
    finally:
        declaring.seal_bundle = original
    assert emergency.id not in [grant.id for grant in town.patient.grants()]
    assert [item.id for item in town.patient.emergency.declarations()] == [emergency.id]
    assert town.patient.emergency.plans()[0].is_used
    assert town.patient.rekey() == []
    town.pass_time(hours=2)
    assert town.patient.rekey()
    assert town.patient.rekey() == []


def test_what_is_prepared_anew_serves_the_next_emergency(town: Town) -> None:
    town.prepare()
    first = town.declare()
    for custodian in town.custodians[:2]:
        custodian.release(first.id)
    town.prepare()
    with pytest.raises(NotDeclared):
        town.ward.emergency_records(town.subject)
    town.hospital.publish(town.subject, ndjson(observation("later", "2024-03-01")))
    second = town.declare()
    assert [item.id for item in town.custodians[0].requests() if item.subject == town.subject] == [second.id]
    for custodian in town.custodians[1:]:
        custodian.release(second.id)
    assert ids(town.ward.emergency_records(town.subject).records) == ["lab", "later"]
    (plan,) = town.patient.emergency.plans()
    assert plan.is_used
    live = [
        grant for grant in town.patient.grants() if grant.is_live and grant.viewer == town.network.deployment.emergency
    ]
    assert len(live) == 1


def test_the_emergency_contract_is_not_taken_for_a_viewer_that_lost_its_key(town: Town) -> None:
    town.prepare()
    assert town.patient.rekey().faults == ()


def test_keys_that_are_changed_before_any_emergency_reach_it(town: Town) -> None:
    town.prepare()
    grant = town.patient.grant(town.clinic.address, classes="laboratory")
    town.patient.revoke(grant)
    town.hospital.publish(town.subject, ndjson(observation("new epoch", "2024-03-01")))
    emergency = town.declare()
    for custodian in town.custodians[:2]:
        custodian.release(emergency.id)
    assert ids(town.ward.emergency_records(town.subject).records) == ["lab", "new epoch"]


def test_a_lying_custodian_and_strangers_who_release_nonsense_hide_nothing(town: Town) -> None:
    town.prepare()
    emergency = town.declare()
    context = town.ward._context
    stranger = generate_account()
    town.network.viewer(stranger)
    liars = [(town.custodians[0]._account, town.custodians[0].address), (stranger, stranger.address)]
    for account, address in liars:
        for words in (split(bytes(32), 2, 2)[0], "no share"):
            share = ShareBundle(town.subject, address, "", words)
            sealed = seal_bundle(share, context.bundle_context(town.subject), [town.ward.key.public_key])
            digest = context.store.put(sealed).digest
            context.chain.send(
                account, context.emergency.release(town.subject, town.ward.address, emergency.id, digest)
            )
    call = context.emergency.release(town.subject, town.ward.address, emergency.id, bytes(31) + b"\1")
    context.chain.send(stranger, call)
    town.custodians[1].release(emergency.id)
    with pytest.raises((TooFewShares, SharesBroken)):
        town.ward.emergency_records(town.subject)
    town.custodians[2].release(emergency.id)
    assert ids(town.ward.emergency_records(town.subject).records) == ["lab"]
    (seen,) = town.patient.emergency.declarations()
    assert stranger.address not in seen.released_by


def test_shares_that_make_another_key_make_none(town: Town) -> None:
    seed = ParticipantSeed(bytes(range(32)))
    other = ParticipantKey.from_seed(ParticipantSeed(bytes(32))).public_key
    shares = [ShareBundle(town.subject, town.subject, "", words) for words in split(seed.reveal(), 2, 3)]
    assert combined_key(shares[1:], ParticipantKey.from_seed(seed).public_key).public_key != other
    with pytest.raises(SharesBroken):
        combined_key(shares, other)


def test_a_stranger_is_no_custodian(town: Town) -> None:
    town.prepare()
    emergency = town.declare()
    stranger = town.network.custodian()
    stranger.register()
    assert stranger.requests() == []
    with pytest.raises(NoShare):
        stranger.release(emergency.id)


def test_what_is_withdrawn_serves_nobody(town: Town) -> None:
    town.prepare()
    emergency = town.declare()
    assert town.patient.emergency.withdraw()
    assert town.patient.emergency.plans() == []
    assert [item.stands for item in town.patient.emergency.declarations()] == [False]
    with pytest.raises(NoShare):
        town.custodians[0].release(emergency.id)
    with pytest.raises(NotPrepared):
        town.declare()
    assert town.patient.emergency.withdraw() == []


def test_a_preparation_with_nonsense_for_shares_hides_nobodys_request(town: Town) -> None:
    town.prepare()
    emergency = town.declare()
    hostile, context = generate_account(), town.ward._context
    town.network.viewer(hostile)
    prepared = standing_preparation(context, town.subject)
    assert prepared is not None
    for data in (b"", b"{}", custody_of(context, prepared).encode()):
        digest = context.store.put(data).digest
        context.chain.send(hostile, context.emergency.prepare(bytes([1]) * 32, digest))
        assert emergency.id in [item.id for item in town.custodians[0].requests()]


# ── what is refused, what is seen ──


def test_what_prepares_or_declares_nothing_is_refused(town: Town) -> None:
    people = [one.address for one in town.custodians]
    for custodians, threshold in (
        (people, 1),
        (people, 4),
        (people[:1], 1),
        ([*people, people[0]], 2),
        ([*people, town.subject], 2),
    ):
        with pytest.raises(InvalidInput):
            town.patient.emergency.prepare("laboratory", custodians, threshold=threshold)
    with pytest.raises(NotPrepared):
        town.declare()
    town.prepare()
    for reason, hours in (("", 1), ("  ", 1), ("x" * 2001, 1), (WHY, 0), (WHY, -1), (WHY, 73)):
        with pytest.raises(MedRecError):
            town.ward.declare_emergency(town.subject, reason=reason, hours=hours)
    assert town.patient.emergency.declarations() == []


def test_the_custody_object_names_no_custodian(town: Town) -> None:
    """NothingPersonal: the same custodians of two addresses of a patient do not tie them together."""
    town.prepare()
    prepared = standing_preparation(town.ward._context, town.subject)
    assert prepared is not None
    document = town.network.store.get(prepared.custody)
    for address in (*(one.address for one in town.custodians), town.subject):
        assert address[2:].lower().encode() not in document.lower()
    assert WHY.encode() not in document
    assert len(custody_of(town.ward._context, prepared).sealed) == 4
