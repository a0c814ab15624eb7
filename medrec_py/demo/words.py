"""Numbers and sentences as people read them."""

from __future__ import annotations

from medrec_py.types.moments import iso


def counted(number: int, noun: str) -> str:
    """A number and its noun, in the plural where it has to be.

    >>> counted(1, "parcel"), counted(2006, "entry")
    ('1 parcel', '2,006 entries')
    """
    plural = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"{number:,} {noun if number == 1 else plural}"


def capital(sentence: str) -> str:
    """The sentence with a capital at its beginning."""
    return sentence[:1].upper() + sentence[1:]


def size(count: int) -> str:
    """A number of bytes.

    >>> size(500), size(468_496), size(3 << 20)
    ('500 B', '458 KiB', '3.0 MiB')
    """
    if count < 1024:
        return f"{count} B"
    return f"{count / 1024:,.0f} KiB" if count < 1 << 20 else f"{count / (1 << 20):,.1f} MiB"


def clock(time: int | None) -> str:
    """Unix time as date and time of day in UTC; empty when unknown."""
    return "" if time is None else iso(time).replace("T", " ").rstrip("Z")
