"""One patient: resources of another are refused by name, whatever way they refer to them."""

from __future__ import annotations

from typing import Any

import pytest
from fhir_inputs import PATIENT, bundle, encoded, lines, observation, resources
from hypothesis import given
from hypothesis import strategies as st

from medrec_py.errors import InvalidInput, WrongPatient
from medrec_py.fhir import read_records

STRANGER = {"resourceType": "Patient", "id": "stranger"}


def about(kind: str, element: str, value: Any, **members: Any) -> dict[str, Any]:
    return {"resourceType": kind, "id": "x", element: value, **members}


def ref(reference: str, **members: Any) -> dict[str, Any]:
    return {"reference": reference, **members}


def test_records_of_one_patient_pass_and_the_patient_is_named() -> None:
    assert read_records(lines(PATIENT, observation())).patient == "Patient/patient"


def test_a_strangers_records_are_refused_by_name() -> None:
    data = lines(PATIENT, observation("o1"), observation("o2", subject="Patient/stranger"), observation("o3"))
    with pytest.raises(WrongPatient) as refusal:
        read_records(data)
    assert "1 of 4 resources belong to another patient than Patient/patient" in refusal.value.message
    assert "Observation/o2 (line 3) of Patient/stranger" in refusal.value.message
    assert refusal.value.facts["resources"] == [{"resource": "Observation/o2 (line 3)", "patient": "Patient/stranger"}]
    assert isinstance(refusal.value, InvalidInput)


def test_any_patient_lets_them_pass() -> None:
    found = read_records(lines(PATIENT, STRANGER), any_patient=True)
    assert len(found) == 2
    assert found.patient is None


def test_the_patient_of_most_records_is_the_one() -> None:
    rest = [observation(f"o{number}", subject="Patient/stranger") for number in range(3)]
    with pytest.raises(WrongPatient, match="than Patient/stranger: Patient/patient"):
        read_records(lines(PATIENT, *rest))


def test_a_patient_can_be_named_beforehand() -> None:
    data = lines(observation(subject="Patient/stranger"))
    assert read_records(data).patient == "Patient/stranger"
    assert read_records(data, patient="Patient/stranger").patient == "Patient/stranger"
    with pytest.raises(WrongPatient, match="than Patient/patient: Observation/o1"):
        read_records(data, patient="Patient/patient")
    with pytest.raises(WrongPatient):
        read_records(lines(PATIENT), patient="nobody")


def test_many_strangers_are_counted_and_the_first_ones_named() -> None:
    data = lines(
        *[observation(f"p{n}") for n in range(40)], *[observation(f"s{n}", subject="Patient/s") for n in range(30)]
    )
    with pytest.raises(WrongPatient) as refusal:
        read_records(data)
    assert "30 of 70" in refusal.value.message
    assert "and 20 more" in refusal.value.message
    assert len(refusal.value.facts["resources"]) == 30  # type: ignore[arg-type]


OWNERS = [
    about("Condition", "subject", ref("Patient/stranger")),
    about("Immunization", "patient", ref("Patient/stranger")),
    about("Coverage", "beneficiary", ref("Patient/stranger")),
    about("ResearchSubject", "individual", ref("Patient/stranger")),
    about("Task", "for", ref("Patient/stranger")),
    about("EnrollmentRequest", "candidate", ref("Patient/stranger")),
    about("Contract", "subject", [ref("Patient/patient"), ref("Patient/stranger")]),
    about("Appointment", "participant", [{"actor": ref("Practitioner/p")}, {"actor": ref("Patient/stranger")}]),
    about("AppointmentResponse", "actor", ref("Patient/stranger")),
    about("Provenance", "target", [ref("Observation/o1"), ref("Patient/stranger")]),
    about("AuditEvent", "entity", [{"what": ref("Patient/stranger/_history/3")}]),
    about("AuditEvent", "agent", [{"who": ref("Patient/stranger")}]),
    about("Group", "member", [{"entity": ref("Patient/stranger")}]),
    about("Person", "link", [{"target": ref("Patient/stranger")}]),
    about("Schedule", "actor", [ref("Patient/stranger")]),
    about("SupplyRequest", "deliverTo", ref("Patient/stranger")),
    about("MessageHeader", "focus", [ref("Patient/stranger")]),
    about("Tricorder", "subject", ref("Patient/stranger")),
    about("Condition", "subject", ref("Patient/stranger/_history/2")),
    about("Condition", "subject", ref("https://clinic.example/fhir/Patient/stranger")),
    about("Condition", "subject", ref("https://clinic.example/fhir/Patient/stranger/_history/2")),
    about("Condition", "subject", ref("Patient/an_odd_id")),
    about("Condition", "subject", ref("Patient/stranger#part")),
    about("Condition", "subject", ref("urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7")),
    about("Condition", "subject", ref("urn:oid:1.2.3", type="Patient")),
    about("Condition", "subject", ref("Patient?identifier=urn:mrn|77")),
    about("Condition", "subject", {"identifier": {"system": "urn:mrn", "value": "77"}}),
    about("Condition", "subject", {"type": "Patient", "identifier": {"value": "77"}}),
    about("Condition", "subject", ref("#p"), contained=[{"resourceType": "Patient", "id": "p"}]),
    about("CarePlan", "contained", [about("Condition", "subject", ref("Patient/stranger"))]),
]


@pytest.mark.parametrize("resource", OWNERS, ids=lambda resource: resource["resourceType"])
def test_a_stranger_is_found_in_every_element_that_names_the_patient(resource: dict[str, Any]) -> None:
    with pytest.raises(WrongPatient, match=rf"{resource['resourceType']}/x \(line 3\)"):
        read_records(lines(PATIENT, observation(), resource), validation="off")


@pytest.mark.parametrize(
    "resource",
    [
        about("Organization", "name", "clinic"),
        about("Medication", "code", {"text": "aspirin"}),
        about("Practitioner", "name", []),
        about("Condition", "subject", ref("Group/ward")),
        about("Specimen", "subject", ref("https://lab.example/fhir/Substance/2")),
        about("Condition", "subject", {"display": "the one in bed 4"}),
        about("Condition", "subject", ref("urn:uuid:1", type="Group")),
        about("Condition", "subject", {"type": "Group", "identifier": {"value": "77"}}),
        about("Condition", "subject", ref("#g"), contained=[{"resourceType": "Group", "id": "g"}]),
        about("Condition", "subject", ref("#missing")),
        about("Appointment", "participant", [{"actor": ref("urn:uuid:9")}]),
        about("Observation", "performer", [ref("Patient/stranger")]),
        about("Coverage", "subscriber", ref("Patient/stranger"), beneficiary=ref("Patient/patient")),
        about("Condition", "subject", "Patient/stranger"),
        about("Condition", "subject", [None, 7]),
    ],
    ids=lambda resource: resource["resourceType"],
)
def test_who_supports_pays_or_informs_is_no_other_patient(resource: dict[str, Any]) -> None:
    found = read_records(lines(PATIENT, observation(), resource), validation="off")
    assert len(found) == 3


def test_every_way_to_name_the_same_patient_is_understood() -> None:
    identifier = {"system": "urn:mrn", "value": "7 7"}
    urls: list[str | None] = ["https://clinic.example/fhir/Patient/patient"]
    ways = [
        ref("Patient/patient"),
        ref("Patient/patient/_history/4"),
        ref("https://clinic.example/fhir/Patient/patient"),
        ref("urn:uuid:patient"),
        ref("Patient?identifier=urn:mrn|7%207"),
        {"identifier": identifier},
        {"type": "Patient", "identifier": identifier},
    ]
    owned = [{**observation(f"o{n}"), "subject": way} for n, way in enumerate(ways)]
    contained = {"resourceType": "Patient", "id": "p", "identifier": [identifier]}
    owned.append({**observation("oc"), "subject": ref("#p"), "contained": [contained]})
    found = read_records(encoded(bundle({**PATIENT, "identifier": [identifier]}, *owned, urls=urls)))
    assert len(found) == 1 + len(owned)


def test_a_urn_is_followed_to_whom_it_names() -> None:
    urls: list[str | None] = ["urn:uuid:a", "urn:uuid:b", "urn:uuid:c"]
    mine, others = observation(None, subject="urn:uuid:a"), observation(None, subject="urn:uuid:b")
    ward = {"resourceType": "Group", "type": "person", "actual": True}
    assert len(read_records(encoded(bundle({"resourceType": "Patient"}, ward, mine, urls=urls)))) == 3
    assert len(read_records(encoded(bundle({"resourceType": "Patient"}, ward, others, urls=urls)))) == 3
    with pytest.raises(WrongPatient, match=r"urn:uuid:c \(entry\[2\]\) of urn:uuid:b"):
        read_records(encoded(bundle({"resourceType": "Patient"}, {"resourceType": "Patient"}, others, mine, urls=urls)))


def test_the_same_id_on_two_servers_is_two_patients() -> None:
    urls: list[str | None] = ["https://a.example/fhir/Patient/1", "https://b.example/fhir/Observation/1"]
    one = {"resourceType": "Patient", "id": "1"}
    with pytest.raises(WrongPatient, match=r"Observation/o1 \(entry\[1\]\) of https://b.example/fhir/Patient/1"):
        read_records(encoded(bundle(one, observation(subject="Patient/1"), urls=urls)))
    assert len(read_records(encoded(bundle(one, observation(subject="Patient/1"), urls=urls[:1])))) == 2
    with pytest.raises(WrongPatient):
        read_records(
            lines(
                observation("o1", subject="https://a.example/Patient/1"),
                observation("o2", subject="https://b.example/Patient/1"),
            )
        )


def test_linked_patient_resources_are_one_person() -> None:
    old = {"resourceType": "Patient", "id": "old", "link": [{"other": ref("Patient/patient"), "type": "replaced-by"}]}
    assert len(read_records(lines(PATIENT, old, observation("a"), observation("b", subject="Patient/old")))) == 4
    three = {"resourceType": "Patient", "id": "older", "link": [{"other": ref("Patient/old"), "type": "replaced-by"}]}
    assert len(read_records(lines(three, old, PATIENT, observation("a", subject="Patient/older")))) == 4


def test_a_shared_identifier_does_not_make_two_patients_one() -> None:
    policy = [{"system": "urn:policy", "value": "family-1"}]
    with pytest.raises(WrongPatient):
        read_records(lines({**PATIENT, "identifier": policy}, {**STRANGER, "identifier": policy}))


def test_no_patient_at_all_is_no_patient() -> None:
    assert read_records(lines(about("Organization", "name", "clinic"))).patient is None


@given(st.lists(resources, max_size=5))
def test_any_resources_are_accepted_or_refused(many: list[dict[str, Any]]) -> None:
    try:
        found = read_records(lines(PATIENT, *many), validation="off")
    except InvalidInput:
        return
    assert found.patient == "Patient/patient" or any(resource.get("id") for resource in many)
