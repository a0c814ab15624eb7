"""A whole chain inside the process, with the same interface as a server's; kept in a folder when given one."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import coincurve

from medrec_py.chain.accounts import Account, KeyAccount
from medrec_py.chain.calls import Call, TransactionReceipt
from medrec_py.chain.connection import Chain
from medrec_py.errors import InvalidInput

if TYPE_CHECKING:
    from medrec_py.chain.embedded_node import EmbeddedNode

_DEVELOPER: Final = b"medrec:developer"


class EmbeddedChain(Chain):
    """py-evm (Prague rules) in this process; mines each transaction at once.

    Views are evaluated at the clock's time, so that what expires does so on its second, and blocks bear the clock's
    time too, unless `travel` moved it ahead. With a path, a receipt is returned only when its block is on disk, and one
    process at a time holds the folder. Nothing of it is for value: whoever can read the folder owns the chain.

    Args:
        path: Folder that keeps the chain; None for one that ends with the process.
        chain_id: EIP-155 id of a new chain; one that is kept has its own.
        wait: Seconds to wait for another process to let go of the folder.

    Raises:
        ChainInUse: It still holds it after that.
        ChainDamaged: The folder holds no chain that can be read.
    """

    node: EmbeddedNode

    def __init__(self, path: str | PathLike[str] | None = None, *, chain_id: int = 1337, wait: float = 5.0) -> None:
        # py-evm takes a second to import, which nobody should pay who talks to a server.
        from medrec_py.chain.block_store import BlockStore
        from medrec_py.chain.embedded_node import EmbeddedNode

        folder = None if path is None else Path(path)
        store = BlockStore(folder, wait=wait)
        try:
            if _DEVELOPER not in store:
                store[_DEVELOPER] = coincurve.PrivateKey().secret
            self._developer = KeyAccount(store[_DEVELOPER])
            node = EmbeddedNode(
                store,
                chain_id=chain_id,
                developer=bytes.fromhex(self._developer.address[2:]),
                address="this process" if folder is None else str(folder),
            )
        except BaseException:
            store.close()
            raise
        super().__init__(node)
        self._web3: Any = None

    @property
    def developer(self) -> Account:
        """An account with plenty of ether, its key generated with the network and kept with it (mode 0600)."""
        return self._developer

    @property
    def web3(self) -> Any:  # noqa: ANN401 (typed as web3.Web3 would import web3 at start-up)
        """A `web3.Web3` over the same chain, through web3's `EthereumTesterProvider`."""
        if self._web3 is None:
            from medrec_py.chain.tester import tester_web3

            self._web3 = tester_web3(self.node, self.node.store[_DEVELOPER])
        return self._web3

    def now(self) -> int:
        """Unix time at which views are evaluated: the clock plus all travel, and never behind the latest block."""
        with self.node.lock:
            return self.node.clock()

    def fund(self, address: str, wei: int) -> TransactionReceipt:
        """Sends ether from the developer account."""
        return self.send(self._developer, Call(to=address, data=b"", name="fund", value=wei))

    def set_time(self, timestamp: int) -> int:
        """Moves the clock forward to a Unix time and mines a block there.

        Raises:
            InvalidInput: That time has passed already on this chain.
        """
        now = self.now()
        if timestamp < now:
            raise InvalidInput(f"The chain is at {now} already; its time can't go back to {timestamp}.")
        return self.travel(timestamp - now)
