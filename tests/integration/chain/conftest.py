"""The same roles on the embedded chain and on a real Anvil."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "unit" / "chain"))

from chain_world import World

from medrec_py.chain import EmbeddedChain
from medrec_py.devnet.anvil import AnvilNode


@pytest.fixture(scope="module")
def anvil() -> Iterator[AnvilNode]:
    """A running node of the module's own."""
    with AnvilNode() as node:
        yield node


@pytest.fixture(params=["embedded", pytest.param("anvil", marks=pytest.mark.servers)])
def any_world(request: pytest.FixtureRequest) -> Iterator[World]:
    """A deployed network, once of each kind."""
    if request.param == "embedded":
        with EmbeddedChain() as chain:
            yield World(chain, chain.developer)
    else:
        with AnvilNode() as node, node.connect() as chain:
            yield World(chain, node.accounts[0])


@pytest.fixture(scope="module")
def anvil_world(anvil: AnvilNode) -> Iterator[World]:
    """A deployed network on Anvil that the tests of a module share."""
    with anvil.connect() as chain:
        yield World(chain, anvil.accounts[0])
