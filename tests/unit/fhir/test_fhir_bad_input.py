"""Bad input: refused before it does harm, with the place and the reason in the message."""

from __future__ import annotations

import gzip
import io
import random
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from fhir_inputs import PATIENT, bundle, encoded, lines, observation
from hypothesis import given
from hypothesis import strategies as st

from medrec_py.errors import InputTooLarge, InvalidInput, InvalidJson, InvalidResource
from medrec_py.fhir import Limits, read_records, record_of


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (b"", InvalidJson, "input is empty"),
        (b" \r\n\t\n", InvalidJson, "input is empty"),
        (b"\xef\xbb\xbf", InvalidJson, "input is empty"),
        (b"{", InvalidJson, "line 1, column 2"),
        (b'{"resourceType":\n"Patient",}', InvalidJson, "line 2, column 11"),
        (encoded(PATIENT) + b"\n{broken\n", InvalidJson, "line 2, column 2"),
        (encoded(PATIENT) + b"\n\n\n" + encoded(PATIENT)[:-1], InvalidJson, "line 4"),
        (b'\n\n{"resourceType":"Patient","resourceType":"Person"}', InvalidJson, "from line 3.*two members named"),
        (b"resourceType,id\nPatient,1\n", InvalidJson, "line 1, column 1"),
        (b"<Patient xmlns='http://hl7.org/fhir'/>", InvalidJson, "line 1, column 1"),
        (b"\x00" * 10, InvalidJson, "line 1, column 1"),
        (encoded(PATIENT)[:-1] + b"\x00}", InvalidJson, "line 1"),
        (b'{"resourceType":"Patient","id":"\xc3\x28"}', InvalidJson, "not UTF-8: byte 32"),
        (encoded(PATIENT).decode().encode("utf-16"), InvalidJson, "UTF-16"),
        (b'{"resourceType":"Patient","id":"\\ud800"}', InvalidJson, "surrogate"),
        (b"\x1f\x8b", InvalidInput, "damaged gzip"),
        (gzip.compress(encoded(PATIENT), mtime=0)[:-9], InvalidInput, "damaged gzip"),
        (gzip.compress(encoded(PATIENT), mtime=0)[:-5] + b"\x00\x00\x00\x00\x00", InvalidInput, "damaged gzip"),
        (b"\x1f\x8bnothing like gzip at all", InvalidInput, "damaged gzip"),
        (gzip.compress(gzip.compress(encoded(PATIENT), mtime=0), mtime=0), InvalidJson, "not UTF-8"),
        (b"[]", InvalidResource, "JSON array"),
        (encoded([PATIENT]), InvalidResource, "Wrap the resources in a Bundle"),
        (b"12", InvalidResource, "The value is a number"),
        (b'"Patient"', InvalidResource, "The value is a string"),
        (b"null\nnull", InvalidResource, "The value at line 1 is null"),
        (b"true", InvalidResource, "a boolean"),
        (b"{}", InvalidResource, "no resourceType .its members: none"),
        (b'{"name":"x","id":1}', InvalidResource, "no resourceType .its members: name, id"),
        (lines(PATIENT, {"id": "x"}), InvalidResource, "at line 2"),
        (encoded(bundle(PATIENT, {"id": "x"})), InvalidResource, r"at entry\[1\] is not a FHIR resource"),
        (lines(PATIENT, bundle(bundle({}))), InvalidResource, r"at line 2, entry\[0\], entry\[0\]"),
        (b'{"resourceType":7}', InvalidResource, "resourceType is 7"),
        (b'{"resourceType":""}', InvalidResource, "names no type"),
        (b'{"resourceType":"Pat\\u0000ient"}', InvalidResource, "names no type"),
        (b'{"resourceType":"../../etc"}', InvalidResource, "names no type"),
        (b'{"resourceType":"Patient","id":7}', InvalidResource, "The id of the Patient is 7"),
        (b'{"resourceType":"Patient","id":""}', InvalidResource, "The id of the Patient"),
        (b'{"resourceType":"Patient","id":"a\\u0000b"}', InvalidResource, "The id of the Patient"),
        (b'{"resourceType":"Bundle","entry":{}}', InvalidResource, "Bundle.entry is not an array"),
        (b'{"resourceType":"Bundle","entry":[7]}', InvalidResource, r"entry\[0\] is not a JSON object"),
        (b'{"resourceType":"Bundle","entry":[{"resource":[]}]}', InvalidResource, r"at entry\[0\] is an array"),
        (b'{"resourceType":"Bundle","entry":[{"fullUrl":7,"resource":{}}]}', InvalidResource, r"fullUrl at entry\[0\]"),
    ],
)
def test_each_is_refused_with_its_place(data: bytes, error: type[InvalidInput], message: str) -> None:
    with pytest.raises(error, match=message):
        read_records(data)


def test_the_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "export.json"
    file.write_text("{oops")
    with pytest.raises(InvalidJson, match=r"export\.json is not valid JSON at line 1"):
        read_records(file)
    with pytest.raises(InvalidInput, match=r"missing\.json can't be read: No such file"):
        read_records(tmp_path / "missing.json")
    with pytest.raises(InvalidInput, match="can't be read"):
        read_records(tmp_path)
    with pytest.raises(InvalidInput, match="can't be read"):
        read_records("no\x00path")
    with pytest.raises(InvalidJson, match="the ward's list"):
        read_records(b"{", name="the ward's list")


def test_a_text_stream_is_refused() -> None:
    with pytest.raises(InvalidInput, match="text stream"):
        read_records(io.StringIO("{}"))  # type: ignore[arg-type]


def test_a_decompression_bomb_is_refused_before_it_unfolds() -> None:
    bomb = gzip.compress(b"[" + b" " * (256 << 20), 9)
    assert len(bomb) < 1 << 20
    tracemalloc.start()
    try:
        with pytest.raises(InputTooLarge, match=r"more than 8,388,608 bytes once decompressed"):
            read_records(bomb, limits=Limits(max_bytes=8 << 20))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 32 << 20


def test_limits_hold_at_their_edge() -> None:
    data = lines(PATIENT, observation())
    assert len(read_records(data, limits=Limits(max_bytes=len(data), max_resources=2))) == 2
    with pytest.raises(InputTooLarge, match="bytes"):
        read_records(data, limits=Limits(max_bytes=len(data) - 1))
    with pytest.raises(InputTooLarge, match="more than 1 resources"):
        read_records(data, limits=Limits(max_resources=1))


def test_nesting_is_limited_and_a_record_from_the_limit_can_be_read_back() -> None:
    def nested(levels: int) -> bytes:
        member = b'{"e":' * levels + b"1" + b"}" * levels
        return (
            b'{"resourceType":"Bundle","entry":[{"fullUrl":"urn:x","resource":{"resourceType":"Basic","n":%s}}]}'
            % member
        )

    (record,) = read_records(nested(124), validation="off")
    assert record_of(record.document) == record
    with pytest.raises(InvalidJson, match="nested more than 128 levels"):
        read_records(nested(125), validation="off")
    with pytest.raises(InvalidJson, match="nested more than 128 levels"):
        read_records(nested(100_000), validation="off")


def test_structure_is_warned_of_refused_or_let_pass_as_asked() -> None:
    wrong = lines({**PATIENT, "birthDate": 1990, "colour": "blue"})
    assert not read_records(wrong, validation="off").notices
    notices = read_records(wrong).notices
    assert {notice.code for notice in notices} == {"structure"}
    assert any("Patient.colour: unknown element" in notice.message for notice in notices)
    with pytest.raises(
        InvalidResource, match=r"broken in 2 places: Patient/patient \(line 1\)|Patient/patient: Patient"
    ):
        read_records(wrong, validation="refuse")
    assert not read_records(encoded(PATIENT), validation="refuse").notices


def test_record_of_takes_one_resource() -> None:
    assert record_of(PATIENT).reference == "Patient/patient"
    with pytest.raises(InvalidResource, match="2 resources, not one"):
        record_of(bundle(PATIENT, observation()))
    with pytest.raises(InvalidResource, match="no resourceType"):
        record_of({"id": "x"})


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        read_records(data)
    except InvalidInput:
        return


@given(st.binary(max_size=60))
def test_any_bytes_behind_the_mark_of_gzip_are_read_or_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput):
        read_records(b"\x1f\x8b" + data)


@pytest.mark.parametrize("compress", [True, False])
def test_a_damaged_byte_anywhere_is_read_or_refused(compress: bool) -> None:
    whole: Any = encoded(bundle(PATIENT, observation()))
    whole = gzip.compress(whole, mtime=0) if compress else whole
    flips = random.Random(1)
    for position in range(len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << flips.randrange(8)
        try:
            read_records(bytes(damaged))
        except InvalidInput:
            continue


@pytest.mark.parametrize("source", [{"resourceType": "Patient"}, [], None, 7])
def test_what_can_not_be_read_at_all_is_refused_with_a_hint(source: object):
    with pytest.raises(InvalidInput, match=type(source).__name__) as refused:
        read_records(source)  # type: ignore[arg-type]
    assert "json.dumps" in refused.value.hint
