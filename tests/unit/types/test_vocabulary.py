"""The vocabulary: numbers that never change, codes that HL7 defines, names in two languages."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import pytest
from eth_hash.auto import keccak
from hypothesis import given
from hypothesis import strategies as st

from medrec_py.errors import InvalidInput, UnknownCode
from medrec_py.types.terms import Operation
from medrec_py.types.vocabulary import EVERY_CLASS, VOCABULARY, bits, load

SHIPPED = resources.files("medrec_py.types").joinpath("vocabulary.json").read_bytes()

HASH = "cd727ba1b01c46e29e6603f991da4f0322dabdc2281acbd7108fe2025f4b8d91"
"""Pinned: a changed table is another vocabulary, which registrars must publish and grants name anew."""

CLASS_NUMBERS = [
    "other", "demographics", "allergies", "medications", "immunizations", "conditions", "procedures", "laboratory",
    "vital-signs", "imaging", "examinations", "encounters", "documents", "care-plans", "devices", "social-history",
    "surveys", "family-history", "insurance", "consents", "research", "directory", "provenance", "behavioural-health",
    "psychotherapy-notes", "substance-use", "hiv", "sexual-and-reproductive-health", "genetics", "sickle-cell",
    "violence-and-abuse", "restricted",
]  # fmt: skip


def test_the_hash_is_of_the_canonical_json_and_stays() -> None:
    compact = json.dumps(json.loads(SHIPPED), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert VOCABULARY.hash == keccak(compact)
    assert VOCABULARY.hash.hex() == HASH


def test_layout_and_order_of_members_do_not_change_the_hash() -> None:
    shuffled = json.dumps(dict(reversed(json.loads(SHIPPED).items())), indent=4).encode()
    assert load(shuffled).hash == VOCABULARY.hash


def test_any_other_wording_changes_the_hash() -> None:
    assert load(SHIPPED.replace(b"Laboratory results", b"Lab results")).hash != VOCABULARY.hash


def test_numbers_of_classes_keep_their_meaning() -> None:
    assert [row.code for row in VOCABULARY.classes[: len(CLASS_NUMBERS)]] == CLASS_NUMBERS


def test_every_row_has_both_languages_and_a_definition() -> None:
    for row in (*VOCABULARY.classes, *VOCABULARY.purposes, *VOCABULARY.operations):
        assert set(row.display) >= {"en", "zh"}
        assert all(row.display.values())
        assert row.definition.endswith(".")


def test_no_type_category_or_label_belongs_to_two_classes() -> None:
    for pick in ("types", "categories", "labels"):
        keys = [key for row in VOCABULARY.classes for key in getattr(row, pick)]
        assert len(keys) == len(set(keys))


def test_sensitive_classes_are_those_that_labels_name() -> None:
    assert all(row.is_sensitive == bool(row.labels) for row in VOCABULARY.classes)


def test_parents_of_purposes_are_purposes() -> None:
    codes = {row.code for row in VOCABULARY.purposes}
    assert {row.parent for row in VOCABULARY.purposes} - {None} <= codes
    tops = {row.code for row in VOCABULARY.purposes if row.parent is None}
    assert tops == {"TREAT", "HPAYMT", "HOPERAT", "HRESCH", "PATRQT", "PUBHLTH", "HMARKT"}


def test_operations_are_those_of_the_terms() -> None:
    assert {row.code: row.number for row in VOCABULARY.operations} == {bit.name: bit.value for bit in Operation}


def test_a_class_is_found_by_code_in_any_spelling_or_by_number() -> None:
    assert VOCABULARY.record_class("laboratory").number == 7
    assert VOCABULARY.record_class("Vital_Signs").number == 8
    assert VOCABULARY.record_class(26).code == "hiv"
    assert VOCABULARY.purpose("treat").number == 0
    assert VOCABULARY.operation("export").number == 8


@pytest.mark.parametrize(
    ("wrong", "near"),
    [("labs", "laboratory"), ("medication", "medications"), ("allergy", "allergies"), ("vitals", "vital-signs")],
)
def test_an_unknown_class_is_refused_naming_the_nearest(wrong: str, near: str) -> None:
    with pytest.raises(UnknownCode) as refusal:
        VOCABULARY.record_class(wrong)
    assert near in refusal.value.hint
    assert wrong in refusal.value.message
    assert isinstance(refusal.value, InvalidInput)


@pytest.mark.parametrize("wrong", [-1, 32, 63, 10**30, True, "", "7"])
def test_a_number_without_a_class_is_refused(wrong: object) -> None:
    with pytest.raises(UnknownCode):
        VOCABULARY.record_class(wrong)  # type: ignore[arg-type]


def test_masks_and_names_are_inverse() -> None:
    mask = VOCABULARY.class_mask(["laboratory", 2, "hiv"])
    assert mask == 1 << 7 | 1 << 2 | 1 << 26
    assert VOCABULARY.class_names(mask) == ("Allergies and intolerances", "Laboratory results", "HIV and AIDS")
    assert VOCABULARY.class_names(mask, "zh") == ("过敏与不耐受", "检验结果", "艾滋病毒与艾滋病")
    assert VOCABULARY.purpose_names(VOCABULARY.purpose_mask("HRESCH")) == ("healthcare research",)
    assert VOCABULARY.operation_names(VOCABULARY.operation_mask(["READ", "EXPORT"])) == ("read", "export")


def test_all_and_ordinary_differ_by_the_sensitive_classes() -> None:
    sensitive = sum(1 << row.number for row in VOCABULARY.classes if row.is_sensitive)
    assert VOCABULARY.class_mask("all") == (1 << len(VOCABULARY.classes)) - 1
    assert VOCABULARY.class_mask("ordinary") == VOCABULARY.class_mask("all") - sensitive
    assert sensitive
    with pytest.raises(UnknownCode):
        VOCABULARY.purpose_mask("ordinary")
    assert VOCABULARY.operation_mask("all") == 31


def test_all_64_bits_stand_for_every_class_of_the_table() -> None:
    assert VOCABULARY.class_names(EVERY_CLASS) == tuple(one.display["en"] for one in VOCABULARY.classes)
    with pytest.raises(UnknownCode):
        VOCABULARY.class_names(EVERY_CLASS >> 1)


def test_bits_and_languages_that_the_table_lacks_are_refused() -> None:
    with pytest.raises(UnknownCode):
        VOCABULARY.class_names(1 << 63)
    with pytest.raises(UnknownCode, match="language 'xx'"):
        VOCABULARY.class_names(1, "xx")
    with pytest.raises(UnknownCode, match="negative"):
        bits(-1)


@given(st.sets(st.sampled_from([row.number for row in VOCABULARY.classes])))
def test_every_set_of_classes_is_its_mask(numbers: set[int]) -> None:
    assert set(bits(VOCABULARY.class_mask(numbers))) == numbers


@given(st.text(max_size=40) | st.integers())
def test_any_key_is_found_or_refused(key: str | int) -> None:
    try:
        row = VOCABULARY.record_class(key)
    except UnknownCode:
        return
    assert key == row.number or str(key).strip()


def test_a_table_with_gaps_is_no_vocabulary() -> None:
    gap = SHIPPED.replace(b'"number": 3, "code": "medications"', b'"number": 2, "code": "medications"')
    with pytest.raises(UnknownCode, match="numbers"):
        load(gap)


def test_a_code_twice_is_no_vocabulary() -> None:
    with pytest.raises(UnknownCode, match="twice"):
        load(SHIPPED.replace(b'"code": "hiv"', b'"code": "Genetics"'))


def test_the_table_ships_with_the_package() -> None:
    assert Path(str(resources.files("medrec_py.types").joinpath("vocabulary.json"))).is_file()
