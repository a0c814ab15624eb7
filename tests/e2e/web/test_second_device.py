"""A new device with nothing but the wallet shows the same as the old one, and forgets it all when it is locked."""

from __future__ import annotations

import re
from collections.abc import Callable

from injected_wallet import InjectedWallet
from patient_page import SLOW, PatientPage
from playwright.sync_api import expect
from web_network import WebNetwork, medication, observation

SECRETS = """async () => {
  const kept = [document.cookie, JSON.stringify(localStorage), JSON.stringify(sessionStorage), location.href];
  for (const { name } of await indexedDB.databases()) kept.push(`database ${name}`);
  for (const name of await caches.keys()) kept.push(`cache ${name}`);
  return kept;
}"""


def test_a_new_device_shows_what_the_old_one_did(
    tab: Callable[..., PatientPage], world: WebNetwork, wallet: InjectedWallet
):
    subject = world.admitted(
        wallet.account, observation("first", "2024-03-01", 13.5), medication("tablets", "2024-04-01", "Lisinopril")
    )
    old = tab().enter()
    expect(old.main).to_contain_text("General Hospital", timeout=SLOW)
    world.patient(wallet.account).grant(world.clinic.address, classes="laboratory", until="2099-01-01")
    new = tab().enter()
    for page in (new,):
        page.go("records")
        expect(page.main).to_contain_text("Hemoglobin", timeout=SLOW)
        expect(page.main).to_contain_text("Lisinopril")
        page.go("access")
        expect(page.main).to_contain_text("Heart Clinic", timeout=SLOW)
        page.go("people")
        expect(page.main).to_contain_text("General Hospital")
    assert subject not in wallet.address


def test_the_page_says_that_the_ledger_verifies(
    tab: Callable[..., PatientPage], world: WebNetwork, wallet: InjectedWallet
):
    world.admitted(wallet.account, observation("first", "2024-03-01", 13.5))
    page = tab().enter()
    expect(page.main).to_contain_text(page.say("verified.good"), timeout=SLOW)


def test_nothing_is_kept_outside_of_memory_and_nothing_stays_after_locking(
    tab: Callable[..., PatientPage], world: WebNetwork, wallet: InjectedWallet
):
    subject = world.admitted(wallet.account, observation("first", "2024-03-01", 13.5))
    page = tab().enter()
    page.go("records")
    expect(page.main).to_contain_text("Hemoglobin", timeout=SLOW)
    signature = wallet.account.sign_typed_data  # what the root is made of
    assert signature
    kept = "".join(page.page.evaluate(SECRETS))
    assert "database" not in kept
    assert "cache" not in kept
    assert subject.lower() not in kept.lower()
    assert not re.search(r"[0-9a-f]{64}", kept, re.IGNORECASE)
    page.button("page.lock").click()
    expect(page.button("page.lock")).to_have_count(0)
    expect(page.page.get_by_text("Hemoglobin")).to_have_count(0)
    page.page.go_back()
    expect(page.page.get_by_text("Hemoglobin")).to_have_count(0)


def test_another_account_of_the_wallet_sees_nothing_of_the_first(tab: Callable[..., PatientPage], world: WebNetwork):
    wallet = InjectedWallet(world.network.chain, [world.account(0), world.account(0)])
    world.admitted(wallet.account, observation("first", "2024-03-01", 13.5))
    page = tab(wallet).enter()
    page.go("records")
    expect(page.main).to_contain_text("Hemoglobin", timeout=SLOW)
    wallet.switch_account(page.page, 1)
    expect(page.page.get_by_text("Hemoglobin")).to_have_count(0)
    expect(page.main).to_contain_text(page.say("welcome.lockedAccount"))


def test_a_page_that_nobody_touches_locks_itself(
    tab: Callable[..., PatientPage], world: WebNetwork, wallet: InjectedWallet
):
    world.admitted(wallet.account, observation("first", "2024-03-01", 13.5))
    page = tab()
    page.page.clock.install()
    page.enter()
    page.go("records").shows("Hemoglobin")
    page.page.clock.fast_forward("01:00:00")
    page.shows(page.say("welcome.lockedIdle"))
    page.lacks("Hemoglobin")
