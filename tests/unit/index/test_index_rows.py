"""Rows that somebody else wrote are named, never believed and never a crash."""

from __future__ import annotations

import sqlite3
from contextlib import suppress

from event_strategies import PATIENTS, PROVIDERS, VIEWERS, Registry
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_chain import ScriptedChain

from medrec_py.errors import IntegrityError
from medrec_py.index import Index

VALUES = (
    st.none()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(max_size=40)
    | st.sampled_from(
        [
            "{}",
            "[]",
            "null",
            "Anchored",
            '{"time": "x"}',
            '{"turn": []}',
            "[" * 100_000,
            "{",
            '{"number": 1, "number": 2}',
        ]
    )
)


def some_history() -> Registry:
    registry = Registry()
    registry.act("register", PROVIDERS[0], 0)
    registry.act("accredit", PROVIDERS[0], 1, 2_000_000_000)
    registry.act("open", PATIENTS[0], PROVIDERS[0], 0)
    registry.act("anchor", PATIENTS[0], PROVIDERS[0], 0, 2)
    registry.act("retract", PATIENTS[0], PROVIDERS[0], 0, True)
    registry.act("batch", PROVIDERS[0], 0, 5)
    registry.act("grant", PATIENTS[0], PATIENTS[0], VIEWERS[0], 0)
    registry.act("suspend", PATIENTS[0], registry.grant_id(PATIENTS[0], PATIENTS[0], VIEWERS[0], 0))
    return registry


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(["events", "events", "entries", "blocks"]), st.integers(0, 7), st.data())
def test_whatever_stands_in_a_row_it_is_read_or_named(tmp_path_factory, table, block, data):
    path = tmp_path_factory.mktemp("bent") / "index.sqlite"
    chain = ScriptedChain()
    chain.mine_all(some_history().events)
    with Index(f"sqlite:///{path}", chain) as index:
        index.sync()
        with sqlite3.connect(path) as writer:
            columns = [row[1] for row in writer.execute(f"PRAGMA table_info({table})") if not row[5]]
            column = data.draw(st.sampled_from(columns))
            where = "number" if table == "blocks" else "block"
            with suppress(sqlite3.IntegrityError, sqlite3.OperationalError, UnicodeEncodeError):
                writer.execute(f"UPDATE {table} SET {column} = ? WHERE {where} = ?", (data.draw(VALUES), block))
                writer.commit()
        writer.close()
        for question in (
            index.vocabularies,
            lambda: list(index.events()),
            lambda: index.timeline(PATIENTS[0]),
            lambda: index.ledger(PATIENTS[0]),
            lambda: index.grants(subject=PATIENTS[0]),
            lambda: index.participant(PROVIDERS[0]),
            lambda: index.batches(PROVIDERS[0]),
            lambda: index.relationships(provider=PROVIDERS[0]),
        ):
            with suppress(IntegrityError):
                question()
