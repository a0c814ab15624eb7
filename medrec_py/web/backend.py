"""What stands behind the page: a chain with the contracts, a store, and an account that pays for signed acts."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from medrec_py.chain import Account, Chain, Deployment, EmbeddedChain, deploy
from medrec_py.errors import InvalidInput
from medrec_py.storage import Store, open_store
from medrec_py.storage.blocks import BlockStore


class Backend:
    """Chain, deployment and store, opened together and closed together.

    It has no index: the page replays the history itself.

    Args:
        chain: The chain, using `deployment`.
        deployment: Where the contracts stand.
        store: Where sealed objects are.
        payer: Account that pays when nobody else was named; None where acts are not relayed.
    """

    def __init__(self, chain: Chain, deployment: Deployment, store: Store, payer: Account | None = None) -> None:
        if not isinstance(store, BlockStore):
            raise InvalidInput(
                f"The store {store.name} gives no single blocks.", hint="Use a folder, Kubo, or several of these."
            )
        self.chain = chain
        self.deployment = deployment
        self.store: BlockStore = store
        self.payer = payer
        self._cleanup = ExitStack()
        self._cleanup.callback(chain.close)
        self._cleanup.callback(store.close)

    @classmethod
    def embedded(cls, home: str | os.PathLike[str]) -> Self:
        """The network that `medrec --home` keeps in a folder; its developer account pays.

        Raises:
            ChainInUse: Another process has it open.
        """
        folder = Path(home)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        chain = EmbeddedChain(folder / "chain")
        try:
            deployment = deploy(chain, chain.developer).deployment
            return cls(chain, deployment, open_store(folder / "store"), chain.developer)
        except BaseException:
            chain.close()
            raise

    @classmethod
    def connect(
        cls,
        rpc: str,
        store: str | os.PathLike[str],
        deployment: str | os.PathLike[str],
        *,
        payer: Account | None = None,
    ) -> Self:
        """Servers.

        Args:
            rpc: JSON-RPC address of a node.
            store: What `open_store` takes.
            deployment: The deployment's file, or the folder of them; verified against the code on chain.
            payer: Account that pays for signed acts.

        Raises:
            Unavailable: Node or store does not answer.
            DeploymentMissing: There is no deployment for this chain.
            WrongBytecode: The contracts on chain are not the ones shipped here.
        """
        chain = Chain.connect(rpc)
        try:
            placed = Deployment.load(deployment, chain)
            return cls(chain, placed, open_store(os.fspath(store)), payer)
        except BaseException:
            chain.close()
            raise

    def close(self) -> None:
        """Gives everything back. May be called twice."""
        self._cleanup.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
