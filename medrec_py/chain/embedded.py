"""A whole chain inside the process, with the same interface as a server's; kept in a folder when given one."""

from __future__ import annotations

from os import PathLike
from typing import Any

from medrec_py.chain.accounts import Account
from medrec_py.chain.connection import Chain


class EmbeddedChain(Chain):
    """py-evm (Prague rules) behind web3's tester provider; mines each transaction at once.

    Block times follow the clock, unless moved ahead by `travel`. With a path, a transaction's receipt is returned only
    when its block is on disk; one process at a time holds the folder.

    Args:
        path: Folder that keeps the chain; None for one that ends with the process.
        chain_id: EIP-155 id of a new chain.

    Raises:
        ChainInUse: Another process holds the folder.
    """

    def __init__(self, path: str | PathLike[str] | None = None, *, chain_id: int = 1337) -> None:
        raise NotImplementedError

    @property
    def developer(self) -> Account:
        """An account with plenty of ether, its key generated with the network and kept with it (mode 0600)."""
        raise NotImplementedError

    @property
    def web3(self) -> Any:  # noqa: ANN401 (typed as web3.Web3 would import web3 at start-up)
        """A `web3.Web3` over the same chain, through web3's `EthereumTesterProvider`."""
        raise NotImplementedError

    def fund(self, address: str, wei: int) -> None:
        """Sends ether from the developer account."""
        raise NotImplementedError

    def set_time(self, timestamp: int) -> int:
        """Moves the clock forward to a Unix time and mines a block there."""
        raise NotImplementedError
