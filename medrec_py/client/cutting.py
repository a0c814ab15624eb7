"""Cutting keys to the measure of a grant: whole compartments as nodes, what a date cuts through as excerpts.

A viewer never holds a key that opens more than the terms say. Where a window cuts a year in two, the records inside it
are sealed anew for that one grant.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import reduce
from typing import Final

from medrec_py.client.context import Context
from medrec_py.client.holdings import Held, Holdings, Located
from medrec_py.client.window import Window
from medrec_py.crypto import ContentKey, Node, covering_set
from medrec_py.sealing import Excerpt, RelationshipKeys, seal_records
from medrec_py.storage import digest_of
from medrec_py.types.terms import PresentedGrant, Terms

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

    @property
    def digests(self) -> list[bytes]:
        """Where those objects are, once they are stored."""
        return [digest_of(data) for data in self.objects]


def window_of(terms: Terms) -> Window:
    """The records that terms cover."""
    classes = frozenset(number for number in range(64) if terms.classes >> number & 1)
    return Window(classes, terms.records_from, terms.records_until)


def measure(chain: Sequence[PresentedGrant]) -> Terms:
    """The terms of a grant cut down to those of every grant above it: the measure of the keys to hand over.

    A sub-grant may say more than the grant above it; the chain then refuses the rest, and nobody may get keys for it.

    Args:
        chain: From the subject's own grant down.
    """
    return reduce(_within, reversed([presented.terms for presented in chain]))


def _within(terms: Terms, above: Terms) -> Terms:
    return replace(
        terms,
        classes=terms.classes & above.classes,
        records_from=max(terms.records_from, above.records_from),
        records_until=min(terms.records_until, above.records_until),
        expires_at=min(terms.expires_at, above.expires_at),
    )


def last_key_year(terms: Terms) -> int:
    """The last year whose key a grant hands over: none behind the year in which it expires."""
    last = terms.records_until // 10000
    if terms.expires_at >= LAST_CALENDAR_SECOND:
        return last
    return min(last, datetime.fromtimestamp(terms.expires_at, UTC).year)


def cut(context: Context, holdings: Holdings, terms: Terms) -> Cut:
    """Cuts what is held to the measure of `terms`.

    Args:
        context: The network.
        holdings: What the grantor holds.
        terms: The measure; of a sub-grant what `measure` makes of its chain.
    """
    window, last_year = window_of(terms), last_key_year(terms)
    keys = tuple(
        RelationshipKeys(held.provider, held.number, nodes)
        for held in holdings.relationships
        if (nodes := nodes_for(held, window, last_year))
    )
    excerpts, objects = cut_excerpts(context, holdings, terms)
    return Cut(keys, excerpts, objects)


def cut_excerpts(
    context: Context, holdings: Holdings, terms: Terms, *, without: Collection[tuple[bytes, str]] = ()
) -> tuple[tuple[Excerpt, ...], tuple[bytes, ...]]:
    """What `terms` cover of parcels that no node opens for the viewer: cut by a date, or sealed to the subject.

    Args:
        context: The network.
        holdings: What the grantor holds.
        terms: The measure.
        without: Parcels (digest, author) that were cut before.

    Returns:
        The excerpts, and the objects to be stored for them. What can't be read is left out.
    """
    window = window_of(terms)
    candidates = [
        located
        for located in holdings.locate(context, window).parcels
        if (located.anchor.digest, located.anchor.author) not in without and _needs_excerpt(located, terms)
    ]
    excerpts: list[Excerpt] = []
    objects: list[bytes] = []
    for parcel in holdings.open(context, candidates)[0]:
        covered = [record.document for record in parcel.records if window.covers(record)]
        anchor, sealed_for = parcel.located.anchor, parcel.context
        if not covered:
            continue
        if window.contains(sealed_for.class_number, sealed_for.period):
            # All of it is covered, so its own key is handed over.
            digest, key = parcel.located.digest, parcel.content_key
        else:
            sealed = seal_records(covered, sealed_for, ContentKey.random())
            digest, key = digest_of(sealed.data), sealed.content_key
            objects.append(sealed.data)
        excerpts.append(
            Excerpt(
                digest,
                anchor.digest,
                key,
                sealed_for.author,
                sealed_for.class_number,
                sealed_for.period,
                sealed_for.epoch,
            )
        )
    return tuple(excerpts), tuple(objects)


def _needs_excerpt(located: Located, terms: Terms) -> bool:
    """Whether no node that is handed over opens a parcel.

    Of years behind the grant's end no node is handed over: what is there already is cut out, parcel by parcel.
    """
    parcel = located.context
    if parcel is None or isinstance(located.key, ContentKey) or not located.has_begun:
        return True
    is_behind = parcel.period > last_key_year(terms)
    return is_behind or not window_of(terms).contains(parcel.class_number, parcel.period)


def nodes_for(
    held: Held, window: Window, last_year: int, *, epochs: dict[int, list[int]] | None = None
) -> tuple[Node, ...]:
    """The fewest nodes for the window's whole years, of all epochs begun so far or of the epochs given by class."""
    first, last = window.whole_years
    last = min(last, last_year)
    if last < first and not window.is_unbounded:
        return ()
    if epochs is None:
        begun = held.epochs if held.begun is None else held.begun
        epochs = {number: list(range(begun.get(number, 0) + 1)) for number in sorted(window.classes)}
    return covering_set(held.nodes, sorted(epochs), first, last, include_undated=window.is_unbounded, epochs=epochs)
