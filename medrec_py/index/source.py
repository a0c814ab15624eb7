"""What an index follows: any source of decoded events, `medrec_py.chain.Chain` first of all."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from medrec_py.types.events import LoggedEvent


class EventSource(Protocol):
    """A chain as the index sees it. `medrec_py.chain.Chain` is one."""

    @property
    def chain_id(self) -> int:
        """EIP-155 chain id."""

    def head_number(self) -> int:
        """Height of the latest block."""

    def block_hash(self, number: int) -> bytes | None:
        """Hash of the canonical block at this height, 32 bytes; None when there is none."""

    def logs(self, from_block: int, to_block: int) -> list[LoggedEvent]:
        """All events of the deployment's contracts in these blocks, both included."""


@runtime_checkable
class TimedSource(Protocol):
    """A source that also knows when blocks were made."""

    def block_time(self, number: int) -> int:
        """Unix time of the canonical block at this height."""
