"""A chain made of a list: blocks of events with hashes that commit to all before them, and a fork at will."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from medrec_py.errors import Unavailable
from medrec_py.types.events import Event, LoggedEvent

REGISTRAR = "0x" + "11" * 20
MEDREC = "0x" + "22" * 20
FIRST_TIME = 1_700_000_000
SECONDS_PER_BLOCK = 12


@dataclass(frozen=True)
class Block:
    hash: bytes
    events: tuple[LoggedEvent, ...]


class ScriptedChain:
    """An `EventSource` and `TimedSource` over blocks that a test writes down."""

    def __init__(self, chain_id: int = 31337, start_block: int = 0) -> None:
        self.chain_id = chain_id
        self.start_block = start_block
        self.blocks: list[Block] = []
        self.calls: list[str] = []
        self.longest_range: int | None = None
        self.before_logs: list[object] = []
        self._salt = 0
        for _ in range(start_block):
            self.mine()

    # ── writing ──

    def mine(self, *events: Event) -> int:
        """A block with these events; returns its height."""
        number = len(self.blocks)
        parent = self.blocks[-1].hash if self.blocks else bytes(32)
        digest = hashlib.sha256(parent + repr((self._salt, events)).encode()).digest()
        logged = tuple(
            LoggedEvent(
                number, digest, 2 * place, hashlib.sha256(digest + bytes([place % 256])).digest(), MEDREC, event
            )
            for place, event in enumerate(events)
        )
        self.blocks.append(Block(digest, logged))
        return number

    def mine_all(self, events: Sequence[Event], per_block: int = 1) -> None:
        for start in range(0, len(events), per_block):
            self.mine(*events[start : start + per_block])

    def cut(self, depth: int) -> None:
        """Throws the last `depth` blocks away; what is mined from here on is another fork."""
        del self.blocks[len(self.blocks) - depth :]
        self._salt += 1

    @property
    def all_events(self) -> list[LoggedEvent]:
        return [event for block in self.blocks for event in block.events]

    # ── the source ──

    def head_number(self) -> int:
        self.calls.append("head_number")
        return len(self.blocks) - 1

    def block_hash(self, number: int) -> bytes | None:
        self.calls.append("block_hash")
        return self.blocks[number].hash if 0 <= number < len(self.blocks) else None

    def logs(self, from_block: int, to_block: int) -> list[LoggedEvent]:
        self.calls.append(f"logs {from_block} {to_block}")
        if self.longest_range is not None and to_block - from_block + 1 > self.longest_range:
            raise Unavailable(f"Too many blocks: {from_block} to {to_block}.")
        if self.before_logs:
            self.before_logs.pop(0)()
        return [event for block in self.blocks[from_block : to_block + 1] for event in block.events]

    def block_times(self, hashes: Sequence[bytes]) -> list[int | None]:
        self.calls.append("block_times")
        times = {block.hash: FIRST_TIME + SECONDS_PER_BLOCK * number for number, block in enumerate(self.blocks)}
        return [times.get(digest) for digest in hashes]


class TimelessChain:
    """The same chain without block times."""

    def __init__(self, chain: ScriptedChain) -> None:
        self.chain_id, self.start_block = chain.chain_id, chain.start_block
        self.head_number, self.block_hash, self.logs = chain.head_number, chain.block_hash, chain.logs


def moved(event: LoggedEvent, **changes: object) -> LoggedEvent:
    return replace(event, **changes)
