"""Content identifiers: one text, one binary form, one meaning."""

import contextlib
import hashlib

import multiformats
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medrec_py.errors import CidInvalid
from medrec_py.storage import Cid, Codec

digests = st.binary(min_size=32, max_size=32)
cids = st.builds(Cid, st.sampled_from(Codec), digests)

# https://docs.ipfs.tech/concepts/content-addressing/ and the CID of no bytes, known to every IPFS implementation
EMPTY = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"


def test_the_cid_of_no_bytes_is_the_one_everybody_knows():
    assert str(Cid.of_raw(b"")) == EMPTY
    assert Cid.parse(EMPTY).digest == hashlib.sha256(b"").digest()


@given(cids)
def test_text_and_binary_agree_with_the_multiformats_library(cid):
    name = "raw" if cid.codec is Codec.RAW else "dag-pb"
    theirs = multiformats.CID("base32", 1, name, ("sha2-256", cid.digest))
    assert str(cid) == str(theirs)
    assert bytes(cid) == bytes(theirs)


@given(cids)
def test_text_and_binary_give_back_the_same_cid(cid):
    assert Cid.parse(str(cid)) == cid
    assert Cid.parse(f"/ipfs/{cid}") == cid
    assert Cid.from_bytes(bytes(cid)) == cid


@given(st.one_of(st.text(max_size=80), st.from_regex(r"b[a-z2-7]{58}", fullmatch=True)))
def test_any_text_is_read_as_the_cid_it_is_the_text_of_or_refused(text):
    try:
        cid = Cid.parse(text)
    except CidInvalid:
        return
    assert text.removeprefix("/ipfs/") == str(cid)


@given(st.one_of(st.binary(max_size=80), st.binary(min_size=36, max_size=36)))
def test_any_bytes_are_read_as_the_cid_they_are_or_refused(binary):
    try:
        cid = Cid.from_bytes(binary)
    except CidInvalid:
        return
    assert bytes(cid) == binary


@given(cids, st.integers(0, 58), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567018_B"))
def test_changing_one_character_never_gives_the_same_cid(cid, place, character):
    text = str(cid)
    changed = text[:place] + character + text[place + 1 :]
    if changed == text:
        return
    with contextlib.suppress(CidInvalid):
        assert Cid.parse(changed) != cid


@pytest.mark.parametrize(
    "text",
    [
        "",
        "b",
        "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn",  # CIDv0
        EMPTY.upper(),
        EMPTY + "=",
        EMPTY[:-1],
        EMPTY[:-1] + "v",  # the same bytes, with a bit set behind them
        "zb2rhe5P4gXftAwvA4eXQ5HJwsER2owDyS9sKaQRRVQPn93bA",  # base58
        "bafyreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku",  # dag-cbor
    ],
)
def test_other_kinds_of_cid_are_refused(text):
    with pytest.raises(CidInvalid):
        Cid.parse(text)


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_digest_of_another_length_is_refused_with_its_length(length):
    with pytest.raises(CidInvalid, match=f"not {length}"):
        Cid.raw(bytes(length))


def test_cids_are_values_that_can_be_keys_and_say_what_they_are():
    cid = Cid.dag_pb(bytes(32))
    assert {cid: 1}[Cid.dag_pb(bytes(32))] == 1
    assert cid != Cid.raw(bytes(32))
    assert repr(cid) == f"Cid({cid})"
    with pytest.raises(AttributeError):
        cid.digest = b""
