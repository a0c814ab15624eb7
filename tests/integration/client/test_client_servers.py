"""The same people on a real Anvil and a real Kubo: in any order, with a whole record, and with servers that go away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import pytest
from client_machine import consent_machine
from client_world import ids, ndjson, observation

from medrec_py import MedRec
from medrec_py.chain import deploy, generate_account
from medrec_py.client import Patient, Provider, Viewer
from medrec_py.devnet.anvil import AnvilNode
from medrec_py.devnet.kubo import KuboNode
from medrec_py.devnet.ports import free_port
from medrec_py.errors import NotPermitted, Unavailable
from medrec_py.fhir import read_records
from medrec_py.types.json_values import canonical
from medrec_py.types.vocabulary import VOCABULARY

pytestmark = pytest.mark.servers


@dataclass(frozen=True)
class Servers:
    """Running servers, and the network on them."""

    anvil: AnvilNode
    kubo: KuboNode
    network: MedRec
    hospital: Provider
    clinic: Viewer
    specialist: Viewer


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    home = tmp_path_factory.mktemp("servers")
    with AnvilNode() as anvil, KuboNode(home / "ipfs", api_port=free_port()) as kubo:
        operator, relayer, *people = anvil.accounts
        with anvil.connect() as chain:
            deployment = deploy(chain, operator).deployment
        with MedRec.connect(
            anvil.url, store=kubo.api_address, deployment=deployment, home=home / "state", relayer=relayer
        ) as network:
            hospital, clinic, specialist = (
                network.provider(people[0]),
                network.viewer(people[1]),
                network.viewer(people[2]),
            )
            hospital.register(name="Hospital")
            clinic.register(name="Clinic")
            specialist.register(name="Specialist")
            network.registrar(operator).accredit(hospital.address)
            yield Servers(anvil, kubo, network, hospital, clinic, specialist)


def _admit(servers: Servers) -> tuple[Patient, str]:
    patient = servers.network.patient(generate_account())
    subject = patient.next_subject()
    patient.accept(servers.hospital.invite(subject))
    return patient, subject


def test_a_whole_record_is_published_shared_read_and_revoked(servers: Servers) -> None:
    patient, subject = _admit(servers)
    records = read_records((files("medrec_py.demo") / "patient.json.gz").read_bytes())
    published = servers.hospital.publish(subject, records)
    assert published.records == len(records)
    back = patient.records()
    assert sorted(canonical(item.record.document) for item in back) == sorted(
        canonical(record.document) for record in records
    )
    grant = patient.grant(servers.clinic.address, classes="laboratory", records_from="2015-06-15")
    laboratory = VOCABULARY.record_class("laboratory").number
    expected = [
        record for record in records if record.record_class == laboratory and record.is_within(20150615, 99991231)
    ]
    assert len(servers.clinic.read(subject=subject).records) == len(expected) > 0
    patient.revoke(grant)
    later = servers.hospital.publish(subject, ndjson(observation("later", "2024-01-01")))
    assert not any(servers.clinic.can_open(digest, subject=subject) for digest in later.digests)
    assert patient.verify().ok


def test_consent_in_any_order_on_servers(servers: Servers) -> None:
    """RevocationIsFinal, AttenuationOnly, RevokedMeansBlind: see `consent_machine`."""
    consent_machine(servers.network, servers.hospital, [servers.clinic, servers.specialist], examples=3, steps=12)


def test_an_object_that_the_store_lost_is_named(servers: Servers) -> None:
    patient, subject = _admit(servers)
    published = servers.hospital.publish(subject, ndjson(observation("a", "2024-01-01")))
    servers.network.store.remove(published.digests[0])
    faults = patient.verify().faults
    assert [(fault.kind, fault.where) for fault in faults] == [("missing object", published.digests[0].hex())]


def test_a_store_that_went_away_loses_nothing(servers: Servers, tmp_path: Path) -> None:
    patient, subject = _admit(servers)
    servers.kubo.stop()
    try:
        with pytest.raises(Unavailable):
            servers.hospital.publish(subject, ndjson(observation("a", "2024-01-01")), key="once")
    finally:
        servers.kubo.start()
    servers.hospital.resume()
    servers.hospital.publish(subject, ndjson(observation("b", "2024-01-01")))
    assert "b" in ids(patient.records())
    assert patient.verify().ok


def test_a_patient_with_an_empty_wallet_shares_and_revokes(servers: Servers) -> None:
    patient, subject = _admit(servers)
    assert servers.network.chain.balance(subject) == servers.network.chain.balance(patient.address) == 0
    servers.hospital.publish(subject, ndjson(observation("a", "2024-01-01")))
    grant = patient.grant(servers.clinic.address, classes="laboratory")
    assert ids(servers.clinic.read(grant=grant).records) == ["a"]
    patient.revoke(grant)
    with pytest.raises(NotPermitted):
        servers.clinic.read(grant=grant, classes="laboratory")
