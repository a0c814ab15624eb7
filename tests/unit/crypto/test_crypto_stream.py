"""The cipher stream: whatever is done to it, no byte of plaintext comes back."""

import io
import os
import tracemalloc
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from medrec_py.crypto.stream import (
    CHUNK_BYTES,
    MAX_CHUNKS,
    TAG_BYTES,
    StreamCipher,
    StreamEncryptor,
    StreamReader,
)
from medrec_py.errors import InvalidInput, InvalidKey, ParcelTampered

KEY, PREFIX = bytes(range(32)), bytes(range(7))
SMALL = 32
CIPHER = StreamCipher(KEY, PREFIX, chunk_bytes=SMALL)
SIZES = [0, 1, SMALL - 1, SMALL, SMALL + 1, 2 * SMALL, 3 * SMALL, 3 * SMALL + 5]
STEP = SMALL + TAG_BYTES


def text(length: int) -> bytes:
    return bytes(index * 7 % 256 for index in range(length))


def refused(ciphertext: bytes, cipher: StreamCipher = CIPHER) -> None:
    """Asserts that neither reading, nor copying, nor a file gives any of it away."""
    with pytest.raises(ParcelTampered):
        cipher.decrypt(ciphertext)
    with pytest.raises(ParcelTampered):
        StreamReader(cipher, io.BytesIO(ciphertext)).read()


# ── round trips ──


@pytest.mark.parametrize("size", SIZES)
def test_a_stream_comes_back_from_memory_and_from_a_file(size: int) -> None:
    plain, out, back = text(size), io.BytesIO(), io.BytesIO()
    sealed = CIPHER.encrypt(plain)
    assert len(sealed) == CIPHER.ciphertext_bytes(size)
    assert CIPHER.plaintext_bytes(len(sealed)) == size
    assert CIPHER.decrypt(sealed) == plain
    assert CIPHER.encrypt_file(io.BytesIO(plain), out) == size
    assert out.getvalue() == sealed
    assert CIPHER.decrypt_file(io.BytesIO(sealed), back) == size
    assert back.getvalue() == plain


@pytest.mark.parametrize("size", [CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES])
def test_the_chunks_of_one_mebibyte_come_back(size: int) -> None:
    cipher, plain = StreamCipher(KEY, PREFIX), os.urandom(size)
    sealed = cipher.encrypt(plain)
    assert len(sealed) == size + TAG_BYTES * -(-size // CHUNK_BYTES)
    assert cipher.decrypt(sealed) == plain


def test_each_chunk_is_plain_aes_gcm_under_its_own_nonce() -> None:
    sealed = CIPHER.encrypt(text(70))
    raw = AESGCM(KEY)
    for index, last in [(0, 0), (1, 0), (2, 1)]:
        nonce = PREFIX + index.to_bytes(4, "big") + bytes([last])
        part = text(70)[index * SMALL : (index + 1) * SMALL]
        assert sealed[index * STEP : index * STEP + len(part) + TAG_BYTES] == raw.encrypt(nonce, part, None)


@given(st.binary(max_size=5 * SMALL), st.lists(st.integers(1, 2 * SMALL), max_size=12))
def test_it_does_not_matter_in_which_pieces_a_stream_is_written(plain: bytes, cuts: list[int]) -> None:
    out = io.BytesIO()
    encryptor = StreamEncryptor(CIPHER, out)
    start = 0
    for cut in cuts:
        encryptor.write(plain[start : start + cut])
        start += cut
    encryptor.write(plain[start:])
    encryptor.close()
    assert out.getvalue() == CIPHER.encrypt(plain)
    assert (encryptor.plaintext_bytes, encryptor.ciphertext_bytes) == (len(plain), len(out.getvalue()))


@given(st.integers(0, 4 * SMALL), st.integers(0, 5 * SMALL), st.one_of(st.none(), st.integers(0, 5 * SMALL)))
def test_any_range_of_a_stream_is_that_range_of_the_plaintext(size: int, start: int, length: int | None) -> None:
    plain = text(size)
    expected = plain[start:] if length is None else plain[start : start + length]
    for source in (CIPHER.encrypt(plain), io.BytesIO(CIPHER.encrypt(plain))):
        reader = StreamReader(CIPHER, source)
        out = io.BytesIO()
        assert reader.read(start, length) == expected
        assert reader.copy_to(out, start, length) == len(expected)
        assert out.getvalue() == expected
        assert reader.read(start, length) == expected


@given(st.lists(st.tuples(st.integers(0, 4 * SMALL), st.integers(0, 4 * SMALL)), max_size=8))
def test_ranges_can_be_read_in_any_order_from_one_reader(ranges: list[tuple[int, int]]) -> None:
    plain = text(3 * SMALL + 9)
    reader = StreamReader(CIPHER, io.BytesIO(b"header" + CIPHER.encrypt(plain)), 6)
    assert all(reader.read(start, length) == plain[start : start + length] for start, length in ranges)


def test_a_range_touches_only_the_chunks_that_hold_it() -> None:
    class Counting(io.BytesIO):
        touched: set[int] = set()  # noqa: RUF012

        def readinto(self, buffer) -> int:
            self.touched.add(self.tell() // STEP)
            return super().readinto(buffer)

    source = Counting(CIPHER.encrypt(text(10 * SMALL)))
    reader = StreamReader(CIPHER, source)
    assert source.touched == {9}
    source.touched.clear()
    assert reader.read(3 * SMALL + 1, SMALL) == text(10 * SMALL)[3 * SMALL + 1 : 4 * SMALL + 1]
    assert source.touched == {3, 4}


@pytest.mark.parametrize(("start", "length"), [(-1, 1), (0, -1), (-5, None)])
def test_a_negative_range_is_refused(start: int, length: int | None) -> None:
    reader = StreamReader(CIPHER, CIPHER.encrypt(text(10)))
    with pytest.raises(InvalidInput):
        reader.read(start, length)
    with pytest.raises(InvalidInput):
        reader.copy_to(io.BytesIO(), start, length)


# ── SealedTight ──


@pytest.mark.parametrize("size", SIZES)
def test_any_flipped_bit_of_a_stream_is_refused(size: int) -> None:
    """SealedTight: every bit."""
    sealed = CIPHER.encrypt(text(size))
    for position in range(len(sealed)):
        for bit in range(8):
            altered = bytearray(sealed)
            altered[position] ^= 1 << bit
            with pytest.raises(ParcelTampered):
                CIPHER.decrypt(bytes(altered))


@pytest.mark.parametrize("size", SIZES)
def test_a_stream_that_was_cut_anywhere_is_refused(size: int) -> None:
    """SealedTight: every length."""
    sealed = CIPHER.encrypt(text(size))
    for length in range(len(sealed)):
        refused(sealed[:length])


@pytest.mark.parametrize("size", SIZES)
def test_a_stream_that_was_cut_at_its_front_is_refused(size: int) -> None:
    sealed = CIPHER.encrypt(text(size))
    for start in range(1, len(sealed)):
        refused(sealed[start:])


@pytest.mark.parametrize("size", SIZES)
def test_a_stream_with_bytes_behind_it_is_refused(size: int) -> None:
    sealed = CIPHER.encrypt(text(size))
    for extension in (b"\0", b"\0" * TAG_BYTES, b"\0" * STEP, sealed, CIPHER.encrypt(b"x"), CIPHER.encrypt(b"")):
        refused(sealed + extension)


def test_chunks_in_another_order_are_refused() -> None:
    sealed = CIPHER.encrypt(text(4 * SMALL))
    chunks = [sealed[start : start + STEP] for start in range(0, len(sealed), STEP)]
    for first in range(4):
        for second in range(4):
            if first != second:
                swapped = list(chunks)
                swapped[first], swapped[second] = swapped[second], swapped[first]
                refused(b"".join(swapped))
                refused(b"".join([*chunks[:first], chunks[second], *chunks[first + 1 :]]))
    refused(b"".join(chunks[:1] + chunks))
    refused(b"".join(chunks[1:]))


def test_chunks_of_another_stream_are_refused() -> None:
    sealed = CIPHER.encrypt(text(3 * SMALL))
    for other in (StreamCipher(KEY, bytes(7), chunk_bytes=SMALL), StreamCipher(bytes(32), PREFIX, chunk_bytes=SMALL)):
        foreign = other.encrypt(text(3 * SMALL))
        refused(foreign)
        for start in range(0, len(sealed), STEP):
            refused(sealed[:start] + foreign[start : start + STEP] + sealed[start + STEP :])


def test_a_last_chunk_is_no_inner_chunk_and_the_other_way_round() -> None:
    whole, cut = CIPHER.encrypt(text(2 * SMALL)), CIPHER.encrypt(text(SMALL))
    refused(whole[:STEP])  # the first of two, alone
    refused(cut + whole[STEP:])  # a first that was the only one


def test_an_empty_last_chunk_behind_a_full_one_is_refused() -> None:
    raw = AESGCM(KEY)
    first = raw.encrypt(PREFIX + bytes(4) + b"\0", text(SMALL), None)
    empty = raw.encrypt(PREFIX + bytes(3) + b"\1\1", b"", None)
    refused(first + empty)


def test_a_file_whose_middle_is_altered_ends_before_the_altered_chunk() -> None:
    sealed = bytearray(CIPHER.encrypt(text(4 * SMALL)))
    sealed[2 * STEP + 3] ^= 1
    out = io.BytesIO()
    with pytest.raises(ParcelTampered, match="Chunk 2"):
        CIPHER.decrypt_file(io.BytesIO(bytes(sealed)), out)
    assert text(4 * SMALL).startswith(out.getvalue())
    assert len(out.getvalue()) <= 2 * SMALL
    reader = StreamReader(CIPHER, bytes(sealed))
    assert reader.read(0, 2 * SMALL) == text(2 * SMALL)
    for start in (2 * SMALL, 2 * SMALL + 1, 3 * SMALL - 1):
        with pytest.raises(ParcelTampered):
            reader.read(start, 1)


def test_a_file_that_shrinks_while_it_is_read_is_refused() -> None:
    class Shrinking(io.BytesIO):
        pass

    source = Shrinking(CIPHER.encrypt(text(4 * SMALL)))
    reader = StreamReader(CIPHER, source)
    source.truncate(STEP)
    with pytest.raises(ParcelTampered, match="gone"):
        reader.read(SMALL, SMALL)


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_anything_that_was_not_sealed_is_refused(data: bytes) -> None:
    refused(data)


def test_a_chunk_that_is_not_authentic_leaves_nothing_in_the_buffer_it_was_opened_into() -> None:
    sealed = bytearray(CIPHER.encrypt(text(SMALL)))
    sealed[-1] ^= 1
    out = bytearray(SMALL)
    with pytest.raises(ParcelTampered):
        CIPHER.open_chunk_into(0, memoryview(sealed), memoryview(out), last=True)
    assert out == bytes(SMALL)


# ── bounds ──


def test_a_counter_that_would_overflow_is_refused() -> None:
    cipher = StreamCipher(KEY, PREFIX)
    assert cipher.chunk_count(MAX_CHUNKS * CHUNK_BYTES) == MAX_CHUNKS
    for act in (
        lambda: cipher.chunk_count(MAX_CHUNKS * CHUNK_BYTES + 1),
        lambda: cipher.ciphertext_bytes(1 << 60),
        lambda: cipher.seal_chunk(MAX_CHUNKS, memoryview(b""), memoryview(bytearray(16)), last=True),
        lambda: cipher.seal_chunk(-1, memoryview(b""), memoryview(bytearray(16)), last=True),
    ):
        with pytest.raises(InvalidInput):
            act()  # type: ignore[no-untyped-call]
    with pytest.raises(ParcelTampered, match="too long"):
        cipher.plaintext_bytes((MAX_CHUNKS + 1) * (CHUNK_BYTES + TAG_BYTES))


def test_an_encryptor_stops_at_the_end_of_the_counter() -> None:
    encryptor = StreamEncryptor(StreamCipher(KEY, PREFIX, chunk_bytes=1), io.BytesIO())
    encryptor._index = MAX_CHUNKS - 1
    encryptor.write(b"a")
    with pytest.raises(InvalidInput, match="chunks"):
        encryptor.write(b"bc")


@pytest.mark.parametrize(("key", "prefix", "chunk"), [(bytes(31), PREFIX, 1), (KEY, bytes(8), 1), (KEY, PREFIX, 0)])
def test_a_stream_needs_a_key_and_a_prefix(key: bytes, prefix: bytes, chunk: int) -> None:
    with pytest.raises(InvalidKey):
        StreamCipher(key, prefix, chunk_bytes=chunk)


@given(st.integers(0, 1 << 36))
def test_lengths_of_plaintext_and_ciphertext_belong_together(length: int) -> None:
    assert CIPHER.plaintext_bytes(CIPHER.ciphertext_bytes(length)) == length
    try:
        plaintext = CIPHER.plaintext_bytes(length)
    except ParcelTampered:
        return
    assert CIPHER.ciphertext_bytes(plaintext) == length


@pytest.mark.parametrize("act", ["encrypt", "decrypt"])
def test_a_large_file_needs_little_memory(act: str, tmp_path) -> None:
    cipher = StreamCipher(KEY, PREFIX)
    plain, sealed = tmp_path / "plain", tmp_path / "sealed"
    with plain.open("wb") as file:
        file.truncate(48 << 20)

    def run(verb: Callable[..., int], source: os.PathLike, target: os.PathLike) -> int:
        with open(source, "rb") as taken, open(target, "wb") as written:
            tracemalloc.start()
            verb(taken, written)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            return peak

    peak = run(cipher.encrypt_file, plain, sealed)
    if act == "decrypt":
        peak = run(cipher.decrypt_file, sealed, tmp_path / "back")
        assert (tmp_path / "back").read_bytes() == bytes(48 << 20)
    assert peak < 6 * CHUNK_BYTES


def test_a_source_that_gives_little_at_a_time_is_read_to_its_end() -> None:
    class Dripping(io.RawIOBase):
        def __init__(self, data: bytes) -> None:
            self.data = io.BytesIO(data)

        def read(self, size: int = -1) -> bytes:
            return self.data.read(min(size, 5))

        readinto = None  # type: ignore[assignment]

    out = io.BytesIO()
    assert CIPHER.encrypt_file(Dripping(text(100)), out) == 100  # type: ignore[arg-type]
    assert out.getvalue() == CIPHER.encrypt(text(100))
