"""Batches: a tree that OpenZeppelin's MerkleProof verifies, and a manifest that can't lie about it."""

import dataclasses

import pytest
from eth_abi import encode
from eth_utils import keccak
from hypothesis import given, settings
from hypothesis import strategies as st
from sealing_roles import PATIENT, VIEWER, compartment_key

from medrec_py.errors import ContentInvalid, InvalidInput, ParcelTampered
from medrec_py.sealing import BatchLeaf, Manifest, ManifestEntry, batch_blind, make_manifest, verify_proof


def leaf(number: int) -> BatchLeaf:
    locator = keccak(number.to_bytes(4, "big"))[:16]
    return BatchLeaf(PATIENT, number, keccak(locator), locator, batch_blind(compartment_key(), locator))


def process_proof(proof: tuple[bytes, ...], computed: bytes) -> bytes:
    """`MerkleProof.processProof` of OpenZeppelin Contracts 5, line by line."""
    for sibling in proof:
        computed = keccak(computed + sibling) if computed < sibling else keccak(sibling + computed)
    return computed


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 7, 8, 9, 33])
def test_every_leaf_has_a_proof(count: int) -> None:
    manifest = make_manifest([leaf(number) for number in range(count)])
    for position, entry in enumerate(manifest.entries):
        proof = manifest.proof(position)
        assert process_proof(proof, entry.leaf_hash) == manifest.root
        assert verify_proof(manifest.root, entry.leaf_hash, proof)
        assert len(proof) <= count.bit_length()
        assert not verify_proof(bytes(32), entry.leaf_hash, proof)
        assert count == 1 or not verify_proof(manifest.root, entry.leaf_hash, proof[:-1])


def test_a_leaf_is_what_the_contract_computes() -> None:
    item = leaf(7)
    types = ["address", "uint32", "bytes32", "bytes16", "bytes32"]
    inner = keccak(encode(types, [item.subject, item.number, item.digest, item.locator, item.blind]))
    assert item.hash == keccak(inner)


def test_a_leaf_betrays_nothing_to_who_lacks_the_blind() -> None:
    item = leaf(1)
    for field, value in [("subject", VIEWER), ("number", 2), ("digest", bytes(32)), ("locator", bytes(16)),
                         ("blind", bytes(32))]:  # fmt: skip
        assert dataclasses.replace(item, **{field: value}).hash != item.hash


@pytest.mark.parametrize(
    ("field", "value"),
    [("subject", "0x12"), ("number", -1), ("number", 1 << 32), ("digest", b""), ("locator", bytes(17)), ("blind", b"")],
)
def test_a_leaf_out_of_bounds_is_refused(field: str, value: object) -> None:
    with pytest.raises(InvalidInput):
        make_manifest([dataclasses.replace(leaf(1), **{field: value})])


def test_the_order_of_a_manifest_is_not_the_authors() -> None:
    leaves = [leaf(number) for number in range(40)]
    manifest = make_manifest(leaves)
    assert make_manifest(leaves[::-1]) == manifest
    assert [entry.locator for entry in manifest.entries] != [item.locator for item in leaves]


@given(st.sets(st.integers(0, 500), min_size=1, max_size=20))
@settings(max_examples=40, deadline=None)
def test_a_manifest_reads_back_as_written(numbers: set[int]) -> None:
    manifest = make_manifest([leaf(number) for number in numbers])
    back = Manifest.parse(manifest.encode())
    assert back == manifest
    assert len(manifest.encode()) == 7 + 80 * len(numbers)
    back.require(manifest.root, len(numbers))


def test_a_manifest_that_was_altered_is_not_the_anchored_one() -> None:
    manifest = make_manifest([leaf(number) for number in range(5)])
    data = manifest.encode()
    for position in range(len(data)):
        altered = bytearray(data)
        altered[position] ^= 1
        try:
            other = Manifest.parse(bytes(altered))
        except ContentInvalid:
            continue
        # Locator and digest aren't part of the tree themselves: the leaf they hash to, with the blind, is.
        in_leaf = (position - 7) % 80 >= 48
        if in_leaf:
            with pytest.raises(ParcelTampered):
                other.require(manifest.root, 5)
        else:
            assert other.root == manifest.root or other.entries != manifest.entries


def test_a_manifest_with_more_or_fewer_entries_is_not_the_anchored_one() -> None:
    manifest = make_manifest([leaf(number) for number in range(5)])
    fewer = Manifest.of(manifest.entries[:4])
    with pytest.raises(ParcelTampered):
        fewer.require(manifest.root, 5)
    with pytest.raises(ParcelTampered):
        fewer.require(fewer.root, 5)
    fewer.require(fewer.root, 4)


def test_a_batch_holds_something_and_nothing_twice() -> None:
    with pytest.raises(InvalidInput, match="at least one"):
        make_manifest([])
    with pytest.raises(InvalidInput, match="locator"):
        make_manifest([leaf(1), dataclasses.replace(leaf(1), digest=bytes(32))])


def test_a_position_out_of_bounds_has_no_proof() -> None:
    manifest = make_manifest([leaf(1), leaf(2)])
    for position in (-1, 2):
        with pytest.raises(InvalidInput, match="position"):
            manifest.proof(position)


ENTRY = bytes(16) + bytes(64)


@pytest.mark.parametrize(
    "data",
    [b"", b"MEDLST", b"MEDLST\1", b"MEDLST\2" + ENTRY, b"MEDLSX\1" + ENTRY, b"MEDLST\1" + ENTRY[:-1],
     b"MEDLST\1" + ENTRY + b"\0", b"MEDLST\1" + ENTRY + ENTRY, b"MEDLST\1\1" + ENTRY[1:] + ENTRY],
    ids=repr,
)  # fmt: skip
def test_what_is_no_manifest_is_refused(data: bytes) -> None:
    with pytest.raises(ContentInvalid):
        Manifest.parse(data)


@given(st.one_of(st.binary(max_size=300), st.binary(max_size=400).map(lambda tail: b"MEDLST\1" + tail)))
def test_any_bytes_are_a_manifest_or_refused(data: bytes) -> None:
    try:
        manifest = Manifest.parse(data)
    except ContentInvalid:
        return
    assert manifest.encode() == data
    assert all(isinstance(entry, ManifestEntry) for entry in manifest.entries)


def test_an_inner_node_does_not_pass_for_a_leaf() -> None:
    manifest = make_manifest([leaf(number) for number in range(4)])
    inner = manifest._tree[1]
    # It is under the root, as any node is; but no preimage of 160 bytes hashed twice is known for it.
    assert verify_proof(manifest.root, inner, (manifest._tree[2],))
    assert inner not in {entry.leaf_hash for entry in manifest.entries}
