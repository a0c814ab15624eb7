"""`make demo` offers the page: the demonstration's network served by `medrec web`, with a wallet that asks first."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from injected_wallet import InjectedWallet
from patient_page import SLOW, PatientPage
from playwright.sync_api import expect
from web_network import ROOT, build_page

MEDREC = Path(sys.executable).with_name("medrec")
WALLET = "Demonstration wallet"


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The demonstration played into a folder, then served; gives the address that the command tells."""
    build_page()
    home = tmp_path_factory.mktemp("demonstration")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MEDREC_")}
    played = subprocess.run(
        [MEDREC, "demo", "--home", home / "kept", "--html", home / "picture.html"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert played.returncode == 0, played.stdout + played.stderr
    # What the demonstration says at its end is what is done here.
    assert f"medrec web --home {home / 'kept'} --demo-wallet patient" in played.stdout.replace("\n", " ")
    served = subprocess.Popen(
        [MEDREC, "web", "--home", home / "kept", "--demo-wallet", "patient", "--port", "0"],
        env=environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert served.stderr is not None
    said = served.stderr.readline()
    found = re.search(r"http://localhost:\d+/", said)
    assert found, said + served.stderr.read()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            httpx.get(found[0], timeout=5)
            break
        except httpx.HTTPError:
            time.sleep(0.2)
    yield found[0]
    served.terminate()
    served.communicate(timeout=30)


def answer(page: PatientPage, choice: str) -> None:
    """Answers the wallet's own dialog."""
    page.page.get_by_role("dialog", name=WALLET).get_by_role("button", name=choice, exact=True).click(timeout=SLOW)


def unlock(page: PatientPage) -> None:
    page.page.get_by_role("button", name=WALLET).click()
    answer(page, "Confirm")
    page.button("welcome.unlock").click()
    navigation = page.page.get_by_role("navigation", name=page.say("nav.label"))
    asking = page.page.get_by_role("dialog", name=WALLET).get_by_role("button", name="Confirm", exact=True)
    # Asked once where the chain knows the root, twice where it has to be seen whether the wallet signs alike.
    for _ in range(2):
        expect(navigation.or_(asking).first).to_be_visible(timeout=2 * SLOW)
        if asking.count():
            asking.click()
    expect(navigation).to_be_visible(timeout=2 * SLOW)


def test_the_page_is_already_filled(tab: Callable[..., PatientPage], wallet: InjectedWallet, demonstration: str):
    page = tab(url=demonstration).open()
    unlock(page)
    page.shows(page.say("verified.good"))
    page.go("records")
    expect(page.main.get_by_role("listitem").first).to_be_visible(timeout=SLOW)
    page.go("people").shows("Hospital")
    assert page.violations() == []


def test_whoever_rejects_in_the_demonstration_s_wallet_signs_nothing(
    tab: Callable[..., PatientPage], wallet: InjectedWallet, demonstration: str
):
    page = tab(url=demonstration).open()
    page.page.get_by_role("button", name=WALLET).click()
    answer(page, "Reject")
    page.shows(page.say("errors.SigningDeclined"))
    page.page.get_by_role("button", name=WALLET).click()
    answer(page, "Confirm")
    page.button("welcome.unlock").click()
    dialog = page.page.get_by_role("dialog", name=WALLET)
    expect(dialog).to_contain_text("records")
    page.page.keyboard.press("Escape")
    page.shows(page.say("errors.SigningDeclined"))


def test_make_names_the_command(tmp_path: Path):
    told = subprocess.run(["make", "--dry-run", "demo", "web-demo"], cwd=ROOT, capture_output=True, text=True)
    assert "make web-demo" in told.stdout
    assert "--demo-wallet patient" in told.stdout
