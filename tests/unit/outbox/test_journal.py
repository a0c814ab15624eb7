"""The journal gives back what it was given, names what nobody gave it, and holds nothing that a patient said."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medrec_py.chain import Call, SignedTransaction
from medrec_py.errors import JournalDamaged
from medrec_py.outbox.delivery import matches
from medrec_py.outbox.journal import Journal
from medrec_py.outbox.publication import Parcel, Publication, PublicationState
from medrec_py.outbox.spool import Extent
from medrec_py.storage.unixfs import digest_of
from medrec_py.types.events import Anchored, BatchAnchored

PATIENT = "0x" + "Aa" * 20
PROVIDER = "0x" + "Bb" * 20


def a_publication(parcels: int = 2, key: str | None = None) -> Publication:
    sealed = [os.urandom(8) for _ in range(parcels)]
    made = [Parcel(content, digest_of(content), os.urandom(16)) for content in sealed]
    return Publication.anchoring(PATIENT, PROVIDER, made, Call(PATIENT, b"\1\2", "anchor", 2**200), key=key)


def accepted(journal: Journal, id: str = "one", **given) -> Publication:
    publication = a_publication(**given)
    extents = [Extent(8 * place, 8) for place in range(len(publication.parcels))]
    assert journal.accept(id, publication, extents, chain_id=1, sender=PROVIDER, accepted_at=1.5)
    return publication


@pytest.fixture
def journal(tmp_path):
    with_journal = Journal(tmp_path / "journal.sqlite")
    yield with_journal
    with_journal.close()


def test_an_entry_comes_back_as_it_was_accepted(journal):
    publication = accepted(journal, key="import")
    entry = journal.entry("one")
    assert entry.status.state is PublicationState.ACCEPTED
    assert (entry.status.key, entry.status.sender, entry.status.accepted_at) == ("import", PROVIDER, 1.5)
    assert [parcel.digest for parcel in entry.parcels] == [parcel.digest for parcel in publication.parcels]
    assert [parcel.extent for parcel in entry.parcels] == [Extent(0, 8), Extent(8, 8)]
    assert (entry.calls, entry.expects) == (publication.calls, publication.expects)
    assert (entry.transactions, entry.since_block, entry.receipt) == ((), None, None)
    assert journal.entry("two") is None


def test_transactions_are_kept_in_order_with_the_first_block(journal):
    accepted(journal)
    signed = [SignedTransaction(bytes([nonce]), bytes([nonce]) * 32, nonce) for nonce in (5, 6)]
    journal.signed("one", signed[0], 100)
    journal.signed("one", signed[1], 200)
    entry = journal.entry("one")
    assert entry.transactions == tuple(signed)
    assert (entry.since_block, entry.status.transaction_hash) == (100, signed[1].hash)
    assert entry.status.state is PublicationState.SIGNED


def test_a_reopened_publication_begins_without_the_transactions_before(journal):
    accepted(journal)
    journal.signed("one", SignedTransaction(b"raw", bytes(32), 5), 100)
    journal.failed("one", "because")
    assert journal.entry("one").status.reason == "because"
    journal.reopened("one", [Call(PROVIDER, b"\3")])
    entry = journal.entry("one")
    assert (entry.status.state, entry.status.reason, entry.transactions) == (PublicationState.STORED, "", ())
    assert entry.calls == (Call(PROVIDER, b"\3"),)


def test_a_key_is_taken_once_for_each_chain(journal):
    accepted(journal, "one", key="import")
    second = a_publication(key="import")
    extents = [Extent(0, 8)] * 2
    assert not journal.accept("two", second, extents, chain_id=1, sender=PROVIDER, accepted_at=2)
    assert journal.accept("two", second, extents, chain_id=2, sender=PROVIDER, accepted_at=2)
    assert (journal.find(1, "import"), journal.find(2, "import"), journal.find(3, "import")) == ("one", "two", None)
    assert journal.ids(1, [PublicationState.ACCEPTED]) == ["one"]


def test_a_forgotten_publication_leaves_nothing(journal, tmp_path):
    accepted(journal)
    journal.signed("one", SignedTransaction(b"raw", bytes(32), 5), 100)
    journal.forget("one")
    with sqlite3.connect(tmp_path / "journal.sqlite") as reader:
        for table in ("publications", "parcels", "calls", "transactions"):
            assert reader.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
    reader.close()


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    table=st.sampled_from(["publications", "parcels", "calls", "transactions"]),
    data=st.data(),
)
def test_rows_that_no_journal_wrote_are_named_or_read_as_they_are(tmp_path_factory, table, data):
    """Whatever stands in a row, an entry is read or `JournalDamaged` is raised; nothing else."""
    path = tmp_path_factory.mktemp("journal") / "journal.sqlite"
    journal = Journal(path)
    accepted(journal)
    journal.signed("one", SignedTransaction(b"raw", bytes(32), 5), 100)
    with sqlite3.connect(path) as writer:
        columns = [
            row[1] for row in writer.execute(f"PRAGMA table_info({table})") if row[1] not in ("id", "publication")
        ]
        column = data.draw(st.sampled_from(columns))
        value = data.draw(
            st.none()
            | st.integers(-(2**63), 2**63 - 1)
            | st.floats(allow_nan=False)
            | st.text().filter(lambda text: text.isprintable())
            | st.binary(max_size=40)
            | st.sampled_from(["confirmed", "anchored", "[]", "[5]", '[{"event": "Anchored"}]', "[" * 3000, "{}"])
        )
        with suppress(sqlite3.IntegrityError):
            writer.execute(f"UPDATE {table} SET {column} = ?", (value,))
            writer.commit()
    writer.close()
    with suppress(JournalDamaged):
        journal.entry("one")
    journal.close()


# ------------------------------------------------------------------------------------------------------- recognition


def test_an_event_is_recognised_whenever_it_happens_and_by_nothing_less():
    expected = Anchored(PATIENT, PROVIDER, 0, (bytes(32),), (bytes(16),))
    assert matches(expected, Anchored(PATIENT.upper().replace("0X", "0x"), PROVIDER, 77, (bytes(32),), (bytes(16),)))
    assert not matches(expected, Anchored(PROVIDER, PROVIDER, 0, (bytes(32),), (bytes(16),)))
    assert not matches(expected, Anchored(PATIENT, PATIENT, 0, (bytes(32),), (bytes(16),)))
    assert not matches(expected, Anchored(PATIENT, PROVIDER, 0, (bytes(32),) * 2, (bytes(16),) * 2))
    assert not matches(expected, Anchored(PATIENT, PROVIDER, 0, (bytes(32),), (b"\1" * 16,)))
    assert not matches(expected, BatchAnchored(PROVIDER, 0, bytes(32), bytes(32), 1))


def test_an_expected_event_is_kept_whole(journal):
    publication = accepted(journal)
    [document] = json.loads(json.dumps([event.__class__.__name__ for event in publication.expects]))
    assert document == "Anchored"
    assert journal.entry("one").expects == publication.expects
