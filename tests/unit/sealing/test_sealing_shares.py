"""Objects with sealed shares: read to the letter, telling outsiders a number and no more."""

import dataclasses
import json

import pytest
from eth_abi import encode
from eth_utils import keccak
from hypothesis import given, settings
from hypothesis import strategies as st
from sealing_roles import CONTRACT, PATIENT, PATIENT_KEY, PROVIDER, STRANGER_KEY, VIEWER, VIEWER_KEY

from medrec_py.errors import ContentInvalid, InvalidInput
from medrec_py.sealing import (
    Appointed,
    BundleContext,
    Custody,
    PlanBundle,
    ShareBundle,
    Shares,
    guardian_leaf,
    proof_in,
    seal_bundle,
    shuffled,
    tree_over,
    verify_proof,
)
from medrec_py.sealing.shares import has_one_recipient

PLACE = BundleContext(31337, CONTRACT, PATIENT)
SHARE = ShareBundle(PATIENT, VIEWER, "a label", "words", bytes(32))
SEALED = tuple(seal_bundle(SHARE, PLACE, [key.public_key]) for key in (VIEWER_KEY, STRANGER_KEY, PATIENT_KEY))
SHARES = Shares(SEALED)
CUSTODY = Custody(PATIENT_KEY.public_key, VIEWER_KEY.public_key, STRANGER_KEY.public_key, SEALED)


def test_objects_come_back_as_they_were() -> None:
    assert Shares.parse(SHARES.encode()) == SHARES
    assert Custody.parse(CUSTODY.encode()) == CUSTODY


def test_neither_object_is_the_other() -> None:
    with pytest.raises(ContentInvalid):
        Custody.parse(SHARES.encode())
    with pytest.raises(ContentInvalid):
        Shares.parse(CUSTODY.encode())


def test_a_plan_and_a_share_have_the_same_length() -> None:
    plan = PlanBundle(2, VIEWER, (Appointed(VIEWER, "n" * 200, bytes(32)),) * 16)
    assert {len(seal_bundle(plan, PLACE, [PATIENT_KEY.public_key])), *map(len, SEALED)} == {len(SEALED[0])}


def test_a_share_with_many_recipients_is_known_before_anything_is_opened() -> None:
    many = seal_bundle(SHARE, PLACE, [VIEWER_KEY.public_key, PATIENT_KEY.public_key])
    assert [has_one_recipient(one) for one in (*SEALED, many, b"", b"MEDKEY")] == [True] * 3 + [False] * 3


def test_shares_are_shuffled() -> None:
    orders = {shuffled(SEALED) for _ in range(60)}
    assert len(orders) == 6
    assert all(sorted(order) == sorted(SEALED) for order in orders)


@pytest.mark.parametrize("sealed", [(), SEALED * 6, (SEALED[0], SEALED[1] + b"\0")], ids=len)
def test_shares_are_1_to_17_of_one_length(sealed: tuple[bytes, ...]) -> None:
    with pytest.raises(InvalidInput):
        shuffled(sealed)
    with pytest.raises(ContentInvalid):
        Shares.parse(Shares(sealed).encode())
    with pytest.raises(ContentInvalid):
        Custody.parse(dataclasses.replace(CUSTODY, sealed=sealed).encode())


def test_an_object_with_any_member_missing_wrong_or_unknown_is_refused() -> None:
    for data, parse in ((SHARES.encode(), Shares.parse), (CUSTODY.encode(), Custody.parse)):
        whole = json.loads(data)
        for name in whole:
            for wrong in (None, 7, "x", [], {}, "00", ["x"], [None]):
                with pytest.raises(ContentInvalid):
                    parse(json.dumps({**whole, name: wrong}).encode())
            with pytest.raises(ContentInvalid):
                parse(json.dumps({member: value for member, value in whole.items() if member != name}).encode())
        with pytest.raises(ContentInvalid):
            parse(json.dumps({**whole, "more": 1}).encode())


json_values = st.recursive(
    st.one_of(st.none(), st.integers(), st.text(max_size=5), st.just("00" * 32), st.just("custody"), st.just("shares")),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=6,
)
MEMBERS = st.sampled_from(["kind", "shares", "public_key", "emergency_key", "custodians_key"])


@given(st.one_of(st.binary(max_size=80), st.dictionaries(MEMBERS, json_values).map(lambda it: json.dumps(it).encode())))
@settings(max_examples=300)
def test_any_bytes_are_shares_or_refused(data: bytes) -> None:
    for parse in (Shares.parse, Custody.parse):
        try:
            parsed = parse(data)
        except ContentInvalid:
            continue
        assert isinstance(parsed, Shares)


def test_a_guardians_leaf_is_what_the_contract_computes() -> None:
    salt = bytes(range(32))
    inner = keccak(encode(["address", "address", "bytes32"], [PATIENT, VIEWER, salt]))
    assert guardian_leaf(PATIENT, VIEWER, salt) == keccak(inner)
    with pytest.raises(InvalidInput):
        guardian_leaf(PATIENT, VIEWER, b"short")


@pytest.mark.parametrize("count", [1, 2, 3, 5, 16])
def test_every_guardian_has_a_proof_and_a_stranger_has_none(count: int) -> None:
    leaves = [guardian_leaf(PATIENT, VIEWER, bytes([at]) * 32) for at in range(count)]
    tree = tree_over(leaves)
    for at, leaf in enumerate(leaves):
        assert verify_proof(tree[0], leaf, proof_in(tree, at))
        assert not verify_proof(tree[0], guardian_leaf(PATIENT, PROVIDER, bytes([at]) * 32), proof_in(tree, at))
    with pytest.raises(InvalidInput):
        proof_in(tree, count)
