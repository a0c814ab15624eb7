"""The journal alone: what it keeps, what it forgets, and what it refuses to be."""

from __future__ import annotations

import os
import sqlite3

import pytest

from medrec_py.chain import SignedTransaction
from medrec_py.errors import RelayJournalDamaged, RelayJournalUnavailable
from medrec_py.relay.journal import ActStatus, RelayJournal, Signed


def signed(nonce: int = 0) -> SignedTransaction:
    return SignedTransaction(os.urandom(100), os.urandom(32), nonce)


def add(journal: RelayJournal, id: str = "0xa", nonce: int = 0, gas: int = 100, key: bytes | None = None):
    transaction = signed(nonce)
    journal.add(id, key, transaction, gas=gas, block=5, now=1000.0)
    return transaction


def finish(journal: RelayJournal, id: str, *, error: str | None = None, now: float = 2000.0, gas: int = 80) -> None:
    journal.finish(id, hash=None, block=9, gas_used=gas, error=error, day=7, now=now)


def test_what_was_signed_is_there_after_a_restart(tmp_path):
    journal = RelayJournal(tmp_path / "relay.sqlite")
    first = add(journal, "0xb", 2)
    second = signed(2)
    journal.add_signed("0xb", Signed(second, fills=True), block=8, now=1100.0)
    add(journal, "0xa", 1)
    journal.pending("0xa")
    journal.close()
    journal = RelayJournal(tmp_path / "relay.sqlite")
    earlier, later = journal.open_acts()
    assert (earlier.state.id, earlier.nonce, earlier.state.status) == ("0xa", 1, ActStatus.PENDING)
    assert [item.transaction for item in later.signed] == [first, second]
    assert [item.fills for item in later.signed] == [False, True]
    assert (later.priced_block, later.priced_at) == (8, 1100.0)
    assert later.state.transaction == second.hash
    journal.close()


def test_a_finished_act_keeps_its_end_and_nothing_that_was_signed(tmp_path):
    path = tmp_path / "relay.sqlite"
    journal = RelayJournal(path)
    transaction = add(journal)
    finish(journal, "0xa")
    state = journal.find("0xa")
    assert (state.status, state.block, state.gas_used, state.error) == (ActStatus.CONFIRMED, 9, 80, None)
    assert state.transaction == transaction.hash
    assert journal.open_acts() == []
    journal.close()
    # Not only unlinked: what was deleted is overwritten, in the file and in what SQLite keeps beside it.
    assert all(transaction.raw not in file.read_bytes() for file in tmp_path.iterdir())


def test_finished_acts_are_forgotten_and_open_ones_are_not():
    journal = RelayJournal()
    add(journal, "0xa", 0)
    add(journal, "0xb", 1)
    finish(journal, "0xa", now=2000.0)
    journal.forget(1999.0, 7)
    assert journal.find("0xa") is not None
    journal.forget(2001.0, 7)
    assert journal.find("0xa") is None
    assert journal.find("0xb") is not None


def test_gas_counts_as_spent_from_acceptance_on_and_by_what_was_used_in_the_end():
    journal = RelayJournal()
    add(journal, "0xa", 0, gas=100)
    add(journal, "0xb", 1, gas=50)
    assert journal.gas_spent(7) == 150
    finish(journal, "0xa", gas=80)
    assert journal.gas_spent(7) == 130
    finish(journal, "0xb", gas=40, error="GrantNotActive")
    assert journal.gas_spent(7) == 120
    assert journal.gas_spent(8) == 0
    journal.forget(0.0, 8)
    assert journal.gas_spent(7) == 0


def test_an_act_that_failed_can_be_tried_again():
    journal = RelayJournal()
    add(journal)
    finish(journal, "0xa", error="GrantNotActive")
    assert journal.find("0xa").status is ActStatus.FAILED
    add(journal, nonce=4)
    [act] = journal.open_acts()
    assert (act.state.status, act.nonce, act.state.error, len(act.signed)) == (ActStatus.ACCEPTED, 4, None, 1)


def test_a_key_names_its_act():
    journal = RelayJournal()
    add(journal, key=b"k")
    assert journal.of_key(b"k") == "0xa"
    assert journal.of_key(b"other") is None


def test_two_relayers_cannot_share_a_journal(tmp_path):
    journal = RelayJournal(tmp_path / "relay.sqlite")
    with pytest.raises(RelayJournalUnavailable, match="in use"):
        RelayJournal(tmp_path / "relay.sqlite")
    journal.close()
    RelayJournal(tmp_path / "relay.sqlite").close()


def test_what_is_no_journal_is_refused(tmp_path):
    (tmp_path / "text").write_text("not a database, and longer than a header of SQLite would be" * 20)
    with pytest.raises(RelayJournalDamaged):
        RelayJournal(tmp_path / "text")
    with sqlite3.connect(tmp_path / "other") as other:
        other.execute("CREATE TABLE things (name)")
    other.close()
    with pytest.raises(RelayJournalDamaged, match="version"):
        RelayJournal(tmp_path / "other")


def test_a_journal_that_cannot_be_written_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RelayJournalUnavailable):
        RelayJournal(tmp_path / "file" / "relay.sqlite")


def test_an_act_without_its_transaction_is_damage(tmp_path):
    path = tmp_path / "relay.sqlite"
    journal = RelayJournal(path)
    add(journal)
    journal.close()
    with sqlite3.connect(path) as other:
        other.execute("DELETE FROM transactions")
    other.close()
    journal = RelayJournal(path)
    with pytest.raises(RelayJournalDamaged, match="without a transaction"):
        journal.open_acts()
    journal.close()
