from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import rlp
from chain_world import World, digest, locator
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from medrec_py.chain import StorageProof
from medrec_py.chain.hashing import keccak
from medrec_py.errors import ChainInconsistent, ProofInvalid, RpcRefused


@pytest.fixture(scope="module")
def proof(world: World) -> StorageProof:
    world.fund(world.patient)
    world.chain.send(world.patient, world.medrec.anchor(world.patient.address, [digest()], [locator()]))
    return world.medrec.ledger_head_proof(world.patient.address)


def flipped(raw: bytes, at: int) -> bytes:
    changed = bytearray(raw)
    changed[at % len(changed)] ^= 1
    return bytes(changed)


def test_a_proof_holds_for_its_state_root_and_no_other(proof: StorageProof) -> None:
    proof.verify(proof.state_root)
    with pytest.raises(ProofInvalid):
        proof.verify(digest())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["value", "storage_hash", "account_proof", "storage_proof", "address"]), st.integers(0, 10**4))
def test_any_altered_byte_of_a_proof_is_found(proof: StorageProof, part: str, at: int) -> None:
    slot, value = next(iter(proof.values.items()))
    nodes = proof.storage_proofs[slot]
    changes: dict[str, Any] = {
        "value": {"values": {slot: flipped(value, at)}},
        "storage_hash": {"storage_hash": flipped(proof.storage_hash, at)},
        "account_proof": {"account_proof": (*proof.account_proof[:-1], flipped(proof.account_proof[-1], at))},
        "storage_proof": {"storage_proofs": {slot: (*nodes[:-1], flipped(nodes[-1], at))}},
        "address": {"address": "0x" + flipped(bytes.fromhex(proof.address[2:]), at).hex()},
    }
    with pytest.raises(ProofInvalid):
        dataclasses.replace(proof, **changes[part]).verify(proof.state_root)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.recursive(st.binary(max_size=40), lambda inner: st.lists(inner, max_size=17), max_leaves=20))
@example([b"\x20", b"a value", b"and a third part"])
@example([[b""]])
def test_whatever_a_node_calls_part_of_a_trie_the_proof_is_refused(proof: StorageProof, node: Any) -> None:
    slot = next(iter(proof.values))
    for nodes in ((rlp.encode(node),), (*proof.storage_proofs[slot][:-1], rlp.encode(node))):
        with pytest.raises(ProofInvalid):
            dataclasses.replace(proof, storage_proofs={slot: nodes}).verify(proof.state_root)
    # The same with a root that the server names to fit: its own hash is right then, and the node still is none.
    with pytest.raises(ProofInvalid):
        dataclasses.replace(proof, account_proof=(rlp.encode(node),)).verify(keccak(rlp.encode(node)))


def test_a_proof_of_a_block_that_is_not_there_is_refused(world: World) -> None:
    with pytest.raises(RpcRefused):
        world.chain.storage_proof(world.medrec.address, [0], world.chain.head_number() + 1)


@given(
    st.recursive(
        st.none() | st.text(max_size=5) | st.integers(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["address", "accountProof", "storageHash", "storageProof", "value", "proof"]), inner
            )
        ),
        max_leaves=6,
    )
)
def test_no_answer_breaks_the_proof_reader(answer: Any) -> None:
    with pytest.raises(ChainInconsistent):
        StorageProof.from_rpc(answer, [1], 1, bytes(32))
