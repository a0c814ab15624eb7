"""Each promise of the protocol has the proofs and attacks that the page names, and they bear the promise's name."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "protocol.md"

PROMISES = {
    *("OnlySubjectGrants", "RevocationIsFinal", "AttenuationOnly", "LedgerIsComplete", "OnlyRelatedAuthors"),
    *("NothingPersonal", "Unlinkable", "SealedTight", "RevokedMeansBlind", "NothingLost"),
    *("DelegateOnlyWithdraws", "OnlyGuardiansAnnounce", "LifeSignCloses", "EmergencyIsAccredited"),
}
PROVED = {
    *("OnlySubjectGrants", "RevocationIsFinal", "AttenuationOnly"),
    *("DelegateOnlyWithdraws", "OnlyGuardiansAnnounce", "LifeSignCloses", "EmergencyIsAccredited"),
}
"""Those that are proved and not only attacked."""


def table() -> dict[str, list[tuple[str, Path]]]:
    """For each promise the tests that the page names, with their files."""
    section = PAGE.read_text().split("## 6. What must hold", 1)[1]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("| ")][1:]
    return {
        row[0].strip(): [
            (name, (PAGE.parent / path).resolve()) for name, path in re.findall(r"\[`(\w+)`\]\(([^)]+)\)", row[2])
        ]
        for row in rows
    }


TABLE = table()
NAMED = [(promise, name, path) for promise, tests in TABLE.items() for name, path in tests]


def snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def names_of(path: Path, test: str) -> str:
    """The name of a test and its docstring; empty when there is no such test."""
    if path.suffix == ".sol":
        return test if re.search(rf"function {test}\(", path.read_text()) else ""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef) and node.name == test:
            return f"{test} {ast.get_docstring(node) or ''}"
    return ""


def test_the_table_has_every_promise():
    assert set(TABLE) == PROMISES
    assert all(TABLE.values())


@pytest.mark.parametrize(("promise", "test", "path"), NAMED, ids=lambda value: value if isinstance(value, str) else "")
def test_each_named_test_exists_and_bears_the_name_of_its_promise(promise: str, test: str, path: Path):
    assert path.is_relative_to(ROOT / "tests")
    assert path.is_file(), path
    names = names_of(path, test)
    assert names, f"{path.relative_to(ROOT)} has no {test}"
    assert promise in names or snake(promise) in names, f"{test} does not say that it is about {promise}"


def test_every_invariant_and_proof_of_a_promise_stands_in_the_table():
    named = {name for _, name, _ in NAMED}
    for path in (ROOT / "tests" / "invariant").rglob("*.t.sol"):
        for name in re.findall(r"function ((?:invariant|check)_\w+)\(", path.read_text()):
            assert name in named or name == "invariant_EventsRebuildState", f"{name} of {path.name} is not in the table"


@pytest.mark.parametrize("promise", sorted(PROVED))
def test_what_is_to_be_proved_has_a_proof_and_an_invariant(promise: str):
    kinds = {name.split("_", 1)[0] for name, _ in TABLE[promise]}
    assert {"invariant", "check", "test"} <= kinds
