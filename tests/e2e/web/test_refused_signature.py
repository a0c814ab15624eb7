"""The owner declines: the page says so, nothing happened, and trying again works."""

from __future__ import annotations

from collections.abc import Callable

from injected_wallet import InjectedWallet
from patient_page import PatientPage
from playwright.sync_api import expect
from web_network import WebNetwork, observation


def test_who_declines_to_connect_can_connect_later(tab: Callable[..., PatientPage], wallet: InjectedWallet):
    wallet.refuse["eth_requestAccounts"] = 1
    page = tab().open()
    page.page.get_by_role("button", name=wallet.name).click()
    page.shows(page.say("errors.SigningDeclined"))
    page.connect()


def test_who_declines_to_unlock_can_unlock_later(tab: Callable[..., PatientPage], wallet: InjectedWallet):
    wallet.refuse["eth_signTypedData_v4"] = 1
    page = tab().open().connect()
    page.button("welcome.unlock").click()
    page.shows(page.say("errors.SigningDeclined"))
    page.unlock()


def test_the_second_of_the_two_signatures_can_be_declined_as_well(
    tab: Callable[..., PatientPage], wallet: InjectedWallet
):
    page = tab().open().connect()
    wallet.delay = 400
    page.button("welcome.unlock").click()
    page.page.wait_for_timeout(200)
    wallet.refuse["eth_signTypedData_v4"] = 1
    page.shows(page.say("errors.SigningDeclined"))
    wallet.delay = 0
    page.unlock()


def test_a_sharing_that_was_declined_left_nothing_behind(tab: Callable[..., PatientPage], world: WebNetwork):
    wallet = InjectedWallet(world.network.chain, [world.account()])
    world.viewer("Clinic that waits")
    world.admitted(wallet.account, observation("lab", "2024-03-01", 13.5), wallet_mode=True)
    page = tab(wallet).enter("wallet")
    page.fill_share("Clinic that waits", "Laboratory")
    wallet.refuse["eth_signTypedData_v4"] = 1
    wallet.refuse["eth_sendTransaction"] = 1
    page.press("share.sign")
    page.refused("SigningDeclined")
    assert world.patient(wallet.account, wallet_mode=True).grants() == []
    wallet.refuse.clear()
    page.button("act.retry", within=page.dialog).click()
    page.confirmed()
    assert len(world.patient(wallet.account, wallet_mode=True).grants()) == 1


def test_a_slow_owner_is_waited_for_and_nothing_can_be_pressed_twice(
    tab: Callable[..., PatientPage], world: WebNetwork
):
    wallet = InjectedWallet(world.network.chain, [world.account()])
    world.viewer("Clinic with time")
    world.admitted(wallet.account, observation("lab", "2024-03-01", 13.5), wallet_mode=True)
    page = tab(wallet).enter("wallet")
    page.fill_share("Clinic with time", "Laboratory")
    wallet.delay = 1500
    page.press("share.sign")
    expect(page.button("act.notNow", within=page.dialog)).to_be_disabled()
    expect(page.button("share.sign", within=page.dialog)).to_have_count(0)
    page.confirmed()
