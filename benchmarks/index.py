"""How fast is the index? Events into SQLite, the start when nothing is new, and the questions people ask.

Run `python benchmarks/index.py [--events N] [--url URL]`; writes `benchmarks/results/index.json`. The events come from
memory, so that the index is measured and not a node; their mix is that of a year in a hospital: mostly anchoring.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from eth_hash.auto import keccak
from eth_utils.address import to_checksum_address
from sqlalchemy import create_mock_engine, insert
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex
from sqlalchemy.sql import ClauseElement

from medrec_py.index import Index
from medrec_py.index.rows import entry_values, event_values
from medrec_py.index.schema import LOOKUPS, entries, events, metadata
from medrec_py.types.events import (
    Accredited,
    Anchored,
    Event,
    Granted,
    GrantRevoked,
    LoggedEvent,
    Registered,
    RelationshipOpened,
)
from medrec_py.types.ledger import replay

EVENTS_PER_BLOCK = 50
PARCELS_PER_ANCHORING = 3
MIB = 1 << 20


def word(seed: object) -> bytes:
    """32 bytes for a seed."""
    return hashlib.sha256(repr(seed).encode()).digest()


def person(seed: object) -> str:
    """An address for a seed."""
    return str(to_checksum_address(word(seed)[:20]))


def floor(year: Year, folder: Path) -> float:
    """Seconds for the same rows through the bare driver, SQL indexes made at the end: what no index can beat."""
    connection = sqlite3.connect(folder / "floor.sqlite", isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "cache_size=-65536", "wal_autocheckpoint=16384"):
        connection.execute(f"PRAGMA {pragma}")
    engine = create_mock_engine("sqlite://", lambda statement, *_: connection.execute(_compiled(statement)))
    metadata.create_all(engine, checkfirst=False)
    for lookup in LOOKUPS:
        connection.execute(f"DROP INDEX {lookup.name}")
    inserts = {table.name: _compiled(insert(table)) for table in (events, entries)}
    spent = 0.0
    for start in range(0, year.blocks, 200):
        logged = year.logs(start, min(start + 199, year.blocks - 1))
        event_rows = [event_values(event) for event in logged]
        entry_rows = [row for event in logged for row in entry_values(event)]
        began = time.perf_counter()
        connection.execute("BEGIN")
        connection.executemany(inserts["events"], event_rows)
        connection.executemany(inserts["entries"], entry_rows)
        connection.execute("COMMIT")
        spent += time.perf_counter() - began
    began = time.perf_counter()
    for lookup in LOOKUPS:
        connection.execute(_compiled(CreateIndex(lookup)))
    spent += time.perf_counter() - began
    connection.close()
    (folder / "floor.sqlite").unlink()
    return spent


def _compiled(statement: ClauseElement) -> str:
    return str(statement.compile(dialect=sqlite.dialect(paramstyle="qmark")))


class Year:
    """An event source over `count` events, made block by block when asked: memory holds one range."""

    chain_id = 31337
    start_block = 0

    def __init__(self, count: int) -> None:
        self.blocks = -(-count // EVENTS_PER_BLOCK)
        self.providers = [person(("provider", n)) for n in range(20)]
        self.patients = [person(("patient", n)) for n in range(max(1, count // 100))]
        self.seconds_making = 0.0
        self.cpu_seconds_making = 0.0

    def head_number(self) -> int:
        """Height of the latest block."""
        return self.blocks - 1

    def block_hash(self, number: int) -> bytes | None:
        """Hash of a block."""
        return word(("block", number)) if 0 <= number < self.blocks else None

    def logs(self, from_block: int, to_block: int) -> list[LoggedEvent]:
        """Events of a range; the time it takes to make them is not the index's."""
        began, began_cpu = time.perf_counter(), time.process_time()
        made = [event for number in range(from_block, to_block + 1) for event in self._block(number)]
        self.seconds_making += time.perf_counter() - began
        self.cpu_seconds_making += time.process_time() - began_cpu
        return made

    def _block(self, number: int) -> list[LoggedEvent]:
        digest, contract = word(("block", number)), self.providers[0]
        events = [self._event(number * EVENTS_PER_BLOCK + place) for place in range(EVENTS_PER_BLOCK)]
        return [
            LoggedEvent(number, digest, place, word(("transaction", number, place)), contract, event)
            for place, event in enumerate(events)
        ]

    def _patient(self, n: int) -> int:
        return (n // 20 * 7919 + n % 20 * 101) % len(self.patients)

    def _event(self, n: int) -> Event:
        provider = self.providers[n % len(self.providers)]
        patient = self.patients[self._patient(n)]
        if n < len(self.providers):
            key = word(("key", n)) * 38
            return Registered(provider, bytes(32), key, word(("descriptor", n)))
        if n < 2 * len(self.providers):
            return Accredited(provider, 1, 2**40, word(("credential", n)))
        kind = n % 20
        if kind == 0:
            return RelationshipOpened(patient, provider, n, word(("bundle", n)))
        if kind in (1, 2):
            return Granted(patient, patient, provider, word(("grant", n)), word(("bundle", n)), word(("terms", n)))
        if kind == 3:
            before = n - 1
            granted_by = self.patients[self._patient(before)]
            return GrantRevoked(granted_by, word(("grant", before)))
        seeds = range(PARCELS_PER_ANCHORING)
        digests = tuple(word(("digest", n, m)) for m in seeds)
        locators = tuple(word(("locator", n, m))[:16] for m in seeds)
        return Anchored(patient, provider, 1_700_000_000 + n // EVENTS_PER_BLOCK, digests, locators)


def timed(action: Callable[[], object], repeats: int = 5) -> float:
    """The best of some runs, in seconds."""
    best = float("inf")
    for _ in range(repeats):
        began = time.perf_counter()
        action()
        best = min(best, time.perf_counter() - began)
    return best


def resident_mib() -> float:
    """Most memory that this process ever held, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(count: int, url: str, folder: Path) -> dict[str, object]:
    """Everything, over `count` events."""
    year = Year(count)
    year.logs(0, 0)
    year.seconds_making = year.cpu_seconds_making = 0.0
    before = resident_mib()
    began, began_cpu = time.perf_counter(), time.process_time()
    with Index(url, year) as index:
        report = index.sync()
        seconds = time.perf_counter() - began - year.seconds_making
        cpu_seconds = time.process_time() - began_cpu - year.cpu_seconds_making
        memory = resident_mib() - before

        began = time.perf_counter()
        with Index(url, year) as again:
            again.sync()
        start = time.perf_counter() - began

        patient, provider = year.patients[0], year.providers[0]
        entries = index.ledger(patient)
        questions = {
            "ledger_and_replay": timed(lambda: replay(index.ledger(patient))),
            "relationships_of_a_subject": timed(lambda: index.relationships(subject=patient)),
            "grants_of_a_subject": timed(lambda: index.grants(subject=patient)),
            "participant": timed(lambda: index.participant(provider)),
            "accreditation": timed(lambda: index.accreditation(provider)),
            "timeline_of_a_subject": timed(lambda: index.timeline(patient)),
        }
    files = sum(path.stat().st_size for path in folder.iterdir())
    bare = floor(year, folder)
    return {
        "events": report.events,
        "ledger_entries_per_anchoring": PARCELS_PER_ANCHORING,
        "seconds": round(seconds, 3),
        "events_per_second": round(report.events / seconds),
        "events_per_cpu_second": round(report.events / cpu_seconds),
        "ratio_to_bare_driver": round(seconds / bare, 2),
        "start_seconds_nothing_new": round(start, 4),
        "memory_over_baseline_mib": round(memory, 1),
        "bytes_per_event": round(files / report.events),
        "ledger_entries_of_the_subject": len(entries),
        "question_milliseconds": {name: round(1000 * took, 3) for name, took in questions.items()},
        "keccak_folds_per_second": round(1 / (timed(lambda: [keccak(bytes(192)) for _ in range(2000)]) / 2000)),
    }


def main() -> None:
    """Measures and writes the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--url", help="SQLAlchemy URL of an empty database; a new SQLite file when not given")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        results = measure(arguments.events, arguments.url or f"sqlite:///{folder}/index.sqlite", folder)
    results["python"] = sys.version.split()[0]
    target = Path(__file__).parent / "results" / "index.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(results, indent=2) + "\n")
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
