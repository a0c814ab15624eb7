"""A real Kubo node for the tests of stores."""

import base64
import hashlib
import os
from pathlib import Path

import pytest

from medrec_py.devnet.kubo import KuboNode, find_kubo
from medrec_py.errors import ServerMissing
from medrec_py.storage import Cid

MIB = 1 << 20


class Bench:
    """A node, and what tests do behind its back."""

    def __init__(self, node):
        self.node = node
        self.address = node.api_address

    def block_file(self, cid) -> Path:
        """Where the node's flatfs keeps a block."""
        key = base64.b32encode(b"\x12\x20" + cid.digest).decode().rstrip("=")
        return self.node.repo / "blocks" / key[-3:-1] / f"{key}.data"

    def flip(self, cid, at=0):
        path = self.block_file(cid)
        changed = bytearray(path.read_bytes())
        changed[at] ^= 1
        path.write_bytes(changed)


@pytest.fixture(scope="session")
def kubo_program():
    try:
        return find_kubo()
    except ServerMissing as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def kubo(kubo_program, tmp_path_factory):
    """One node for all tests that leave it usable."""
    with KuboNode(tmp_path_factory.mktemp("kubo") / "repo", kubo_program) as node:
        yield Bench(node)


@pytest.fixture
def own_kubo(kubo_program, tmp_path):
    """A node that a test may damage or stop."""
    with KuboNode(tmp_path / "kubo", kubo_program) as node:
        yield Bench(node)


class PseudoRandom:
    """A binary file of any size whose every MiB is different, without holding it: SHAKE-128 of a counter, stretched."""

    def __init__(self, size, seed=b"medrec"):
        self.size = size
        self._at = 0
        self._pattern = hashlib.shake_128(seed).digest(MIB)

    def read(self, length=-1):
        left = self.size - self._at
        length = left if length is None or length < 0 else min(length, left)
        pieces = []
        while length:
            number, offset = divmod(self._at, MIB)
            chunk = number.to_bytes(8, "big") + self._pattern[8:]
            piece = chunk[offset : offset + length]
            pieces.append(piece)
            self._at += len(piece)
            length -= len(piece)
        return b"".join(pieces)


@pytest.fixture(scope="session")
def pseudo_random():
    return PseudoRandom


@pytest.fixture(scope="session")
def leaves_of():
    """The CIDs of the leaves of a content."""
    return lambda content: [Cid.of_raw(content[at : at + MIB]) for at in range(0, len(content), MIB)]


@pytest.fixture(scope="session")
def repository():
    """The root of this clone, where node_modules is."""
    return Path(os.path.abspath(__file__)).parents[3]
