"""SealedTight: a parcel opens in its own place, with its own key, unaltered; or not at all."""

import base64
import dataclasses
import io
import os
import random
import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sealing_roles import (
    CONTEXT,
    PATIENT_KEY,
    PROVIDER,
    STRANGER_KEY,
    TOP,
    VIEWER,
    compartment_key,
    digest_of,
    fetch,
    framed,
    seal_content,
)

from medrec_py.crypto import UNDATED, CompartmentKey, ContentKey, ParticipantKey, PublicKey, leaf_for
from medrec_py.crypto.stream import CHUNK_BYTES, TAG_BYTES
from medrec_py.errors import (
    ContentInvalid,
    ContentTooLarge,
    InputTooLarge,
    IntegrityError,
    InvalidInput,
    MedRecError,
    ParcelTampered,
    WrongKey,
)
from medrec_py.sealing import (
    Context,
    FetchedParcel,
    OpenedBlob,
    OpenedRecords,
    SealedParcel,
    Suite,
    open_parcel,
    pending_context,
    seal_records,
)
from medrec_py.sealing.canonical import MAX_EXPANDED, MAX_VALUES, compress, count_values
from medrec_py.sealing.envelope import Header, begin, content_key
from medrec_py.sealing.frame import Kind, wrap

RECORDS = [{"resourceType": "Observation", "id": "1", "value": 1.5}, {"resourceType": "Patient", "text": "a\0b"}]
EXCERPT_KEY = ContentKey(bytes(range(32)))
SEALING_KEYS = {Suite.COMPARTMENT: compartment_key(), Suite.SUBJECT: PATIENT_KEY.public_key, Suite.EXCERPT: EXCERPT_KEY}
OPENING_KEYS = {Suite.COMPARTMENT: compartment_key(), Suite.SUBJECT: PATIENT_KEY, Suite.EXCERPT: EXCERPT_KEY}
SUITES = list(Suite)

SMALL = {suite: seal_records(RECORDS, CONTEXT, SEALING_KEYS[suite]) for suite in SUITES}
LARGE = {
    # Two and a half chunks that no compression makes smaller.
    suite: seal_records([{"noise": os.urandom(5 * CHUNK_BYTES // 2).hex()}], CONTEXT, SEALING_KEYS[suite])
    for suite in SUITES
}


def opened(
    data: bytes, context: Context = CONTEXT, key: object = None, suite: Suite = Suite.COMPARTMENT
) -> OpenedRecords:
    parcel = open_parcel(fetch(data), context, OPENING_KEYS[suite] if key is None else key)  # type: ignore[arg-type]
    assert isinstance(parcel, OpenedRecords)
    return parcel


def refused(data: bytes, suite: Suite = Suite.COMPARTMENT) -> None:
    with pytest.raises((ParcelTampered, WrongKey)):
        open_parcel(fetch(data), CONTEXT, OPENING_KEYS[suite])


# ── round trips ──


@pytest.mark.parametrize("suite", SUITES)
def test_records_come_back_in_their_order(suite: Suite) -> None:
    parcel = opened(SMALL[suite].data, suite=suite)
    assert parcel.resources == tuple(RECORDS)
    assert parcel.context == CONTEXT
    assert parcel.content_key == SMALL[suite].content_key
    assert fetch(SMALL[suite].data).suite is suite


@pytest.mark.parametrize("suite", SUITES)
def test_a_large_parcel_comes_back(suite: Suite) -> None:
    assert len(LARGE[suite].data) > 2 * CHUNK_BYTES
    assert len(opened(LARGE[suite].data, suite=suite).resources) == 1


@pytest.mark.parametrize("suite", SUITES)
def test_the_content_key_opens_this_parcel_and_no_other(suite: Suite) -> None:
    assert opened(SMALL[suite].data, key=SMALL[suite].content_key).resources == tuple(RECORDS)
    other = seal_records(RECORDS, CONTEXT, SEALING_KEYS[suite] if suite is not Suite.EXCERPT else ContentKey.random())
    with pytest.raises(WrongKey):
        opened(other.data, key=SMALL[suite].content_key)


def test_sealing_the_same_twice_gives_different_bytes_throughout() -> None:
    first, second = (seal_records(RECORDS, CONTEXT, compartment_key()).data for _ in range(2))
    assert len(first) == len(second)
    assert sum(a == b for a, b in zip(first[8:], second[8:], strict=True)) < len(first) / 16


def test_an_object_shows_nothing_but_magic_version_and_suite() -> None:
    data = SMALL[Suite.COMPARTMENT].data
    assert data[:8] == b"MEDREC\1\1"
    assert b"Observation" not in data
    for fact in (CONTEXT.subject, CONTEXT.author, CONTEXT.contract):
        assert bytes.fromhex(fact[2:]) not in data


def test_records_of_one_size_and_another_look_alike() -> None:
    keys = [{"text": os.urandom(1500).hex()[: 2 * length]} for length in (1490, 1495, 1500)]
    assert len({len(seal_records([record], CONTEXT, compartment_key()).data) for record in keys}) == 1


def test_sealed_parcels_show_no_key_and_no_record_when_printed() -> None:
    sealed = SMALL[Suite.COMPARTMENT]
    shown = repr(sealed) + repr(opened(sealed.data)) + repr(fetch(sealed.data))
    assert "Observation" not in shown
    assert sealed.content_key.reveal().hex() not in shown
    assert sealed.data[:8].hex() not in shown
    assert "MEDREC" not in shown


# ── SealedTight: bytes ──


@pytest.mark.parametrize("suite", SUITES)
def test_any_flipped_byte_is_refused_before_any_plaintext(suite: Suite) -> None:
    """SealedTight: every byte of header, chunks and tags."""
    data = SMALL[suite].data
    for position in range(len(data)):
        for flip in (0x01, 0x80) if suite is not Suite.SUBJECT else (0x01,):
            altered = bytearray(data)
            altered[position] ^= flip
            refused(bytes(altered), suite)


@pytest.mark.parametrize("suite", SUITES)
def test_any_flipped_byte_is_refused_to_the_holder_of_the_content_key_too(suite: Suite) -> None:
    data, key = SMALL[suite].data, SMALL[suite].content_key
    for position in range(len(data)):
        altered = bytearray(data)
        altered[position] ^= 0x40
        with pytest.raises((ParcelTampered, WrongKey)):
            open_parcel(fetch(bytes(altered)), CONTEXT, key)


@pytest.mark.parametrize("suite", SUITES)
def test_a_flipped_byte_in_any_region_of_a_large_parcel_is_refused(suite: Suite) -> None:
    data = LARGE[suite].data
    header = Header.parse(data).size
    step = CHUNK_BYTES + TAG_BYTES
    positions = {*range(0, header, 7), header - 1, len(data) - 1, len(data) - TAG_BYTES, len(data) - TAG_BYTES - 1}
    for start in range(header, len(data), step):
        chunk = min(step, len(data) - start)
        positions |= {start, start + 1, start + chunk // 2, start + chunk - TAG_BYTES - 1, start + chunk - TAG_BYTES}
        positions |= {start + chunk - 1}
    for position in positions:
        altered = bytearray(data)
        altered[position] ^= 0x10
        refused(bytes(altered), suite)


@pytest.mark.parametrize("suite", SUITES)
def test_a_parcel_cut_at_any_length_is_refused(suite: Suite) -> None:
    """SealedTight: every length."""
    data = SMALL[suite].data
    for length in range(len(data)):
        with pytest.raises((ParcelTampered, WrongKey)):
            open_parcel(fetch(data[:length]), CONTEXT, OPENING_KEYS[suite])


@pytest.mark.parametrize("suite", SUITES)
def test_a_large_parcel_cut_at_or_near_a_chunk_is_refused(suite: Suite) -> None:
    """SealedTight: every chunk's end."""
    data = LARGE[suite].data
    header = Header.parse(data).size
    for boundary in range(header, len(data), CHUNK_BYTES + TAG_BYTES):
        for length in (boundary - TAG_BYTES, boundary - 1, boundary, boundary + 1, boundary + TAG_BYTES):
            refused(data[:length], suite)


@pytest.mark.parametrize("suite", SUITES)
def test_a_parcel_with_bytes_behind_it_is_refused(suite: Suite) -> None:
    for data in (SMALL[suite].data, LARGE[suite].data):
        for extension in (b"\0", bytes(TAG_BYTES), bytes(100), data[-100:], data):
            refused(data + extension, suite)


def test_bytes_between_header_and_stream_are_refused() -> None:
    data = SMALL[Suite.COMPARTMENT].data
    header = Header.parse(data).size
    refused(data[:header] + b"\0" + data[header:])
    refused(data[: header - 1] + data[header:])


def test_chunks_in_another_order_are_refused() -> None:
    """SealedTight: nothing changes places."""
    data = LARGE[Suite.COMPARTMENT].data
    header, step = Header.parse(data).size, CHUNK_BYTES + TAG_BYTES
    first, second, last = (
        data[header : header + step],
        data[header + step : header + 2 * step],
        data[header + 2 * step :],
    )
    for order in [(second, first, last), (first, last), (second, last), (first, first, last), (first, second)]:
        refused(data[:header] + b"".join(order))


def test_chunks_of_another_parcel_of_the_same_compartment_are_refused() -> None:
    data = LARGE[Suite.COMPARTMENT].data
    other = seal_records([{"noise": os.urandom(5 * CHUNK_BYTES // 2).hex()}], CONTEXT, compartment_key()).data
    header, step = Header.parse(data).size, CHUNK_BYTES + TAG_BYTES
    assert len(other) == len(data)
    for start in range(header, len(data), step):
        refused(data[:start] + other[start : start + step] + data[start + step :])
    refused(data[:header] + other[header:])
    assert opened(other).resources  # the foreign chunks were fine in their own place


def test_a_header_of_another_suite_is_refused() -> None:
    for suite in SUITES:
        for claimed in SUITES:
            if claimed is not suite:
                data = bytearray(SMALL[suite].data)
                data[7] = claimed
                for key in OPENING_KEYS.values():
                    with pytest.raises((ParcelTampered, WrongKey)):
                        open_parcel(fetch(bytes(data)), CONTEXT, key)


# ── SealedTight: place and key ──

ELSEWHERE = [
    dataclasses.replace(CONTEXT, **{field: value})
    for field, value in [
        ("chain_id", 1),
        ("contract", VIEWER),
        ("subject", VIEWER),
        ("subject", PROVIDER),
        ("author", VIEWER),
        ("class_number", 4),
        ("period", 2023),
        ("period", UNDATED),
        ("epoch", 0),
        ("epoch", 2),
    ]
]


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("context", ELSEWHERE, ids=str)
def test_a_parcel_opens_in_no_other_context(suite: Suite, context: Context) -> None:
    """SealedTight: chain, contract, subject, author, class, period and epoch are bound."""
    for data in (SMALL[suite].data, LARGE[suite].data):
        for key in (OPENING_KEYS[suite], SMALL[suite].content_key, LARGE[suite].content_key):
            with pytest.raises(WrongKey):
                open_parcel(fetch(data), context, key)


@pytest.mark.parametrize("context", ELSEWHERE, ids=str)
def test_swapping_subject_and_author_or_deriving_the_other_key_does_not_help(context: Context) -> None:
    key = leaf_for([TOP], context.epoch, context.class_number, context.period)
    assert key is not None
    for where in (context, CONTEXT):
        if key != compartment_key():
            with pytest.raises(WrongKey):
                open_parcel(fetch(SMALL[Suite.COMPARTMENT].data), where, key)


def test_the_key_of_an_older_epoch_opens_nothing_newer() -> None:
    """SealedTight, RevokedMeansBlind: a new epoch is another key."""
    newer = dataclasses.replace(CONTEXT, epoch=2)
    data = seal_records(RECORDS, newer, compartment_key(newer)).data
    for context in (CONTEXT, newer):
        with pytest.raises(WrongKey):
            open_parcel(fetch(data), context, compartment_key())


@pytest.mark.parametrize("suite", SUITES)
def test_a_stranger_opens_nothing(suite: Suite) -> None:
    for key in (CompartmentKey.random(), ContentKey.random(), STRANGER_KEY):
        with pytest.raises(WrongKey):
            open_parcel(fetch(SMALL[suite].data), CONTEXT, key)


def test_a_key_of_another_kind_is_refused_in_words() -> None:
    for suite, wanted in [(Suite.COMPARTMENT, "compartment"), (Suite.SUBJECT, "key pair"), (Suite.EXCERPT, "own key")]:
        for key in (compartment_key(), PATIENT_KEY):
            if key is not OPENING_KEYS[suite] and type(key) is not type(OPENING_KEYS[suite]):
                with pytest.raises(WrongKey, match=wanted):
                    open_parcel(fetch(SMALL[suite].data), CONTEXT, key)


def test_an_object_opens_under_one_key_only() -> None:
    """AES-GCM alone would let its author make one that opens differently to two readers; the commitment doesn't."""
    salt, bound, patients, viewers = os.urandom(32), CONTEXT.encode(), ContentKey.random(), ContentKey.random()
    opening, _ = begin(Suite.EXCERPT, salt, b"", patients, bound)
    _, cipher = begin(Suite.EXCERPT, salt, b"", viewers, bound)
    data = opening + cipher.encrypt(wrap(Kind.RECORDS, compress(b"{}\n")))
    with pytest.raises(ParcelTampered):
        opened(data, key=patients)
    with pytest.raises(WrongKey):
        opened(data, key=viewers)


@pytest.mark.parametrize(
    ("field", "value"),
    [("chain_id", -1), ("chain_id", 1 << 64), ("contract", "0x"), ("subject", "patient"), ("author", ""),
     ("class_number", 64), ("class_number", -1), ("period", 1899), ("period", 2156), ("epoch", 1 << 32), ("epoch", -1)],
)  # fmt: skip
def test_a_context_out_of_bounds_is_refused(field: str, value: object) -> None:
    context = dataclasses.replace(CONTEXT, **{field: value})
    with pytest.raises(InvalidInput):
        seal_records(RECORDS, context, compartment_key())
    with pytest.raises(InvalidInput):
        open_parcel(fetch(SMALL[Suite.COMPARTMENT].data), context, compartment_key())


@given(st.integers(0, (1 << 64) - 1), st.integers(0, 63), st.integers(1900, 2155), st.integers(0, (1 << 32) - 1))
def test_no_two_contexts_are_written_alike(chain: int, number: int, period: int, epoch: int) -> None:
    other = dataclasses.replace(CONTEXT, chain_id=chain, class_number=number, period=period, epoch=epoch)
    assert (other.encode() == CONTEXT.encode()) == (other == CONTEXT)
    assert len(other.encode()) == 75
    assert other.place.context(number, period, epoch) == other


# ── while a re-key is pending ──


def test_the_subject_learns_the_compartment_of_a_parcel_sealed_to_it() -> None:
    fetched = fetch(SMALL[Suite.SUBJECT].data)
    assert pending_context(fetched, CONTEXT.place, PATIENT_KEY) == CONTEXT
    with pytest.raises(WrongKey):
        pending_context(fetched, CONTEXT.place, STRANGER_KEY)
    with pytest.raises(WrongKey):
        pending_context(fetched, dataclasses.replace(CONTEXT.place, author=VIEWER), PATIENT_KEY)
    with pytest.raises(WrongKey, match="public key"):
        pending_context(fetch(SMALL[Suite.COMPARTMENT].data), CONTEXT.place, PATIENT_KEY)


def test_nothing_the_revoked_viewer_ever_held_opens_a_parcel_sealed_to_the_subject() -> None:
    fetched = fetch(SMALL[Suite.SUBJECT].data)
    for key in (compartment_key(), SMALL[Suite.COMPARTMENT].content_key, STRANGER_KEY, CompartmentKey.random()):
        with pytest.raises(WrongKey):
            open_parcel(fetched, CONTEXT, key)


def test_an_author_who_names_no_compartment_is_found_out() -> None:
    salt = os.urandom(32)
    info = b"medrec/1 content to subject\0" + salt + CONTEXT.place.encode()
    sealed = PATIENT_KEY.public_key.seal(bytes(32) + bytes([64, 0, 0, 0, 0, 0, 0]), info)
    opening, cipher = begin(Suite.SUBJECT, salt, sealed, ContentKey(bytes(32)), CONTEXT.encode())
    with pytest.raises(ContentInvalid, match="compartment"):
        pending_context(fetch(opening + cipher.encrypt(b"")), CONTEXT.place, PATIENT_KEY)


def test_only_keys_that_seal_are_taken_for_sealing() -> None:
    for key in (PATIENT_KEY, bytes(32), None):
        with pytest.raises(InvalidInput, match="doesn't seal"):
            seal_records(RECORDS, CONTEXT, key)  # type: ignore[arg-type]
    assert isinstance(PATIENT_KEY, ParticipantKey)
    assert isinstance(PATIENT_KEY.public_key, PublicKey)


# ── proof as a type ──


def test_nobody_makes_a_fetched_parcel_without_a_digest() -> None:
    with pytest.raises(TypeError, match="verify"):
        FetchedParcel()
    data = SMALL[Suite.COMPARTMENT].data
    with pytest.raises(ParcelTampered, match="the ledger says") as refusal:
        FetchedParcel.verify(data, bytes(32), digest_of=digest_of)
    assert refusal.value.facts["expected"] == bytes(32)
    with pytest.raises(InvalidInput, match="32 bytes"):
        FetchedParcel.verify(data, b"short", digest_of=lambda source: b"short")


def test_a_file_is_verified_and_opened_like_bytes() -> None:
    data = LARGE[Suite.COMPARTMENT].data
    file = io.BytesIO(data)
    file.seek(1000)
    fetched = FetchedParcel.verify(file, digest_of(data), digest_of=digest_of)
    assert (fetched.size, fetched.digest) == (len(data), digest_of(data))
    assert open_parcel(fetched, CONTEXT, compartment_key()).content_key == LARGE[Suite.COMPARTMENT].content_key
    reader = FetchedParcel.from_verifying_reader(io.BytesIO(data), digest_of(data))
    assert open_parcel(reader, CONTEXT, compartment_key()).content_key == LARGE[Suite.COMPARTMENT].content_key


@given(st.one_of(st.binary(max_size=120), st.binary(max_size=1400).map(lambda tail: b"MEDREC\1\2" + tail)))
@settings(max_examples=300)
def test_any_bytes_are_refused_as_an_object_or_do_not_open(data: bytes) -> None:
    for key in OPENING_KEYS.values():
        with pytest.raises((ParcelTampered, WrongKey)):
            open_parcel(fetch(data), CONTEXT, key)


def test_an_object_of_a_later_version_says_to_update() -> None:
    data = bytearray(SMALL[Suite.COMPARTMENT].data)
    data[6] = 2
    with pytest.raises(ParcelTampered, match="update"):
        fetch(bytes(data))


# ── authors who seal nonsense ──

GOOD = compress(b'{"a":1}\n')


def test_the_author_of_the_next_tests_can_also_be_honest() -> None:
    assert opened(seal_content(framed(1, GOOD))).resources == ({"a": 1},)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\1",
        b"\1\0\0",
        b"\1\0\0" + bytes(7),
        framed(0, GOOD),
        framed(3, GOOD),
        framed(1, GOOD, b"{}"),
        framed(1, GOOD, length=len(GOOD) + 40),
        framed(1, GOOD, length=0),
        framed(1, GOOD, length=(1 << 64) - 1),
        framed(1, GOOD)[:-1],
        framed(1, GOOD) + b"\0",
        framed(1, GOOD)[:-8] + bytes(64) + framed(1, GOOD)[-8:],
        framed(1, b""),
        framed(1, b"not zstd"),
        framed(1, GOOD + b"x"),
        framed(1, compress(b"no json\n")),
        framed(1, compress(b"[]\n")),
        framed(1, compress(b'{"a":1}')),
        framed(1, random.Random(1).randbytes(1000) + GOOD, hidden=b"x"),
        framed(2, b"blob"),
        framed(2, b"blob", b"{}"),
        framed(2, b"blob", b"[1]"),
        framed(2, b"blob", b"\xff"),
        framed(2, b"blob", b'{"content_type":"a/b"}'),
        framed(2, b"blob", b'{"content_type":1,"name":"n"}'),
        framed(2, b"blob", b'{"content_type":"","name":"n"}'),
        framed(2, b"blob", b'{"name":"n","content_type":"a/b"}'),
        framed(2, b"blob", b'{"content_type":"a/b","name":"n","more":1}'),
        b"\2\xff\xff" + bytes(100),
    ],
    ids=lambda content: repr(content[:24]),
)
def test_an_authentic_object_that_holds_nonsense_is_refused(content: bytes) -> None:
    with pytest.raises(ContentInvalid):
        open_parcel(fetch(seal_content(content)), CONTEXT, compartment_key())


def test_padding_that_hides_something_is_refused() -> None:
    body = compress(b'{"a":"' + os.urandom(700).hex().encode() + b'"}\n')
    assert framed(1, body) != framed(1, body, hidden=b"\1")
    assert opened(seal_content(framed(1, body)))
    with pytest.raises(ContentInvalid, match="zeros"):
        opened(seal_content(framed(1, body, hidden=b"\1")))


# ── authors who seal more than a reader can hold ──


def peak_of(act: Callable[[], object]) -> int:
    """Bytes of memory that an act takes at most."""
    tracemalloc.start()
    try:
        act()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_records_that_expand_too_far_are_refused_before_they_expand() -> None:
    data = seal_content(framed(1, compress(b'{"a":"%s"}\n' % (b"a" * (MAX_EXPANDED - 8)))))
    assert len(data) < 16_000
    fetched = fetch(data)

    def attempt() -> None:
        with pytest.raises(ContentTooLarge, match=f"would expand to {MAX_EXPANDED + 1}"):
            open_parcel(fetched, CONTEXT, compartment_key())

    assert peak_of(attempt) < 1 << 20


def test_a_parcel_as_large_as_one_may_be_opens() -> None:
    resources = [{"text": "a" * (MAX_EXPANDED - 12)}]
    data = seal_records(resources, CONTEXT, compartment_key()).data
    assert opened(data).resources == tuple(resources)
    with pytest.raises(InputTooLarge, match="more than one parcel holds"):
        seal_records([{"text": "a" * (MAX_EXPANDED - 11)}], CONTEXT, compartment_key())


def test_a_file_of_47_mib_in_a_resource_can_be_sealed() -> None:
    """What is larger still is a blob of its own."""
    attachment = base64.b64encode(random.Random(4).randbytes(47 << 20)).decode()
    resources = ({"resourceType": "DocumentReference", "content": [{"attachment": {"data": attachment}}]},)
    assert opened(seal_records(resources, CONTEXT, compartment_key()).data).resources == resources


def test_a_hostile_frame_that_is_longer_than_records_can_be_is_not_read() -> None:
    data = seal_content(framed(1, bytes(MAX_EXPANDED + (MAX_EXPANDED >> 8) + 1025)))
    with pytest.raises(ContentTooLarge, match="bytes of compressed records"):
        open_parcel(fetch(data), CONTEXT, compartment_key())


def values(count: int) -> bytes:
    """NDJSON of so many values, as small and as dense as JSON can be."""
    return b'{"a":[' + b",".join([b"{}"] * (count // 2 - 1)) + b"]}\n"


def test_many_tiny_values_are_refused_before_they_are_read() -> None:
    """Six million bytes of them would take a hundred times as much memory as the sealed object has bytes, and more."""
    many = values(MAX_VALUES + 4)
    assert count_values(many) > MAX_VALUES
    fetched = fetch(seal_content(framed(1, compress(many))))

    def attempt() -> None:
        with pytest.raises(ContentTooLarge, match="values"):
            open_parcel(fetched, CONTEXT, compartment_key())

    assert peak_of(attempt) < 2 * len(many)


def test_as_many_values_as_there_may_be_are_sealed_and_opened() -> None:
    many = values(MAX_VALUES)
    assert MAX_VALUES - 2 <= count_values(many) <= MAX_VALUES
    assert len(opened(seal_content(framed(1, compress(many)))).resources) == 1
    with pytest.raises(InputTooLarge, match="values"):
        seal_records([{"a": [{}] * (MAX_VALUES // 2 + 1)}], CONTEXT, compartment_key())


def test_content_that_is_too_large_is_invalid_content() -> None:
    """Whoever handles what an author wrote wrongly handles this too."""
    assert issubclass(ContentTooLarge, ContentInvalid)


@given(
    st.one_of(
        st.binary(max_size=200),
        st.builds(framed, st.integers(0, 3), st.binary(max_size=100), st.binary(max_size=60)),
        st.builds(framed, st.just(1), st.binary(max_size=100).map(compress)),
    )
)
@settings(max_examples=300, deadline=None)
def test_any_authentic_content_opens_or_is_refused_with_a_reason(content: bytes) -> None:
    try:
        parcel = open_parcel(fetch(seal_content(content)), CONTEXT, compartment_key())
    except IntegrityError as refusal:
        assert refusal.hint
        return
    assert isinstance(parcel, OpenedRecords | OpenedBlob)


def test_every_refusal_is_one_of_ours() -> None:
    assert all(issubclass(kind, MedRecError) for kind in (ParcelTampered, WrongKey, ContentInvalid, ContentTooLarge))


def test_a_content_key_is_bound_to_salt_and_context() -> None:
    sealed: SealedParcel = SMALL[Suite.COMPARTMENT]
    salt = Header.parse(sealed.data).salt
    assert content_key(compartment_key(), salt, CONTEXT.encode()) == sealed.content_key
    assert content_key(compartment_key(), bytes(32), CONTEXT.encode()) != sealed.content_key
    assert content_key(compartment_key(), salt, ELSEWHERE[0].encode()) != sealed.content_key
