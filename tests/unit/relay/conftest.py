"""One chain inside the process for the whole folder, with a relayer that has an account of its own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "chain"))

from chain_world import World
from relay_server import RelayServer

from medrec_py.chain import Account, EmbeddedChain, generate_account
from medrec_py.relay import RelayLimits
from medrec_py.relay.service import RelayService


@pytest.fixture(scope="session")
def chain() -> Iterator[EmbeddedChain]:
    with EmbeddedChain() as opened:
        world = World(opened, opened.developer)
        world.ensure_provider()
        opened.relay_provider = world.provider
        yield opened


@pytest.fixture
def world(chain: EmbeddedChain) -> World:
    """New people on the chain that the tests share; the provider is accredited."""
    return World(chain, chain.developer, provider=chain.relay_provider)


@pytest.fixture
def payer(chain: EmbeddedChain) -> Account:
    """A relayer's account with ether."""
    account = generate_account()
    chain.fund(account.address, 10**18)
    return account


@pytest.fixture
def serve(chain: EmbeddedChain, payer: Account) -> Iterator[Callable[..., RelayServer]]:
    """Serves a relayer with the limits given."""
    running: list[RelayServer] = []

    def start(**limits: float) -> RelayServer:
        service = RelayService(chain, payer, limits=RelayLimits(**limits), poll_seconds=0.02)
        server = RelayServer(service)
        running.append(server.__enter__())
        return server

    yield start
    for server in running:
        server.__exit__()


@pytest.fixture
def server(serve: Callable[..., RelayServer]) -> RelayServer:
    """A relayer with the usual limits."""
    return serve()
