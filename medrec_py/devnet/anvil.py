"""One Anvil (Foundry's development chain) on loopback."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from medrec_py.chain import Account


class AnvilNode:
    """Starts Anvil when entered or by `start`, waits until it answers, and leaves nothing running.

    Args:
        port: TCP port on 127.0.0.1; a free one when 0.
        chain_id: EIP-155 id.
        binary: Path of `anvil`; looked for on PATH, then in `.tools/bin` and `node_modules` upwards from the working
            folder when None.

    Raises:
        ServerMissing: No `anvil` was found.
        ServerFailed: It ended instead of answering; the message ends with its own last words.
        PortTaken: The port asked for is in use.
    """

    def __init__(self, port: int = 0, *, chain_id: int = 31337, binary: str | None = None) -> None:
        raise NotImplementedError

    @property
    def url(self) -> str:
        """`http://127.0.0.1:<port>`."""
        raise NotImplementedError

    @property
    def accounts(self) -> tuple[Account, ...]:
        """Ten funded accounts, their keys generated afresh for this node."""
        raise NotImplementedError

    def start(self) -> Self:
        """Starts it and returns when it answers."""
        raise NotImplementedError

    def stop(self) -> None:
        """Ends it; harmless when it has ended."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
