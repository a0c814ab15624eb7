"""Where the demonstration is played: a network, the people in it, and a meter for what their acts cost.

Embedded in this process by default; on real servers when they are named. On a server, money comes from the account that
is named, or from a development node that gives it away; no key is ever asked for.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from medrec_py.chain import (
    Account,
    Call,
    Chain,
    Deployment,
    EmbeddedChain,
    TransactionReceipt,
    deploy,
    generate_account,
)
from medrec_py.client import MedRec, Patient, Provider, Registrar, Relayer, Viewer
from medrec_py.client.context import Context
from medrec_py.devnet.purse import Purse
from medrec_py.errors import ChainUnavailable, InvalidInput, Refused, Unavailable
from medrec_py.index import Index
from medrec_py.outbox import Outbox
from medrec_py.storage import FolderStore, Store

DAY: Final = 86400
LIFETIME: Final = 90 * DAY
"""Seconds that the first grant lasts where time can be moved."""
SHORT_LIFETIME: Final = 240
"""Seconds that it lasts where its end has to be waited for."""

_ETHER: Final = 10**18
_GIFT: Final = 100 * _ETHER
"""What a development node is asked for: enough for ever."""


class Meter:
    """Relays signed acts and keeps the receipts.

    Args:
        relayer: Who sends and pays.
    """

    def __init__(self, relayer: Relayer) -> None:
        self._relayer = relayer
        self._receipts: list[TransactionReceipt] = []

    def relay(self, calls: Sequence[Call]) -> TransactionReceipt:
        """Sends the acts, all or none, in one transaction."""
        receipt = self._relayer.relay(calls)
        self._receipts.append(receipt)
        return receipt

    def take(self) -> list[TransactionReceipt]:
        """The receipts since the last time."""
        taken, self._receipts = self._receipts, []
        return taken


@dataclass(frozen=True, slots=True)
class Device:
    """A device of the patient: the wallet's key and nothing else, its index empty at first.

    Attributes:
        network: The network as this device sees it.
        patient: The patient on it.
        index_file: Where it keeps its index.
    """

    network: MedRec
    patient: Patient
    index_file: Path


class Stage:
    """The network and its people; closed when left.

    Attributes:
        network: The network as the hospital, the clinic and the stranger see it.
        meter: Relays the patient's acts.
        wallet: The patient's wallet: a key that holds no ether.
        deployed: The transactions of the deployment; empty where it stood already.
        can_travel: Whether the chain's clock can be moved.
        home: Folder of this run.
    """

    network: MedRec
    meter: Meter
    wallet: Account
    stranger_account: Account
    registrar: Registrar
    hospital: Provider
    clinic: Viewer
    stranger: Viewer
    patient: Patient

    def __init__(self, home: Path, accounts: Mapping[str, Account], cleanup: ExitStack) -> None:
        self.home = home
        self.deployed: Mapping[str, TransactionReceipt] = {}
        self.can_travel = True
        self._accounts = dict(accounts)
        self._cleanup = cleanup
        self._rpc: str | None = None

    # ── ways in ──

    @classmethod
    def embedded(cls, home: str | PathLike[str] | None = None) -> Self:
        """In this process.

        Args:
            home: Folder that keeps network and accounts for playing on with `medrec --home`; None for neither.
        """
        with ExitStack() as opened:
            folder = _folder(home, opened)
            stage = cls(folder, {} if home is None else Purse(folder / "accounts").open(), opened)
            with EmbeddedChain(folder / "chain") as chain:
                stage.deployed = deploy(chain, chain.developer).receipts
            network = opened.enter_context(MedRec.embedded(folder))
            stage._people(network, network.relayer(), network.registrar())
            stage._cleanup = opened.pop_all()
            return stage

    @classmethod
    def connected(
        cls,
        rpc: str,
        store: str,
        *,
        account: Account | None = None,
        accounts: Mapping[str, Account] | None = None,
        deployment: str | PathLike[str] | None = None,
        home: str | PathLike[str] | None = None,
    ) -> Self:
        """On real servers.

        Args:
            rpc: JSON-RPC address of a node.
            store: Where sealed objects go: a Kubo RPC address, or whatever else `open_store` takes.
            account: Pays for everything, deploys where nothing stands, accredits. None: the account of the registrar
                among `accounts`, else a new one with ether from a development node.
            accounts: Accounts of roles (`registrar`, `hospital`, `clinic`, `stranger`, `patient`); new ones for others.
            deployment: Deployment file or folder; None: deployed by `account`, or found where it once deployed.
            home: Folder for indexes; None for one that ends with the demonstration.
        """
        with ExitStack() as opened:
            stage = cls(_folder(home, opened), accounts or {}, opened)
            stage._rpc = rpc
            payer = account or stage._accounts.get("registrar")
            with Chain.connect(rpc) as chain:
                if payer is None:
                    payer = generate_account()
                    give_ether(rpc, payer.address, _GIFT)
                placed = stage._placed(chain, payer, deployment)
                stage._fund(chain, payer)
                stage.can_travel = _can_travel(chain)
            network = opened.enter_context(
                MedRec.connect(rpc, store=store, deployment=placed, home=stage.home / "servers", relayer=payer)
            )
            stage._people(network, network.relayer(payer), network.registrar(payer))
            stage._cleanup = opened.pop_all()
            return stage

    # ── what happens on it ──

    def device(self, name: str, store: Store | None = None) -> Device:
        """Another device of the patient: it has the wallet, knows the servers, and remembers nothing.

        Args:
            name: Names its folder.
            store: Where it looks for objects; the network's own store when None.
        """
        folder = self.home / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        network = self._seen_from(folder, store or self.network.store)
        return Device(network, network.patient(self.wallet, relayer=self.meter), folder / "index.sqlite")

    def wait_until(self, moment: int) -> None:
        """Lets time pass until a Unix second is over.

        Raises:
            Unavailable: The chain makes no blocks.
        """
        chain = self.network.chain
        if self.can_travel:
            chain.travel(max(moment - chain.now(), 0) + 1)
            return
        deadline = time.monotonic() + max(moment - chain.now(), 0) + 300
        while chain.now() <= moment:
            if time.monotonic() > deadline:
                raise Unavailable(f"The chain stands still before {moment}.", hint="It has to make blocks.")
            time.sleep(1)

    @property
    def lifetime(self) -> int:
        """Seconds that the first grant lasts."""
        return LIFETIME if self.can_travel else SHORT_LIFETIME

    @property
    def chain_in_words(self) -> str:
        """Which chain this is."""
        chain = self.network.chain
        where = f"the chain at {chain.address}" if self._rpc else "a chain inside this process"
        return f"{where} (id {chain.chain_id})"

    @property
    def store_in_words(self) -> str:
        """Which store this is."""
        return "a folder" if isinstance(self.network.store, FolderStore) else f"IPFS at {self.network.store.name}"

    def close(self) -> None:
        """Gives everything back."""
        self._cleanup.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ── internals ──

    def _account(self, role: str) -> Account:
        return self._accounts.setdefault(role, generate_account())

    def _people(self, network: MedRec, relayer: Relayer, registrar: Registrar) -> None:
        self.network = network
        self.meter = Meter(relayer)
        self.registrar = registrar
        self.wallet = self._account("patient")
        self.hospital = network.provider(self._account("hospital"))
        self.clinic = network.viewer(self._account("clinic"))
        self.stranger_account = self._account("stranger")
        self.stranger = network.viewer(self.stranger_account)
        self.patient = network.patient(self.wallet, relayer=self.meter)

    def _seen_from(self, folder: Path, store: Store) -> MedRec:
        """The same chain with an index and an outbox of its own."""
        network = self.network
        index = Index(
            f"sqlite:///{folder / 'index.sqlite'}", network.chain, start_block=network.deployment.block_number
        )
        self._cleanup.callback(index.close)
        outbox = Outbox(folder / "outbox", store, network.chain)
        self._cleanup.callback(outbox.close)
        return MedRec(Context(network.chain, network.deployment, store, index, outbox, self.meter))

    def _placed(self, chain: Chain, payer: Account, deployment: str | PathLike[str] | None) -> Deployment:
        if deployment is not None:
            return Deployment.load(deployment, chain)
        report = deploy(chain, payer)
        self.deployed = report.receipts
        return report.deployment

    def _fund(self, chain: Chain, payer: Account) -> None:
        """Gives the hospital, the clinic and the stranger what they need for gas. The patient needs nothing."""
        share = min(chain.balance(payer.address) // 20, _ETHER)
        for role in ("hospital", "clinic", "stranger"):
            address = self._account(role).address
            if chain.balance(address) < share // 2:
                chain.send(payer, Call(to=address, data=b"", name="fund", value=share))


def give_ether(rpc: str, address: str, wei: int) -> None:
    """Asks a development node (Anvil) to set an account's balance.

    Raises:
        ChainUnavailable: No answer.
        InvalidInput: It is no development node: its money is not for the asking.
    """
    request = {"jsonrpc": "2.0", "id": 1, "method": "anvil_setBalance", "params": [address, hex(wei)]}
    body = json.dumps(request).encode()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    shown = rpc.rsplit("@", 1)[-1]
    try:
        post = urllib.request.Request(rpc, body, {"content-type": "application/json"}, method="POST")  # noqa: S310
        with opener.open(post, timeout=30) as reply:
            answer = json.load(reply)
    except urllib.error.HTTPError as error:
        answer = {"error": {"message": f"HTTP {error.code}"}}
    except (OSError, ValueError) as error:
        raise ChainUnavailable(f"{shown} does not answer: {error}.", address=shown) from error
    if not isinstance(answer, dict) or "error" in answer:
        raise InvalidInput(
            f"{shown} is no development node and gives no ether away.",
            hint="Name a funded account that pays: --keyfile FILE or --ape ALIAS.",
            address=shown,
        )


def _can_travel(chain: Chain) -> bool:
    try:
        chain.travel(1)
    except Refused:
        return False
    return True


def _folder(home: str | PathLike[str] | None, cleanup: ExitStack) -> Path:
    if home is None:
        return Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="medrec-demo-")))
    folder = Path(home).absolute()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder
