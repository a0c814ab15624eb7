"""Acts that the patient signs and a relayer brings: each counts once, whatever the relayer does or says."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from medrec_py.chain import Account, Call, TransactionReceipt, generate_account
from medrec_py.errors import (
    InvalidInput,
    InvalidSignature,
    NothingToAnchor,
    PublicationPending,
    RelayUnavailable,
)
from medrec_py.outbox import Courier, Parcel, Publication, PublicationState, Step
from medrec_py.storage.unixfs import digest_of
from medrec_py.types.events import Anchored, Event
from medrec_py.types.terms import typed_data


class Interrupted(Exception):
    """Stands for the death of the process."""


@dataclass
class Bearer:
    """The patient's signature, and a relayer with ether of its own."""

    world: Any
    account: Account
    relayer: Account
    before: list[Callable[[], None]] = field(default_factory=list)
    after: list[Callable[[], None]] = field(default_factory=list)
    brought: int = 0

    @property
    def address(self) -> str:
        return self.account.address

    def sign(self, digests: Sequence[bytes], locators: Sequence[bytes]) -> Call:
        subject, medrec = self.address, self.world.medrec
        message = {
            "subject": subject,
            "author": subject,
            "head": medrec.ledger_head(subject),
            "digests": list(digests),
            "locators": b"".join(locators),
        }
        signature = self.account.sign_typed_data(typed_data(medrec.domain, "Anchor", message))
        return medrec.anchor_with_sig(subject, subject, digests, locators, signature)

    def renew(self, expects: Sequence[Event]) -> tuple[Call, ...]:
        [event] = expects
        assert isinstance(event, Anchored)
        return (self.sign(event.digests, event.locators),)

    def bring(self, calls: Sequence[Call]) -> TransactionReceipt:
        self.brought += 1
        for act in self.before[:1]:
            self.before.remove(act)
            act()
        receipt = self.world.chain.send(self.relayer, list(calls))
        for act in self.after[:1]:
            self.after.remove(act)
            act()
        return receipt

    def publication(self, *sealed: bytes, key: str | None = None) -> Publication:
        parcels = [Parcel(content, digest_of(content), os.urandom(16)) for content in sealed]
        call = self.sign([parcel.digest for parcel in parcels], [parcel.locator for parcel in parcels])
        return Publication.anchoring(self.address, self.address, parcels, call, key=key, relayed=True)

    def write_something(self) -> None:
        """Moves the ledger's head on."""
        self.world.chain.send(self.account, self.world.medrec.anchor(self.address, [os.urandom(32)], [os.urandom(16)]))


@pytest.fixture
def bearer(world) -> Bearer:
    return Bearer(world, world.patient, world.provider)


def fail() -> None:
    raise RelayUnavailable("The line is cut.")


def count(world, publication: Publication) -> int:
    return sum(digest == publication.parcels[0].digest for digest in world.ledger())


def test_a_bearer_is_a_courier_and_an_account_is_none(bearer):
    assert isinstance(bearer, Courier)
    assert not isinstance(bearer.account, Courier)


def test_a_signed_act_is_stored_brought_and_confirmed(world, bearer):
    publication = bearer.publication(b"one", b"two")
    with world.outbox() as outbox:
        receipt = outbox.submit(publication, bearer)
        assert outbox.pending() == outbox.failed() == []
        assert outbox.receipt(receipt.id) == receipt
    assert world.ledger() == list(receipt.digests) == [parcel.digest for parcel in publication.parcels]
    assert world.store.verify_pins(receipt.digests) == []
    assert world.files() == []


@pytest.mark.parametrize("step", [step for step in Step if step not in (Step.SEALED, Step.PREPARED, Step.ANCHORED)])
def test_nothing_lost_when_the_act_is_relayed(world, bearer, step):
    publication = bearer.publication(b"sealed", key="k")

    def stop(seen: Step, id: str) -> None:
        if seen is step:
            raise Interrupted(step)

    with world.outbox(observer=stop) as outbox, pytest.raises(Interrupted):
        outbox.submit(publication, bearer)
    with world.outbox() as outbox:
        assert [outcome.error for outcome in outbox.resume([bearer])] in ([], [None])
        assert outbox.submit(publication, bearer).digests == (publication.parcels[0].digest,)
        assert outbox.pending() == outbox.failed() == []
    assert count(world, publication) == 1
    assert bearer.brought == 1


def test_a_lost_answer_is_found_again_in_the_log(world, bearer):
    """The relayer did it, and its answer never came: nothing is brought a second time."""
    bearer.after.append(fail)
    publication = bearer.publication(b"sealed")
    with world.outbox() as outbox:
        with pytest.raises(PublicationPending, match="waits: The line is cut"):
            outbox.submit(publication, bearer)
        [outcome] = outbox.resume([bearer])
        assert outcome.error is None
    assert (count(world, publication), bearer.brought) == (1, 1)


def test_a_relayer_that_is_away_loses_nothing(world, bearer):
    bearer.before.append(fail)
    publication = bearer.publication(b"sealed")
    with world.outbox() as outbox:
        with pytest.raises(PublicationPending):
            outbox.submit(publication, bearer)
        assert [status.state for status in outbox.pending()] == [PublicationState.SIGNED]
        [without] = outbox.resume()
        assert "waits to be relayed" in str(without.error)
        [by_account] = outbox.resume([bearer.account])
        assert "waits to be relayed" in str(by_account.error)
        [outcome] = outbox.resume([bearer.account, bearer])
        assert outcome.error is None
    assert count(world, publication) == 1


def test_an_act_whose_head_is_gone_is_signed_anew(world, bearer):
    publication = bearer.publication(b"sealed")
    bearer.before.append(bearer.write_something)
    with world.outbox() as outbox:
        outbox.submit(publication, bearer)
    assert (count(world, publication), bearer.brought) == (1, 2)


def test_somebody_else_who_brings_the_same_act_first_is_as_good(world, bearer):
    """Whoever sees the act may send it. The second copy is void, and the first is found."""
    publication = bearer.publication(b"sealed")
    bearer.before.append(lambda: world.chain.send(world.chain.developer, list(publication.calls)))
    with world.outbox() as outbox:
        receipt = outbox.submit(publication, bearer)
        assert outbox.failed() == []
    assert world.chain.receipt(receipt.transaction_hash).block_number == receipt.block_number
    assert count(world, publication) == 1


def test_a_ledger_that_others_always_write_into_first_keeps_it_pending(world, bearer):
    publication = bearer.publication(b"sealed")
    bearer.before += [bearer.write_something] * 5
    with world.outbox() as outbox:
        with pytest.raises(PublicationPending, match="first, 5 times"):
            outbox.submit(publication, bearer)
        [outcome] = outbox.resume([bearer])
        assert outcome.error is None
    assert count(world, publication) == 1


def test_a_relayer_that_says_it_was_refused_is_not_believed(world, bearer):
    def lie() -> None:
        raise InvalidSignature("The contract says no.")

    bearer.before.append(lie)
    publication = bearer.publication(b"sealed")
    with world.outbox(timeout=0.1) as outbox:
        with pytest.raises(PublicationPending, match="mined so far do not"):
            outbox.submit(publication, bearer)
        assert outbox.failed() == []
        [outcome] = outbox.resume([bearer])
        assert outcome.error is None
    assert count(world, publication) == 1


def test_a_relayer_that_says_it_was_done_is_not_believed(world, bearer, monkeypatch):
    publication = bearer.publication(b"sealed")
    other = world.chain.send(world.provider, world.medrec.revoke(os.urandom(32)))
    with world.outbox(timeout=0.1) as outbox:
        with monkeypatch.context() as lying:
            lying.setattr(Bearer, "bring", lambda self, calls: other)
            with pytest.raises(PublicationPending, match="No block shows"):
                outbox.submit(publication, bearer)
        [outcome] = outbox.resume([bearer])
        assert outcome.error is None
    assert count(world, publication) == 1


def test_what_the_contract_itself_refuses_is_kept_as_failed_and_can_be_retried(world, bearer, monkeypatch):
    good = bearer.publication(b"sealed")
    nothing = bearer.sign([], [])
    refused = Publication(good.parcels, (nothing,), good.expects, relayed=True)
    with world.outbox() as outbox:
        with monkeypatch.context() as stubborn:
            stubborn.setattr(Bearer, "renew", lambda self, expects: (nothing,))
            with pytest.raises(NothingToAnchor):
                outbox.submit(refused, bearer)
        [status] = outbox.failed()
        assert status.relayed
        with pytest.raises(InvalidInput, match="to sign, not"):
            outbox.retry(status.id, Bearer(world, generate_account(), world.provider))
        assert len(outbox.failed()) == 1
        outbox.retry(status.id, bearer, good.calls)
    assert count(world, good) == 1


def test_a_copy_of_the_journal_does_not_bring_it_a_second_time(world, bearer, tmp_path):
    """The journal is copied when the act is accepted, and both copies are resumed."""
    publication = bearer.publication(b"sealed")
    with world.outbox() as outbox:
        outbox.accept(publication, bearer.address)
    copy = tmp_path / "copy"
    shutil.copytree(world.folder, copy)
    with world.outbox() as outbox:
        assert outbox.resume([bearer])[0].error is None
    bearer.write_something()
    world.folder = copy
    with world.outbox() as outbox:
        assert outbox.resume([bearer])[0].error is None
    assert count(world, publication) == 1


def test_a_journal_of_the_version_before_is_read(world):
    publication = world.publication(b"sealed", key="old")
    with world.outbox() as outbox:
        outbox.accept(publication, world.patient.address)
    with sqlite3.connect(world.folder / "journal.sqlite") as connection:
        connection.execute("ALTER TABLE publications DROP COLUMN relayed")
        connection.execute("PRAGMA user_version=1")
    connection.close()
    with world.outbox() as outbox:
        assert [(status.key, status.relayed) for status in outbox.pending()] == [("old", False)]
        assert outbox.resume([world.patient])[0].error is None
    assert count(world, publication) == 1
