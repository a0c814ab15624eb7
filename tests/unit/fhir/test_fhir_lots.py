"""Lots: one class and period each, the same whatever order the records come in, none too large."""

from __future__ import annotations

import random
from typing import Any

import pytest
from fhir_inputs import PATIENT, lines, observation, resources
from hypothesis import given
from hypothesis import strategies as st

from medrec_py.errors import InvalidInput
from medrec_py.fhir import ClinicalRecord, lots, read_records, record_of
from medrec_py.types.json_values import canonical_lines


def records(*many: dict[str, Any]) -> list[ClinicalRecord]:
    return list(read_records(lines(*many), any_patient=True, validation="off"))


def test_each_class_and_period_is_a_lot_in_order() -> None:
    category = [
        {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}]}
    ]
    found = records(
        observation("late", effectiveDateTime="2021-01-01", category=category),
        observation("b", effectiveDateTime="2020-05-01", category=category),
        observation("a", effectiveDateTime="2020-05-01", category=category),
        observation("early", effectiveDateTime="2020", category=category),
        observation("undated", effectiveDateTime="1850", category=category),
        PATIENT,
    )
    assert [(lot.record_class, lot.period, [record.id for record in lot.records]) for lot in lots(found)] == [
        (1, 0, ["patient"]),
        (7, 0, ["undated"]),
        (7, 2020, ["early", "a", "b"]),
        (7, 2021, ["late"]),
    ]


def test_content_is_the_canonical_lines_of_the_documents_and_reads_back() -> None:
    for lot in lots(records(PATIENT, observation("a"), observation("b"), observation(None))):
        assert lot.content == canonical_lines(lot.documents)
        assert read_records(lot.content, any_patient=True).records == lot.records


def test_a_lot_ends_before_it_grows_too_large() -> None:
    found = records(*[observation(f"o{number}", note="x" * 100) for number in range(10)])
    size = len(lots(found)[0].content)
    assert [len(lot.records) for lot in lots(found, max_bytes=size)] == [10]
    assert [len(lot.records) for lot in lots(found, max_bytes=size - 1)] == [9, 1]
    assert [len(lot.records) for lot in lots(found, max_bytes=1)] == [1] * 10


def test_nothing_gives_no_lots() -> None:
    assert lots([]) == ()


@given(st.lists(resources, max_size=8), st.integers(1, 400), st.randoms(use_true_random=False))
def test_any_records_are_all_in_lots_and_their_order_does_not_matter(
    many: list[dict[str, Any]], max_bytes: int, shuffle: random.Random
) -> None:
    found = []
    for resource in many:
        try:
            found.append(record_of(resource))
        except InvalidInput:
            continue
    grouped = lots(found, max_bytes=max_bytes)
    assert sorted(len(lot.records) for lot in grouped if not lot.records) == []
    assert sum(len(lot.records) for lot in grouped) == len(found)
    for lot in grouped:
        assert {(record.record_class, record.period) for record in lot.records} == {(lot.record_class, lot.period)}
        assert len(lot.content) <= max_bytes or len(lot.records) == 1
    shuffle.shuffle(found)
    assert [lot.content for lot in lots(found, max_bytes=max_bytes)] == [lot.content for lot in grouped]


@pytest.mark.parametrize("max_bytes", [0, -1])
def test_a_size_that_holds_nothing_still_loses_nothing(max_bytes: int) -> None:
    assert len(lots(records(PATIENT, observation()), max_bytes=max_bytes)) == 2
