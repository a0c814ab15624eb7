"""The check of structure: true of what FHIR R4 demands, and never more than a message."""

from __future__ import annotations

from typing import Any

import pytest
from fhir_inputs import PATIENT, encoded, json_values, observation, resources
from hypothesis import given

from medrec_py.fhir.structure import KNOWN_TYPES, structural_issues
from medrec_py.types.json_values import canonical


def test_r4_has_146_types() -> None:
    assert len(KNOWN_TYPES) == 146
    assert {"Patient", "Observation", "Bundle", "VisionPrescription"} <= KNOWN_TYPES
    assert "Tricorder" not in KNOWN_TYPES


@pytest.mark.parametrize("resource", [PATIENT, observation()])
def test_a_right_resource_has_no_issue(resource: dict[str, Any]) -> None:
    assert structural_issues(encoded(resource)) == []


@pytest.mark.parametrize(
    ("resource", "issue"),
    [
        ({**PATIENT, "colour": "blue"}, "Patient.colour: unknown element"),
        ({**PATIENT, "active": "yes"}, "Patient.active: expected true or false"),
        ({**PATIENT, "name": {"text": "x"}}, "Patient.name"),
        ({"resourceType": "Observation"}, "Observation.status: required element missing"),
    ],
)
def test_a_wrong_one_is_told_where(resource: dict[str, Any], issue: str) -> None:
    assert any(found.startswith(issue) for found in structural_issues(encoded(resource)))


@given(resources)
def test_any_resource_gets_an_answer(resource: dict[str, Any]) -> None:
    assert isinstance(structural_issues(canonical(resource)), list)


@given(json_values)
def test_any_json_gets_an_answer(value: object) -> None:
    assert isinstance(structural_issues(canonical(value)), list)


@pytest.mark.parametrize("number", ["1e400", "-0", "1" * 5000, "1.10", "1E+9999999"])
def test_any_number_gets_an_answer(number: str) -> None:
    text = f'{{"resourceType":"Observation","status":"final","code":{{}},"valueQuantity":{{"value":{number}}}}}'
    assert isinstance(structural_issues(text.encode()), list)


def test_deep_nesting_gets_an_answer() -> None:
    deep = b'{"resourceType":"Basic","extension":' * 120 + b"1" + b"}" * 120
    assert isinstance(structural_issues(deep), list)
