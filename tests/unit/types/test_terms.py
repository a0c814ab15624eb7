"""Terms, the sentence they make, and the moments they are made of."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medrec_py.errors import InvalidInput, StatementMismatch, UnknownLanguage
from medrec_py.types.moments import day, iso, moment
from medrec_py.types.statement import render, require_statement
from medrec_py.types.terms import (
    MESSAGE_TYPES,
    NO_EXPIRY,
    NO_LAST_DATE,
    ZERO_ADDRESS,
    Domain,
    Operation,
    Terms,
    typed_data,
)
from medrec_py.types.unlock import UNLOCK_STATEMENT, unlock_message
from medrec_py.types.vocabulary import VOCABULARY

VIEWER = "0x00000000000000000000000000000000000000AA"
AGENT = "0x00000000000000000000000000000000000000bb"

KNOWN_CLASSES = VOCABULARY.class_mask(["all"])
KNOWN_PURPOSES = VOCABULARY.purpose_mask(["all"])

days = st.dates(date(1900, 1, 1), date(2155, 12, 31)).map(day)
all_terms = st.builds(
    Terms,
    agent=st.sampled_from([ZERO_ADDRESS, AGENT]),
    classes=st.integers(1, 2**64 - 1).map(lambda mask: mask & KNOWN_CLASSES or 1),
    purposes=st.integers(1, 2**64 - 1).map(lambda mask: mask & KNOWN_PURPOSES or 1),
    operations=st.integers(1, 31).map(Operation),
    starts_at=st.integers(0, 2**63),
    expires_at=st.one_of(st.just(NO_EXPIRY), st.integers(0, 2**63)),
    records_from=st.one_of(st.just(0), days),
    records_until=st.one_of(st.just(NO_LAST_DATE), days),
    delegations=st.integers(0, 255),
    parent=st.one_of(st.just(bytes(32)), st.binary(min_size=32, max_size=32)),
    condition=st.sampled_from([ZERO_ADDRESS, AGENT]),
    vocabulary=st.just(VOCABULARY.hash),
    statement=st.text(max_size=30),
    salt=st.binary(min_size=32, max_size=32),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(all_terms)
def test_terms_come_back_equal_from_json(terms: Terms) -> None:
    assert Terms.from_json(terms.to_json()) == terms


@given(all_terms, st.sampled_from(sorted(Terms.__dataclass_fields__)), json_values)
def test_a_field_of_another_form_is_refused_by_name_or_kept_as_it_is(terms: Terms, name: str, value: object) -> None:
    document = terms.to_json() | {name: value}
    try:
        read = Terms.from_json(document)
    except InvalidInput as error:
        assert name in str(error)
    else:
        assert str(read.to_json()[name]) == str(value) or read.to_json()[name] == int(str(value))


@given(json_values)
def test_anything_that_is_not_terms_is_refused(value: object) -> None:
    with pytest.raises(InvalidInput):
        Terms.from_json(value)


def test_a_number_that_the_contract_could_not_hold_is_refused() -> None:
    with pytest.raises(InvalidInput, match="delegations is 256"):
        Terms(ZERO_ADDRESS, 1, 1, Operation.READ, 0, 1, 0, 0, 256, bytes(32), ZERO_ADDRESS, bytes(32), "", bytes(32))


@given(all_terms, st.sampled_from(["en", "zh"]))
def test_the_sentence_that_the_fields_make_is_accepted(terms: Terms, language: str) -> None:
    require_statement(terms.with_statement(render(terms, VIEWER, language)), VIEWER)  # type: ignore[arg-type]


@given(all_terms, all_terms, st.sampled_from(["en", "zh"]))
def test_terms_that_say_something_else_make_another_sentence(terms: Terms, other: Terms, language: str) -> None:
    shown = ["agent", "classes", "purposes", "operations", "starts_at", "expires_at"]
    shown += ["records_from", "records_until", "delegations", "parent", "condition"]
    for name in shown:
        changed = replace(terms, **{name: getattr(other, name)})
        if getattr(changed, name) != getattr(terms, name):
            assert render(changed, VIEWER, language) != render(terms, VIEWER, language)  # type: ignore[arg-type]


def _terms() -> Terms:
    return Terms(
        agent=ZERO_ADDRESS,
        classes=VOCABULARY.class_mask(["laboratory"]),
        purposes=VOCABULARY.purpose_mask(["TREAT"]),
        operations=Operation.READ,
        starts_at=moment("2026-11-24"),
        expires_at=moment("2027-05-01"),
        records_from=20200615,
        records_until=NO_LAST_DATE,
        delegations=0,
        parent=bytes(32),
        condition=ZERO_ADDRESS,
        vocabulary=VOCABULARY.hash,
        statement="",
        salt=bytes(32),
    )


def test_the_sentence_says_who_what_why_until_when_and_of_which_dates() -> None:
    sentence = render(_terms(), VIEWER)
    for words in (VIEWER, "read", "2027-05-01 00:00:00 UTC", "dated 2020-06-15 or later", "may not pass this on"):
        assert words in sentence
    assert sentence.endswith("[medrec:1:en]")


def test_a_sentence_for_another_viewer_is_refused() -> None:
    terms = _terms().with_statement(render(_terms(), VIEWER))
    with pytest.raises(StatementMismatch):
        require_statement(terms, AGENT)


@pytest.mark.parametrize(
    "statement", ["", "I allow everything.", "x [medrec:2:en]", "x [medrec:1:fr]", "x [medrec:1:en] and more"]
)
def test_a_sentence_without_a_tag_that_can_be_checked_is_refused(statement: str) -> None:
    with pytest.raises(StatementMismatch):
        require_statement(_terms().with_statement(statement), VIEWER)


def test_an_unknown_language_is_named() -> None:
    with pytest.raises(UnknownLanguage, match="fr"):
        render(_terms(), VIEWER, "fr")  # type: ignore[arg-type]


def test_a_class_that_the_vocabulary_does_not_know_makes_no_sentence() -> None:
    with pytest.raises(InvalidInput):
        render(replace(_terms(), classes=1 << 63), VIEWER)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("1970-01-02", 86400),
        ("1970-01-01T00:00:05Z", 5),
        ("1970-01-01T01:00:00+01:00", 0),
        ("12", 12),
        (7, 7),
        (date(1970, 1, 2), 86400),
        (datetime(1970, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))), 0),
        (datetime(1970, 1, 2), 86400),
    ],
)
def test_moments_are_read_as_people_write_them(written: object, seconds: int) -> None:
    assert moment(written) == seconds  # type: ignore[arg-type]


@given(st.text())
def test_no_text_makes_a_moment_or_a_day_fail_otherwise_than_by_name(text: str) -> None:
    for read in (moment, day):
        try:
            assert isinstance(read(text), int)
        except InvalidInput as error:
            assert repr(text) in str(error)


@given(st.dates())
def test_days_are_numbers_that_read_back(value: date) -> None:
    assert day(day(value)) == day(value) == day(value.isoformat())


def test_moments_beyond_the_calendar_are_written_as_numbers() -> None:
    assert iso(NO_EXPIRY) == f"@{NO_EXPIRY}"
    assert iso(0) == "1970-01-01T00:00:00Z"
    assert datetime.fromtimestamp(moment(iso(86399)), UTC).hour == 23


def test_a_message_with_other_fields_is_refused() -> None:
    with pytest.raises(InvalidInput, match="actor, id"):
        typed_data(Domain("MedRec", 1, VIEWER), "Revocation", {"actor": VIEWER})


def test_the_unlocking_message_is_bound_to_chain_and_contract_and_says_what_it_does() -> None:
    first = unlock_message(Domain("MedRec", 1, VIEWER), VIEWER)
    second = unlock_message(Domain("MedRec", 2, VIEWER), VIEWER)
    third = unlock_message(Domain("MedRec", 1, AGENT), VIEWER)
    assert len({str(item["domain"]) for item in (first, second, third)}) == 3
    assert first["message"]["statement"] == UNLOCK_STATEMENT
    assert "Unlock" in MESSAGE_TYPES
