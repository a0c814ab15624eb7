"""Without a mouse: everything can be reached, the focus is never lost, and what happens is said aloud."""

from __future__ import annotations

from collections.abc import Callable

from injected_wallet import InjectedWallet
from patient_page import SLOW, PatientPage
from playwright.sync_api import Locator, expect
from web_network import WebNetwork, observation

FOCUSED = """() => {
  const one = document.activeElement;
  return one && one !== document.body ? one.outerHTML.slice(0, 200) : null;
}"""


def tab_to(page: PatientPage, target: Locator, key: str = "Tab", most: int = 150) -> None:
    """Presses Tab until the focus is where it should be."""
    handle = target.element_handle()
    for _ in range(most):
        if page.page.evaluate("(wanted) => document.activeElement === wanted", handle):
            return
        page.page.keyboard.press(key)
    raise AssertionError(f"{target} can't be reached; the focus is on {page.page.evaluate(FOCUSED)}")


def press(page: PatientPage, target: Locator, key: str = "Enter") -> None:
    tab_to(page, target)
    page.page.keyboard.press(key)


def test_a_patient_shares_and_revokes_by_keyboard_alone(
    tab: Callable[..., PatientPage], world: WebNetwork, wallet: InjectedWallet
):
    clinic = world.viewer("Clinic by keyboard")
    world.admitted(wallet.account, observation("lab", "2024-03-01", 13.5))
    page = tab().open()
    press(page, page.page.get_by_role("button", name=wallet.name))
    expect(page.button("welcome.unlock")).to_be_visible()
    press(page, page.button("welcome.unlock"))
    navigation = page.page.get_by_role("navigation", name=page.say("nav.label"))
    expect(navigation).to_be_visible(timeout=SLOW)
    press(page, navigation.get_by_role("link", name=page.say("nav.share"), exact=True))
    expect(page.page.locator("#screen-heading")).to_be_focused()
    tab_to(page, page.page.get_by_label(page.say("find.label"), exact=True))
    page.page.keyboard.type("Clinic by keyboard")
    found = page.page.get_by_role("button", name="Clinic by keyboard")
    expect(found).to_be_visible()
    press(page, found)
    press(page, page.page.get_by_role("checkbox", name="Laboratory"), "Space")
    press(page, page.button("share.review"))
    sign = page.button("share.sign", within=page.dialog)
    expect(sign).to_be_visible(timeout=SLOW)
    press(page, sign)
    done = page.button("act.done", within=page.dialog)
    expect(done).to_be_visible(timeout=SLOW)
    expect(page.page.get_by_role("status").filter(has_text=page.say("act.confirmed")).first).to_be_attached()
    press(page, done)
    assert len(clinic.read(purpose="TREAT").records) == 1
    revoke = page.button("access.revoke").first
    expect(revoke).to_be_visible(timeout=SLOW)
    press(page, revoke)
    verb = page.button("access.revokeVerb", within=page.dialog)
    expect(verb).to_be_visible(timeout=SLOW)
    press(page, verb)
    expect(done).to_be_visible(timeout=SLOW)
    press(page, done)
    page.shows(page.say("access.none"))


def test_a_dialog_keeps_the_focus_and_escape_gives_it_back(
    tab: Callable[..., PatientPage], world: WebNetwork, wallet: InjectedWallet
):
    world.viewer("Clinic of the dialog")
    world.admitted(wallet.account, observation("lab", "2024-03-01", 13.5))
    page = tab().enter()
    page.fill_share("Clinic of the dialog", "Laboratory")
    for _ in range(12):
        page.page.keyboard.press("Tab")
        assert page.page.evaluate(
            "document.querySelector('dialog').contains(document.activeElement)"
            " || document.activeElement === document.body"
        )
    page.page.keyboard.press("Escape")
    expect(page.dialog).to_have_count(0)
    expect(page.button("share.review")).to_be_focused()


def test_the_first_stop_leads_past_the_navigation(tab: Callable[..., PatientPage], wallet: InjectedWallet):
    page = tab().enter()
    page.page.reload()
    expect(page.main).to_be_visible()
    page.page.keyboard.press("Tab")
    skip = page.page.get_by_role("link", name=page.say("page.skip"))
    expect(skip).to_be_focused()
    page.page.keyboard.press("Enter")
    expect(page.main).to_be_focused()
