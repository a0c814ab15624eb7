"""A wallet on another chain: the page says so and offers the switch; nothing is signed for the wrong one."""

from __future__ import annotations

from collections.abc import Callable

from injected_wallet import InjectedWallet
from patient_page import PatientPage
from playwright.sync_api import expect
from web_network import WebNetwork

NAME = "Local development chain"


def test_the_switch_is_offered_and_leads_on(tab: Callable[..., PatientPage], world: WebNetwork):
    wallet = InjectedWallet(world.network.chain, chain_id=1)
    page = tab(wallet).open().connect()
    warning = page.main.get_by_role("alert")
    expect(warning).to_contain_text("Ethereum")
    expect(warning).to_contain_text(NAME)
    expect(page.button("welcome.unlock")).to_be_disabled()
    assert not wallet.signed()
    page.button("wallet.switch", chain=NAME).click()
    expect(warning).to_have_count(0)
    page.unlock()


def test_a_wallet_that_does_not_know_the_chain_is_told_of_it(tab: Callable[..., PatientPage], world: WebNetwork):
    wallet = InjectedWallet(world.network.chain, chain_id=1)
    wallet.known_chains.clear()
    page = tab(wallet).open().connect()
    page.button("wallet.switch", chain=NAME).click()
    expect(page.button("welcome.unlock")).to_be_enabled()
    (added,) = [params[0] for method, params in wallet.asked if method == "wallet_addEthereumChain"]
    assert added["chainId"] == hex(31337)
    assert added["chainName"] == NAME
    assert added["rpcUrls"] == [page.url + "rpc"]


def test_an_owner_who_refuses_the_switch_can_try_again(tab: Callable[..., PatientPage], world: WebNetwork):
    wallet = InjectedWallet(world.network.chain, chain_id=1)
    wallet.refuse["wallet_switchEthereumChain"] = 1
    page = tab(wallet).open().connect()
    page.button("wallet.switch", chain=NAME).click()
    page.shows(page.say("errors.SigningDeclined"))
    page.button("wallet.switch", chain=NAME).click()
    expect(page.button("welcome.unlock")).to_be_enabled()


def test_a_chain_that_changes_while_the_page_is_open_is_said(
    tab: Callable[..., PatientPage], world: WebNetwork, wallet: InjectedWallet
):
    page = tab().enter()
    wallet.switch_chain(page.page, 10)
    expect(page.main.get_by_role("alert")).to_contain_text("OP Mainnet")
    wallet.switch_chain(page.page, 31337)
    expect(page.main.get_by_role("alert")).to_have_count(0)
