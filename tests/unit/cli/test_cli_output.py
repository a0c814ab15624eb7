"""What is printed: JSON to the digit, tables that hide nothing, errors without noise."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medrec_py.cli import output
from medrec_py.cli.output import Shown, text_of
from medrec_py.types.json_values import parse
from medrec_py.types.terms import GrantStatus

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(alphabet=st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(alphabet=st.characters(exclude_categories=["Cs"])), inner),
)


@given(JSON)
def test_a_document_is_printed_as_json_that_says_the_same(document: object):
    assert json.loads(text_of(document)) == document


def test_numbers_of_fhir_keep_every_digit():
    record = parse('{"value": 1.10, "big": 12345678901234567890, "small": 1e-7}')
    assert text_of({"records": [record]}) == '{"records":[{"big":12345678901234567890,"small":1e-7,"value":1.10}]}'


def test_bytes_and_names_become_text():
    shown = json.loads(text_of({"id": b"\x01\xff", "status": GrantStatus.ACTIVE, "parts": (1, 2), "rule": None}))
    assert shown == {"id": "0x01ff", "status": 1, "parts": [1, 2], "rule": None}
    assert json.loads(text_of({"n": Decimal("1.50"), "b": b"\x01"})) == {"n": 1.5, "b": "0x01"}


def test_a_table_keeps_whole_addresses_when_it_is_piped(capsys: pytest.CaptureFixture[str]):
    address = "0x" + "Ab" * 20
    rows = [[address, address, "medrec [bold]not markup[/bold]"]]
    output.show(Shown({}, lambda: [output.table(("One", "Two", "Three"), rows, empty="none")]), is_json=False)
    printed = capsys.readouterr().out
    assert printed.count(address) == 2
    assert "[bold]not markup[/bold]" in printed


def test_an_error_shows_message_hint_and_the_facts_that_the_message_lacks(capsys: pytest.CaptureFixture[str]):
    error = {
        "error": "Refused",
        "message": "No 7.",
        "hint": "Try 8.",
        "facts": {"seven": 7, "rule": "CLASS", "no": None},
    }
    output.show_error(error, is_json=False)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.split("\n")[:3] == ["Refused No 7.", "  rule CLASS", "→ Try 8."]
