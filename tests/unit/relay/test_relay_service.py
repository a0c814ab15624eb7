"""A relayer on a real chain: once, within limits, and carried on by whoever comes after."""

from __future__ import annotations

import dataclasses
import os
import sqlite3
import threading

import pytest

from medrec_py.chain import Call, EmbeddedChain, deploy, generate_account, presented_grant_id, terms_hash
from medrec_py.client.acts import Relayer
from medrec_py.errors import (
    GrantNotActive,
    IdempotencyKeyReused,
    InvalidInput,
    InvalidSignature,
    RelayBudgetSpent,
    RelayJournalDamaged,
    RelayTooOften,
    RelayUnavailable,
    UnknownAct,
    WrongChain,
)
from medrec_py.relay.journal import ActStatus, RelayJournal
from medrec_py.relay.limits import DAY, RelayLimits
from medrec_py.relay.service import RelayService, RelayStep, SignerBusy
from medrec_py.types.terms import GrantStatus, typed_data


@pytest.fixture
def relay(chain, payer):
    service = RelayService(chain, payer)
    yield service
    service.close()


def limited(chain, payer, **limits) -> RelayService:
    return RelayService(chain, payer, limits=dataclasses.replace(RelayLimits(), **limits))


def revoking(world, id: bytes):
    signature = world.sign(world.patient, "Revocation", {"actor": world.patient.address, "id": id})
    return world.medrec.revoke_with_sig(world.patient.address, id, signature)


def settled(service: RelayService, id: str):
    assert not service.turn()
    return service.find(id)


def test_a_patient_without_ether_grants_and_revokes(world, chain, relay):
    grant = world.presented()
    assert chain.balance(world.patient.address) == 0
    state = settled(relay, relay.submit([world.granting(grant)]).id)
    assert (state.status, state.error) == (ActStatus.CONFIRMED, None)
    assert world.medrec.permits([grant], world.request())
    id = presented_grant_id(world.patient.address, grant)
    settled(relay, relay.submit([revoking(world, id)]).id)
    assert world.medrec.grant_state(world.patient.address, id).status is GrantStatus.REVOKED


def test_the_same_calls_are_sent_once(world, chain, payer, relay):
    call = world.granting(world.presented())
    first = relay.submit([call])
    before = chain.ask("eth_getTransactionCount", payer.address, "latest")
    again = relay.submit([call])
    settled(relay, first.id)
    late = relay.submit([call])
    assert first.id == again.id == late.id
    assert late.status is ActStatus.CONFIRMED
    assert chain.ask("eth_getTransactionCount", payer.address, "latest") == before


def test_the_same_calls_at_the_same_time_are_sent_once(world, chain, payer, relay):
    call = world.granting(world.presented())
    ids = []
    threads = [threading.Thread(target=lambda: ids.append(relay.submit([call]).id)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 8
    assert len(set(ids)) == 1
    assert int(chain.ask("eth_getTransactionCount", payer.address, "latest"), 16) == 1


def test_what_would_revert_is_refused_by_the_contracts_own_error_and_never_sent(world, chain, payer, relay):
    call = world.medrec.revoke_with_sig(world.patient.address, os.urandom(32), bytes(65))
    with pytest.raises(InvalidSignature) as refused:
        relay.submit([call])
    assert refused.value.facts["signer"] == world.patient.address
    assert chain.ask("eth_getTransactionCount", payer.address, "latest") == "0x0"
    assert not relay.turn()


def test_several_acts_go_together_or_not_at_all(world, relay):
    one, other = world.presented(), world.presented()
    bad = world.medrec.revoke_with_sig(world.patient.address, os.urandom(32), bytes(65))
    with pytest.raises(InvalidSignature):
        relay.submit([world.granting(one), bad])
    settled(relay, relay.submit([world.granting(one), world.granting(other)]).id)
    assert world.medrec.permits([one], world.request())
    assert world.medrec.permits([other], world.request())


def test_a_key_that_comes_with_other_calls_is_refused(world, relay):
    call = world.granting(world.presented())
    state = relay.submit([call], key="one")
    assert relay.submit([call], key="one").id == state.id
    with pytest.raises(IdempotencyKeyReused):
        relay.submit([world.granting(world.presented())], key="one")


def test_acts_of_one_signer_wait_for_each_other_but_withdrawing_never_waits(world, chain, payer):
    relay = RelayService(chain, payer, confirmations=3)
    grant, id = world.granted()
    relay.submit([world.granting(world.presented())])
    assert relay.turn()
    with pytest.raises(SignerBusy):
        relay.submit([world.granting(world.presented())])
    relay.submit([revoking(world, id)])
    assert not world.medrec.permits([grant], world.request())
    other = dataclasses.replace(world, patient=generate_account())
    relay.submit([other.granting(other.presented())])
    chain.travel(1)
    chain.travel(1)
    assert not relay.turn()
    relay.submit([world.granting(world.presented())])
    relay.close()


def test_confirmed_means_as_deep_as_was_asked_for(world, chain, payer):
    relay = RelayService(chain, payer, confirmations=2)
    id = relay.submit([world.granting(world.presented())]).id
    assert relay.turn()
    assert relay.find(id).status is ActStatus.PENDING
    chain.travel(1)
    assert settled(relay, id).status is ActStatus.CONFIRMED
    relay.close()


def test_an_act_that_was_overtaken_after_it_was_let_in_is_told_as_failed(world, chain, payer, monkeypatch):
    """Somebody else brings the same act first, between simulation and block."""
    relay = RelayService(chain, payer)
    _, id = world.granted()
    message = {
        "grantor": world.patient.address,
        "id": id,
        "turn": world.medrec.grant_state(world.patient.address, id).turn,
    }
    signature = world.patient.sign_typed_data(typed_data(world.medrec.domain, "Suspension", message))
    call = world.medrec.suspend_with_sig(world.patient.address, id, signature)
    broadcast = chain.broadcast

    def overtaken(raw: bytes) -> bytes:
        monkeypatch.setattr(chain, "broadcast", broadcast)
        world.send(call)
        return broadcast(raw)

    monkeypatch.setattr(chain, "broadcast", overtaken)
    state = settled(relay, relay.submit([call]).id)
    assert state.status is ActStatus.FAILED
    assert state.error in ("GrantNotActive", "InvalidSignature")
    with pytest.raises((GrantNotActive, InvalidSignature)):
        relay.submit([call])
    relay.close()


def test_a_provider_who_relays_gives_nobody_an_invitation_by_it(world, chain):
    """Contracts ask no signature of whoever calls, so the relayer's own must not stand in for one."""
    chain.fund(world.provider.address, 10**18)
    relay = RelayService(chain, world.provider)
    number = world.medrec.relationship_of(world.patient.address, world.provider.address).number + 1
    message = {
        "subject": world.patient.address,
        "provider": world.provider.address,
        "number": number,
        "expiresAt": chain.now() + 1000,
        "bundle": bytes(32),
    }
    acceptance = world.sign(world.patient, "Acceptance", message)
    uninvited = world.medrec.open(
        world.patient.address, world.provider.address, message["expiresAt"], bytes(32), bytes(65), acceptance
    )
    for calls in ([uninvited], [world.granting(world.presented()), uninvited]):
        with pytest.raises(InvalidSignature) as refused:
            relay.submit(calls)
        assert refused.value.facts["signer"] == world.provider.address
        with pytest.raises(InvalidSignature):
            Relayer(chain, world.provider).relay(calls)
    relay.submit([world.opening()])
    assert world.medrec.is_open(world.patient.address, world.provider.address)
    relay.close()


def test_an_unknown_act_is_said_to_be_unknown(relay):
    with pytest.raises(UnknownAct):
        relay.find("0x" + "00" * 32)


# ── limits ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_day_has_gas_for_so_much_and_keeps_some_for_withdrawing(world, chain, payer):
    relay = limited(chain, payer, gas_per_day=300_000, withdrawing_gas_per_day=200_000)
    grant, id = world.granted()
    relay.submit([world.granting(world.presented())])
    relay.turn()
    with pytest.raises(RelayBudgetSpent, match="left today") as refused:
        relay.submit([world.granting(world.presented())])
    assert 0 < refused.value.facts["retry_after"] <= DAY
    settled(relay, relay.submit([revoking(world, id)]).id)
    assert not world.medrec.permits([grant], world.request())
    assert relay.gas_left() < 60_000 < relay.gas_left(withdrawing=True)
    relay.close()


def test_gas_comes_back_with_the_next_day(world, chain, payer):
    now = [1_000.0 * DAY]
    limits = RelayLimits(gas_per_day=100_000, withdrawing_gas_per_day=0)
    relay = RelayService(chain, payer, limits=limits, clock=lambda: now[0])
    relay.submit([world.granting(world.presented())])
    relay.turn()
    spent = 100_000 - relay.gas_left()
    assert 0 < spent < 100_000
    with pytest.raises(RelayBudgetSpent):
        relay.submit([world.granting(world.presented())])
    now[0] += DAY
    assert relay.gas_left() == 100_000
    relay.submit([world.granting(world.presented())])
    relay.close()


def test_one_signer_cannot_use_up_what_others_need(world, chain, payer):
    relay = limited(chain, payer, gas_per_signer=100_000)
    relay.submit([world.granting(world.presented())])
    relay.turn()
    with pytest.raises(RelayBudgetSpent, match="for this signer"):
        relay.submit([world.granting(world.presented())])
    other = dataclasses.replace(world, patient=generate_account())
    relay.submit([other.granting(other.presented())])
    relay.close()


def test_a_forger_uses_up_nobodys_allowance(world, chain, payer):
    relay = limited(chain, payer, acts_per_minute=1)
    grant = world.presented()
    forged = world.medrec.grant_with_sig(
        world.patient.address, world.patient.address, grant.viewer, grant.bundle, terms_hash(grant.terms), bytes(65)
    )
    for _ in range(3):
        with pytest.raises(InvalidSignature):
            relay.submit([forged])
    relay.submit([world.granting(grant)])
    relay.turn()
    with pytest.raises(RelayTooOften):
        relay.submit([world.granting(world.presented())])
    relay.close()


def test_gas_that_is_too_dear_is_not_bought(world, chain, payer):
    relay = limited(chain, payer, max_fee_per_gas=1)
    with pytest.raises(RelayBudgetSpent, match="wei"):
        relay.submit([world.granting(world.presented())])
    relay.close()


def test_acts_larger_than_a_relayer_takes_are_refused(world, chain, payer):
    relay = limited(chain, payer, calls_per_act=2, gas_per_act=100_000)
    call = world.granting(world.presented())
    with pytest.raises(InvalidInput, match="3 calls"):
        relay.submit([call] * 3)
    with pytest.raises(InvalidInput, match="gas"):
        relay.submit([call, world.granting(world.presented())])
    relay.close()


def test_a_relayer_without_ether_says_so_and_not_how_much(world, chain):
    relay = RelayService(chain, generate_account())
    with pytest.raises(RelayUnavailable, match="can't pay") as refused:
        relay.submit([world.granting(world.presented())])
    assert refused.value.facts == {}
    assert any("nearly empty" in problem for problem in relay.health().problems)
    relay.close()


# ── carrying on ──────────────────────────────────────────────────────────────────────────────────────────────────────


class Killed(BaseException):
    """Stands for the end of the process."""


def relayed(service: RelayService, call: Call) -> None:
    service.submit([call])
    service.turn()


@pytest.mark.parametrize("step", list(RelayStep))
def test_whichever_step_is_the_last_the_act_happens_once(world, chain, payer, tmp_path, step):
    def kill(at: RelayStep) -> None:
        if at is step:
            raise Killed

    path = tmp_path / "relay.sqlite"
    grant = world.presented()
    call = world.granting(grant)
    first = RelayService(chain, payer, journal=RelayJournal(path), observer=kill)
    with pytest.raises(Killed):
        relayed(first, call)
    first.close()
    second = RelayService(chain, payer, journal=RelayJournal(path))
    second.turn()
    state = settled(second, second.submit([call]).id)
    assert state.status is ActStatus.CONFIRMED
    assert world.medrec.permits([grant], world.request())
    assert int(chain.ask("eth_getTransactionCount", payer.address, "latest"), 16) == 1
    second.close()


def test_nobody_sees_a_transaction_before_it_is_in_the_journal(world, chain, payer):
    journal = RelayJournal()
    seen = []

    def look(at: RelayStep) -> None:
        if at is RelayStep.JOURNALLED:
            [act] = journal.open_acts()
            seen.append((act.state.status, chain.is_known(act.latest.transaction.hash)))

    relay = RelayService(chain, payer, journal=journal, observer=look)
    relay.submit([world.granting(world.presented())])
    assert seen == [(ActStatus.ACCEPTED, False)]
    relay.close()


def test_after_a_restart_it_is_known_whose_acts_are_on_their_way(world, chain, payer, tmp_path):
    path = tmp_path / "relay.sqlite"
    first = RelayService(chain, payer, journal=RelayJournal(path), confirmations=2)
    first.submit([world.granting(world.presented()), world.granting(world.presented())])
    first.close()
    second = RelayService(chain, payer, journal=RelayJournal(path), confirmations=2)
    with pytest.raises(SignerBusy):
        second.submit([world.granting(world.presented())])
    second.close()


@pytest.fixture
def waiting(world, chain, payer, tmp_path):
    """A journal with an act on its way."""
    path = tmp_path / "relay.sqlite"
    relay = RelayService(chain, payer, journal=RelayJournal(path), confirmations=9)
    relay.submit([world.granting(world.presented())])
    relay.close()
    return path


def test_a_journal_of_another_account_is_refused(chain, waiting):
    with pytest.raises(InvalidInput, match="pays for"):
        RelayService(chain, generate_account(), journal=RelayJournal(waiting))


def test_a_journal_of_another_chain_is_refused(payer, waiting):
    with EmbeddedChain(chain_id=5) as other:
        deploy(other, other.developer)
        with pytest.raises(WrongChain, match="chain 1337"):
            RelayService(other, payer, journal=RelayJournal(waiting))


NOISE = bytes(range(256))


@pytest.mark.parametrize(
    "raw", [b"", b"\x02", b"\x02\xc0", NOISE[56:], b"\x02\xf8" + NOISE], ids=["none", "type", "empty", "noise", "long"]
)
def test_a_journal_with_other_bytes_is_damaged(chain, payer, waiting, raw):
    with sqlite3.connect(waiting) as other:
        other.execute("UPDATE transactions SET raw = ?", (raw,))
    other.close()
    with pytest.raises(RelayJournalDamaged):
        RelayService(chain, payer, journal=RelayJournal(waiting))


def test_what_is_written_names_nobody_but_in_the_transaction_itself(world, chain, payer, tmp_path, caplog):
    caplog.set_level("DEBUG", "medrec_py.relay")
    path = tmp_path / "relay.sqlite"
    relay = RelayService(chain, payer, journal=RelayJournal(path))
    call = world.granting(world.presented())
    with pytest.raises(InvalidSignature):
        relay.submit([world.medrec.revoke_with_sig(world.patient.address, os.urandom(32), bytes(65))])
    id = relay.submit([call], key="a key").id
    settled(relay, id)
    told = caplog.text.lower() + relay.metrics.text().decode().lower()
    relay.close()
    kept = path.read_bytes()
    for who in (world.patient, world.viewer):
        assert who.address[2:].lower() not in told
        assert bytes.fromhex(who.address[2:]) not in kept
        assert who.address[2:].lower().encode() not in kept.lower()
    assert "an act was accepted" in caplog.text
    assert id not in caplog.text
    assert b"a key" not in kept
