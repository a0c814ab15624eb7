"""A waiting transaction signed anew: its bytes read back, and the fee by which nodes let it take the other's place."""

from __future__ import annotations

import os

import pytest
from chain_world import World
from hypothesis import given
from hypothesis import strategies as st

from medrec_py.chain import Call, EmbeddedChain, generate_account
from medrec_py.chain.sending import Flight, nothing
from medrec_py.chain.transactions import dynamic_fee_transaction, unsigned
from medrec_py.errors import InsufficientEther, InvalidInput

numbers = st.integers(0, 2**64)


def transaction(**changes):
    fields = {"chain_id": 1, "nonce": 3, "to": generate_account().address, "data": b"\x01\x02", "value": 0}
    return dynamic_fee_transaction(**{**fields, "gas": 50_000, "max_fee": 1000, "max_priority_fee": 100, **changes})


@given(numbers, numbers, numbers, numbers, numbers, st.binary(max_size=300))
def test_a_signed_transaction_gives_back_what_was_signed(chain_id, nonce, gas, fee, value, data):
    draft = transaction(
        chain_id=chain_id, nonce=nonce, gas=gas, max_fee=fee, max_priority_fee=fee // 2, value=value, data=data
    )
    assert unsigned(generate_account().sign_transaction(draft)) == draft


@given(st.binary(max_size=200), st.sampled_from([b"", b"\x02", b"\x01", b"\x02\xc0", b"\x02\xf8"]))
def test_other_bytes_are_no_transaction(data, head):
    with pytest.raises(InvalidInput):
        unsigned(head + data)


def test_a_transaction_that_deploys_is_no_call():
    from eth_account import Account

    draft = {**transaction(), "to": b"", "data": b"\x00"}
    raw = bytes(Account.sign_transaction(draft, os.urandom(32)).raw_transaction)
    with pytest.raises(InvalidInput):
        unsigned(raw)


@given(
    fee=st.integers(1, 10**12), tip=st.integers(0, 10**10), least=st.integers(0, 10**13), most=st.integers(1, 10**13)
)
def test_fees_rise_by_an_eighth_at_least_and_never_above_the_limit(fee, tip, least, most):
    flight = Flight(Call("0x", b""), transaction(max_fee=fee, max_priority_fee=min(tip, fee)))
    raised = flight.raise_fees(least, most)
    new_fee, new_tip = flight.draft["maxFeePerGas"], flight.draft["maxPriorityFeePerGas"]
    if not raised:
        assert (new_fee, new_tip) == (fee, min(tip, fee))
        assert most < fee * 9 / 8 + 1
        return
    assert fee * 9 / 8 <= new_fee <= most
    assert new_fee >= min(least, most)
    assert new_tip <= new_fee
    assert new_tip >= min(min(tip, fee) * 9 / 8, new_fee)


def test_the_dearer_one_has_the_same_nonce_and_call(chain_world_alone):
    world = chain_world_alone
    waiting = world.chain.prepare(world.payer, world.registrar.publish_vocabulary(os.urandom(32)))
    dearer = world.chain.reprice(world.payer, waiting.raw)
    before, after = unsigned(waiting.raw), unsigned(dearer.raw)
    assert dearer.nonce == waiting.nonce
    assert {name for name in before if before[name] != after[name]} == {"maxFeePerGas", "maxPriorityFeePerGas"}
    assert after["maxFeePerGas"] >= before["maxFeePerGas"] * 9 / 8


def test_another_call_can_take_its_place(chain_world_alone):
    world = chain_world_alone
    waiting = world.chain.prepare(world.payer, world.registrar.publish_vocabulary(os.urandom(32)))
    empty = world.chain.reprice(world.payer, waiting.raw, instead=nothing(world.payer.address))
    draft = unsigned(empty.raw)
    assert (draft["to"], draft["data"], draft["nonce"]) == (world.payer.address, b"", waiting.nonce)
    world.chain.broadcast(empty.raw)
    assert world.chain.wait(empty.hash).events == ()


def test_none_is_made_above_the_limit_or_beyond_the_purse(chain_world_alone):
    world = chain_world_alone
    waiting = world.chain.prepare(world.payer, world.registrar.publish_vocabulary(os.urandom(32)))
    assert world.chain.reprice(world.payer, waiting.raw, most=unsigned(waiting.raw)["maxFeePerGas"]) is None
    poor = generate_account()
    raw = poor.sign_transaction(transaction(chain_id=world.chain.chain_id, to=world.payer.address))
    with pytest.raises(InsufficientEther):
        world.chain.reprice(poor, raw)


@pytest.fixture(scope="module")
def chain_world_alone():
    with EmbeddedChain() as chain:
        yield World(chain, chain.developer)
