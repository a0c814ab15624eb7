"""An index follows its chain: every event once, whatever is interrupted, replaced or contradicted."""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import replace

import pytest
from event_strategies import PATIENTS, PROVIDERS, Registry, registries
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scripted_chain import Block, ScriptedChain
from sqlalchemy import create_engine, text

from medrec_py.errors import (
    IndexAddressInvalid,
    IndexDamaged,
    IndexOfAnotherChain,
    IndexUnavailable,
    InvalidInput,
    SourceInconsistent,
    Unavailable,
)
from medrec_py.index import Index, SyncReport
from medrec_py.index.schema import LOOKUPS
from medrec_py.types.events import Anchored, RelationshipOpened

PATIENT, PROVIDER = PATIENTS[0], PROVIDERS[0]


def opening(number: int) -> RelationshipOpened:
    return RelationshipOpened(PATIENT, PROVIDER, number, number.to_bytes(32, "big"))


def chain_of(blocks: int, start_block: int = 0) -> ScriptedChain:
    chain = ScriptedChain(start_block=start_block)
    for number in range(blocks):
        chain.mine(opening(number))
    return chain


def contents(url: str) -> dict[str, list[tuple]]:
    """Every row of every table, for comparing databases."""
    engine = create_engine(url)
    with engine.connect() as connection:
        found = {
            table: [tuple(row) for row in connection.execute(text(f"SELECT * FROM {table} ORDER BY 1, 2"))]
            for table in ("cursor", "blocks", "events", "entries")
        }
    engine.dispose()
    return found


@pytest.fixture
def url(tmp_path) -> str:
    return f"sqlite:///{tmp_path}/index.sqlite"


# --------------------------------------------------------------------------------------------------------- resuming


def test_a_second_sync_changes_nothing(url):
    chain = chain_of(30)
    with Index(url, chain) as index:
        assert index.sync() == SyncReport(head=29, events=30)
        before = contents(url)
        assert index.sync() == SyncReport(head=29, events=0)
        assert contents(url) == before


def test_a_sync_without_news_asks_two_questions(url):
    chain = chain_of(30)
    with Index(url, chain) as index:
        index.sync()
        chain.calls.clear()
        index.sync()
        assert sorted(chain.calls) == ["block_hash", "head_number"]


def test_a_reopened_index_reads_only_what_is_new(url):
    chain = chain_of(30)
    with Index(url, chain) as index:
        index.sync()
    chain.mine(opening(30))
    with Index(url, chain) as index:
        assert index.head == 29
        assert index.sync() == SyncReport(head=30, events=1)
        assert [call for call in chain.calls if call.startswith("logs")][-1] == "logs 30 30"


def test_an_interrupted_sync_goes_on_where_it_stopped(url):
    chain = chain_of(50)
    chain.longest_range = 10

    class Interrupted(Exception):
        pass

    def interrupt(progress):
        if progress.done >= 20:
            raise Interrupted

    with Index(url, chain) as index:
        with pytest.raises(Interrupted):
            index.sync(progress=interrupt)
        assert 20 <= index.head < 49
        stopped = index.head
        assert index.sync() == SyncReport(head=49, events=49 - stopped)
        assert list(index.events()) == chain.all_events


def lookups(url: str) -> set[str]:
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        found = {
            row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'index' AND sql > ''")
        }
    connection.close()
    return found


def test_a_long_backlog_is_read_without_sql_indexes_and_they_are_made_at_its_end(url):
    chain = chain_of(3)
    chain.blocks += [Block(number.to_bytes(32, "big"), ()) for number in range(3, 6000)]
    during = []
    with Index(url, chain) as index:
        assert len(lookups(url)) == len(LOOKUPS)
        index.sync(progress=lambda progress: during.append(len(lookups(url))))
        assert set(during) == {0}
        assert len(lookups(url)) == len(LOOKUPS)
        assert len(index.relationships(subject=PATIENT)) == 3


def test_an_interrupted_backlog_gets_its_sql_indexes_when_it_is_finished(url):
    chain = chain_of(3)
    chain.blocks += [Block(number.to_bytes(32, "big"), ()) for number in range(3, 6000)]

    class Interrupted(Exception):
        pass

    def interrupt(progress):
        raise Interrupted

    with Index(url, chain) as index, pytest.raises(Interrupted):
        index.sync(progress=interrupt)
    assert lookups(url) == set()
    with Index(url, chain) as index:
        assert len(index.relationships(subject=PATIENT)) == 3
        index.sync()
    assert len(lookups(url)) == len(LOOKUPS)


def test_progress_counts_up_to_the_head(url):
    chain = chain_of(95, start_block=5)
    chain.longest_range = 20
    seen = []
    with Index(url, chain) as index:
        index.sync(progress=seen.append)
    assert {(progress.first, progress.last) for progress in seen} == {(5, 99)}
    assert [progress.done for progress in seen] == sorted({progress.done for progress in seen})
    assert (seen[-1].done, seen[-1].events) == (99, 95)


def test_blocks_before_the_start_are_not_read():
    chain = chain_of(3, start_block=1000)
    with Index("sqlite://", chain) as index:
        assert index.head == 999
        index.sync()
        assert [call for call in chain.calls if call.startswith("logs")] == ["logs 1000 1002"]


def test_an_empty_chain_is_followed_too():
    chain = ScriptedChain()
    chain.mine()
    with Index("sqlite://", chain) as index:
        assert index.sync() == SyncReport(head=0, events=0)
        assert index.relationships(subject=PATIENT) == []


def test_a_range_that_the_source_finds_too_long_is_halved():
    chain = chain_of(200)
    chain.longest_range = 13
    with Index("sqlite://", chain) as index:
        assert index.sync() == SyncReport(head=199, events=200)
        assert list(index.events()) == chain.all_events


def test_crowded_blocks_are_read_in_short_ranges():
    registry = Registry()
    for seed in range(3000):
        registry.act("anchor", PATIENT, PROVIDER, seed, 1)
    chain = ScriptedChain()
    for _ in range(20):
        chain.mine(*registry.events)
    spans = []
    with Index("sqlite://", chain) as index:
        chain.longest_range = 3  # a first range of all 20 blocks would hide what is measured here
        index.sync(progress=lambda progress: spans.append(progress.done))
        assert index.head == 19
    assert max(b - a for a, b in zip([-1, *spans], spans, strict=False)) <= 4


def test_a_source_that_is_gone_leaves_what_was_read(url):
    chain = chain_of(40)
    chain.longest_range = 10
    with Index(url, chain) as index:

        def gone(progress):
            chain.longest_range = 0

        with pytest.raises(Unavailable):
            index.sync(progress=gone)
        assert index.head >= 0
        chain.longest_range = None
        assert index.sync().head == 39
        assert list(index.events()) == chain.all_events


def test_an_index_without_a_source_answers_and_does_not_sync(url):
    chain = chain_of(3)
    with Index(url, chain) as index:
        index.sync()
    with Index(url) as index:
        assert len(index.relationships(subject=PATIENT)) == 3
        with pytest.raises(InvalidInput, match="without a source"):
            index.sync()


# --------------------------------------------------------------------------------------------------- replaced blocks


@pytest.mark.parametrize("depth", [1, 2, 63, 64, 127])
def test_replaced_blocks_are_rolled_back_to_the_fork(url, depth):
    chain = chain_of(200)
    with Index(url, chain) as index:
        index.sync()
        chain.cut(depth)
        for number in range(depth + 3):
            chain.mine(opening(1000 + number))
        report = index.sync()
        assert report == SyncReport(head=202, events=depth + 3, rolled_back_to=199 - depth)
        assert list(index.events()) == chain.all_events


def test_a_fork_deeper_than_the_kept_hashes_reads_all_anew(url):
    chain = chain_of(10)
    for _ in range(300):
        chain.mine()
    with Index(url, chain, kept_hashes=64) as index:
        index.sync()
        chain.cut(309)
        for number in range(309):
            chain.mine(opening(1000 + number))
        report = index.sync()
        assert (report.head, report.rebuilt) == (309, False)  # block 0, which holds an event, is still known
        chain.cut(310)
        for number in range(5):
            chain.mine(opening(2000 + number))
        assert index.sync() == SyncReport(head=4, events=5, rolled_back_to=-1, rebuilt=True)
        assert list(index.events()) == chain.all_events


def test_a_shorter_fork_is_followed_too(url):
    chain = chain_of(20)
    with Index(url, chain) as index:
        index.sync()
        chain.cut(5)
        assert index.sync() == SyncReport(head=14, events=0, rolled_back_to=14)
        assert list(index.events()) == chain.all_events


def test_blocks_replaced_while_they_are_read_are_read_again():
    chain = chain_of(20)

    def fork():
        chain.cut(3)
        chain.mine()
        chain.mine(opening(77))
        chain.mine()

    with Index("sqlite://", chain) as index:
        index.sync()
        chain.mine(opening(20))
        chain.before_logs = [fork, fork, fork]
        index.sync()
        assert list(index.events()) == chain.all_events


def test_an_answer_of_another_fork_than_the_hashes_is_not_kept():
    chain = chain_of(5)
    honest = chain.logs
    stale = chain_of(5)
    stale.cut(5)
    for number in range(5):
        stale.mine(opening(number))
    answers = [stale.logs, honest]
    chain.logs = lambda start, end: answers.pop(0)(start, end)
    with Index("sqlite://", chain) as index:
        index.sync()
        assert list(index.events()) == chain.all_events


def test_a_chain_that_never_settles_is_given_up_without_loss():
    chain = chain_of(20)
    with Index("sqlite://", chain) as index:
        index.sync()

        def restless():
            chain.cut(1)
            chain.mine(opening(len(chain.calls)))

        chain.mine()
        chain.before_logs = [restless] * 100
        with pytest.raises(Unavailable, match="replaced 10 times"):
            index.sync()
        chain.before_logs = []
        index.sync()
        assert list(index.events()) == chain.all_events


def test_hashes_are_kept_for_the_window_and_for_blocks_with_events(url):
    chain = chain_of(5)
    for _ in range(500):
        chain.mine()
    with Index(url, chain, kept_hashes=64) as index:
        index.sync()
        for _ in range(40):
            chain.mine()
            index.sync()
    numbers = [row[0] for row in contents(url)["blocks"]]
    assert numbers == [0, 1, 2, 3, 4, *range(545 - 64, 545)]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    first=registries(30),
    then=st.lists(st.tuples(st.integers(0, 12), registries(10), st.integers(1, 3)), max_size=4),
    per_block=st.integers(1, 4),
)
def test_after_any_forks_the_index_is_as_if_built_anew(tmp_path_factory, first, then, per_block):
    folder = tmp_path_factory.mktemp("forks")
    chain = ScriptedChain()
    chain.mine_all(first.events, per_block)
    chain.mine()
    with Index(f"sqlite:///{folder}/followed.sqlite", chain) as index:
        index.sync()
        for depth, registry, crowd in then:
            chain.cut(min(depth, len(chain.blocks)))
            chain.mine_all(registry.events, crowd)
            chain.mine()
            index.sync()
    with Index(f"sqlite:///{folder}/fresh.sqlite", chain) as fresh:
        fresh.sync()
        assert list(fresh.events()) == chain.all_events
    assert contents(f"sqlite:///{folder}/followed.sqlite") == contents(f"sqlite:///{folder}/fresh.sqlite")


# ----------------------------------------------------------------------------------------------- bad sources, bad files


def test_the_same_event_given_twice_counts_once():
    chain = chain_of(5)
    honest = chain.logs
    chain.logs = lambda start, end: honest(start, end)[::-1] + honest(start, end)
    with Index("sqlite://", chain) as index:
        assert index.sync().events == 5
        assert list(index.events()) == chain.all_events


def test_two_different_events_at_one_position_are_refused_and_not_kept():
    chain = chain_of(5)
    honest = chain.logs
    chain.logs = lambda start, end: [*honest(start, end), replace(honest(start, end)[0], event=opening(99))]
    with Index("sqlite://", chain) as index:
        with pytest.raises(SourceInconsistent, match="two different events for log 0 of block 0"):
            index.sync()
        assert list(index.events()) == []
        assert index.head == -1


def test_an_event_from_outside_the_range_is_refused():
    chain = chain_of(5)
    honest = chain.logs
    chain.logs = lambda start, end: [replace(honest(start, end)[0], block_number=77)]
    with Index("sqlite://", chain) as index, pytest.raises(SourceInconsistent, match="one of block 77"):
        index.sync()


def test_a_time_that_no_block_can_have_is_refused():
    chain = ScriptedChain()
    chain.mine(Anchored(PATIENT, PROVIDER, 2**64 - 1, (bytes(32),), (bytes(16),)))
    with Index("sqlite://", chain) as index, pytest.raises(SourceInconsistent, match="the time 18446744073709551615"):
        index.sync()


def test_an_event_that_somebody_added_to_the_database_is_noticed_when_the_chain_gets_there(url):
    chain = chain_of(3)
    with Index(url, chain) as index:
        index.sync()
        with sqlite3.connect(url.removeprefix("sqlite:///")) as bending:
            bending.execute("UPDATE events SET block = 3 WHERE block = 2")
        bending.close()
        chain.mine(opening(3))
        with pytest.raises(IndexDamaged, match="UNIQUE"):
            index.sync()


def test_a_database_follows_one_chain_only(url):
    with Index(url, chain_of(3)) as index:
        index.sync()
    with pytest.raises(IndexOfAnotherChain, match="chain_id 31337, not 1"):
        Index(url, ScriptedChain(chain_id=1))
    with pytest.raises(IndexOfAnotherChain, match="start_block 0, not 2"):
        Index(url, chain_of(3), start_block=2)


@pytest.mark.parametrize(
    "address", ["nonsense", "mysql://localhost/records", "sqlite+nothing://", "http://localhost", ""]
)
def test_an_address_of_no_database_is_refused(address):
    with pytest.raises(IndexAddressInvalid):
        Index(address)


def test_a_file_that_is_no_database_is_named(tmp_path):
    (tmp_path / "index.sqlite").write_bytes(b"no database at all" * 400)
    with pytest.raises(IndexDamaged, match=r"index\.sqlite: file is not a database"):
        Index(f"sqlite:///{tmp_path}/index.sqlite")


def test_a_folder_that_can_not_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(IndexUnavailable, match="can't be made"):
        Index(f"sqlite:///{tmp_path}/file/index.sqlite")


def test_a_database_server_that_does_not_answer_is_named_without_its_password():
    with pytest.raises(IndexUnavailable) as caught:
        Index("postgresql://patient:secret@127.0.0.1:1/records")
    assert "127.0.0.1" in str(caught.value)
    assert "secret" not in str(caught.value.to_json())


def test_too_few_kept_hashes_are_refused():
    with pytest.raises(InvalidInput, match="at least 64"):
        Index("sqlite://", kept_hashes=63)


# ------------------------------------------------------------------------------------------------------ side by side


def test_many_threads_may_ask_an_index_in_memory_while_it_follows():
    chain = chain_of(300)
    chain.longest_range = 7
    errors = []

    def ask():
        try:
            for _ in range(30):
                found = index.relationships(subject=PATIENT)
                assert [relationship.number for relationship in found] == list(range(len(found)))
        except Exception as error:
            errors.append(error)

    with Index("sqlite://", chain) as index:
        threads = [threading.Thread(target=ask) for _ in range(4)]
        threads.append(threading.Thread(target=index.sync))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert len(index.relationships(subject=PATIENT)) == 300


@pytest.mark.parametrize("empty_blocks", [0, 6000])
def test_three_indexes_on_one_file_add_each_block_once(url, empty_blocks):
    chain = chain_of(400)
    chain.longest_range = 11 if not empty_blocks else None
    chain.blocks += [Block(number.to_bytes(32, "big"), ()) for number in range(400, 400 + empty_blocks)]
    errors = []
    indexes = [Index(url, chain) for _ in range(3)]

    def follow(index):
        try:
            index.sync()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=follow, args=(index,)) for index in indexes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for index in indexes:
        index.close()
    assert errors == []
    with Index(url, chain) as index:
        index.sync()
        assert list(index.events()) == chain.all_events
    assert len(lookups(url)) == len(LOOKUPS)
