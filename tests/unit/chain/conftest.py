"""An embedded network with roles, made once for reading tests and afresh for those that move time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from chain_world import World

from medrec_py.chain import EmbeddedChain


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """A deployed network that the tests of a module share."""
    with EmbeddedChain() as chain:
        yield World(chain, chain.developer)


@pytest.fixture
def fresh_world() -> Iterator[World]:
    """A deployed network of one's own."""
    with EmbeddedChain() as chain:
        yield World(chain, chain.developer)
