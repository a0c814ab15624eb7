"""Reading: every container of FHIR R4 gives the same records, and none of their content changes."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import Any

import pytest
from fhir_inputs import PATIENT, bundle, encoded, json_values, lines, observation, resources
from hypothesis import given

from medrec_py.errors import DuplicateResource, InvalidInput
from medrec_py.fhir import Limits, canonical_document, lots, read_records, record_of
from medrec_py.types.json_values import canonical, parse, same

RESOURCES = (PATIENT, observation("o1"), observation("o2", valueQuantity={"value": 1}))


@pytest.mark.parametrize("kind", ["transaction", "collection", "document", "searchset", "batch", "message", "history"])
def test_every_kind_of_bundle_gives_its_resources_in_order(kind: str) -> None:
    found = read_records(encoded(bundle(*RESOURCES, kind=kind)))
    assert [record.resource for record in found] == list(RESOURCES)
    assert found.patient == "Patient/patient"
    assert found.resources_read == 3


def test_a_single_resource_is_a_set_of_one() -> None:
    assert [record.reference for record in read_records(encoded(PATIENT))] == ["Patient/patient"]


def test_lines_of_resources_and_lines_of_bundles_are_read(tmp_path: Path) -> None:
    file = tmp_path / "export.ndjson"
    file.write_bytes(b"\n" + lines(PATIENT) + b"\r\n \n" + lines(bundle(*RESOURCES[1:])).rstrip(b"\n"))
    found = read_records(file)
    assert [record.resource for record in found] == list(RESOURCES)


@pytest.mark.parametrize("pretty", [True, False])
@pytest.mark.parametrize("compress", [True, False])
@pytest.mark.parametrize("source", ["path", "str", "bytes", "bytearray", "stream", "unseekable"])
def test_path_bytes_and_stream_plain_or_gzipped_are_one(
    source: str, compress: bool, pretty: bool, tmp_path: Path
) -> None:
    data = encoded(bundle(*RESOURCES))
    data = data.replace(b"{", b"\n {\n ") if pretty else data
    data = gzip.compress(data) if compress else data
    file = tmp_path / "input"
    file.write_bytes(data)

    class Unseekable(io.RawIOBase):
        inner = io.BytesIO(data)

        def read(self, size: int = -1) -> bytes:
            return self.inner.read(min(size, 1) if size > 0 else size)

    handed: Any = {
        "path": file,
        "str": str(file),
        "bytes": data,
        "bytearray": bytearray(data),
        "stream": io.BytesIO(data),
        "unseekable": Unseekable(),
    }[source]
    assert len(read_records(handed)) == 3


def test_several_gzip_members_are_one_input() -> None:
    data = b"".join(gzip.compress(lines(resource)) for resource in RESOURCES)
    assert len(read_records(data)) == 3


def test_numbers_and_texts_come_back_as_they_were_written() -> None:
    text = '{"resourceType":"Observation","id":"x","valueQuantity":{"value":1.10,"d":1E5,"n":-0},"note":"\\u0000é"}'
    (record,) = read_records(text.encode(), validation="off")
    assert canonical(record.resource) == (
        '{"id":"x","note":"\\u0000é","resourceType":"Observation","valueQuantity":{"d":1E5,"n":-0,"value":1.10}}'.encode()
    )


def test_bundles_in_bundles_give_up_their_resources() -> None:
    inner = bundle(observation("deep"))
    found = read_records(encoded(bundle(PATIENT, bundle(inner, kind="batch"))))
    assert [record.id for record in found] == ["patient", "deep"]


def test_a_full_url_that_says_more_than_the_id_is_kept_with_the_record() -> None:
    url = "https://clinic.example/fhir/Observation/o1"
    uuid = "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"
    found = read_records(
        encoded(
            bundle(
                {**PATIENT, "id": uuid[9:]},
                observation("o1", subject=uuid),
                observation(None, subject=uuid),
                urls=[uuid, url, "urn:uuid:2"],
            )
        )
    )
    assert [record.full_url for record in found] == [None, url, "urn:uuid:2"]
    assert [record.reference for record in found] == [f"Patient/{uuid[9:]}", "Observation/o1", "urn:uuid:2"]
    for record in found:
        assert record_of(record.document) == record
        assert record_of(parse(canonical_document(record))) == record  # type: ignore[arg-type]


def test_a_record_without_id_or_url_is_called_by_its_content() -> None:
    first, second = (read_records(encoded(observation(None, note=note))).records[0] for note in ([], None))
    assert first.reference.startswith("Observation#")
    assert first.reference != second.reference


def test_labels_that_only_the_bundle_carries_go_over_to_its_entries_and_stay_with_them() -> None:
    labelled = bundle(PATIENT, observation())
    labelled["meta"] = {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "HIV"}]}
    found = read_records(encoded(labelled))
    assert {record.record_class for record in found} == {26}
    assert [record_of(record.document) for record in found] == list(found)


def test_labels_of_a_bundle_do_not_go_over_where_entries_have_their_own() -> None:
    security = [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "HIV"}]
    labelled = bundle(PATIENT, observation(meta={"security": security}))
    labelled["meta"] = {"security": security}
    assert [record.record_class for record in read_records(encoded(labelled))] == [1, 26]


def test_an_identical_repetition_is_kept_once_and_said() -> None:
    found = read_records(lines(PATIENT, observation(), dict(reversed(observation().items()))))
    assert len(found) == 2
    assert found.resources_read == 3
    assert [notice.code for notice in found.notices] == ["duplicate"]
    assert "Observation/o1 (line 3) repeats Observation/o1 (line 2)" in found.notices[0].message


@pytest.mark.parametrize("urls", [None, ["urn:uuid:1", "urn:uuid:2"], ["urn:uuid:1", None]])
def test_two_different_resources_of_one_id_are_refused_by_name(urls: list[str | None] | None) -> None:
    with pytest.raises(DuplicateResource, match=r"Observation/o1 \(entry\[0\]\) and Observation/o1 \(entry\[1\]\)"):
        read_records(encoded(bundle(observation(), observation(status="amended"), urls=urls)))


def test_two_resources_of_one_full_url_are_refused() -> None:
    with pytest.raises(DuplicateResource):
        read_records(encoded(bundle(observation("a"), observation("b"), urls=["urn:uuid:1", "urn:uuid:1"])))


def test_a_difference_in_precision_is_a_difference() -> None:
    data = (
        b'{"resourceType":"Observation","id":"a","value":1.10}\n{"resourceType":"Observation","id":"a","value":1.1}\n'
    )
    with pytest.raises(DuplicateResource):
        read_records(data, validation="off")


def test_the_same_id_on_two_servers_is_two_resources() -> None:
    urls: list[str | None] = ["https://a.example/fhir/Location/1", "https://b.example/fhir/Location/1"]
    place = {"resourceType": "Location", "id": "1"}
    assert len(read_records(encoded(bundle(place, {**place, "name": "ward"}, urls=urls)))) == 2


def test_two_resources_without_any_id_stay_two_even_if_equal() -> None:
    assert len(read_records(lines(observation(None), observation(None)))) == 2


def test_unknown_types_are_kept_as_other_and_said() -> None:
    strange = {"resourceType": "Tricorder", "id": "t", "subject": {"reference": "Patient/patient"}, "beam": 1}
    found = read_records(lines(PATIENT, strange))
    assert found.records[1].record_class == 0
    assert found.records[1].resource == strange
    assert not found.records[1].is_dated
    assert [notice.code for notice in found.notices] == ["unknown-type"]


def test_an_entry_without_a_resource_is_said_not_lost_in_silence() -> None:
    transaction = bundle(PATIENT, kind="transaction")
    transaction["entry"].append({"request": {"method": "DELETE", "url": "Observation/9"}})
    found = read_records(encoded(transaction))
    assert len(found) == 1
    assert found.notices[0].message == "entry[1] carries no resource (DELETE Observation/9)."


def test_an_identifier_and_a_signature_of_a_bundle_are_said_not_to_be_kept() -> None:
    document = {**bundle(PATIENT, kind="document"), "identifier": {"value": "d"}, "signature": {"who": {}}}
    assert [notice.code for notice in read_records(encoded(document)).notices] == ["envelope"]


def test_an_empty_bundle_holds_nothing() -> None:
    assert len(read_records(b'{"resourceType":"Bundle","type":"searchset","total":0}')) == 0


def test_a_classifier_is_asked_first() -> None:
    found = read_records(
        lines(PATIENT, observation()), classifier=lambda resource: 23 if resource["id"] == "o1" else None
    )
    assert [record.record_class for record in found] == [1, 23]


@pytest.mark.slow
def test_a_resource_of_100_megabytes_is_read_and_grouped() -> None:
    scan = {"resourceType": "Binary", "id": "scan", "contentType": "application/dicom", "data": "QUJD" * (25 << 20)}
    data = gzip.compress(encoded(bundle(PATIENT, scan)), 1)
    found = read_records(data, limits=Limits(max_bytes=128 << 20))
    assert found.records[1].resource == scan
    assert [len(lot.records) for lot in lots(found)] == [1, 1]


@given(resources)
def test_any_resource_is_read_unchanged_or_refused(resource: dict[str, Any]) -> None:
    try:
        found = read_records(encoded(resource), any_patient=True)
    except InvalidInput:
        return
    for record in found:
        again = record_of(parse(canonical_document(record)))  # type: ignore[arg-type]
        assert same(again.resource, record.resource)
        assert (again.record_class, again.period, again.reference) == (
            record.record_class,
            record.period,
            record.reference,
        )
    if resource["resourceType"] != "Bundle":
        assert same(found.records[0].resource, resource)


@given(json_values)
def test_any_json_is_read_or_refused(value: object) -> None:
    try:
        read_records(encoded({"resourceType": "Bundle", "entry": value}))
    except InvalidInput:
        return
