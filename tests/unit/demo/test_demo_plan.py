"""What the demonstration shares, chosen from whatever records there are; and whether what came back is equal."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from medrec_py.demo.comparison import Input
from medrec_py.demo.plan import choose
from medrec_py.errors import InvalidInput
from medrec_py.fhir import read_records, record_of
from medrec_py.types.vocabulary import VOCABULARY


def result(id: str, date: str, category: str = "laboratory") -> dict[str, Any]:
    coding = {"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": category}
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "category": [{"coding": [coding]}],
        "subject": {"reference": "Patient/p"},
        "effectiveDateTime": date,
    }


def ndjson(*resources: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(resource).encode() + b"\n" for resource in resources)


PATIENT = {"resourceType": "Patient", "id": "p"}
RESULTS = [result("a", "2019-05-01"), result("b", "2020-02-01"), result("c", "2020-09-01"), result("d", "2021-01-01")]


def test_a_day_is_chosen_that_has_records_of_its_own_year_on_both_sides():
    records = read_records(ndjson(PATIENT, *RESULTS)).records
    plan = choose(records)
    assert plan.shared_code == "laboratory"
    assert plan.cuts_a_year
    assert plan.first_day == 20200901
    assert plan.day_before == 20200831
    assert [record.id for record in records if plan.covers(record)] == ["c", "d"]
    assert [record.id for record in records if plan.is_before(record)] == ["a", "b"]


def test_the_most_private_class_is_the_one_that_is_withheld():
    label = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSY"}
    private = result("x", "2020-01-01") | {"meta": {"security": [label]}}
    others = [result(f"v{number}", "2020-01-01", "vital-signs") for number in range(9)]
    plan = choose(read_records(ndjson(PATIENT, *RESULTS, *others, private)).records)
    assert plan.withheld_code == "behavioural-health"


def test_one_record_without_a_date_is_enough_for_a_plan():
    plan = choose(read_records(ndjson(PATIENT)).records)
    assert plan.shared_code == "demographics"
    assert not plan.has_dates
    assert plan.withheld != plan.shared
    assert 0 <= plan.withheld < len(VOCABULARY.classes)


def test_follow_ups_are_new_records_of_the_same_class_and_day():
    records = read_records(ndjson(PATIENT, *RESULTS)).records
    plan = choose(records)
    first, second = plan.follow_ups(records, 1), plan.follow_ups(records, 2)
    assert [record.date_first for record in first] == [20210101, 20200901]
    ids = {record.id for record in (*records, *first, *second)}
    assert len(ids) == len(records) + len(first) + len(second)
    assert all(plan.covers(record) for record in (*first, *second))


# ── the input and what came back ─────────────────────────────────────────────────────────────────────────────────────


def test_the_shipped_patient_is_read_when_no_file_is_named():
    source = Input.read(None)
    assert len(source.resources) == len(source.records) > 1000
    assert source.compare(source.records).is_exact()


def test_resources_are_counted_from_the_bytes_themselves(tmp_path: Path):
    inner = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": result("a", "2020-01-01")}]}
    outer = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": PATIENT}, {"resource": inner}]}
    file = tmp_path / "bundle.json.gz"
    file.write_bytes(gzip.compress(json.dumps(outer).encode()))
    source = Input.read(file)
    assert source.name == "bundle.json.gz"
    assert len(source.resources) == 2
    assert source.compare(source.records).is_exact()


def test_a_record_that_is_missing_altered_doubled_or_foreign_is_noticed(tmp_path: Path):
    file = tmp_path / "records.ndjson"
    file.write_bytes(ndjson(PATIENT, *RESULTS))
    source = Input.read(file)
    records = list(source.records)
    assert source.compare(records).is_exact()
    assert not source.compare(records[1:]).is_exact()
    assert not source.compare([*records, records[0]]).is_exact()
    assert not source.compare([*records, record_of(result("new", "2020-01-01"))]).is_exact()
    assert source.compare([*records, record_of(result("new", "2020-01-01"))]).is_exact(foreign=1)
    altered = record_of(records[1].resource | {"status": "amended"})
    assert not source.compare([records[0], altered, *records[2:]]).is_exact()


def test_a_number_that_lost_a_digit_is_noticed(tmp_path: Path):
    file = tmp_path / "records.ndjson"
    file.write_bytes(b'{"resourceType":"Observation","valueQuantity":{"value":1.10}}\n')
    source = Input.read(file)
    shorter = record_of({"resourceType": "Observation", "valueQuantity": {"value": 1.1}})
    assert not source.compare([shorter]).is_exact()
    assert source.compare(source.records).is_exact()


def test_resources_of_several_patients_are_accepted_only_when_that_is_said(tmp_path: Path):
    file = tmp_path / "records.ndjson"
    file.write_bytes(ndjson(PATIENT, {"resourceType": "Patient", "id": "q"}))
    with pytest.raises(InvalidInput, match="Patient/q"):
        Input.read(file)
    assert len(Input.read(file, any_patient=True).records) == 2
