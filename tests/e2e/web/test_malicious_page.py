"""A page that means harm: what it can't do with the unlocking signature, and what the wallet's owner is shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from injected_wallet import InjectedWallet
from patient_page import PatientPage
from web_network import WebNetwork, observation

from medrec_py.chain import MedRecContract, deploy, generate_account
from medrec_py.errors import Refused
from medrec_py.web import PageConfig


def test_the_unlocking_message_says_what_it_does_and_for_which_deployment(
    tab: Callable[..., PatientPage], world: WebNetwork, wallet: InjectedWallet
):
    tab().enter()
    first, second = wallet.signed()
    assert first == second, "signed twice, to see whether the wallet's signatures are steady"
    assert first["primaryType"] == "Unlock"
    assert first["domain"]["verifyingContract"].lower() == world.network.deployment.medrec.lower()
    assert int(first["domain"]["chainId"]) == 31337
    assert "records" in first["message"]["statement"]


def test_a_page_for_another_deployment_gets_another_root(
    tab: Callable[..., PatientPage], world: WebNetwork, wallet: InjectedWallet
):
    """A deployment of the attacker's own on the same chain: its page gets a signature, and one that is of no use."""
    subject = world.admitted(wallet.account, observation("lab", "2024-03-01", 13.5))
    with world.anvil.connect() as chain:
        other = deploy(chain, world.account(10)).deployment
    assert other.medrec != world.network.deployment.medrec
    page = tab()
    serve_config(page, PageConfig(other, relay=("relay/",)).to_json())
    asked: list[str] = []
    page.page.on("request", lambda request: asked.append(request.post_data or ""))
    page.enter()
    signed = wallet.signed()[0]
    assert signed["domain"]["verifyingContract"].lower() == other.medrec.lower()
    page.lacks("General Hospital")
    # With the root of that signature it looks for other addresses than the patient's.
    assert any("eth_getLogs" in body for body in asked)
    assert not any(subject[2:].lower() in body.lower() for body in asked)


def test_a_page_that_is_told_of_contracts_which_are_none_asks_for_no_signature(
    tab: Callable[..., PatientPage], wallet: InjectedWallet
):
    page = tab()
    config = httpx.get(page.url + "config.json").json()
    config["contracts"]["medrec"] = generate_account().address
    serve_config(page, config)
    page.open().connect()
    page.button("welcome.unlock").click()
    page.shows(page.say("errors.DeploymentInvalid"))
    assert wallet.signed() == []


def serve_config(page: PatientPage, config: dict[str, Any]) -> None:
    """Has the page told something else than its server would."""
    answer = {"body": json.dumps(config), "content_type": "application/json"}
    page.page.route("**/config.json", lambda route: route.fulfill(**answer))


def test_the_unlocking_signature_stands_for_no_act(
    tab: Callable[..., PatientPage], world: WebNetwork, wallet: InjectedWallet
):
    """Whoever caught it (a page that kept it) can't hand it to the contract as a consent."""
    world.admitted(wallet.account, wallet_mode=True)
    tab().enter()
    document = wallet.signed()[0]
    signature = wallet.account.sign_typed_data(
        {**document, "domain": {**document["domain"], "chainId": int(document["domain"]["chainId"])}}
    )
    medrec = MedRecContract(world.network.deployment, world.network.chain)
    id = bytes(range(32))
    for call in (
        medrec.revoke_with_sig(wallet.address, id, signature),
        medrec.grant_with_sig(wallet.address, wallet.address, world.clinic.address, bytes(32), id, signature),
        medrec.close_with_sig(wallet.address, world.hospital.address, wallet.address, signature),
    ):
        with pytest.raises(Refused):
            world.network.relayer(world.relayer).relay([call])


def test_another_site_can_neither_frame_the_page_nor_use_its_server(
    tab: Callable[..., PatientPage], world: WebNetwork, wallet: InjectedWallet
):
    page = tab()
    hostile = f"""<!doctype html><iframe src="{world.url}"></iframe><script>
      window.answers = [];
      for (const [path, type] of [["rpc", "application/json"], ["objects", "application/octet-stream"],
                                  ["rpc", "text/plain"], ["objects", "text/plain"]])
        fetch("{world.url}" + path, {{ method: "POST", headers: {{ "Content-Type": type }}, body: "[]" }})
          .then((answer) => answer.text()).then((text) => answers.push(text), () => answers.push("refused"));
    </script>"""
    page.page.route("http://hostile.test/", lambda route: route.fulfill(body=hostile, content_type="text/html"))
    page.page.goto("http://hostile.test/")
    page.page.wait_for_function("() => window.answers.length === 4")
    assert page.page.evaluate("window.answers") == ["refused"] * 4
    framed = [frame for frame in page.page.frames if frame.url.startswith(world.url)]
    assert all(frame.locator("#app").count() == 0 for frame in framed)
    page.complaints.clear()
    page.foreign.clear()


def test_a_script_that_announces_itself_under_a_wallet_s_id_does_not_take_its_place(
    tab: Callable[..., PatientPage], world: WebNetwork, wallet: InjectedWallet
):
    page = tab().open()
    page.page.evaluate(
        """(uuid) => {
          window.caught = [];
          const provider = { request: async (request) => { window.caught.push(request.method); return []; } };
          const info = { uuid, name: "Impostor", icon: "data:image/png;base64,", rdns: "example.impostor" };
          dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail: { info, provider } }));
        }""",
        wallet.uuid,
    )
    page.connect()
    assert page.page.evaluate("window.caught") == []
    assert page.page.get_by_text("Impostor").count() == 0
