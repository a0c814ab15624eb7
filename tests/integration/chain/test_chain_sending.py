"""One transaction and many, on the embedded chain and on Anvil: what is mined, what is refused, in which order."""

from __future__ import annotations

import threading

import pytest
from chain_world import World, digest, locator

from medrec_py.chain import Call, TransactionReceipt, generate_account
from medrec_py.chain.node import RpcFailure
from medrec_py.chain.sending import pricing_requests
from medrec_py.chain.transactions import dynamic_fee_transaction, transaction_hash
from medrec_py.errors import (
    GrantNotActive,
    GrantNotSuspended,
    InsufficientEther,
    NonceUsed,
    NotMined,
    OutOfGas,
    Refused,
    RelationshipAlreadyOpen,
)
from medrec_py.types.events import Anchored, GrantResumed, GrantSuspended


def anchoring(world: World) -> Call:
    return world.medrec.anchor(world.payer.address, [digest()], [locator()])


def kinds(outcomes: list[TransactionReceipt | Refused]) -> list[str]:
    return [type(outcome).__name__ for outcome in outcomes]


def forced(world: World, call: Call, gas: int = 200_000) -> bytes:
    """A transaction that nobody simulated."""
    pricing = world.chain.pricing(world.chain.node.batch(pricing_requests(world.payer.address)))
    return world.payer.sign_transaction(
        dynamic_fee_transaction(
            chain_id=world.chain.chain_id,
            nonce=pricing.nonce,
            to=call.to,
            data=call.data,
            value=call.value,
            gas=gas,
            max_fee=pricing.max_fee,
            max_priority_fee=pricing.max_priority_fee,
        )
    )


def test_many_calls_are_mined_in_their_order_with_a_refusal_in_the_middle(any_world: World) -> None:
    world = any_world
    calls = [anchoring(world) for _ in range(60)]
    calls[30] = world.medrec.suspend(digest())
    outcomes = world.chain.send_many(world.payer, calls)
    assert [at for at, outcome in enumerate(outcomes) if isinstance(outcome, Refused)] == [30]
    assert isinstance(outcomes[30], GrantNotActive)
    receipts = [outcome for outcome in outcomes if isinstance(outcome, TransactionReceipt)]
    assert {receipt.name for receipt in receipts} == {"anchor"}
    events = world.chain.logs(0, world.chain.head_number())
    logged = [logged.event.digests for logged in events if isinstance(logged.event, Anchored)]
    assert logged == [receipt.events[0].event.digests for receipt in receipts]  # type: ignore[union-attr]


def test_calls_that_build_on_each_other_all_succeed(any_world: World) -> None:
    world = any_world
    subject, id_terms = world.payer.address, digest()
    bundle = digest()
    from medrec_py.chain import grant_id

    id = grant_id(subject, subject, world.viewer.address, bundle, id_terms)
    calls = [
        world.medrec.grant(subject, world.viewer.address, bundle, id_terms),
        world.medrec.suspend(id),
        world.medrec.resume(id),
        world.medrec.resume(id),
        world.medrec.suspend(id),
        world.medrec.revoke(id),
        world.medrec.resume(id),
    ]
    outcomes = world.chain.send_many(world.payer, calls)
    assert [isinstance(one, TransactionReceipt) for one in outcomes] == [True, True, True, False, True, True, False]
    assert isinstance(outcomes[3], GrantNotSuspended)
    assert outcomes[6].facts["status"] == 3  # type: ignore[union-attr]


def test_calls_that_exclude_each_other_are_refused_when_mined(any_world: World) -> None:
    world = any_world
    world.ensure_provider()
    first, second = world.opening(), world.opening()
    outcomes = world.chain.send_many(world.payer, [first, second, anchoring(world)])
    assert kinds(outcomes) == ["TransactionReceipt", "RelationshipAlreadyOpen", "TransactionReceipt"]
    assert outcomes[1].facts["transaction"].startswith("0x")  # type: ignore[union-attr]


def test_nothing_to_send_is_nothing_sent(any_world: World) -> None:
    assert any_world.chain.send_many(any_world.payer, []) == []


def test_a_nonce_taken_by_somebody_else_costs_no_call(any_world: World) -> None:
    world = any_world
    stolen = world.chain.prepare(world.payer, anchoring(world))
    calls = [anchoring(world) for _ in range(5)]

    # Between the estimates and the broadcast another process sends from the same account.
    batch = world.chain.node.batch

    def interfere(requests: list[tuple[str, list[object]]]) -> list[object]:
        if requests[0][0] == "eth_sendRawTransaction":
            world.chain.node.batch = batch  # type: ignore[method-assign]
            world.chain.wait(world.chain.broadcast(stolen.raw))
        return batch(requests)

    world.chain.node.batch = interfere  # type: ignore[method-assign, assignment]
    outcomes = world.chain.send_many(world.payer, calls)
    assert kinds(outcomes) == ["TransactionReceipt"] * 5
    events = world.chain.logs(0, world.chain.head_number())
    assert len([logged for logged in events if isinstance(logged.event, Anchored)]) == 6


def test_a_nonce_taken_while_one_transaction_is_signed_costs_no_call(any_world: World) -> None:
    world = any_world
    stolen = world.chain.prepare(world.payer, anchoring(world))
    request = world.chain.node.request

    def interfere(method: str, params: list[object]) -> object:
        if method == "eth_sendRawTransaction":
            world.chain.node.request = request  # type: ignore[method-assign]
            world.chain.wait(world.chain.broadcast(stolen.raw))
        return request(method, params)

    world.chain.node.request = interfere  # type: ignore[method-assign, assignment]
    receipt = world.chain.send(world.payer, anchoring(world))
    assert receipt.hash != stolen.hash
    assert len([one for one in world.chain.logs(0, world.chain.head_number()) if isinstance(one.event, Anchored)]) == 2


def test_a_call_that_can_not_be_paid_leaves_the_others_alone(any_world: World) -> None:
    world = any_world
    calls = [anchoring(world) for _ in range(6)]
    calls[2] = Call(world.viewer.address, b"", "too much", 10**40)
    outcomes = world.chain.send_many(world.payer, calls)
    assert [isinstance(one, TransactionReceipt) for one in outcomes] == [True, True, False, True, True, True]
    assert world.chain.send(world.payer, anchoring(world))


@pytest.mark.servers
def test_a_transaction_that_the_node_rejects_leaves_no_gap_for_those_behind_it(anvil_world: World) -> None:
    world = anvil_world
    calls = [anchoring(world) for _ in range(6)]
    batch = world.chain.node.batch

    def reject_the_third(requests: list[tuple[str, list[object]]]) -> list[object]:
        if requests[0][0] != "eth_sendRawTransaction":
            return batch(requests)
        world.chain.node.batch = batch  # type: ignore[method-assign]
        answers = batch([request for at, request in enumerate(requests) if at != 2])
        return [*answers[:2], RpcFailure(-32000, "transaction type not supported"), *answers[2:]]

    world.chain.node.batch = reject_the_third  # type: ignore[method-assign, assignment]
    outcomes = world.chain.send_many(world.payer, calls)
    assert kinds(outcomes) == ["TransactionReceipt"] * 2 + ["RpcRefused"] + ["TransactionReceipt"] * 3
    assert "not supported" in outcomes[2].message  # type: ignore[union-attr]
    assert world.chain.send(world.payer, anchoring(world))


def test_a_node_without_room_gets_the_rest_later(any_world: World) -> None:
    world = any_world
    calls = [anchoring(world) for _ in range(10)]
    batch = world.chain.node.batch
    handed_over = []

    def take_four(requests: list[tuple[str, list[object]]]) -> list[object]:
        if requests[0][0] != "eth_sendRawTransaction":
            return batch(requests)
        handed_over.append(len(requests))
        return [*batch(requests[:4]), *[RpcFailure(-32000, "txpool is full") for _ in requests[4:]]]

    world.chain.node.batch = take_four  # type: ignore[method-assign, assignment]
    assert kinds(world.chain.send_many(world.payer, calls)) == ["TransactionReceipt"] * 10
    assert handed_over == [10, 6, 2]


def test_an_account_that_runs_dry_is_told_and_what_it_could_pay_is_mined(any_world: World) -> None:
    world = any_world
    poor = generate_account()
    pricing = world.chain.pricing(world.chain.node.batch(pricing_requests(poor.address)))
    world.chain.send(world.payer, Call(poor.address, b"", "fund", 160_000 * pricing.max_fee))
    calls = [world.medrec.revoke(digest()) for _ in range(8)]
    batch, handed_over = world.chain.node.batch, []

    def count(requests: list[tuple[str, list[object]]]) -> list[object]:
        if requests[0][0] == "eth_sendRawTransaction":
            handed_over.append(len(requests))
        return batch(requests)

    world.chain.node.batch = count  # type: ignore[method-assign, assignment]
    outcomes = world.chain.send_many(poor, calls)
    # Never more at once than the account could pay at the price offered, or a node might let them lie.
    assert max(handed_over) * 28_000 < 160_000
    mined = [isinstance(one, TransactionReceipt) for one in outcomes]
    assert mined == sorted(mined, reverse=True)
    assert 1 <= sum(mined) < 8
    assert isinstance(outcomes[-1], InsufficientEther)


def test_threads_that_share_an_account_lose_no_transaction(any_world: World) -> None:
    world = any_world
    sent: list[TransactionReceipt] = []

    def send() -> None:
        for _ in range(5):
            sent.append(world.chain.send(world.payer, anchoring(world)))

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({receipt.hash for receipt in sent}) == 20


def test_a_transaction_that_reverts_when_mined_says_why(any_world: World) -> None:
    world = any_world
    digest_ = world.chain.broadcast(forced(world, world.medrec.suspend(bytes(32))))
    with pytest.raises(GrantNotActive) as refusal:
        world.chain.wait(digest_)
    assert refusal.value.facts["transaction"] == "0x" + digest_.hex()


def test_a_transaction_without_enough_gas_says_so(any_world: World) -> None:
    world = any_world
    with pytest.raises(OutOfGas):
        world.chain.wait(world.chain.broadcast(forced(world, anchoring(world), gas=30_000)))


def test_a_simulation_costs_nothing_and_refuses_as_the_chain_would(any_world: World) -> None:
    world = any_world
    height, balance = world.chain.head_number(), world.chain.balance(world.payer.address)
    assert 21_000 < world.chain.simulate(anchoring(world), world.payer.address) < 100_000
    with pytest.raises(GrantNotActive):
        world.chain.simulate(world.medrec.suspend(bytes(32)), world.payer.address)
    world.ensure_open()
    with pytest.raises(RelationshipAlreadyOpen):
        world.chain.simulate(world.opening(), world.stranger.address)
    assert balance > 0
    assert world.chain.head_number() >= height


def test_a_prepared_transaction_survives_whoever_prepared_it(any_world: World) -> None:
    world = any_world
    signed = world.chain.prepare(world.payer, [anchoring(world), anchoring(world)])
    assert transaction_hash(signed.raw) == signed.hash
    assert not world.chain.is_known(signed.hash)
    with pytest.raises(NotMined):
        world.chain.wait(signed.hash, timeout=0.05)
    for _ in range(3):
        world.chain.broadcast(signed.raw)
    receipt = world.chain.wait(signed.hash, name="anchor+anchor")
    assert len(receipt.events) == 2
    assert world.chain.receipt(signed.hash, name="anchor+anchor") == receipt
    world.chain.broadcast(signed.raw)


def test_a_replaced_transaction_is_known_to_be_lost(any_world: World) -> None:
    world = any_world
    first, second = (world.chain.prepare(world.payer, anchoring(world)) for _ in range(2))
    world.chain.wait(world.chain.broadcast(second.raw))
    with pytest.raises(NonceUsed):
        world.chain.broadcast(first.raw)


def test_confirmations_are_waited_for(any_world: World) -> None:
    world = any_world
    receipt = world.chain.send(world.payer, anchoring(world))
    with pytest.raises(NotMined):
        world.chain.wait(receipt.hash, timeout=0.1, confirmations=2)
    world.chain.send(world.payer, anchoring(world))
    assert world.chain.wait(receipt.hash, timeout=0.1, confirmations=2, name="anchor") == receipt


def test_suspending_and_resuming_show_as_events(any_world: World) -> None:
    world = any_world
    _, id = world.granted()
    world.fund(world.patient)
    outcomes = world.chain.send_many(world.patient, [world.medrec.suspend(id), world.medrec.resume(id)])
    assert [type(one.events[0].event) for one in outcomes] == [GrantSuspended, GrantResumed]  # type: ignore[union-attr]
