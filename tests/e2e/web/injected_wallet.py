"""The other half of wallet.js: keys, accounts, chains, and whatever a test wants a wallet to do wrong."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Page

from medrec_py.chain import Account, Chain, generate_account
from medrec_py.types.terms import TypedData
from medrec_py.web import DemoWallet, WalletRefusal

SCRIPT = Path(__file__).with_name("wallet.js").read_text()
ICON = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 1 1'/%3E"
REJECTED = {"code": 4001, "message": "User rejected the request."}


@dataclass(frozen=True)
class ContractAccount:
    """An ERC-1271 account: its address is a contract's, its signatures are by the contract's owner."""

    address: str
    owner: Account

    def sign_typed_data(self, data: TypedData) -> bytes:
        return self.owner.sign_typed_data(data)

    def sign_transaction(self, transaction: dict[str, Any]) -> bytes:
        raise AssertionError("a contract sends nothing by itself")


@dataclass
class InjectedWallet:
    """A wallet with accounts. Everything that it is asked is in `asked`.

    Attributes:
        chain: The chain that it sends to, and whose id it shows unless `chain_id` is set to another.
        accounts: Its accounts; the first is the one that pages see.
        name: What it calls itself.
        known_chains: Ids that it switches to without being told more.
        refuse: Methods that its owner rejects, and how many times more.
        delay: Milliseconds that every question to its owner takes.
    """

    chain: Chain
    accounts: list[Account] = field(default_factory=lambda: [generate_account()])
    name: str = "Wallet of the test"
    chain_id: int = 0
    known_chains: set[int] = field(default_factory=set)
    refuse: Counter[str] = field(default_factory=Counter)
    delay: int = 0
    asked: list[tuple[str, list[Any]]] = field(default_factory=list)
    uuid: str = field(default_factory=lambda: str(uuid.uuid4()))

    def __post_init__(self) -> None:
        self.chain_id = self.chain_id or self.chain.chain_id
        self.known_chains.add(self.chain.chain_id)

    @property
    def account(self) -> Account:
        return self.accounts[0]

    @property
    def address(self) -> str:
        return self.account.address

    def inject(self, context: BrowserContext) -> None:
        """Puts it into every page of a context; `attach` must have been called for the context."""
        info = {"uuid": self.uuid, "name": self.name, "icon": ICON, "rdns": "example.wallet"}
        context.add_init_script(f"({SCRIPT.strip().rstrip(';')})({json.dumps(info)})")

    def signed(self) -> list[dict[str, Any]]:
        """The typed documents that its owner was shown, in order."""
        return [json.loads(params[1]) for method, params in self.asked if method == "eth_signTypedData_v4"]

    # ── what it tells the page ──

    def switch_account(self, page: Page, index: int) -> None:
        """Its owner chooses another account."""
        self.accounts.insert(0, self.accounts.pop(index))
        self._say(page, "accountsChanged", [self.address])

    def switch_chain(self, page: Page, chain_id: int) -> None:
        """Its owner chooses another chain."""
        self.chain_id = chain_id
        self._say(page, "chainChanged", hex(chain_id))

    def disconnect(self, page: Page) -> None:
        """Its owner takes the page's leave away."""
        self._say(page, "accountsChanged", [])

    def _say(self, page: Page, event: str, value: object) -> None:
        page.evaluate("([uuid, event, value]) => window.__walletSays[uuid](event, value)", [self.uuid, event, value])

    # ── what the page asks ──

    def answer(self, method: str, params: list[Any], page: Page) -> dict[str, Any]:
        """The answer in the form that wallet.js takes."""
        self.asked.append((method, params))
        if self.refuse[method] > 0:
            self.refuse[method] -= 1
            return {"error": REJECTED, "delay": self.delay}
        try:
            return {"result": self._result(method, params, page), "delay": self.delay}
        except WalletRefusal as refusal:
            error = {"code": refusal.code, "message": refusal.message, "data": refusal.data}
            return {"error": error, "delay": self.delay}

    def _result(self, method: str, params: list[Any], page: Page) -> Any:
        if method == "eth_chainId":
            return hex(self.chain_id)
        if method in ("eth_accounts", "eth_requestAccounts"):
            return [self.address]
        if method == "wallet_addEthereumChain":
            self.known_chains.add(int(params[0]["chainId"], 16))
            return None
        if method == "wallet_switchEthereumChain":
            wanted = int(params[0]["chainId"], 16)
            if wanted not in self.known_chains:
                raise WalletRefusal(4902, "Unrecognized chain ID.")
            self.switch_chain(page, wanted)
            return None
        return DemoWallet(self.account, self.chain).request(method, params)


def attach(context: BrowserContext, wallets: list[InjectedWallet]) -> None:
    """Lets the pages of a context ask these wallets."""

    def ask(source: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
        (wallet,) = [one for one in wallets if one.uuid == request["uuid"]]
        return wallet.answer(request["method"], request["params"], source["page"])

    context.expose_binding("__askWallet", ask)
    for wallet in wallets:
        wallet.inject(context)
