"""Anvil with the contracts, and a relayer in a process of its own that can be killed."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "unit" / "chain"))

from chain_world import World

from medrec_py.chain import Account, Call, as_account
from medrec_py.devnet.anvil import AnvilNode
from medrec_py.errors import ServerMissing

RELAYER = Path(__file__).with_name("relayer.py")


@dataclass
class Killable:
    """A relayer's account and files, and the process that uses them."""

    settings: dict[str, str]
    account: Account
    process: subprocess.Popen[str] | None = None
    url: str = ""
    said: list[str] = field(default_factory=list)

    def start(self, step: str | None = None) -> httpx.Client:
        """Starts it, to be killed at a step when one is given."""
        command = [sys.executable, str(RELAYER), json.dumps(self.settings), *([step] if step else [])]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        assert self.url.startswith("http://"), self.url + self.process.stdout.read()
        return httpx.Client(base_url=self.url, timeout=60)

    def was_killed(self) -> None:
        assert self.process is not None
        assert self.process.wait(60) == -signal.SIGKILL
        assert self.process.stdout is not None
        self.process.stdout.close()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            said, _ = self.process.communicate(timeout=60)
            self.said.append(said)


@pytest.fixture(scope="module")
def anvil() -> Iterator[AnvilNode]:
    try:
        with AnvilNode() as node:
            yield node
    except ServerMissing as error:
        pytest.skip(str(error))


@pytest.fixture
def world(anvil: AnvilNode) -> Iterator[World]:
    with anvil.connect() as chain:
        chain.ask("evm_setAutomine", True)
        # An earlier test may have left gas dear.
        chain.ask("anvil_setNextBlockBaseFeePerGas", hex(10**9))
        chain.ask("evm_mine")
        world = World(chain, anvil.accounts[0])
        world.ensure_provider()
        yield world
        chain.ask("evm_setAutomine", True)


@pytest.fixture
def killable(world: World, anvil: AnvilNode, tmp_path: Path) -> Iterator[Callable[[], Killable]]:
    """A relayer with ether and an empty journal, not started."""
    made: list[Killable] = []

    def make() -> Killable:
        key = "0x" + secrets.token_hex(32)
        folder = tmp_path / os.urandom(4).hex()
        folder.mkdir()
        (folder / "account").write_text(key)
        world.deployment.save(folder / "deployments")
        world.chain.send(anvil.accounts[0], Call(as_account(key).address, b"", "fund", 10**18))
        settings = {
            "rpc": anvil.url,
            "account": str(folder / "account"),
            "deployments": str(folder / "deployments"),
            "journal": str(folder / "relay.sqlite"),
        }
        made.append(Killable(settings, as_account(key)))
        return made[-1]

    yield make
    for relayer in made:
        relayer.stop()
