"""When the relayer refuses or is gone, the page says so, and the wallet can send the signed act itself."""

from __future__ import annotations

from collections.abc import Callable

from injected_wallet import InjectedWallet
from patient_page import SLOW, PatientPage
from playwright.sync_api import expect
from web_network import WebNetwork, observation


def is_of_the_relayer(complaint: str) -> bool:
    """What a browser writes into its console about a request that failed."""
    return "Failed to load resource" in complaint


def test_the_wallet_sends_what_no_relayer_takes(tab: Callable[..., PatientPage], world: WebNetwork):
    wallet = InjectedWallet(world.network.chain, [world.account()])
    clinic = world.viewer("Clinic without relayer")
    world.admitted(wallet.account, observation("lab", "2024-03-01", 13.5))
    page = tab(wallet).enter()
    page.page.route("**/relay/**", lambda route: route.abort("connectionrefused"))
    page.fill_share("Clinic without relayer", "Laboratory")
    page.press("share.sign")
    send = page.button("act.sendSelf", within=page.dialog)
    expect(send).to_be_visible(timeout=SLOW)
    send.click()
    page.confirmed()
    assert len(clinic.read(purpose="TREAT").records) == 1
    assert [method for method, _ in wallet.asked].count("eth_sendTransaction") >= 1
    page.forgive(is_of_the_relayer)


def test_a_relayer_that_comes_back_is_used_again(
    tab: Callable[..., PatientPage], world: WebNetwork, wallet: InjectedWallet
):
    clinic = world.viewer("Clinic that waits for the relayer")
    world.admitted(wallet.account, observation("lab", "2024-03-01", 13.5))
    page = tab().enter()
    busy = {"status": 503, "content_type": "application/problem+json", "headers": {"Retry-After": "1"}}
    page.page.route("**/relay/**", lambda route: route.fulfill(body='{"status": 503, "title": "Busy"}', **busy))
    page.fill_share("Clinic that waits for the relayer", "Laboratory")
    page.press("share.sign")
    retry = page.button("act.retry", within=page.dialog)
    expect(retry).to_be_visible(timeout=SLOW)
    page.page.unroute("**/relay/**")
    retry.click()
    page.confirmed()
    assert len(clinic.read(purpose="TREAT").records) == 1
    page.forgive(is_of_the_relayer)


def test_a_patient_with_an_empty_account_can_always_revoke(
    tab: Callable[..., PatientPage], world: WebNetwork, wallet: InjectedWallet
):
    world.viewer("Clinic to be revoked")
    world.admitted(wallet.account, observation("lab", "2024-03-01", 13.5))
    page = tab().enter()
    page.share("Clinic to be revoked", "Laboratory")
    page.go("access")
    page.button("access.revoke").first.click()
    page.sign("access.revokeVerb")
    assert world.network.chain.balance(wallet.address) == 0
