"""Two real networks to be killed on: the embedded chain and a folder, both on disk; Anvil and Kubo, both servers."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from medrec_py.chain import Chain, EmbeddedChain, as_account, deploy
from medrec_py.devnet.anvil import AnvilNode
from medrec_py.devnet.kubo import KuboNode, find_kubo
from medrec_py.errors import ServerMissing
from medrec_py.storage import open_store
from medrec_py.types.events import Anchored

PUBLISHER = Path(__file__).with_name("publisher.py")


@dataclass
class Killable:
    """A network, and a publisher in a process of its own."""

    settings: dict[str, str]
    folder: Path
    program: Path = PUBLISHER

    def start(self, verb: str, step: str | None = None) -> subprocess.Popen[str]:
        command = [sys.executable, str(self.program), json.dumps(self.settings), verb, *([step] if step else [])]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, verb: str, step: str | None = None) -> dict[str, object] | None:
        """What the publisher said; `None` when it was killed, as it must be when a step is given."""
        process = self.start(verb, step)
        said, complaint = process.communicate(timeout=120)
        if step is not None:
            assert process.returncode == -signal.SIGKILL, (said, complaint)
            return None
        assert process.returncode == 0, complaint
        return json.loads(said)

    def open_chain(self) -> Chain:
        if "rpc" in self.settings:
            return Chain.connect(self.settings["rpc"])
        return EmbeddedChain(self.settings["chain"], wait=30)

    def anchored(self, subjects: Sequence[str] | None = None) -> list[bytes]:
        """Every digest that the chain's log has (for these ledgers), each as often as it was anchored."""
        from medrec_py.chain import Deployment

        with self.open_chain() as chain:
            chain.use(Deployment.load(self.settings["deployments"], chain))
            logged = chain.logs(chain.deployment.block_number, chain.head_number())
            return [
                digest
                for event in logged
                if isinstance(event.event, Anchored) and (subjects is None or event.event.subject in subjects)
                for digest in event.event.digests
            ]

    def parcels(self) -> list[bytes]:
        return [path.read_bytes() for path in sorted(Path(self.settings["parcels"]).iterdir())]

    def assert_published_once(self) -> None:
        """Each parcel is in the ledger once, whole and pinned in the store; the outbox is empty."""
        from medrec_py.chain import Deployment
        from medrec_py.storage.unixfs import digest_of

        digests = [digest_of(parcel) for parcel in self.parcels()]
        account = as_account(Path(self.settings["account"]).read_text())
        with self.open_chain() as chain, open_store(self.settings["store"]) as store:
            chain.use(Deployment.load(self.settings["deployments"], chain))
            logged = chain.logs(chain.deployment.block_number, chain.head_number())
            anchored = [
                digest
                for event in logged
                if isinstance(event.event, Anchored) and event.event.subject == account.address
                for digest in event.event.digests
            ]
            assert anchored == digests
            assert store.verify_pins(digests) == []
        assert list((self.folder / "outbox" / "sealed").iterdir()) == []


def prepare(folder: Path, chain: Chain, payer: object, settings: dict[str, str]) -> Killable:
    """Deploys, makes an account with ether, and writes three parcels."""
    deploy(chain, payer).deployment.save(folder / "deployments")
    key = "0x" + secrets.token_hex(32)
    account = as_account(key)
    from medrec_py.chain import Call

    chain.send(payer, Call(account.address, b"", "fund", 10**18))
    (folder / "account").write_text(key)
    relayer = "0x" + secrets.token_hex(32)
    chain.send(payer, Call(as_account(relayer).address, b"", "fund", 10**18))
    (folder / "relayer").write_text(relayer)
    (folder / "parcels").mkdir()
    for number in range(3):
        (folder / "parcels" / f"{number}").write_bytes(os.urandom(1000 + number))
    settings |= {
        "deployments": str(folder / "deployments"),
        "account": str(folder / "account"),
        "relayer": str(folder / "relayer"),
        "parcels": str(folder / "parcels"),
        "home": str(folder),
        "outbox": str(folder / "outbox"),
        "key": "import",
    }
    return Killable(settings, folder)


@pytest.fixture
def prepared() -> Callable[..., Killable]:
    """`prepare`, for a test with a chain of its own: a conftest can't be imported where there are several."""
    return prepare


@pytest.fixture(scope="module")
def servers(tmp_path_factory) -> Iterator[tuple[AnvilNode, KuboNode]]:
    try:
        program = find_kubo()
        with AnvilNode() as anvil, KuboNode(tmp_path_factory.mktemp("kubo") / "repo", program) as kubo:
            yield anvil, kubo
    except ServerMissing as error:
        pytest.skip(str(error))


@pytest.fixture
def on_disk(tmp_path) -> Killable:
    with EmbeddedChain(tmp_path / "chain") as chain:
        settings = {"chain": str(tmp_path / "chain"), "store": str(tmp_path / "store")}
        return prepare(tmp_path, chain, chain.developer, settings)


@pytest.fixture
def on_servers(tmp_path, servers) -> Killable:
    anvil, kubo = servers
    with anvil.connect() as chain:
        return prepare(tmp_path, chain, anvil.accounts[0], {"rpc": anvil.url, "store": kubo.api_address})


@pytest.fixture(params=["on_disk", pytest.param("on_servers", marks=pytest.mark.servers)])
def network(request) -> Killable:
    return request.getfixturevalue(request.param)
