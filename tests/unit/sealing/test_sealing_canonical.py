"""Records come back equal to the digit, or are refused before they are sealed."""

import json
from contextlib import suppress
from decimal import Decimal

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from medrec_py.errors import ContentInvalid, ContentTooLarge, InvalidInput
from medrec_py.sealing.canonical import compress, decompress, read_records, write_records
from medrec_py.types.json_values import MAX_DEPTH, parse, same

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
numbers = st.from_regex(r"-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?", fullmatch=True).map(
    lambda text: parse(text)
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), texts, numbers, st.floats(allow_nan=False, allow_infinity=False)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=12,
)
resources = st.dictionaries(texts, values, max_size=5)


@given(st.lists(resources, min_size=1, max_size=4))
@settings(max_examples=300)
def test_any_json_comes_back_equal_and_is_written_the_same_again(records: list) -> None:
    written = write_records(records)
    back = read_records(written)
    assert len(back) == len(records)
    assert all(same(first, second) for first, second in zip(records, back, strict=True))
    assert write_records(back) == written


@pytest.mark.parametrize(
    "text",
    ["1.10", "1.1", "1.100", "0.0", "-0", "-0.0", "1E5", "1e5", "1.0e-10", "1e400", "12345678901234567890", "100"],
)
def test_a_number_keeps_its_precision(text: str) -> None:
    back = read_records(write_records([{"value": parse(text)}]))[0]
    assert write_records([back]) == f'{{"value":{text}}}\n'.encode()


def test_precision_is_part_of_a_value() -> None:
    one, two = (write_records([{"value": parse(text)}]) for text in ("1.10", "1.1"))
    assert one != two
    assert write_records([{"value": Decimal("1.10")}]) == one


def test_nul_characters_line_ends_and_rare_code_points_come_back() -> None:
    resource = {"text": "a\0b\n\r\u2028\x7f\U0001f600", "\0": "\\u0000", "": ""}
    assert read_records(write_records([resource, resource])) == (resource, resource)
    assert write_records([resource]).count(b"\n") == 1


def test_members_stand_in_one_order() -> None:
    assert write_records([{"b": 1, "a": {"d": 1, "c": 2}}]) == write_records([{"a": {"c": 2, "d": 1}, "b": 1}])


CYCLE: dict = {}
CYCLE["self"] = [CYCLE]


@pytest.mark.parametrize(
    "resource",
    [
        {"a": float("nan")},
        {"a": float("inf")},
        {"a": Decimal("NaN")},
        {"a": Decimal("Infinity")},
        {"a": "\ud800"},
        {"a\udfff": 1},
        {1: "a"},
        {None: "a"},
        {"a": {True: 1}},
        {"a": [{1.5: 1}]},
        {"a": (1, 2)},
        {"a": {"b": [()]}},
        {"a": {1, 2}},
        {"a": b"bytes"},
        {"a": NotImplemented},
        CYCLE,
        [],
        ["a"],
        "text",
        None,
        7,
    ],
    ids=repr,
)
def test_what_would_not_come_back_equal_is_refused_and_its_place_named(resource: object) -> None:
    with pytest.raises(InvalidInput, match="Resource 1"):
        write_records([{"fine": 1}, resource])  # type: ignore[list-item]


@pytest.mark.parametrize("records", [[], (), {}, {"resourceType": "Patient"}, "text", b"bytes"], ids=repr)
def test_there_must_be_a_list_with_something_in_it(records: object) -> None:
    with pytest.raises(InvalidInput, match="nothing to seal"):
        write_records(records)  # type: ignore[arg-type]


def nested(depth: int) -> dict:
    value: dict = {"leaf": 1}
    for _ in range(depth - 1):
        value = {"a": value}
    return value


def test_nesting_is_written_as_deep_as_it_can_be_read() -> None:
    assert read_records(write_records([nested(MAX_DEPTH)])) == (nested(MAX_DEPTH),)
    with pytest.raises(InvalidInput, match="nested"):
        write_records([nested(MAX_DEPTH + 1)])
    with pytest.raises(InvalidInput, match="nested"):
        write_records([nested(5_000)])


@pytest.mark.parametrize(
    "data",
    [b"", b"\n", b"{}", b"{}\n\n", b"\n{}\n", b"[]\n", b"1\n", b'{"a":1,"a":2}\n', b'{"a":NaN}\n', b'{"a":\n',
     b"\xff\n", b'{"a":"\\ud800"}\n', b"{}\r\n{}", b'{"a":' * 500 + b"1" + b"}" * 500 + b"\n"],
    ids=lambda data: repr(data[:20]),
)  # fmt: skip
def test_what_no_honest_author_writes_is_not_read(data: bytes) -> None:
    with pytest.raises(ContentInvalid):
        read_records(data)


@given(st.one_of(st.binary(max_size=60), st.text('{}[]",:\\0123456789.eE+-nulltrufas \n', max_size=40).map(str.encode)))
@settings(max_examples=400)
def test_any_bytes_are_records_or_refused(data: bytes) -> None:
    try:
        records = read_records(data)
    except ContentInvalid:
        return
    assert all(isinstance(record, dict) for record in records)
    assert all(
        same(json_value, parse(json_line)) for json_value, json_line in zip(records, data.split(b"\n"), strict=False)
    )


# ── compression ──


@given(st.binary(min_size=1, max_size=2_000))
def test_what_was_compressed_comes_back(data: bytes) -> None:
    assert decompress(compress(data), len(data)) == data


def test_a_decompression_bomb_is_refused_before_it_expands() -> None:
    bomb = compress(bytes(64 << 20))
    assert len(bomb) < 10_000
    with pytest.raises(ContentTooLarge, match="67108864"):
        decompress(bomb, (64 << 20) - 1)


def test_a_frame_that_lies_about_its_length_is_refused() -> None:
    frame = bytearray(compress(b"a" * 1000))
    position = frame.index((1000 - 256).to_bytes(2, "little"), 4)
    frame[position : position + 2] = (999 - 256).to_bytes(2, "little")
    with pytest.raises(ContentInvalid):
        decompress(bytes(frame), 1 << 20)


def test_frames_that_are_silent_empty_doubled_or_cut_are_refused() -> None:
    silent = zstandard.ZstdCompressor(write_content_size=False).compress(b"a" * 1000)
    one = compress(b"a" * 1000)
    skippable = b"\x50\x2a\x4d\x18\x04\0\0\0abcd"
    for frame in (
        silent,
        compress(b""),
        one + one,
        one + b"\0",
        one[:-1],
        one[:4],
        b"",
        b"abc",
        skippable,
        skippable + one,
    ):
        with pytest.raises(ContentInvalid):
            decompress(frame, 1 << 20)


@given(st.binary(max_size=80).map(lambda tail: b"\x28\xb5\x2f\xfd" + tail))
@settings(max_examples=400)
def test_any_bytes_decompress_or_are_refused(data: bytes) -> None:
    with suppress(ContentInvalid, ContentTooLarge):
        assert len(decompress(data, 1 << 20)) <= 1 << 20


def test_a_fhir_file_of_json_dumps_is_sealed_like_the_parsed_one() -> None:
    text = '{"resourceType":"Observation","valueQuantity":{"value":82.3}}'
    assert write_records([json.loads(text)]) == write_records([parse(text)])  # type: ignore[list-item]
