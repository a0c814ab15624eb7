"""The log of a range of blocks in bulk: large requests, as the server allows, decoded while the next one runs."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from medrec_py.chain.decoding import decode_logs
from medrec_py.chain.deployment import Deployment
from medrec_py.chain.node import RpcFailure
from medrec_py.errors import ChainUnavailable, InvalidInput
from medrec_py.types.events import LoggedEvent

if TYPE_CHECKING:
    from medrec_py.chain.connection import Chain

_METHOD_NOT_FOUND: Final = -32601
_SUCCESSES_BEFORE_GROWING: Final = 8
_DROPPED: Final = ("ReadTimeout", "HTTPError", "ChunkedEncodingError", "Timeout")
"""How web3's providers name an answer that was too large or took too long, rather than a server that is not there."""
_PIECES: Final = 8
_SMALLEST_PIECE: Final = 64


@dataclass(slots=True)
class Span:
    """How many blocks a server gives at once, as far as it is known.

    Servers limit a request by blocks, by results or by time, and say so in many ways: whatever the refusal, half the
    range is asked for, down to one block. What worked is kept for the next range.

    Attributes:
        blocks: Blocks per request; None while nothing was ever refused.
        successes: Requests that were answered since the last refusal.
    """

    blocks: int | None = None
    successes: int = 0

    def refused(self, asked: int) -> None:
        """Notes that so many blocks were too many."""
        self.blocks = asked // 2
        self.successes = 0

    def answered(self) -> None:
        """Notes an answer; after some of them more is tried."""
        self.successes += 1
        if self.blocks is not None and self.successes % _SUCCESSES_BEFORE_GROWING == 0:
            self.blocks *= 2


def fetch(chain: Chain, deployment: Deployment, from_block: int, to_block: int, span: Span) -> list[LoggedEvent]:
    """The events in a range of blocks, both ends included, in the chain's order.

    Args:
        chain: Where to ask.
        deployment: Whose events.
        from_block: First block.
        to_block: Last block; those that aren't there yet hold nothing.
        span: What is known of the server's limits; kept up to date.
    """
    if from_block < 0:
        raise InvalidInput(f"There is no block {from_block}.")
    events: list[LoggedEvent] = []
    with _no_garbage_collection(), ThreadPoolExecutor(1, "medrec-logs") as ahead:
        # Nodes disagree on whether a range may begin or end beyond their last block.
        answers = _answers(chain, deployment, from_block, min(to_block, chain.head_number()), span)
        answer = ahead.submit(next, answers, None)
        while (logs := answer.result()) is not None:
            answer = ahead.submit(next, answers, None)
            events.extend(decode_logs(logs, deployment.contracts))
    events.sort(key=lambda event: event.position)
    return events


def _answers(
    chain: Chain, deployment: Deployment, from_block: int, to_block: int, span: Span
) -> Iterator[list[dict[str, Any]]]:
    """The raw logs of the range, piece by piece."""
    piece = max(_SMALLEST_PIECE, -(-(to_block - from_block + 1) // _PIECES))
    at = from_block
    while at <= to_block:
        last = min(to_block, at + min(piece, span.blocks or piece) - 1)
        query = {"address": list(deployment.contracts), "fromBlock": hex(at), "toBlock": hex(last)}
        try:
            logs = chain.node.request("eth_getLogs", [query])
        except (RpcFailure, ChainUnavailable) as error:
            if last == at or not _may_be_too_large(error):
                raise chain.refusal(error) if isinstance(error, RpcFailure) else error from None
            span.refused(last - at + 1)
            continue
        span.answered()
        yield logs
        at = last + 1


def _may_be_too_large(error: RpcFailure | ChainUnavailable) -> bool:
    if isinstance(error, RpcFailure):
        return error.code != _METHOD_NOT_FOUND
    return error.facts.get("reason") in _DROPPED


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Holds the garbage collector back while nothing is made but what is kept.

    It would otherwise walk all logs and events again and again as they pile up, for as long as decoding them takes.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
