"""Classes: labels win over category, category over type, and doubt hides."""

from __future__ import annotations

from typing import Any

import pytest
from fhir_inputs import json_values, resources
from hypothesis import given

from medrec_py.fhir import class_of
from medrec_py.fhir.classify import is_label
from medrec_py.fhir.structure import KNOWN_TYPES
from medrec_py.types.vocabulary import VOCABULARY

ACT, CONFIDENTIALITY = (VOCABULARY.systems[name][0] for name in ("act", "confidentiality"))
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
SECTION = "http://terminology.hl7.org/CodeSystem/v2-0074"

ORDINARY_TYPES = frozenset([
    "ActivityDefinition", "Basic", "Bundle", "CapabilityStatement", "CatalogEntry", "ChargeItemDefinition",
    "CodeSystem", "CompartmentDefinition", "ConceptMap", "EffectEvidenceSynthesis", "EventDefinition", "Evidence",
    "EvidenceVariable", "ExampleScenario", "GraphDefinition", "Group", "ImplementationGuide", "Library", "Linkage",
    "MedicinalProduct", "MedicinalProductAuthorization", "MedicinalProductContraindication",
    "MedicinalProductIndication", "MedicinalProductIngredient", "MedicinalProductInteraction",
    "MedicinalProductManufactured", "MedicinalProductPackaged", "MedicinalProductPharmaceutical",
    "MedicinalProductUndesirableEffect", "MessageDefinition", "NamingSystem", "ObservationDefinition",
    "OperationDefinition", "OperationOutcome", "Parameters", "PlanDefinition", "ResearchDefinition",
    "ResearchElementDefinition", "RiskEvidenceSynthesis", "SearchParameter", "SpecimenDefinition",
    "StructureDefinition", "StructureMap", "Subscription", "Substance", "SubstanceNucleicAcid", "SubstancePolymer",
    "SubstanceProtein", "SubstanceReferenceInformation", "SubstanceSourceMaterial", "SubstanceSpecification",
    "TerminologyCapabilities", "TestReport", "TestScript", "ValueSet", "VerificationResult",
])  # fmt: skip
"""Types of R4 that describe products, definitions or transport rather than a person's care: class `other`."""


def code_of(resource: dict[str, Any], *inherited: object) -> str:
    return VOCABULARY.record_class(class_of(resource, inherited)).code


def labelled(*labels: tuple[str | None, str], kind: str = "Observation", **members: Any) -> dict[str, Any]:
    security = [{"code": code} if system is None else {"system": system, "code": code} for system, code in labels]
    return {"resourceType": kind, "meta": {"security": security}, **members}


def categorised(kind: str, *codings: tuple[str, str], as_list: bool = True) -> dict[str, Any]:
    concepts = [{"coding": [{"system": system, "code": code}]} for system, code in codings]
    return {"resourceType": kind, "category": concepts if as_list else concepts[0]}


def test_every_type_of_r4_has_a_class_or_is_known_to_have_none() -> None:
    typed = {kind for row in VOCABULARY.classes for kind in row.types}
    assert typed <= KNOWN_TYPES
    assert KNOWN_TYPES - typed == ORDINARY_TYPES


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("Patient", "demographics"),
        ("MedicationRequest", "medications"),
        ("Immunization", "immunizations"),
        ("AllergyIntolerance", "allergies"),
        ("Condition", "conditions"),
        ("Observation", "examinations"),
        ("ExplanationOfBenefit", "insurance"),
        ("MolecularSequence", "genetics"),
        ("Practitioner", "directory"),
        ("Provenance", "provenance"),
        ("Basic", "other"),
        ("Tricorder", "other"),
    ],
)
def test_the_type_decides_where_nothing_else_does(kind: str, expected: str) -> None:
    assert code_of({"resourceType": kind}) == expected


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (categorised("Observation", (CATEGORY, "laboratory")), "laboratory"),
        (categorised("Observation", (CATEGORY, "vital-signs")), "vital-signs"),
        (categorised("Observation", (CATEGORY, "social-history")), "social-history"),
        (categorised("Observation", (CATEGORY, "survey")), "surveys"),
        (categorised("Observation", (CATEGORY, "imaging")), "imaging"),
        (categorised("Observation", ("urn:local", "x"), (CATEGORY, "laboratory")), "laboratory"),
        (categorised("Observation", ("urn:local", "laboratory")), "examinations"),
        (categorised("Observation", ("http://hl7.org/fhir/observation-category", "laboratory")), "laboratory"),
        (categorised("DiagnosticReport", (SECTION, "LAB")), "laboratory"),
        (categorised("DiagnosticReport", (SECTION, "RAD")), "imaging"),
        (categorised("DiagnosticReport", (SECTION, "LAB"), (SECTION, "GE")), "genetics"),
        (categorised("ServiceRequest", ("http://snomed.info/sct", "108252007")), "laboratory"),
        (categorised("Procedure", ("http://snomed.info/sct", "387713003"), as_list=False), "procedures"),
        ({"resourceType": "AllergyIntolerance", "category": ["food"]}, "allergies"),
        ({"resourceType": "Observation", "category": [{"text": "laboratory"}]}, "examinations"),
    ],
)
def test_the_category_goes_before_the_type(resource: dict[str, Any], expected: str) -> None:
    assert code_of(resource) == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("MH", "behavioural-health"),
        ("PSY", "behavioural-health"),
        ("PSYTHPN", "psychotherapy-notes"),
        ("ETH", "substance-use"),
        ("OPIOIDUD", "substance-use"),
        ("42CFRPart2", "substance-use"),
        ("HIV", "hiv"),
        ("STD", "sexual-and-reproductive-health"),
        ("SEX", "sexual-and-reproductive-health"),
        ("GDIS", "genetics"),
        ("SCA", "sickle-cell"),
        ("SDV", "violence-and-abuse"),
        ("TBOO", "restricted"),
        ("CEL", "restricted"),
        ("SPI", "restricted"),
        ("PROCESSINLINELABEL", "restricted"),
    ],
)
@pytest.mark.parametrize("system", VOCABULARY.systems["act"])
def test_a_sensitivity_label_wins_over_type_and_category(system: str, code: str, expected: str) -> None:
    resource = categorised("Observation", (CATEGORY, "laboratory")) | labelled((system, code))
    assert code_of(resource) == expected
    assert code_of(labelled((system, code), kind="Tricorder")) == expected


@pytest.mark.parametrize("code", ["R", "V"])
def test_confidentiality_alone_restricts(code: str) -> None:
    assert code_of(labelled((CONFIDENTIALITY, code), kind="Immunization")) == "restricted"


@pytest.mark.parametrize("code", ["U", "L", "M", "N"])
def test_ordinary_confidentiality_changes_nothing(code: str) -> None:
    assert code_of(labelled((CONFIDENTIALITY, code), kind="Immunization")) == "immunizations"


def test_restricted_beside_a_reason_leaves_the_reason() -> None:
    assert code_of(labelled((ACT, "HIV"), (CONFIDENTIALITY, "R"))) == "hiv"
    assert code_of(labelled((CONFIDENTIALITY, "R"), kind="MolecularSequence")) == "genetics"


def test_very_restricted_beside_a_reason_restricts() -> None:
    assert code_of(labelled((ACT, "HIV"), (CONFIDENTIALITY, "V"))) == "restricted"


def test_two_reasons_restrict_because_neither_viewer_may_learn_the_other() -> None:
    assert code_of(labelled((ACT, "HIV"), (ACT, "MH"))) == "restricted"
    assert code_of(labelled((ACT, "HIV"), kind="MolecularSequence")) == "restricted"
    assert code_of(labelled((ACT, "MH"), (ACT, "PSY"))) == "behavioural-health"


def test_labels_that_are_no_sensitivity_change_nothing() -> None:
    purpose = VOCABULARY.systems["purpose"][0]
    assert code_of(labelled((purpose, "HTEST"), (ACT, "NORDSCLCD"), ("urn:local", "HIV"), kind="Goal")) == "care-plans"


def test_a_label_without_a_system_is_taken_seriously() -> None:
    assert code_of(labelled((None, "HIV"))) == "hiv"
    assert code_of(labelled((None, "R"))) == "restricted"


def test_what_a_resource_contains_counts_as_part_of_it() -> None:
    inside = labelled((ACT, "HIV"), kind="Condition")
    assert code_of({"resourceType": "MedicationRequest", "contained": [inside]}) == "hiv"
    assert (
        code_of({"resourceType": "DiagnosticReport", "contained": [{"resourceType": "MolecularSequence"}]})
        == "genetics"
    )
    assert code_of({"resourceType": "MedicationRequest", "contained": [{"resourceType": "Condition"}]}) == "medications"


def test_labels_in_their_older_places_count() -> None:
    assert code_of({"resourceType": "Composition", "confidentiality": "V"}) == "restricted"
    assert code_of({"resourceType": "Composition", "confidentiality": "N"}) == "documents"
    concept = {"coding": [{"system": ACT, "code": "PSYTHPN"}]}
    assert code_of({"resourceType": "DocumentReference", "securityLabel": [concept]}) == "psychotherapy-notes"
    assert (
        code_of({"resourceType": "Observation", "securityLabel": [concept], "confidentiality": "V"}) == "examinations"
    )


def test_inherited_labels_count_as_its_own() -> None:
    assert code_of({"resourceType": "Goal"}, {"system": ACT, "code": "ETH"}) == "substance-use"


@pytest.mark.parametrize(
    "rubbish", [None, 7, "HIV", [], {}, {"code": 7}, {"system": 7, "code": "HIV"}, [[{"code": "HIV"}]]]
)
def test_malformed_labels_and_categories_do_no_harm(rubbish: object) -> None:
    resource = {"resourceType": "Goal", "meta": {"security": rubbish}, "category": rubbish, "contained": rubbish}
    assert code_of(resource) in ("care-plans", "hiv")
    assert code_of({**resource, "meta": rubbish}) == "care-plans"
    assert not is_label(rubbish) or rubbish == {"code": "HIV"}


@given(resources)
def test_any_resource_has_a_class_and_adding_a_label_never_makes_it_ordinary(resource: dict[str, Any]) -> None:
    before = VOCABULARY.record_class(class_of(resource))
    after = VOCABULARY.record_class(class_of(resource, [{"system": ACT, "code": "HIV"}]))
    assert after.is_sensitive
    assert after.code in ("hiv", "restricted")
    if before.is_sensitive and before.code not in ("hiv", "restricted"):
        assert after.code == "restricted"


@given(json_values)
def test_any_value_is_a_label_or_not(value: object) -> None:
    assert is_label(value) in (True, False)
