"""The page: complete, readable by machines, and without anything that asks, runs or lies."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from medrec_py.client import AuditItem, Grant
from medrec_py.demo.page import render
from medrec_py.demo.report import Cell, Cost, DemoReport, FoundFault, History, RefusedRequest, Step
from medrec_py.types.terms import (
    NO_LAST_DATE,
    ZERO_ADDRESS,
    ZERO_BYTES32,
    GrantStatus,
    Operation,
    PresentedGrant,
    Terms,
)

HOSTILE = "</style><script>alert('x')</script><img src=https://example.org/x onerror=alert(1)>"
SUBJECT, CLINIC = "0x" + "11" * 20, "0x" + "22" * 20
START = 1_700_000_000
VOID = {"meta", "circle", "rect", "line", "path", "br"}


def grant(state: str, granted_at: int) -> Grant:
    terms = Terms(
        ZERO_ADDRESS,
        1 << 7,
        1,
        Operation.READ,
        START,
        START + 90 * 86400,
        20200615,
        NO_LAST_DATE,
        0,
        ZERO_BYTES32,
        ZERO_ADDRESS,
        bytes(32),
        HOSTILE,
        bytes(32),
    )
    presented = PresentedGrant(SUBJECT, CLINIC, bytes(32), terms)
    status = GrantStatus.REVOKED if state == "revoked" else GrantStatus.ACTIVE
    return Grant(bytes([granted_at % 251]) * 32, SUBJECT, (presented,), status, state, False, granted_at)


def act(name: str, time: int, actor: str = SUBJECT) -> AuditItem:
    return AuditItem(time, 7, name, SUBJECT, actor, "", f"something {name} {HOSTILE}", bytes(32))


@pytest.fixture
def report() -> DemoReport:
    refusal = RefusedRequest(HOSTILE, HOSTILE, "CLASS", "CLASS", 0, 3, True, HOSTILE)
    fault = FoundFault(HOSTILE, HOSTILE, "tampered object", HOSTILE, True, HOSTILE, True)
    costs = (Cost(HOSTILE, "anchor", 40_000, 228),)
    step = Step(1, "share", HOSTILE, True, {"n": 1}, costs, 1234, 0.5, (HOSTILE,), (refusal,), (fault,))
    later = START + 91 * 86400
    history = History(
        {SUBJECT: "Patient", CLINIC: HOSTILE},
        (
            act("RelationshipOpened", START, CLINIC),
            act("Granted", START + 10),
            act("Anchored", later),
            act("Granted", later + 5),
            act("GrantRevoked", later + 9),
        ),
        ((grant("expired", START + 10), START + 90 * 86400), (grant("revoked", later + 5), later + 9)),
        (
            Cell("laboratory", 2020, 9, 1, 4),
            Cell("behavioural-health", 2021, 1, 1, 0),
            Cell("demographics", None, 1, 1, 0),
        ),
        12,
        b"\xab" * 32,
    )
    return DemoReport((step,), 10, 10, HOSTILE, HOSTILE, HOSTILE, 1.5, history, "page.html")


class Reader(HTMLParser):
    """Reads a page; complains about tags that don't close in order, and remembers all there are."""

    def __init__(self) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.stack == []
    return reader


def test_nothing_that_a_record_or_a_name_says_becomes_markup(report: DemoReport):
    reader = read(render(report))
    assert not reader.tags & {"script", "img", "iframe", "link", "object", "embed", "form"}
    assert not [name for name, _ in reader.attributes if name.startswith("on")]


def test_the_page_asks_nobody_for_anything(report: DemoReport):
    page = render(replace(report, source="a", chain="b", store="c"))
    reader = read(page)
    assert not [name for name, _ in reader.attributes if name in ("src", "href", "srcset", "action", "data")]
    style = page.split("<style>")[1].split("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style
    assert "default-src 'none'" in page


def test_every_drawing_has_a_title_and_every_section_a_heading(report: DemoReport):
    page = render(report)
    assert page.count('role="img"') == 2
    ids = set(re.findall(r' id="([^"]+)"', page))
    for labelled in re.findall(r'aria-labelledby="([^"]+)"', page):
        assert set(labelled.split()) <= ids
    assert page.count("<section") == page.count("<h2")


def test_both_colour_schemes_and_print_are_provided_for(report: DemoReport):
    page = render(report)
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page


def test_every_act_stands_in_the_timeline_and_in_the_list_under_the_same_number(report: DemoReport):
    page = render(report)
    drawing = page.split('<svg class="timeline"')[1].split("</svg>")[0]
    numbers = [int(number) for number in re.findall(r'<text x="[^"]+" y="[^"]+">(\d+)</text>', drawing)]
    assert sorted(numbers) == list(range(1, len(report.history.acts) + 1))
    assert page.split('<ol class="acts">')[1].split("</ol>")[0].count("<li>") == len(report.history.acts)


def test_a_grant_ends_where_it_was_revoked_or_expired(report: DemoReport):
    drawing = render(report).split('<svg class="timeline"')[1].split("</svg>")[0]
    assert drawing.count('<g class="grant expired"') == drawing.count('<g class="grant revoked"') == 1
    assert "90 days pass" in drawing


def test_a_failure_is_shown_as_one(report: DemoReport):
    step = replace(report.steps[0], ok=False)
    page = render(replace(report, steps=(step,)))
    assert "Something did not hold" in page
    assert "Everything held" not in page
    assert "Everything held" in render(report)


def test_an_empty_history_makes_a_page_too(report: DemoReport):
    history = replace(report.history, acts=(), grants=(), parcels=())
    read(render(replace(report, history=history, steps=())))


def test_a_report_is_wrong_as_soon_as_one_thing_is(report: DemoReport):
    assert report.ok
    assert not replace(report, resources_out=9).ok
    assert not replace(report, steps=(replace(report.steps[0], ok=False),)).ok
    refusal = report.refusals[0]
    assert refusal.is_right
    assert not replace(refusal, rule="PERMITTED").is_right
    assert not replace(refusal, keys=1).is_right
    assert replace(refusal, keys=1, needs_no_key=False).is_right
