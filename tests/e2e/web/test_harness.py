"""The harness itself: the wallet that is injected does what wallets do, and complaints of a tab are heard."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from injected_wallet import InjectedWallet
from patient_page import PatientPage
from playwright.sync_api import Error
from web_network import WebNetwork

from medrec_py.types.terms import typed_data

FIND = """async () => {
  const found = [];
  addEventListener("eip6963:announceProvider", (event) => found.push(event.detail));
  dispatchEvent(new Event("eip6963:requestProvider"));
  window.found = found;
  return found.map((one) => one.info.name);
}"""
ASK = "([index, request]) => window.found[index].provider.request(request)"


def ask(page: PatientPage, method: str, *params: Any, wallet: int = 0) -> Any:
    return page.page.evaluate(ASK, [wallet, {"method": method, "params": list(params)}])


def test_wallets_announce_themselves_side_by_side(tab: Callable[..., PatientPage], world: WebNetwork):
    first, second = InjectedWallet(world.network.chain, name="One"), InjectedWallet(world.network.chain, name="Two")
    page = tab(first, second).open()
    assert page.page.evaluate(FIND) == ["One", "Two"]
    assert ask(page, "eth_requestAccounts", wallet=1) == [second.address]
    assert ask(page, "eth_chainId") == hex(31337)


def test_a_wallet_signs_with_its_key_and_refuses_when_told(
    tab: Callable[..., PatientPage], world: WebNetwork, wallet: InjectedWallet
):
    page = tab().open()
    page.page.evaluate(FIND)
    domain = world.network.deployment.medrec_domain
    data = typed_data(domain, "Suspension", {"grantor": wallet.address, "id": bytes(32), "turn": 1})
    sent = json.dumps(data | {"message": data["message"] | {"id": "0x" + "00" * 32}})
    signature = ask(page, "eth_signTypedData_v4", wallet.address, sent)
    assert signature == "0x" + wallet.account.sign_typed_data(data).hex()
    wallet.refuse["eth_signTypedData_v4"] = 1
    with pytest.raises(Error, match="User rejected"):
        ask(page, "eth_signTypedData_v4", wallet.address, sent)
    assert ask(page, "eth_signTypedData_v4", wallet.address, sent) == signature
    assert len(wallet.signed()) == 3


def test_a_wallet_tells_of_its_account_and_chain(tab: Callable[..., PatientPage], world: WebNetwork):
    wallet = InjectedWallet(world.network.chain, [world.account(0), world.account(0)], chain_id=1)
    page = tab(wallet).open()
    page.page.evaluate(FIND)
    page.page.evaluate(
        "() => { window.heard = []; for (const event of ['accountsChanged', 'chainChanged'])"
        " window.found[0].provider.on(event, (value) => window.heard.push(value)); }"
    )
    second = wallet.accounts[1].address
    wallet.switch_account(page.page, 1)
    assert ask(page, "eth_chainId") == "0x1"
    ask(page, "wallet_switchEthereumChain", {"chainId": hex(31337)})
    assert page.page.evaluate("window.heard") == [[second], hex(31337)]


def test_a_tab_hears_errors_and_requests_to_third_parties(tab: Callable[..., PatientPage]):
    page = tab().open()
    page.page.evaluate("() => { fetch('https://third-party.example/').catch(() => {}); console.error('so'); }")
    page.page.evaluate("() => { setTimeout(() => { throw new Error('thrown'); }); }")
    page.page.wait_for_timeout(200)
    assert any("so" in complaint for complaint in page.complaints)
    assert any("thrown" in complaint for complaint in page.complaints)
    # The policy already keeps such a request from leaving; the attempt is heard all the same.
    assert any("third-party" in complaint for complaint in page.complaints) or page.foreign
    page.complaints.clear()
    page.foreign.clear()
