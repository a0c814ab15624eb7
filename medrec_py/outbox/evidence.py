"""What the chain's own log shows of a publication, whoever sent the transaction."""

from __future__ import annotations

from dataclasses import fields
from typing import Final

from medrec_py.chain import Chain, TransactionReceipt
from medrec_py.outbox.journal import Entry
from medrec_py.types.events import Event

_LOG_RANGE: Final = 2_000


def evidence(chain: Chain, entry: Entry) -> TransactionReceipt | None:
    """The transaction that did what a publication is to do, whoever sent it; `None` when no block shows one.

    Asked of the log and not of the journal, which may be a copy, nor of whoever says that something was sent.
    """
    head = chain.head_number()
    for start in range(entry.since_block or 0, head + 1, _LOG_RANGE):
        for logged in chain.logs(start, min(start + _LOG_RANGE - 1, head)):
            if any(matches(expected, logged.event) for expected in entry.expects):
                return chain.receipt(logged.transaction_hash, name=name_of(entry))
    return None


def matches(expected: Event, event: Event) -> bool:
    """Whether an event is the expected one, whenever it happened."""
    return type(expected) is type(event) and all(
        _folded(getattr(expected, field.name)) == _folded(getattr(event, field.name))
        for field in fields(expected)
        if field.name != "time"
    )


def name_of(entry: Entry) -> str:
    """What a publication calls, for errors."""
    return "+".join(call.name for call in entry.calls)


def _folded(value: object) -> object:
    """A value of an event, so that an address equals itself in any spelling."""
    return value.lower() if isinstance(value, str) else value
