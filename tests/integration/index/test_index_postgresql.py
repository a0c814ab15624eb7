"""The same index in PostgreSQL: same rows, same answers, same safety."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

import pytest
from event_strategies import EVERYBODY, PATIENTS, PROVIDERS, Registry
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scripted_chain import Block, ScriptedChain
from sqlalchemy import create_engine, text

from medrec_py.errors import IndexDamaged, IndexOfAnotherChain, IndexUnavailable, IntegrityError, RegistrationBroken
from medrec_py.index import Index

pytestmark = pytest.mark.servers


def contents(url: str) -> dict[str, list[tuple]]:
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        found = {
            table: [tuple(row) for row in connection.execute(text(f"SELECT * FROM {table} ORDER BY 1, 2"))]
            for table in ("cursor", "blocks", "events", "entries")
        }
    engine.dispose()
    return {table: sorted(rows) for table, rows in found.items()} | {"events": found["events"]}


def answers(index: Index) -> list[object]:
    """What an index says to every question about everybody, refusals too.

    A fork that a strategy draws needn't follow from what stays below it: its registrations may lack their beginning.
    """
    questions: list[Callable[[], object]] = [
        lambda: list(index.events()),
        index.vocabularies,
        lambda: index.timeline(PATIENTS),
    ]
    for who in EVERYBODY:
        questions += [
            partial(index.relationships, subject=who),
            partial(index.relationships, provider=who),
            partial(index.grants, subject=who),
            partial(index.grants, viewer=who),
            partial(index.ledger, who),
            partial(index.batches, who),
            partial(index.participant, who),
            partial(index.accreditation, who),
        ]
    return [_answer(question) for question in questions]


def _answer(question: Callable[[], object]) -> object:
    try:
        return question()
    except IntegrityError as refusal:
        return type(refusal), str(refusal)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_postgresql_holds_and_answers_what_sqlite_does(postgresql, data):
    from event_strategies import registries

    chain = ScriptedChain()
    chain.mine_all(data.draw(registries(30)).events, data.draw(st.integers(1, 4)))
    chain.mine()
    url = _empty(postgresql)
    with Index(url, chain) as there, Index("sqlite://", chain) as here:
        there.sync()
        here.sync()
        assert answers(there) == answers(here)
        assert not any(isinstance(answer, tuple) and answer[:1] == (RegistrationBroken,) for answer in answers(here))
        chain.cut(min(data.draw(st.integers(0, 10)), len(chain.blocks)))
        chain.mine_all(data.draw(registries(10)).events)
        chain.mine()
        assert there.sync() == here.sync()
        assert answers(there) == answers(here)
        assert list(there.events()) == chain.all_events


def _empty(url: str) -> str:
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS cursor, blocks, events, entries"))
    engine.dispose()
    return url


def test_a_second_sync_changes_nothing(database):
    registry = Registry()
    for seed in range(50):
        registry.act("anchor", PATIENTS[0], PROVIDERS[0], seed, 3)
    chain = ScriptedChain()
    chain.mine_all(registry.events, 3)
    with Index(database, chain) as index:
        index.sync()
    before = contents(database)
    with Index(database, chain) as index:
        assert index.sync().events == 0
    assert contents(database) == before


@pytest.mark.parametrize("empty_blocks", [0, 6000])
def test_many_processes_on_one_database_add_each_block_once(database, empty_blocks):
    registry = Registry()
    for seed in range(400):
        registry.act("anchor", PATIENTS[0], PROVIDERS[0], seed, 1)
    chain = ScriptedChain()
    chain.mine_all(registry.events)
    chain.longest_range = 11 if not empty_blocks else None
    chain.blocks += [Block(number.to_bytes(32, "big"), ()) for number in range(400, 400 + empty_blocks)]
    errors = []

    def follow() -> None:
        try:
            with Index(database, chain) as index:
                index.sync()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=follow) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with Index(database, chain) as index:
        index.sync()
        assert list(index.events()) == chain.all_events


def test_errors_say_the_same_as_with_sqlite(database):
    registry = Registry()
    registry.act("open", PATIENTS[0], PROVIDERS[0], 0)
    chain = ScriptedChain()
    chain.mine_all(registry.events)
    with Index(database, chain) as index:
        index.sync()
        engine = create_engine(database.replace("postgresql:", "postgresql+psycopg:"))
        with engine.begin() as connection:
            connection.execute(text("UPDATE events SET block = 1"))
        engine.dispose()
        registry.act("close", PATIENTS[0], PROVIDERS[0], True)
        chain.mine(registry.events[-1])
        with pytest.raises(IndexDamaged, match="duplicate key"):
            index.sync()
    with pytest.raises(IndexOfAnotherChain):
        Index(database, ScriptedChain(chain_id=1))
    with pytest.raises(IndexUnavailable, match="records_that_are_not"):
        Index(database.replace("/records", "/records_that_are_not"))
