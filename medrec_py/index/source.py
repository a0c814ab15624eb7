"""What an index follows: any source of decoded events, `medrec_py.chain.Chain` first of all."""

from __future__ import annotations

from collections.abc import Sequence
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

    def block_times(self, hashes: Sequence[bytes]) -> list[int | None]:
        """Unix times of the blocks with these hashes, in the order asked; None for a block that it doesn't know."""


def start_of(source: EventSource) -> int:
    """First block that can hold an event: what the source says, else where its deployment was made, else 0."""
    start = getattr(source, "start_block", None)
    if start is None and (deployment := getattr(source, "deployment", None)) is not None:
        start = deployment.block_number
    return int(start or 0)


def deployment_of(source: EventSource) -> str:
    """The addresses whose events the source gives, as text; empty when it doesn't say."""
    deployment = getattr(source, "deployment", None)
    return "" if deployment is None else f"{deployment.registrar} {deployment.medrec}"
