"""Transactions that wait: too cheap, without the one before them, or with their nonce taken by somebody else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from medrec_py.chain import Call, generate_account
from medrec_py.relay import RelayLimits
from medrec_py.relay.journal import ActStatus, RelayJournal
from medrec_py.relay.service import RelayService

pytestmark = pytest.mark.servers

GWEI = 10**9


@pytest.fixture
def relay(world, anvil) -> Iterator[Callable[..., RelayService]]:
    """A relayer whose rounds are run by the test."""
    made: list[RelayService] = []

    def make(journal: RelayJournal | None = None, payer=None, **limits) -> RelayService:
        if payer is None:
            payer = generate_account()
            world.chain.send(anvil.accounts[0], Call(payer.address, b"", "fund", 10**18))
        world.chain.ask("evm_setAutomine", False)
        limits = RelayLimits(**{"reprice_after_blocks": 2, **limits})
        made.append(RelayService(world.chain, payer, journal=journal, limits=limits))
        return made[-1]

    yield make
    for service in made:
        service.close()


def mine(world, base_fee: int | None = None) -> None:
    if base_fee is not None:
        world.chain.ask("anvil_setNextBlockBaseFeePerGas", hex(base_fee))
    world.chain.ask("evm_mine")


def signed_for(service: RelayService, id: str) -> list:
    [act] = [act for act in service._journal.open_acts() if act.state.id == id]
    return list(act.signed)


def test_what_became_too_cheap_is_priced_anew_under_its_nonce(world, relay):
    service, grant = relay(), world.presented()
    id = service.submit([world.granting(grant)]).id
    first = world.chain.ask("eth_getTransactionByHash", "0x" + service.find(id).transaction.hex())
    for _ in range(2):
        mine(world, 40 * GWEI)
    service.turn()
    second = world.chain.ask("eth_getTransactionByHash", "0x" + service.find(id).transaction.hex())
    assert second["nonce"] == first["nonce"]
    fees = [int(one["maxFeePerGas"], 16) for one in (first, second)]
    assert fees[1] >= max(fees[0] * 9 / 8, 40 * GWEI)
    assert int(second["maxPriorityFeePerGas"], 16) >= int(first["maxPriorityFeePerGas"], 16) * 9 / 8
    mine(world, 40 * GWEI)
    assert not service.turn()
    assert service.find(id).status is ActStatus.CONFIRMED
    assert world.medrec.permits([grant], world.request())


def test_no_more_is_paid_than_the_limit_says(world, relay):
    service = relay(max_fee_per_gas=10 * GWEI)
    id = service.submit([world.granting(world.presented())]).id
    for _ in range(4):
        mine(world, 40 * GWEI)
        assert service.turn()
    assert len(signed_for(service, id)) <= 2
    for signed in signed_for(service, id):
        found = world.chain.ask("eth_getTransactionByHash", "0x" + signed.transaction.hash.hex())
        assert found is None or int(found["maxFeePerGas"], 16) <= 10 * GWEI
    assert 'how="too dear"' in service.metrics.text().decode()
    # Anvil drops what is too cheap for a block: when gas is cheap again, it is handed over again.
    mine(world, GWEI)
    service._carrier._handed.clear()
    assert service.turn()
    mine(world)
    assert not service.turn()
    assert service.find(id).status is ActStatus.CONFIRMED


def test_what_would_revert_by_now_makes_room_for_what_waits_behind_it(world, relay, anvil):
    """Another relayer did the same act meanwhile: an empty transaction takes its place."""
    service = relay()
    grant = world.presented()
    call = world.granting(grant)
    id = service.submit([call]).id
    world.chain.ask("anvil_dropAllTransactions")
    other = world.chain.prepare(anvil.accounts[1], call)
    world.chain.broadcast(other.raw)
    mine(world)
    mine(world)
    assert world.medrec.permits([grant], world.request())
    service.turn()
    assert signed_for(service, id)[-1].fills
    mine(world)
    assert not service.turn()
    state = service.find(id)
    assert (state.status, state.error) == (ActStatus.FAILED, "GrantAlreadyExists")
    assert state.gas_used <= 21_000


def test_a_dropped_transaction_is_handed_over_again(world, relay):
    service = relay()
    id = service.submit([world.granting(world.presented())]).id
    world.chain.ask("anvil_dropAllTransactions")
    service.turn()
    mine(world)
    assert not service.turn()
    assert service.find(id).status is ActStatus.CONFIRMED


def test_a_nonce_that_somebody_else_used_is_replaced_by_another(world, relay, monkeypatch):
    monkeypatch.setattr("medrec_py.relay.carrying.REPLACED_AFTER", 0.1)
    service = relay()
    grant = world.presented()
    id = service.submit([world.granting(grant)]).id
    world.chain.ask("anvil_dropAllTransactions")
    stranger = Call(world.stranger.address, b"", "fund", 1)
    world.chain.broadcast(world.chain.prepare(service.account, stranger, nonce=0).raw)
    mine(world)
    service.turn()
    time.sleep(0.2)
    service.turn()
    mine(world)
    assert not service.turn()
    assert service.find(id).status is ActStatus.CONFIRMED
    assert world.medrec.permits([grant], world.request())
    assert 'what="stolen nonce"' in service.metrics.text().decode()


def test_a_gap_between_nonces_is_closed(world, relay):
    """A transaction of the same account vanished that the journal knows nothing of."""
    service = relay()
    lost = world.chain.prepare(service.account, Call(world.stranger.address, b"", "fund", 1))
    world.chain.broadcast(lost.raw)
    id = service.submit([world.granting(world.presented())]).id
    world.chain.ask("anvil_dropTransaction", "0x" + lost.hash.hex())
    for _ in range(3):
        service.turn()
        mine(world)
    assert not service.turn()
    assert service.find(id).status is ActStatus.CONFIRMED
    assert int(world.chain.ask("eth_getTransactionCount", service.account.address, "latest"), 16) == 2
    assert 'what="gap"' in service.metrics.text().decode()


def test_a_relayer_whose_journal_is_lost_goes_on_behind_what_waits(world, relay):
    first = relay()
    one = world.presented()
    first.submit([world.granting(one)])
    other = replace(world, patient=generate_account())
    two = other.presented()
    second = relay(payer=first.account)
    id = second.submit([other.granting(two)]).id
    mine(world)
    assert not second.turn()
    assert second.find(id).status is ActStatus.CONFIRMED
    assert world.medrec.permits([one], world.request())
    assert other.medrec.permits([two], other.request())


def test_a_block_that_is_replaced_takes_no_act_with_it(world, relay):
    service = relay()
    service._carrier._confirmations = 3
    snapshot = world.chain.ask("evm_snapshot")
    grant = world.presented()
    id = service.submit([world.granting(grant)]).id
    mine(world)
    assert service.turn()
    assert world.medrec.permits([grant], world.request())
    world.chain.ask("evm_revert", snapshot)
    world.chain.ask("anvil_dropAllTransactions")
    assert not world.medrec.permits([grant], world.request())
    service._carrier._handed.clear()
    service.turn()
    for _ in range(3):
        mine(world)
    assert not service.turn()
    assert service.find(id).status is ActStatus.CONFIRMED
    assert world.medrec.permits([grant], world.request())
