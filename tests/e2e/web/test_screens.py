"""Every screen, in both languages, wide and narrow, light and dark: nothing for axe to complain of, nothing cut off.

With MEDREC_SCREENSHOTS a picture of each is kept in that folder (`make screenshots`).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from injected_wallet import InjectedWallet
from patient_page import SLOW, PatientPage
from playwright.sync_api import expect
from web_network import WebNetwork, demo_record

PICTURES = os.environ.get("MEDREC_SCREENSHOTS")


@dataclass(frozen=True)
class Look:
    """How somebody has their screen."""

    language: str
    width: int
    height: int
    is_dark: bool

    def __str__(self) -> str:
        return f"{self.width}-{'dark' if self.is_dark else 'light'}-{self.language}"


LOOKS = [
    Look("en", 1280, 900, False),
    Look("zh", 1280, 900, True),
    Look("en", 320, 700, True),
    Look("zh", 320, 700, False),
]


@pytest.fixture(scope="module")
def full(world: WebNetwork) -> InjectedWallet:
    """The wallet of a patient about whom there is something on every screen."""
    wallet = InjectedWallet(world.network.chain)
    world.admitted(wallet.account, demo_record())
    patient = world.patient(wallet.account)
    parent, guardians = world.viewer("Parent on a screen"), [world.viewer(f"Watchful {n}") for n in range(3)]
    clinic, insurer = world.viewer("Clinic with a rather long name, department of cardiology"), world.viewer("Insurer")
    patient.grant(clinic.address, classes="laboratory", until="2099-01-01", delegations=1)
    patient.revoke(patient.grant(insurer.address, classes="medications", purposes="HPAYMT", until="2099-01-01"))
    patient.delegates.name(parent.address, until="2031-01-01")
    people = {f"Watchful {number}": one.address for number, one in enumerate(guardians)}
    patient.guardians.appoint(people, threshold=2, notice=timedelta(days=7))
    custodians = [world.network.custodian(world.account()) for _ in range(3)]
    for number, custodian in enumerate(custodians):
        custodian.register(name=f"Keeper {number}")
    patient.emergency.prepare(["laboratory", "allergies"], [one.address for one in custodians])
    return wallet


def screens(page: PatientPage) -> Iterator[str]:
    """Goes from screen to screen, and names the one that stands."""
    page.open()
    expect(page.page.get_by_role("button", name=page.wallet.name)).to_be_visible()
    yield "welcome"
    page.connect()
    yield "unlock"
    page.unlock().shows("General Hospital")
    yield "summary"
    page.go("records")
    expect(page.main.get_by_role("listitem").first).to_be_visible(timeout=SLOW)
    yield "records"
    page.main.get_by_role("listitem").get_by_role("link").first.click()
    expect(page.heading("record.origin")).to_be_visible(timeout=SLOW)
    yield "record"
    page.go("records")
    # The radio button itself is not drawn, its words are; pressing Space on it is what a keyboard does.
    page.main.get_by_role("radio", name=page.say("records.asSeries"), exact=True).press("Space")
    yield "series"
    page.go("access").shows("Clinic with a rather long name")
    yield "access"
    page.go("share")
    page.button("share.review").click()
    yield "share-with-faults"
    page.choose("Watchful 1")
    page.page.get_by_role("checkbox", name=re.compile(class_name(page, "laboratory"))).check()
    page.button("share.review").click()
    expect(page.button("share.sign", within=page.dialog)).to_be_visible(timeout=SLOW)
    yield "share-dialog"
    page.button("act.notNow", within=page.dialog).click()
    page.go("people")
    page.button("people.showOwn").click()
    expect(page.page.get_by_role("img", name=page.say("people.ownQr"))).to_be_visible()
    yield "people"
    for part, somebody in (("delegates", "Parent on a screen"), ("guardians", "Watchful 0"), ("emergency", "")):
        page.part(part).shows(somebody)
        yield part
    page.page.get_by_role("link", name=page.say("nav.settings"), exact=True).click()
    page.shows(page.say("settings.contract.medrec"))
    yield "settings"
    page.button("page.lock").click()
    page.page.goto(page.url + "#/recover")
    page.button("recover.beginVerb").or_(page.page.get_by_role("button", name=page.wallet.name)).first.wait_for()
    yield "recover"


def class_name(page: PatientPage, code: str) -> str:
    """A class as the page calls it."""
    vocabulary = json.loads((Path(__file__).parents[3] / "medrec_py" / "types" / "vocabulary.json").read_text())
    (found,) = [one for one in vocabulary["classes"] if one["code"] == code]
    return str(found["display"][page.language])


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_every_screen_can_be_used_by_everybody(tab: Callable[..., PatientPage], full: InjectedWallet, look: Look):
    page = tab(full, language=look.language, width=look.width, height=look.height, is_dark=look.is_dark)
    found: dict[str, list[str]] = {}
    for name in screens(page):
        page.page.wait_for_timeout(150)  # what moves has come to rest
        complaints = page.violations()
        if page.is_wider_than_its_window():
            complaints.append("has to be scrolled sideways")
        if complaints:
            found[name] = complaints
        if PICTURES:
            folder = Path(PICTURES)
            folder.mkdir(parents=True, exist_ok=True)
            is_short = page.page.evaluate("document.documentElement.scrollHeight < 8000") and name != "share-dialog"
            page.page.screenshot(path=folder / f"{name}-{look}.png", full_page=is_short, timeout=60_000)
    assert found == {}
