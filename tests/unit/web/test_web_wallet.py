"""The demonstration's wallet: what it signs the contracts accept, and it does nothing for anybody else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from asgi_client import SiteClient
from hypothesis import given
from hypothesis import strategies as st

from medrec_py.chain import generate_account
from medrec_py.chain.accounts import typed_data_digest
from medrec_py.errors import InvalidInput
from medrec_py.types.terms import Domain, typed_data
from medrec_py.web import Backend, DemoWallet, Page, PageConfig, WalletRefusal, create_site
from medrec_py.web.demo_wallet import from_wallet_json, script
from medrec_py.web.serving import Listener, _hosts

ID = bytes(range(32))


@pytest.fixture
def wallet(backend: Backend) -> DemoWallet:
    return DemoWallet(generate_account(), backend.chain)


def as_pages_send_it(value: Any) -> Any:
    """JSON as viem makes it: bytes as 0x-hex, numbers as text."""
    if isinstance(value, dict):
        return {name: as_pages_send_it(item) for name, item in value.items()}
    if isinstance(value, list):
        return [as_pages_send_it(item) for item in value]
    if isinstance(value, bytes):
        return "0x" + value.hex()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def test_it_signs_what_the_sdk_would_sign(wallet: DemoWallet, backend: Backend):
    data = typed_data(backend.deployment.medrec_domain, "Suspension", {"grantor": wallet.address, "id": ID, "turn": 7})
    signature = wallet.request("eth_signTypedData_v4", [wallet.address.lower(), json.dumps(as_pages_send_it(data))])
    assert signature == "0x" + wallet._account.sign_typed_data(data).hex()


@given(number=st.integers(0, 2**32 - 1), id=st.binary(min_size=32, max_size=32))
def test_a_document_is_the_same_before_and_after_json(number: int, id: bytes):
    address = "0x" + "11" * 20
    data = typed_data(Domain("MedRec", 1337, address), "Suspension", {"grantor": address, "id": id, "turn": number})
    sent = json.loads(json.dumps(as_pages_send_it(data)))
    assert typed_data_digest(from_wallet_json(sent)) == typed_data_digest(data)


def test_it_sends_for_its_account(wallet: DemoWallet, backend: Backend):
    backend.chain.fund(wallet.address, 10**18)  # type: ignore[attr-defined]
    somebody = generate_account().address
    transaction = {"from": wallet.address, "to": somebody, "value": "0x5", "data": "0x"}
    sent = wallet.request("eth_sendTransaction", [transaction])
    assert len(sent) == 66
    assert backend.chain.balance(somebody) == 5


@pytest.mark.parametrize(
    ("method", "parameters", "code"),
    [
        ("personal_sign", ["0x00", "0x" + "11" * 20], 4200),
        ("eth_sign", ["0x" + "11" * 20, "0x" + "00" * 32], 4200),
        ("eth_signTypedData_v4", ["0x" + "11" * 20, "{}"], 4100),
        ("eth_sendTransaction", [{"from": "0x" + "11" * 20, "to": "0x" + "22" * 20}], 4100),
        ("wallet_switchEthereumChain", [{"chainId": "0x1"}], 4902),
        ("eth_signTypedData_v4", [], 4200),
    ],
)
def test_what_it_does_not_do(wallet: DemoWallet, method: str, parameters: list[Any], code: int):
    with pytest.raises(WalletRefusal) as refused:
        wallet.request(method, parameters)
    assert refused.value.code == code


@given(st.text(max_size=60) | st.dictionaries(st.text(max_size=8), st.integers() | st.text(max_size=8)).map(json.dumps))
def test_any_document_is_signed_or_refused(document: str):
    wallet = DemoWallet(ACCOUNT, None)  # type: ignore[arg-type]
    with pytest.raises(WalletRefusal):
        wallet.request("eth_signTypedData_v4", [ACCOUNT.address, document])


ACCOUNT = generate_account()


def test_the_site_offers_it_only_when_told_to(
    backend: Backend, page: Page, config: PageConfig, site: SiteClient, wallet: DemoWallet
):
    asked = {"content": json.dumps({"method": "eth_accounts"}), "headers": {"content-type": "application/json"}}
    assert site.post("/demo-wallet", **asked).status_code == 405
    with_wallet = SiteClient(create_site(backend, page, config, wallet=wallet))
    assert with_wallet.post("/demo-wallet", **asked).json() == {"result": [wallet.address]}
    refused = with_wallet.post(
        "/demo-wallet",
        content=json.dumps({"method": "personal_sign", "params": []}),
        headers={"content-type": "application/json"},
    )
    assert refused.json()["error"]["code"] == 4200
    for bad in (b"", b"[]", b"7", b'{"method": 7}', b'{"method": "a", "params": {}}'):
        answer = with_wallet.post("/demo-wallet", content=bad, headers={"content-type": "application/json"})
        assert answer.status_code == 400
    # A page of another site can send this without asking its user's browser first.
    assert with_wallet.post("/demo-wallet", content=b"{}", headers={"content-type": "text/plain"}).status_code == 415


def test_its_script_is_pinned_like_the_page_s_own_and_holds_no_key(
    built: Any, backend: Backend, config: PageConfig, wallet: DemoWallet
):
    page = Page.load(built, extra_scripts={"demo-wallet.js": script()})
    site = SiteClient(create_site(backend, page, config, wallet=wallet))
    document = site.get("/").text
    assert 'src="./demo-wallet.js" integrity="sha384-' in document
    assert site.get("/demo-wallet.js").content == script()
    assert "demo-wallet" not in SiteClient(create_site(backend, Page.load(built), config)).get("/").text


# ── where it is served ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_listener_knows_where_it_is_and_who_can_reach_it():
    with Listener("127.0.0.1", 0) as listener:
        assert listener.is_loopback
        assert listener.url == f"http://localhost:{listener.port}/"
        assert _hosts(listener, None) == ("localhost", "127.0.0.1", "[::1]")
        assert _hosts(listener, "https://medrec.example/") == ("localhost", "127.0.0.1", "[::1]", "medrec.example")
    with Listener("0.0.0.0", 0) as listener:
        assert not listener.is_loopback
        assert _hosts(listener, None) == ("*",)
        assert "*" not in _hosts(listener, "https://medrec.example/")


def test_an_address_of_another_machine_is_refused():
    with pytest.raises(InvalidInput, match=r"192\.0\.2\.1"):
        Listener("192.0.2.1", 0)
