"""Clinical dates: the day that things happened or began, and doubt that never shows too much."""

from __future__ import annotations

import calendar
from typing import Any

import pytest
from fhir_inputs import PATIENT, encoded, json_values, resources
from hypothesis import given
from hypothesis import strategies as st

from medrec_py.crypto import keytree
from medrec_py.fhir import UNDATED, clinical_dates, record_of
from medrec_py.fhir.dates import FIRST_YEAR, LAST_YEAR, days_of
from medrec_py.fhir.structure import KNOWN_TYPES
from medrec_py.types.terms import NO_LAST_DATE


def on(kind: str, **members: Any) -> tuple[int, int]:
    return clinical_dates({"resourceType": kind, **members})


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("2015", (20150101, 20151231)),
        ("2015-02", (20150201, 20150228)),
        ("2016-02", (20160201, 20160229)),
        ("2015-02-07", (20150207, 20150207)),
        ("2015-02-07T13:28:17Z", (20150207, 20150207)),
        ("2015-02-07T13:28:17.239+02:00", (20150207, 20150207)),
        ("2015-12-31T23:59:59-11:00", (20151231, 20151231)),
        ("2016-01-01T00:00:00+14:00", (20160101, 20160101)),
        ("2015-02-07T13:28", (20150207, 20150207)),
        ("1900", (19000101, 19001231)),
        ("2155-12-31", (21551231, 21551231)),
    ],
)
def test_a_date_stands_for_all_its_days_as_written(text: str, days: tuple[int, int]) -> None:
    assert days_of(text) == days
    assert on("Observation", effectiveDateTime=text) == days


@pytest.mark.parametrize(
    "text",
    ["1899-12-31", "2156-01-01", "0000", "9999", "2015-13", "2015-00", "2015-02-29", "2015-02-00", "15-02-07",
     "2015-2-7", "2015-02-07 13:28", "2015-02-07T", "07.02.2015", "", " 2015", "2015\n",
     "\uff12\uff10\uff11\uff15", "today", 2015, None, [], {}],
)  # fmt: skip
def test_what_is_no_date_of_a_leaf_gives_none(text: object) -> None:
    assert days_of(text) is None


@pytest.mark.parametrize(
    ("kind", "members", "days"),
    [
        ("Observation", {"effectiveInstant": "2020-05-06T00:00:00Z", "issued": "2021-01-01T00:00:00Z"}, 20200506),
        ("Observation", {"issued": "2021-01-01T00:00:00Z"}, 20210101),
        ("Observation", {"effectivePeriod": {"start": "2020-05-06", "end": "2021-01-01"}}, 20200506),
        ("Observation", {"effectiveTiming": {"event": ["2020-05-06", "2019-01-02"]}}, 20190102),
        ("Observation", {"effectiveTiming": {"repeat": {"boundsPeriod": {"start": "2020-05-06"}}}}, 20200506),
        ("Condition", {"onsetDateTime": "2010-01-01", "recordedDate": "2020-01-01"}, 20100101),
        ("Condition", {"recordedDate": "2020-01-01"}, 20200101),
        ("Condition", {"onsetPeriod": {"start": "2010-01-01"}, "abatementDateTime": "2020-01-01"}, 20100101),
        ("Encounter", {"period": {"start": "2019-12-31T23:00:00Z", "end": "2020-01-02"}}, 20191231),
        ("MedicationRequest", {"authoredOn": "2020-01-01"}, 20200101),
        ("MedicationDispense", {"whenPrepared": "2020-01-01", "whenHandedOver": "2020-01-03"}, 20200103),
        ("Procedure", {"performedPeriod": {"start": "2020-01-01"}}, 20200101),
        ("Immunization", {"occurrenceDateTime": "2020-01-01", "recorded": "2021-01-01"}, 20200101),
        ("ServiceRequest", {"authoredOn": "2020-01-01", "occurrenceDateTime": "2020-03-01"}, 20200101),
        ("Specimen", {"collection": {"collectedDateTime": "2020-01-01"}, "receivedTime": "2020-01-02"}, 20200101),
        (
            "DocumentReference",
            {"context": {"period": {"start": "2020-01-01"}}, "date": "2020-01-09T00:00:00Z"},
            20200101,
        ),
        ("DocumentReference", {"date": "2020-01-09T00:00:00Z"}, 20200109),
        ("Claim", {"billablePeriod": {"start": "2020-01-01"}, "created": "2020-02-01"}, 20200101),
        ("Appointment", {"requestedPeriod": [{"start": "2020-03-01"}, {"start": "2020-02-01"}]}, 20200201),
        ("Goal", {"startDate": "2020-01-01", "statusDate": "2021-01-01"}, 20200101),
        ("ImagingStudy", {"started": "2020-01-01T09:00:00+01:00"}, 20200101),
        ("Provenance", {"occurredDateTime": "2020-01-01", "recorded": "2020-02-01T00:00:00Z"}, 20200101),
    ],
)
def test_each_type_is_dated_by_its_own_elements(kind: str, members: dict[str, Any], days: int) -> None:
    assert on(kind, **members) == (days, days)


@pytest.mark.parametrize(
    ("kind", "members"),
    [
        ("Patient", {"birthDate": "1984-01-01", "meta": {"lastUpdated": "2020-01-01T00:00:00Z"}}),
        ("Organization", {}),
        ("Medication", {"batch": {"expirationDate": "2020-01-01"}}),
        ("Device", {"manufactureDate": "2020-01-01"}),
        ("Tricorder", {"date": "2020-01-01", "effectiveDateTime": "2020-01-01"}),
        ("Observation", {"meta": {"lastUpdated": "2020-01-01T00:00:00Z"}}),
        ("Condition", {"onsetAge": {"value": 12}, "recordedDate": "2020-01-01"}),
        ("Condition", {"onsetString": "in childhood", "recordedDate": "2020-01-01"}),
        ("Condition", {"onsetPeriod": {"end": "2020-01-01"}, "recordedDate": "2020-01-01"}),
        ("Observation", {"effectiveDateTime": "1850-01-01", "issued": "2020-01-01T00:00:00Z"}),
        ("Observation", {"effectiveDateTime": "soon", "issued": "2020-01-01T00:00:00Z"}),
        ("Observation", {"effectiveTiming": {"event": ["2020-01-01", "unknown"]}}),
        ("Observation", {"effectiveTiming": {"code": {"text": "daily"}}}),
        ("Appointment", {"requestedPeriod": [{"start": "2020-01-01"}, {"end": "2020-01-01"}]}),
        ("Specimen", {"collection": "2020-01-01"}),
        ("Specimen", {"collection": []}),
    ],
)
def test_what_has_no_certain_beginning_is_undated(kind: str, members: dict[str, Any]) -> None:
    assert on(kind, **members) == (UNDATED, UNDATED)


def test_types_with_dates_are_types_of_r4() -> None:
    from medrec_py.fhir.dates import _ELEMENTS

    assert set(_ELEMENTS) <= KNOWN_TYPES


def test_years_and_absence_are_those_of_the_tree_of_keys() -> None:
    assert (FIRST_YEAR, LAST_YEAR, UNDATED) == (keytree.FIRST_YEAR, keytree.LAST_YEAR, keytree.UNDATED)


@pytest.mark.parametrize(
    ("text", "window", "covered"),
    [
        ("2015-06-15", (20150615, 20150615), True),
        ("2015-06-15", (20150616, NO_LAST_DATE), False),
        ("2015-06-15", (0, 20150614), False),
        ("2015-06", (20150601, 20150630), True),
        ("2015-06", (20150602, NO_LAST_DATE), False),
        ("2015-06", (0, 20150629), False),
        ("2015", (20150101, 20151231), True),
        ("2015", (20150102, NO_LAST_DATE), False),
        ("2015", (0, NO_LAST_DATE), True),
        ("1850", (0, NO_LAST_DATE), True),
        ("1850", (1, NO_LAST_DATE), False),
        ("1850", (0, NO_LAST_DATE - 1), False),
        ("1850", (18000101, 18991231), False),
    ],
)
def test_a_window_covers_a_record_only_with_all_its_days(text: str, window: tuple[int, int], covered: bool) -> None:
    record = record_of({"resourceType": "Observation", "effectiveDateTime": text})
    assert record.is_within(*window) is covered


def test_period_and_dates_go_together() -> None:
    dated = record_of({"resourceType": "Observation", "effectiveDateTime": "2015-06"})
    assert (dated.period, dated.date_first, dated.date_last, dated.is_dated) == (2015, 20150601, 20150630, True)
    undated = record_of(PATIENT)
    assert (undated.period, undated.date_first, undated.date_last, undated.is_dated) == (0, 0, 0, False)


@given(st.dates())
def test_every_day_of_the_leaves_is_itself(day: Any) -> None:
    number = day.year * 10_000 + day.month * 100 + day.day
    expected = (number, number) if FIRST_YEAR <= day.year <= LAST_YEAR else None
    assert days_of(day.isoformat()) == expected


@given(st.integers(FIRST_YEAR, LAST_YEAR), st.integers(1, 12))
def test_every_month_has_all_its_days(year: int, month: int) -> None:
    base = year * 10_000 + month * 100
    assert days_of(f"{year}-{month:02}") == (base + 1, base + calendar.monthrange(year, month)[1])


@given(resources, st.integers(0, 22000000), st.integers(0, 22000000))
def test_any_resource_is_dated_within_one_year_and_windows_only_shrink(resource: Any, low: int, high: int) -> None:
    first, last = clinical_dates(resource)
    assert first <= last
    assert first // 10_000 == last // 10_000
    record = record_of({**resource, "resourceType": "Observation", "id": "x"})
    assert record.is_within(0, NO_LAST_DATE)
    if record.is_within(low, high):
        assert record.is_within(low - 1, high + 1)


@given(json_values)
def test_any_value_in_the_place_of_a_date_is_read_or_left(value: object) -> None:
    encoded(value)
    for kind, element in [("Observation", "effectiveTiming"), ("Encounter", "period"), ("Specimen", "collection")]:
        first, last = on(kind, **{element: value})
        assert (first == UNDATED) == (last == UNDATED)
