"""JSON values come back to the digit, and what JSON leaves undefined is refused at a named place."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medrec_py.errors import InvalidJson
from medrec_py.types.json_values import MAX_DEPTH, Number, canonical, canonical_lines, parse, same

numbers = st.from_regex(r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,4})?", fullmatch=True)
texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts | numbers.map(Number),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(texts, inner, max_size=5),
    max_leaves=30,
)


@pytest.mark.parametrize(
    "text", ["1.10", "0.0", "-0", "-0.0", "1E5", "1e+5", "1e-7", "1e400", "12345678901234567890123", "9" * 5000, "0.1"]
)
def test_a_number_is_written_as_it_was_read(text: str) -> None:
    assert canonical(parse(text)) == text.encode()


def test_a_number_is_a_decimal_with_its_value() -> None:
    number = parse("1.10")
    assert isinstance(number, Number)
    assert number == Decimal("1.1")
    assert number.text == "1.10"
    assert copy.deepcopy(number).text == "1.10"
    assert pickle.loads(pickle.dumps(parse("1E5"))).text == "1E5"


def test_small_integers_are_plain_integers() -> None:
    assert type(parse("42")) is int
    assert type(parse("-7")) is int


@given(numbers)
def test_every_number_survives(text: str) -> None:
    assert canonical(parse(text)) == text.encode()


@given(values)
def test_every_value_survives_and_its_canonical_bytes_are_a_fixed_point(value: object) -> None:
    written = canonical(value)
    assert canonical(parse(written)) == written
    assert b"\n" not in written


@given(values)
def test_other_readers_of_json_read_the_same(value: object) -> None:
    written = canonical(value)
    plain = json.loads(written)
    assert json.loads(json.dumps(plain)) == plain
    assert same(parse(written), value)


def test_members_are_sorted_and_nothing_is_escaped_without_need() -> None:
    assert canonical({"b": 1, "a": ["é", "/", "\u2028", '"', "\\", "\x00"]}) == (
        '{"a":["é","/","\u2028","\\"","\\\\","\\u0000"],"b":1}'.encode()
    )


def test_truth_and_one_are_not_the_same() -> None:
    assert not same({"a": True}, {"a": 1})
    assert same({"a": 1, "b": None}, {"b": None, "a": 1})
    assert not same({"a": None}, {})
    assert not same(parse("1.10"), parse("1.1"))


def test_lines_end_each_with_a_line_feed() -> None:
    assert canonical_lines([{"a": 1}, {"b": 2}]) == b'{"a":1}\n{"b":2}\n'


def test_a_byte_order_mark_is_not_part_of_the_document() -> None:
    assert parse(b'\xef\xbb\xbf{"a":1}') == {"a": 1}


def test_the_mark_that_carries_numbers_cannot_be_smuggled_in() -> None:
    with pytest.raises(InvalidJson, match="surrogate"):
        canonical([Decimal("1.5"), "\ud8001.5"])
    with pytest.raises(InvalidJson, match="surrogate"):
        canonical("\ud8001.5")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'{"a":1,\n "a":2}', "two members named 'a'"),
        (b'{"a":\n  oops}', "line 2, column 3"),
        (b'{"a":"\x00"}', "line 1, column 7"),
        (b"\x00", "line 1, column 1"),
        (b"", "line 1, column 1"),
        (b"{} {}", "Extra data"),
        (b"[NaN]", "NaN is not a JSON value"),
        (b"[-Infinity]", "-Infinity is not a JSON value"),
        (b"[1e99999999999999999999]", "beyond the range"),
        (b'{"a":\n"\\ud83d"}', "surrogate pair in a string near line 2"),
        (b'"\\ude00\\ud83d"', "surrogate"),
        (b'{"a":\n"\xff"}', "byte 7 .0xff., on line 2"),
        (b'\xef\xbb\xbf"\xff"', "byte 4 .0xff., on line 1"),
        (b'"\xed\xa0\x80"', "not UTF-8"),
        ('{"a":1}'.encode("utf-16"), "UTF-16"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "more than 128 levels"),
        (b"[" * 200_000, "more than 128 levels"),
        (b'{"a":' * 100_000, "more than 128 levels"),
    ],
)
def test_what_is_no_json_is_refused_with_its_place(data: bytes, message: str) -> None:
    with pytest.raises(InvalidJson, match=message):
        parse(data)


def test_the_deepest_document_allowed_is_read_and_written() -> None:
    deepest = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    assert canonical(parse(deepest)) == deepest


def test_paired_surrogates_and_a_literal_backslash_are_text() -> None:
    assert parse(rb'"\ud83d\ude00"') == "😀"
    assert parse(rb'"\\ud83d"') == r"\ud83d"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), Decimal("NaN"), {1, 2}, b"bytes", object(), {(1, 2): 3}])
def test_what_json_has_no_form_for_is_not_written(value: object) -> None:
    with pytest.raises(InvalidJson):
        canonical({"a": value} if not isinstance(value, dict) else value)


def test_a_value_that_contains_itself_is_not_written() -> None:
    loop: list[object] = []
    loop.append(loop)
    with pytest.raises(InvalidJson, match="contains itself"):
        canonical(loop)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        value = parse(data)
    except InvalidJson:
        return
    assert same(parse(canonical(value)), value)


@given(st.text(max_size=100))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        canonical(parse(text))
    except InvalidJson:
        return


# ── where another library has raised the recursion limit ─────────────────────────────────────────────────────────────

NESTED = {
    "arrays": "[" * 200_000,
    "objects": '{"a":' * 200_000,
    "behind a string of brackets": '["' + "]" * 300_000 + '",' + "[" * 200_000,
    "behind an escaped quote": r'["\"", ' + "[" * 200_000,
    "in a string that never ends": '["' + "[" * 200_000,
}


@pytest.mark.parametrize("text", NESTED.values(), ids=NESTED)
@pytest.mark.parametrize("limit", [1_000, 12_288, 100_000])
def test_nesting_of_any_depth_is_refused_and_never_kills_the_process(text: str, limit: int) -> None:
    # In a process of its own: the failure that is looked for would end this one.
    program = f"""
import sys
from medrec_py.errors import InvalidJson
from medrec_py.types.json_values import parse
sys.setrecursionlimit({limit})
try:
    parse(sys.stdin.read())
except InvalidJson:
    sys.exit(7)
"""
    done = subprocess.run([sys.executable, "-c", program], input=text, text=True, capture_output=True, check=False)
    assert done.returncode == 7, done.stderr[-500:]


def test_what_only_looks_deep_is_read_whatever_the_recursion_limit() -> None:
    before = sys.getrecursionlimit()
    wide = {"text": "[{" * 1_000, "list": [[n] for n in range(1_000)], "quote": '"[[['}
    try:
        sys.setrecursionlimit(100_000)
        assert same(parse(canonical(wide)), wide)
        assert same(parse("[" * MAX_DEPTH + "]" * MAX_DEPTH), parse("[" * MAX_DEPTH + "]" * MAX_DEPTH))
    finally:
        sys.setrecursionlimit(before)
