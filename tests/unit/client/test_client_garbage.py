"""What others write wrongly, and what gets lost on the way, keeps nobody from the rest."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from client_world import Admitted, World, admit, ids, ndjson, observation

from medrec_py.client import Patient, Provider
from medrec_py.client.grants import seal_grant
from medrec_py.crypto import CompartmentKey, leaf_for
from medrec_py.errors import NoKey
from medrec_py.fhir import lots, read_records
from medrec_py.sealing import Context, Kind, Suite, make_locators, seal_records
from medrec_py.sealing.canonical import MAX_EXPANDED, compress
from medrec_py.sealing.envelope import begin, content_key
from medrec_py.sealing.frame import wrap
from medrec_py.types.ledger import EntryKind


def leaf_of(provider: Provider, subject: str, date: str) -> tuple[Any, CompartmentKey]:
    """The lot that a laboratory result of a day belongs to, and the key that the provider would seal it with."""
    (lot,) = lots(read_records(ndjson(observation("any", date))).records)
    keys = provider.keys(subject)
    leaf = leaf_for(keys.nodes, keys.epochs.get(lot.record_class, 0), lot.record_class, lot.period)
    assert leaf is not None
    return lot, leaf


def bomb(parcel: Context, leaf: CompartmentKey) -> bytes:
    """A few thousand bytes that would expand to one more than a parcel may hold: what `seal_records` does not seal."""
    frame = wrap(Kind.RECORDS, compress(b'{"a":"%s"}\n' % (b"a" * (MAX_EXPANDED - 8))))
    salt, bound = os.urandom(32), parcel.encode()
    opening, cipher = begin(Suite.COMPARTMENT, salt, b"", content_key(leaf, salt, bound), bound)
    return opening + cipher.encrypt(frame)


def garbage(provider: Provider, subject: str, date: str) -> list[bytes]:
    """Objects that are anchored with locators that fit, and are no records: one of each sort."""
    context = provider._context
    context.sync()
    lot, leaf = leaf_of(provider, subject, date)
    epoch = provider.keys(subject).epochs.get(lot.record_class, 0)
    parcel = context.place(subject, provider.address).context(lot.record_class, lot.period, epoch)
    objects = [
        b"no parcel",
        os.urandom(5000),
        seal_records([{"no": "resource"}], parcel, leaf).data,
        seal_records([{}, {"resourceType": 7}], parcel, leaf).data,
        seal_records([{"resourceType": "Observation"}], parcel, CompartmentKey(os.urandom(32))).data,
        bomb(parcel, leaf),
    ]
    digests = [cid.digest for cid in context.store.put_many(objects)]
    digests.append(b"\x77" * 32)
    provider._actor.submit(provider._actor.anchor(subject, digests, make_locators([leaf] * len(digests))))
    return digests


@pytest.fixture
def other(world: World) -> Provider:
    """A second accredited provider."""
    provider = world.network.provider()
    provider.register(name="Other")
    world.network.registrar().accredit(provider.address)
    return provider


def afresh(patient: Patient) -> Patient:
    """The patient on a new device."""
    return Patient(patient._context, patient._account, wallet_mode=patient.wallet_mode, sender=patient._sender)


# ── what authors write ──


def test_garbage_in_the_ledger_is_named_and_the_rest_is_read(world: World, admitted: Admitted) -> None:
    patient, subject = admitted.patient, admitted.subject
    world.hospital.publish(subject, ndjson(observation("good", "2024-07-01")))
    bad = {digest.hex() for digest in garbage(world.hospital, subject, "2024-07-01")}
    found = patient.records()
    assert ids(found) == ["good"]
    assert bad <= {fault.where for fault in found.faults} | {item.digest.hex() for item in found}
    assert bytes([0x77] * 32).hex() in {fault.where for fault in found.faults if fault.kind == "missing object"}
    assert any("more than the 67108864 allowed" in fault.sentence for fault in found.faults)
    assert ids(world.hospital.records(subject)) == ["good"]


def test_garbage_keeps_nobody_from_granting_revoking_and_changing_keys(world: World, admitted: Admitted) -> None:
    patient, subject = admitted.patient, admitted.subject
    world.hospital.publish(subject, ndjson(observation("good", "2024-07-01")))
    garbage(world.hospital, subject, "2024-07-01")
    kept = patient.grant(world.specialist.address, classes="laboratory", records_from="2024-06-01")
    ended = patient.grant(world.clinic.address, classes="laboratory", records_from="2024-06-01")
    garbage(world.hospital, subject, "2024-07-01")
    patient.revoke(ended)
    published = world.hospital.publish(subject, ndjson(observation("later", "2025-01-01")))
    assert not published.pending_rekey
    assert not world.clinic.can_open(published.digests[0], subject=subject)
    assert ids(world.specialist.read(grant=kept).records) == ["good", "later"]


def test_another_providers_copy_of_an_entry_hides_nothing(world: World, other: Provider) -> None:
    """In wallet mode providers share a ledger: one anchors the other's digest again, with a locator of its own."""
    admitted = admit(world, wallet_mode=True)
    patient, subject = admitted.patient, admitted.subject
    patient.accept(other.invite(subject))
    published = world.hospital.publish(subject, ndjson(observation("a", "2024-01-01")))
    grant = patient.grant(world.clinic.address, classes="laboratory")
    other._context.sync()
    _, leaf = leaf_of(other, subject, "2024-01-01")
    other._actor.submit(other._actor.anchor(subject, published.digests, make_locators([leaf])))
    found = patient.records()
    assert [(item.record.id, item.author) for item in found] == [("a", world.hospital.address)]
    assert len(found.faults) == 1
    reading = world.clinic.read(grant=grant)
    assert [(item.record.id, item.author) for item in reading.records] == [("a", world.hospital.address)]
    assert len(reading.faults) == 1


def test_a_batch_whose_list_is_garbage_is_named_and_the_rest_is_read(world: World, other: Provider) -> None:
    patient = world.network.patient()
    subject = patient.next_subject()
    patient.accept(other.invite(subject))
    other.publish_many({subject: ndjson(observation("a", "2024-01-01"))})
    context = other._context
    for manifest in (context.store.put(b"no list").digest, b"\x66" * 32):
        context.chain.send(other._account, context.medrec.anchor_batch(os.urandom(32), manifest, 1))
    other.publish(subject, ndjson(observation("b", "2024-01-01")))
    found = patient.records()
    assert ids(found) == ["a", "b"]
    assert {fault.where for fault in found.faults} == {context.store.put(b"no list").digest.hex(), "66" * 32}
    later = world.network.patient()
    later.accept(other.invite(later.next_subject()))
    assert later.records().faults == (), "what was anchored before a relationship is none of its business"


def test_an_entry_that_no_key_finds_is_named_by_verification(world: World, admitted: Admitted) -> None:
    world.hospital.publish(admitted.subject, ndjson(observation("a", "2024-01-01")))
    assert admitted.patient.verify().ok
    digest = world.network.store.put(b"for nobody").digest
    actor = world.hospital._actor
    actor.submit(actor.anchor(admitted.subject, [digest], [os.urandom(16)]))
    faults = admitted.patient.verify().faults
    assert [(fault.kind, fault.where) for fault in faults] == [("unknown parcel", digest.hex())]


# ── what gets lost ──


def test_a_lost_object_is_named_and_the_rest_is_read(world: World, admitted: Admitted) -> None:
    lost = world.hospital.publish(admitted.subject, ndjson(observation("lost", "2024-01-01")))
    world.hospital.publish(admitted.subject, ndjson(observation("kept", "2024-01-02")))
    grant = admitted.patient.grant(world.clinic.address, classes="laboratory")
    world.network.store.remove(lost.digests[0])
    for records, faults in (
        (admitted.patient.records(), admitted.patient.records().faults),
        (world.clinic.read(grant=grant).records, world.clinic.read(grant=grant).faults),
    ):
        assert ids(records) == ["kept"]
        assert [(fault.kind, fault.where) for fault in faults] == [("missing object", lost.digests[0].hex())]


def test_after_a_lost_rekey_everything_is_read_and_keys_change_again(world: World, admitted: Admitted) -> None:
    patient, subject = admitted.patient, admitted.subject
    patient.revoke(patient.grant(world.clinic.address, classes="laboratory"))
    world.hospital.publish(subject, ndjson(observation("a", "2024-01-01")))
    for entry in world.network.index.ledger(subject):
        if entry.author == subject:
            world.network.store.remove(entry.digest)
    device = afresh(patient)
    assert ids(device.records()) == ["a"]
    assert world.hospital.publish(subject, ndjson(observation("b", "2024-01-01"))).pending_rekey
    assert device.rekey()
    assert ids(device.records()) == ["a", "b"]
    kept = device.grant(world.specialist.address, classes="laboratory", subject=subject)
    assert ids(world.specialist.read(grant=kept).records) == ["a", "b"]
    assert ids(world.hospital.records(subject)) == ["a", "b"]
    published = world.hospital.publish(subject, ndjson(observation("c", "2024-01-01")))
    assert not published.pending_rekey
    assert not world.clinic.can_open(published.digests[0], subject=subject)


def test_a_rekey_that_is_lost_for_a_while_gives_no_viewer_a_key_of_later_records(
    world: World, admitted: Admitted
) -> None:
    patient, subject, store = admitted.patient, admitted.subject, world.network.store
    patient.revoke(patient.grant(world.clinic.address, classes="medications"))
    letters = [entry.digest for entry in world.network.index.ledger(subject) if entry.author == subject]
    kept = [store.get(digest) for digest in letters]
    for digest in letters:
        store.remove(digest)
    grant = afresh(patient).grant(world.specialist.address, classes="laboratory", subject=subject)
    for data in kept:
        store.put(data)
    before = world.hospital.publish(subject, ndjson(observation("before", "2024-01-01")))
    assert world.specialist.can_open(before.digests[0], subject=subject)
    afresh(patient).revoke(grant.id)
    after = world.hospital.publish(subject, ndjson(observation("after", "2024-01-01")))
    assert not after.pending_rekey
    assert not world.specialist.can_open(after.digests[0], subject=subject)


def test_a_relationship_whose_keys_are_lost_is_named(world: World) -> None:
    people = [admit(world) for _ in range(2)]
    index = world.network.index
    index.sync()
    world.network.store.remove(index.relationships(subject=people[1].subject)[0].bundle)
    with pytest.raises(NoKey) as refused:
        world.hospital.publish_many({item.subject: ndjson(observation("a", "2024-01-01")) for item in people})
    assert refused.value.facts["subject"] == people[1].subject


# ── in whatever order ──


def test_a_batch_stays_readable_when_the_relationship_closes_and_reopens(world: World, admitted: Admitted) -> None:
    patient, subject = admitted.patient, admitted.subject
    world.hospital.publish_many({subject: ndjson(observation("a", "2024-01-01"))})
    patient.close(subject, world.hospital.address)
    patient.accept(world.hospital.invite(subject))
    world.hospital.publish_many({subject: ndjson(observation("b", "2024-01-01"))})
    found = patient.records()
    assert (ids(found), found.faults) == (["a", "b"], ())


def test_a_provider_reads_what_it_wrote_before_the_relationship_closed(world: World, admitted: Admitted) -> None:
    world.hospital.publish(admitted.subject, ndjson(observation("a", "2024-01-01")))
    admitted.patient.close(admitted.subject, world.hospital.address)
    assert ids(world.hospital.records(admitted.subject)) == ["a"]
    admitted.patient.accept(world.hospital.invite(admitted.subject))
    world.hospital.publish(admitted.subject, ndjson(observation("b", "2024-01-01")))
    assert ids(world.hospital.records(admitted.subject)) == ["a", "b"]


def test_a_viewer_reads_what_a_relationship_opened_later_brings(
    world: World, admitted: Admitted, other: Provider
) -> None:
    patient, subject = admitted.patient, admitted.subject
    grant = patient.grant(world.clinic.address, classes="laboratory", records_from="2024-01-01")
    gone = patient.grant(world.specialist.address, classes="laboratory")
    patient.revoke(gone)
    patient.close(subject, world.hospital.address)
    patient.accept(world.hospital.invite(subject))
    world.hospital.publish(subject, ndjson(observation("reopened", "2024-01-01"), observation("early", "2023-01-01")))
    expected = ["reopened"]
    if patient.wallet_mode:
        patient.accept(other.invite(subject))
        other.publish(subject, ndjson(observation("others", "2024-01-01")))
        expected = ["others", "reopened"]
    assert ids(world.clinic.read(grant=grant).records) == expected
    assert not any(
        world.specialist.can_open(entry.digest, subject=subject) for entry in world.network.index.ledger(subject)
    )


def test_all_grants_that_permit_are_read_and_not_the_newest_alone(world: World, admitted: Admitted) -> None:
    patient, subject = admitted.patient, admitted.subject
    world.hospital.publish(subject, ndjson(*(observation(f"y{year}", f"{year}-03-03") for year in (2019, 2020, 2021))))
    patient.grant(world.clinic.address, classes="laboratory", records_until="2019-12-31")
    patient.grant(world.clinic.address, classes="laboratory", records_from="2021-01-01")
    for classes in (None, "laboratory"):
        reading = world.clinic.read(subject=subject, classes=classes)
        assert ids(reading.records) == ["y2019", "y2021"]
        assert len(reading.grants) == 2


def test_what_was_sealed_to_the_patient_alone_is_passed_on_too(world: World, admitted: Admitted) -> None:
    patient, subject = admitted.patient, admitted.subject
    parent = patient.grant(world.clinic.address, classes="laboratory", delegations=1)
    patient.revoke(patient.grant(world.stranger.address, classes="laboratory"), rekey=False)
    assert world.hospital.publish(subject, ndjson(observation("pending", "2024-01-01"))).pending_rekey
    patient.rekey()
    child = world.clinic.sub_grant(parent, world.specialist.address, classes="laboratory")
    (record,) = world.specialist.read(grant=child).records
    assert record.record.id == "pending"
    assert not record.is_excerpt
    assert record.anchored_at > 0


def test_what_is_anchored_while_a_grant_is_made_reaches_the_viewer(
    world: World, admitted: Admitted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the cutting of a grant and its block: neither among what was cut, nor later than the grant."""
    patient, subject = admitted.patient, admitted.subject

    def late(*arguments: Any) -> Any:
        presented = seal_grant(*arguments)
        world.hospital.publish(subject, ndjson(observation("between", "2024-07-01")))
        return presented

    monkeypatch.setattr("medrec_py.client.granting.seal_grant", late)
    grant = patient.grant(world.clinic.address, classes="laboratory", records_from="2024-06-01")
    monkeypatch.undo()
    patient.rekey()
    assert ids(world.clinic.read(grant=grant).records) == ["between"]
    assert patient.rekey() == [], "and is cut once"


def test_an_excerpt_tells_when_its_source_was_entered_in_error(world: World, admitted: Admitted) -> None:
    patient, subject = admitted.patient, admitted.subject
    wrong = world.hospital.publish(subject, ndjson(observation("wrong", "2024-07-01")))
    grant = patient.grant(world.clinic.address, classes="laboratory", records_from="2024-06-01")
    (record,) = world.clinic.read(grant=grant).records
    assert (record.is_excerpt, record.retracted, record.digest) == (True, False, wrong.digests[0])
    assert record.author == world.hospital.address
    assert record.anchored_at == next(
        entry.time for entry in world.network.index.ledger(subject) if entry.kind is EntryKind.ANCHOR
    )
    world.hospital.retract(subject, wrong.digests[0])
    (record,) = world.clinic.read(grant=grant).records
    assert record.retracted


def test_an_export_is_the_owners_alone_whatever_file_stood_there(admitted: Admitted, tmp_path: Path) -> None:
    target = tmp_path / "mine.json"
    for name in ("mine.json", "mine.history.json"):
        (tmp_path / name).write_text("old")
        (tmp_path / name).chmod(0o644)
    written = admitted.patient.export(target)
    for name in ("bundle", "history"):
        assert stat.S_IMODE(os.stat(written[name]).st_mode) == 0o600
    assert json.loads(target.read_text())["type"] == "collection"
    assert len(list(tmp_path.iterdir())) == 2
