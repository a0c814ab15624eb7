"""Transactions that wait: too cheap for today, or behind another one with their nonce."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest

from medrec_py.chain import Account, Call, Chain, MedRecContract, deploy, generate_account
from medrec_py.devnet.anvil import AnvilNode
from medrec_py.errors import PublicationPending
from medrec_py.outbox import Outbox, Parcel, Publication, PublicationState, Step
from medrec_py.storage import open_store
from medrec_py.storage.unixfs import digest_of
from medrec_py.types.events import Anchored

pytestmark = pytest.mark.servers


class Miner:
    """Mines a block whenever it is told to, or steadily in the background."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self._stop = threading.Event()

    def __enter__(self) -> Miner:
        self._thread = threading.Thread(target=self._mine)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _mine(self) -> None:
        while not self._stop.wait(0.2):
            self.chain.ask("evm_mine")


@pytest.fixture
def chain() -> Iterator[tuple[Chain, Account]]:
    with AnvilNode() as node, node.connect() as connected:
        patient = generate_account()
        deploy(connected, node.accounts[0])
        connected.send(node.accounts[0], Call(patient.address, b"", "fund", 10**19))
        connected.ask("evm_setAutomine", False)
        yield connected, patient


def publication(chain: Chain, patient: Account) -> Publication:
    sealed = os.urandom(100)
    parcel = Parcel(sealed, digest_of(sealed), os.urandom(16))
    call = MedRecContract(chain.deployment, chain).anchor(patient.address, [parcel.digest], [parcel.locator])
    return Publication.anchoring(patient.address, patient.address, [parcel], call)


def anchored(chain: Chain) -> list[bytes]:
    logged = chain.logs(chain.deployment.block_number, chain.head_number())
    return [digest for event in logged if isinstance(event.event, Anchored) for digest in event.event.digests]


def test_a_transaction_that_is_not_mined_keeps_the_publication_pending(chain, tmp_path):
    connected, patient = chain
    wanted = publication(connected, patient)
    with open_store(tmp_path / "store") as store, Outbox(tmp_path / "outbox", store, connected, timeout=0.4) as outbox:
        with pytest.raises(PublicationPending, match="was not mined within"):
            outbox.submit(wanted, patient)
        assert [status.state for status in outbox.pending()] == [PublicationState.SIGNED]
        connected.ask("evm_mine")
        [outcome] = outbox.resume()
        assert outcome.error is None
    assert anchored(connected) == [wanted.parcels[0].digest]


def test_a_transaction_that_became_too_cheap_is_replaced_under_its_nonce(chain, tmp_path):
    connected, patient = chain
    wanted = publication(connected, patient)

    raised = []

    def raise_the_price(step: Step, id: str) -> None:
        if step is Step.SIGNED and not raised:
            raised.append(step)
            connected.ask("anvil_setNextBlockBaseFeePerGas", hex(100 * 10**9))
            connected.ask("evm_mine")

    with (
        open_store(tmp_path / "store") as store,
        Outbox(tmp_path / "outbox", store, connected, timeout=6, observer=raise_the_price) as outbox,
        Miner(connected),
    ):
        receipt = outbox.submit(wanted, patient)
        entry = outbox._journal.entry(receipt.id)
    assert anchored(connected) == [wanted.parcels[0].digest]
    assert len(entry.transactions) == 2
    assert len({transaction.nonce for transaction in entry.transactions}) == 1


def test_a_nonce_that_waits_in_the_pool_is_waited_for_and_then_given_up(chain, tmp_path):
    """Another transaction of the same account has our nonce and isn't mined yet: ours is signed anew only after."""
    connected, patient = chain
    wanted = publication(connected, patient)
    signed = []

    def interfere(step: Step, id: str) -> None:
        if step is Step.SIGNED and not signed:
            call = MedRecContract(connected.deployment, connected).revoke(os.urandom(32))
            other = connected.prepare(patient, call)
            signed.append(other)
            connected.broadcast(other.raw)

    with open_store(tmp_path / "store") as store:
        with (
            Outbox(tmp_path / "outbox", store, connected, timeout=0.5, observer=interfere) as outbox,
            pytest.raises(PublicationPending),
        ):
            outbox.submit(wanted, patient)
        with Miner(connected), Outbox(tmp_path / "outbox", store, connected, timeout=20) as outbox:
            [outcome] = outbox.resume([patient])
            assert outcome.error is None
            nonces = {transaction.nonce for transaction in outbox._journal.entry(outcome.id).transactions}
    assert anchored(connected) == [wanted.parcels[0].digest]
    assert nonces == {signed[0].nonce, signed[0].nonce + 1}


def test_blocks_that_are_replaced_before_they_are_confirmed_lose_nothing(tmp_path):
    """The block of the anchoring vanishes between the first and the last confirmation."""
    with AnvilNode() as node, node.connect() as connected:
        patient = generate_account()
        deploy(connected, node.accounts[0])
        connected.send(node.accounts[0], Call(patient.address, b"", "fund", 10**19))
        wanted = publication(connected, patient)
        snapshot = connected.ask("evm_snapshot")

        def replace(step: Step, id: str) -> None:
            if step is Step.ANCHORED and anchored(connected):
                connected.ask("evm_revert", snapshot)

        with (
            open_store(tmp_path / "store") as store,
            Outbox(tmp_path / "outbox", store, connected, timeout=2, confirmations=2, observer=replace) as outbox,
        ):
            with pytest.raises(PublicationPending):
                outbox.submit(wanted, patient)
            assert anchored(connected) == []
        with (
            open_store(tmp_path / "store") as store,
            Outbox(tmp_path / "outbox", store, connected, timeout=20, confirmations=2) as outbox,
            Miner(connected),
        ):
            [outcome] = outbox.resume()
            assert outcome.error is None
        assert anchored(connected) == [wanted.parcels[0].digest]
