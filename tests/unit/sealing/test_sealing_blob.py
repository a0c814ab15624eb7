"""Blobs: any size in bounded memory, any range of them, whole on disk or not there."""

import io
import os
import tracemalloc
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sealing_roles import CONTEXT, PATIENT_KEY, compartment_key, digest_of, fetch, framed, seal_content

from medrec_py.crypto.stream import CHUNK_BYTES, TAG_BYTES
from medrec_py.errors import ContentInvalid, InvalidInput, ParcelTampered, WrongKey
from medrec_py.sealing import FetchedParcel, OpenedBlob, SealedBlob, open_parcel, seal_blob
from medrec_py.sealing.envelope import Header
from medrec_py.sealing.padding import padme

DESCRIPTION = b'{"content_type":"application/dicom","name":"ct.dcm"}'


def sealed(content: bytes, key: object = None) -> tuple[bytes, SealedBlob]:
    out = io.BytesIO()
    blob = seal_blob(
        io.BytesIO(content),
        out,
        CONTEXT,
        compartment_key() if key is None else key,  # type: ignore[arg-type]
        content_type="application/dicom",
        name="ct.dcm",
    )
    return out.getvalue(), blob


def opened(source: bytes | BinaryIO) -> OpenedBlob:
    fetched = fetch(source) if isinstance(source, bytes) else FetchedParcel.from_verifying_reader(source, bytes(32))
    parcel = open_parcel(fetched, CONTEXT, compartment_key())
    assert isinstance(parcel, OpenedBlob)
    return parcel


# Around the ends of the first and second chunk, of which head (55 bytes) and length (8) take their part.
SIZES = [0, 1, 1000, CHUNK_BYTES - 64, CHUNK_BYTES - 63, CHUNK_BYTES - 55, CHUNK_BYTES - 54, CHUNK_BYTES,
         CHUNK_BYTES + 1, 2 * CHUNK_BYTES - 63, 3 * CHUNK_BYTES]  # fmt: skip


@pytest.mark.parametrize("size", SIZES)
def test_a_blob_comes_back_whole_with_its_type_and_name(size: int, tmp_path: Path) -> None:
    content = os.urandom(size)
    data, blob = sealed(content)
    assert (blob.size, blob.content_size) == (len(data), size)
    back = opened(data)
    assert (back.size, back.content_type, back.name) == (size, "application/dicom", "ct.dcm")
    assert back.read() == content
    assert b"".join(bytes(piece) for piece in back.pieces()) == content
    back.save(tmp_path / "ct.dcm")
    assert (tmp_path / "ct.dcm").read_bytes() == content
    assert os.listdir(tmp_path) == ["ct.dcm"]
    plain = 3 + len(DESCRIPTION) + size + 8
    chunks = max(1, -(-padme(plain) // CHUNK_BYTES))
    assert len(data) == 72 + padme(plain) + TAG_BYTES * chunks


def test_a_blob_may_be_sealed_to_the_subject() -> None:
    data, blob = sealed(b"image", PATIENT_KEY.public_key)
    parcel = open_parcel(fetch(data), CONTEXT, PATIENT_KEY)
    assert isinstance(parcel, OpenedBlob)
    assert parcel.read() == b"image"
    assert parcel.content_key == blob.content_key


CONTENT = os.urandom(2 * CHUNK_BYTES + 12_345)
DATA = sealed(CONTENT)[0]


@given(st.integers(0, len(CONTENT) + 10), st.one_of(st.none(), st.integers(0, 40), st.integers(0, len(CONTENT) + 10)))
@settings(max_examples=60, deadline=None)
def test_any_range_is_that_range(start: int, length: int | None) -> None:
    expected = CONTENT[start:] if length is None else CONTENT[start : start + length]
    blob = opened(io.BytesIO(DATA))
    assert blob.read(start, length) == expected
    assert b"".join(bytes(piece) for piece in blob.pieces(start, length)) == expected


@pytest.mark.parametrize(("start", "length"), [(-1, 1), (0, -1)])
def test_a_negative_range_is_refused(start: int, length: int) -> None:
    with pytest.raises(InvalidInput):
        opened(DATA).read(start, length)
    with pytest.raises(InvalidInput):
        opened(DATA).pieces(start, length)


def test_a_range_fetches_only_the_chunks_it_needs() -> None:
    class Counting(io.BytesIO):
        got = 0

        def readinto(self, buffer) -> int:
            got = super().readinto(buffer)
            self.got += got
            return got

    big = sealed(bytes(20 * CHUNK_BYTES))[0]
    source = Counting(big)
    blob = opened(source)
    source.got = 0
    assert blob.read(10 * CHUNK_BYTES, 100) == bytes(100)
    assert source.got == CHUNK_BYTES + TAG_BYTES


def regions() -> list[int]:
    header, step = Header.parse(DATA).size, CHUNK_BYTES + TAG_BYTES
    starts = range(header, len(DATA), step)
    ends = [min(start + step, len(DATA)) for start in starts]
    return sorted(
        {0, 6, 7, 8, header - 1, *starts, *(start + step // 2 for start in starts if start + step // 2 < len(DATA))}
        | {end - 1 for end in ends}
        | {end - TAG_BYTES - 1 for end in ends}
    )


@pytest.mark.parametrize("position", regions())
def test_a_flipped_byte_leaves_no_file_and_gives_no_byte(position: int, tmp_path: Path) -> None:
    altered = bytearray(DATA)
    altered[position] ^= 1
    target = tmp_path / "ct.dcm"
    target.write_bytes(b"what was there before")
    with pytest.raises((ParcelTampered, WrongKey)):
        opened(bytes(altered)).save(target)
    with pytest.raises((ParcelTampered, WrongKey)):
        opened(bytes(altered)).read()
    assert target.read_bytes() == b"what was there before"
    assert os.listdir(tmp_path) == ["ct.dcm"]


def test_a_cut_blob_does_not_even_open() -> None:
    header, step = Header.parse(DATA).size, CHUNK_BYTES + TAG_BYTES
    for length in (header + step, header + 2 * step, len(DATA) - 1, header + 1, header):
        with pytest.raises(ParcelTampered):
            opened(DATA[:length])
        with pytest.raises(ParcelTampered):
            opened(io.BytesIO(DATA[:length]))


def test_hidden_padding_is_found_when_a_blob_is_saved(tmp_path: Path) -> None:
    content = framed(2, bytes(5_000), DESCRIPTION, hidden=b"\1")
    blob = opened(seal_content(content))
    assert blob.read(0, 10) == bytes(10)
    with pytest.raises(ContentInvalid, match="zeros"):
        blob.save(tmp_path / "x")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("content_type", "name"),
    [("", "a"), ("a" * 256, "a"), ("a/b", "n" * 1025), ("a/b", "é" * 600), ("a/b", "\ud800"), ("\udfff", "")],
)
def test_a_description_out_of_bounds_is_refused_before_anything_is_written(content_type: str, name: str) -> None:
    out = io.BytesIO()
    with pytest.raises(InvalidInput):
        seal_blob(io.BytesIO(b"x"), out, CONTEXT, compartment_key(), content_type=content_type, name=name)
    assert out.getvalue() == b""


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_any_name_comes_back_but_is_only_a_name(name: str) -> None:
    out = io.BytesIO()
    seal_blob(io.BytesIO(b"x"), out, CONTEXT, compartment_key(), content_type="image/png", name=name)
    assert opened(out.getvalue()).name == name
    assert "image/png" in repr(opened(out.getvalue()))
    if len(name) > 6:
        assert name not in repr(opened(out.getvalue()))


def test_a_large_blob_needs_little_memory(tmp_path: Path) -> None:
    plain, target, back = tmp_path / "plain", tmp_path / "sealed", tmp_path / "back"
    with plain.open("wb") as file:
        file.truncate(48 << 20)
    tracemalloc.start()
    with plain.open("rb") as source, target.open("wb") as out:
        seal_blob(source, out, CONTEXT, compartment_key(), content_type="application/dicom")
    with target.open("rb") as file:
        opened(file).save(back)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * CHUNK_BYTES
    assert digest_of(back.read_bytes()) == digest_of(plain.read_bytes())
    assert back.stat().st_mode & 0o077 == 0
