"""The log of a range of blocks in bulk, in as few requests as the server allows."""

from __future__ import annotations

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


def fetch(
    chain: Chain, deployment: Deployment, from_block: int, to_block: int, span: int | None
) -> tuple[list[LoggedEvent], int | None]:
    """The events in a range of blocks, both ends included.

    Servers limit a request by blocks, by results or by time, and say so in many ways: whatever the refusal, half the
    range is asked for, down to one block. What worked is kept for the next call.

    Args:
        chain: Where to ask.
        deployment: Whose events.
        from_block: First block.
        to_block: Last block.
        span: Blocks per request that the server took last time; None when it never refused.

    Returns:
        The events in the chain's order, and the span for next time.
    """
    if from_block < 0:
        raise InvalidInput(f"There is no block {from_block}.")
    found: list[Any] = []
    successes = 0
    at = from_block
    while at <= to_block:
        last = to_block if span is None else min(to_block, at + span - 1)
        query = {"address": list(deployment.contracts), "fromBlock": hex(at), "toBlock": hex(last)}
        try:
            found.extend(chain.node.request("eth_getLogs", [query]))
        except (RpcFailure, ChainUnavailable) as error:
            if last == at or not _may_be_too_large(error):
                raise chain.refusal(error) if isinstance(error, RpcFailure) else error from None
            span = (last - at + 1) // 2
            successes = 0
            continue
        at = last + 1
        successes += 1
        if span is not None and successes % _SUCCESSES_BEFORE_GROWING == 0:
            span *= 2
    events = decode_logs(found, deployment.contracts)
    events.sort(key=lambda event: event.position)
    return events, span


def _may_be_too_large(error: RpcFailure | ChainUnavailable) -> bool:
    if isinstance(error, RpcFailure):
        return error.code != _METHOD_NOT_FOUND
    return error.facts.get("reason") in _DROPPED
