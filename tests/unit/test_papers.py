"""The index of decisions lists them all; the words of the glossary are those of code and pages, and the only ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
DECISIONS = sorted(path for path in (DOCS / "adr").glob("*.md") if path.name != "README.md")


# ── decisions ──


def test_the_index_of_decisions_lists_each_by_number_and_title():
    listed = re.findall(r"(?m)^\| \[(\d{4})\]\((\S+)\) \| (.+) \|$", (DOCS / "adr" / "README.md").read_text())
    titled = []
    for path in DECISIONS:
        heading = path.read_text().splitlines()[0]
        assert heading.startswith(f"# {path.name[:4]} "), f"{path.name} begins with {heading!r}"
        titled.append((path.name[:4], path.name, heading[len("# 0000 ") :]))
    assert listed == titled


def test_no_two_decisions_have_one_number():
    numbers = [path.name[:4] for path in DECISIONS]
    assert len(set(numbers)) == len(numbers)


# ── words ──


def rows(page: Path, heading: str) -> list[list[str]]:
    """Cells of the table below a heading."""
    table = page.read_text().split(heading, 1)[1].split("\n\n| ", 1)[1].split("\n\n", 1)[0]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in table.splitlines()[2:]]


GLOSSARY = {row[0]: row[1] for row in rows(DOCS / "glossary.md", "# Glossary")}
PROTOCOL = {row[0] for row in rows(DOCS / "protocol.md", "## 1. Words")}


def words(entry: str) -> list[str]:
    """The words that an entry explains: `seal, unseal` are two."""
    return re.sub(r"\(.*?\)", "", entry).strip().split(", ")


def text_without_glossary() -> str:
    pages = [path for path in (ROOT / "README.md", *DOCS.rglob("*.md")) if path.name != "glossary.md"]
    sources = [*(ROOT / "contracts").rglob("*.sol"), *(ROOT / "medrec_py").rglob("*.py")]
    return "\n".join(path.read_text() for path in (*pages, *sources))


EVERYTHING = text_without_glossary()


@pytest.mark.parametrize("word", sorted({word for entry in GLOSSARY for word in words(entry)}))
def test_every_word_of_the_glossary_is_used(word: str):
    # In code a word of two is written together: `key bundle` is `KeyBundle` or `key_bundle`.
    pattern = word.replace(" ", "[ _-]?").replace("-", "[_-]?")
    assert re.search(rf"(?<![a-z]){pattern}", EVERYTHING, re.IGNORECASE), word


def test_the_glossary_has_every_word_of_the_protocol():
    explained = {word for entry in GLOSSARY for word in words(entry)}
    assert explained >= PROTOCOL


def test_the_glossary_is_in_the_order_of_the_alphabet():
    order = [re.sub(r"[^a-z ]", "", words(entry)[0].lower()) for entry in GLOSSARY]
    assert order == sorted(order)


SYNONYMS = {
    "grantee": "viewer",
    "data subject": "subject",
    "authorisation": "grant",
    "authorization": "grant",
    "steward": "provider",
    "beneficiary": "viewer",
    "fingerprint": "digest",
    "subgrant": "sub-grant",
    "re-encrypt": "re-key",
    "rotation": "re-key",
}
"""Second words for one concept, each with the one that is used here."""


@pytest.mark.parametrize("synonym", SYNONYMS)
def test_there_is_no_second_word_for(synonym: str):
    pages = [path for path in (ROOT / "README.md", *DOCS.rglob("*.md")) if path.name != "glossary.md"]
    # Standards keep their own words; where one is named it stands in code, as `Consent.grantee` does.
    found = [
        f"{path.name}: {line}"
        for path in pages
        for line in re.sub(r"```.*?```|`[^`]*`", "", path.read_text(), flags=re.DOTALL).splitlines()
        if re.search(rf"\b{synonym}s?\b", line, re.IGNORECASE)
    ]
    assert found == [], f"say {SYNONYMS[synonym]}"
