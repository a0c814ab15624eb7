"""Cutting keys to the measure of a grant: whole compartments as nodes, what a date cuts through as excerpts.

A viewer never holds a key that opens more than the terms say. Where a window cuts a year in two, the records inside it
are sealed anew for that one grant.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from medrec_py.client.context import Context
from medrec_py.client.holdings import Held, Holdings, Located, Window, records_in
from medrec_py.crypto import ContentKey, Node, covering_set
from medrec_py.sealing import Excerpt, OpenedRecords, RelationshipKeys, seal_records
from medrec_py.storage import digest_of
from medrec_py.types.ledger import Position
from medrec_py.types.terms import Terms

LAST_CALENDAR_SECOND: Final = 253402300800
"""First second of the year 10000, beyond which calendars here do not reach."""


@dataclass(frozen=True, slots=True)
class Cut:
    """What a grant hands over.

    Attributes:
        keys: Nodes by relationship.
        excerpts: Keys of single parcels.
        objects: Parcels sealed anew, to be stored; their digests are among the excerpts.
    """

    keys: tuple[RelationshipKeys, ...]
    excerpts: tuple[Excerpt, ...]
    objects: tuple[bytes, ...]


def window_of(terms: Terms) -> Window:
    """The records that terms cover."""
    classes = frozenset(number for number in range(64) if terms.classes >> number & 1)
    return Window(classes, terms.records_from, terms.records_until)


def last_key_year(terms: Terms) -> int:
    """The last year whose key a grant hands over: none behind the year in which it expires."""
    last = terms.records_until // 10000
    if terms.expires_at >= LAST_CALENDAR_SECOND:
        return last
    return min(last, datetime.fromtimestamp(terms.expires_at, UTC).year)


def cut(context: Context, holdings: Holdings, terms: Terms, *, after: Position = (-1, 0, 0)) -> Cut:
    """Cuts what is held to the measure of `terms`.

    Args:
        context: The network.
        holdings: What the grantor holds.
        terms: The measure.
        after: Make excerpts only of parcels anchored later; those before were cut already.
    """
    window = window_of(terms)
    keys = tuple(
        RelationshipKeys(held.provider, held.number, nodes)
        for held in holdings.relationships
        if (nodes := nodes_for(held, window, last_key_year(terms)))
    )
    excerpts: list[Excerpt] = []
    objects: list[bytes] = []
    candidates = [
        located
        for located in holdings.locate(context, window)
        if located.anchor.position > after and _needs_excerpt(located, window)
    ]
    for located, opened in holdings.open(context, candidates):
        excerpt, sealed = _excerpt(context, holdings.subject, located, opened, window)
        if excerpt is not None:
            excerpts.append(excerpt)
        if sealed is not None:
            objects.append(sealed)
    return Cut(keys, tuple(excerpts), tuple(objects))


def nodes_for(
    held: Held, window: Window, last_year: int, *, epochs: dict[int, list[int]] | None = None
) -> tuple[Node, ...]:
    """The fewest nodes for the window's whole years, of all epochs so far or of the epochs given by class."""
    first, last = window.whole_years
    last = min(last, last_year)
    if last < first and not window.is_unbounded:
        return ()
    if epochs is None:
        epochs = {number: list(range(held.epochs.get(number, 0) + 1)) for number in sorted(window.classes)}
    return covering_set(held.nodes, sorted(epochs), first, last, include_undated=window.is_unbounded, epochs=epochs)


def _needs_excerpt(located: Located, window: Window) -> bool:
    parcel = located.context
    return parcel is None or not window.contains(parcel.class_number, parcel.period)


def _excerpt(
    context: Context, subject: str, located: Located, opened: OpenedRecords, window: Window
) -> tuple[Excerpt | None, bytes | None]:
    parcel = opened.context
    if window.contains(parcel.class_number, parcel.period):
        # Sealed to the subject while a re-key was pending: all of it is covered, so its own key is handed over.
        return _excerpt_of(located.anchor.digest, opened.content_key, opened), None
    documents = [record.document for record in records_in(opened) if window.covers(record)]
    if not documents:
        return None, None
    sealed = seal_records(documents, parcel, ContentKey.random())
    return _excerpt_of(digest_of(sealed.data), sealed.content_key, opened), sealed.data


def _excerpt_of(digest: bytes, key: ContentKey, opened: OpenedRecords) -> Excerpt:
    parcel = opened.context
    return Excerpt(digest, key, parcel.author, parcel.class_number, parcel.period, parcel.epoch)
