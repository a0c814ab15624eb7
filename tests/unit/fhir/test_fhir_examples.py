"""Public examples: HL7's own and whole synthetic patients come through unchanged, and the demonstration's patient."""

from __future__ import annotations

import gzip
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from fhir_inputs import FIXTURES

from medrec_py.demo import __file__ as demo_file
from medrec_py.errors import WrongPatient
from medrec_py.fhir import RecordSet, lots, read_records, record_of
from medrec_py.types.json_values import canonical, parse
from medrec_py.types.vocabulary import VOCABULARY

DEMO_PATIENT = Path(demo_file).parent / "patient.json.gz"
SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "make_demo_patient.py"


def classes(found: RecordSet) -> dict[str, int]:
    return {
        VOCABULARY.record_class(number).code: count for number, count in Counter(r.record_class for r in found).items()
    }


def fixture(name: str) -> Path:
    path = FIXTURES / name
    if not path.is_file():
        pytest.skip(f"{name} is not beside this checkout")
    return path


def test_every_example_of_hl7_is_read_classified_and_comes_back_equal() -> None:
    path = fixture("hl7-r4-examples.ndjson.gz")
    originals = [line for line in gzip.decompress(path.read_bytes()).split(b"\n") if line]
    found = read_records(path, any_patient=True)
    assert len(found) == len(originals) == 313
    assert not found.notices
    for original, record in zip(originals, found, strict=True):
        assert canonical(record.document) == canonical(parse(original))
        assert record_of(parse(canonical(record.document))) == record  # type: ignore[arg-type]
    back = [record for lot in lots(found) for record in read_records(lot.content, any_patient=True)]
    assert Counter(canonical(record.resource) for record in back) == Counter(
        canonical(parse(line)) for line in originals
    )
    assert classes(found) == {
        "other": 4, "demographics": 18, "allergies": 2, "medications": 74, "immunizations": 2, "conditions": 8,
        "procedures": 22, "laboratory": 11, "vital-signs": 8, "imaging": 2, "examinations": 19, "encounters": 16,
        "documents": 13, "care-plans": 18, "devices": 7, "social-history": 1, "surveys": 8, "family-history": 1,
        "insurance": 22, "consents": 13, "research": 4, "directory": 20, "provenance": 9, "genetics": 9,
        "restricted": 2,
    }  # fmt: skip
    assert sum(record.is_dated for record in found) == 219


def test_the_examples_are_of_many_patients_and_refused_as_one() -> None:
    with pytest.raises(WrongPatient, match="158 of 313 resources belong to another patient than Patient/example"):
        read_records(fixture("hl7-r4-examples.ndjson.gz"))


@pytest.mark.parametrize(
    ("name", "count", "patient", "laboratory", "medications", "undated", "lots_made"),
    [
        ("synthea-patient-a.json.gz", 1493, "Patient/556b27ff-9a41-4e42-a221-aab64222e9e6", 405, 11, 37, 257),
        ("synthea-patient-b.json.gz", 1552, "Patient/c6596e66-1047-4395-b780-3370847ec414", 293, 18, 20, 231),
    ],
)
def test_a_whole_synthetic_patient_comes_through(
    name: str, count: int, patient: str, laboratory: int, medications: int, undated: int, lots_made: int
) -> None:
    path = fixture(name)
    found = read_records(path, validation="refuse")
    assert (len(found), found.patient, found.notices) == (count, patient, ())
    assert (classes(found)["laboratory"], classes(found)["medications"]) == (laboratory, medications)
    assert sum(not record.is_dated for record in found) == undated
    assert len(lots(found)) == lots_made
    original = parse(gzip.decompress(path.read_bytes()))
    assert [canonical(entry["resource"]) for entry in original["entry"]] == [  # type: ignore[index, call-overload]
        canonical(record.resource) for record in found
    ]


def test_the_patient_of_the_demonstration_is_whole() -> None:
    found = read_records(DEMO_PATIENT, validation="refuse")
    assert (len(found), found.resources_read, found.notices) == (1957, 1957, ())
    kinds = classes(found)
    assert kinds["laboratory"] == 463
    assert kinds["medications"] == 21
    assert kinds["immunizations"] == 65
    assert kinds["conditions"] == 108
    assert kinds["behavioural-health"] == 118
    assert kinds["restricted"] == 32
    assert len(lots(found)) == 356
    original = parse(gzip.decompress(DEMO_PATIENT.read_bytes()))
    assert [canonical(entry["resource"]) for entry in original["entry"]] == [  # type: ignore[index, call-overload]
        canonical(record.resource) for record in found
    ]


def test_the_patient_of_the_demonstration_is_small_and_names_only_code_systems_and_the_generator() -> None:
    data = DEMO_PATIENT.read_bytes()
    assert len(data) < 300_000
    assert data[4:8] == bytes(4), "gzip's time stamp must be zero for the file to be the same each time"
    hosts = set(re.findall(rb"https?://([^/\"\s]+)", gzip.decompress(data)))
    assert hosts == {
        b"dicom.nema.org", b"github.com", b"hl7.org", b"hospital.smarthealthit.org", b"ihe.net", b"loinc.org",
        b"snomed.info", b"terminology.hl7.org", b"unitsofmeasure.org", b"www.nlm.nih.gov",
    }  # fmt: skip


@pytest.mark.slow
def test_the_generator_makes_the_same_patient_again() -> None:
    pytest.importorskip("synthea")
    made = subprocess.run([sys.executable, str(SCRIPT), "--check"], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
