"""Moments and days as people write them, into the numbers that terms carry."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TypeAlias

from medrec_py.errors import InvalidInput

MomentLike: TypeAlias = "int | str | date | datetime"
DayLike: TypeAlias = "int | str | date"


def moment(value: MomentLike) -> int:
    """Unix seconds of a moment.

    Args:
        value: Unix seconds; an aware `datetime`; a `date` or ISO 8601 text. A date means its first second, and text
            without a zone is, as a date is, in UTC.

    Raises:
        InvalidInput: Not a moment; names the value.
    """
    if isinstance(value, bool):
        raise InvalidInput(f"{value!r} is no moment.", hint="Write 2027-05-01, 2027-05-01T12:00:00Z or Unix seconds.")
    if isinstance(value, int):
        return value
    if isinstance(value, datetime):
        return int((value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp())
    if isinstance(value, date):
        return int(datetime(value.year, value.month, value.day, tzinfo=UTC).timestamp())
    try:
        return int(value) if value.isdecimal() else moment(datetime.fromisoformat(value))
    except (ValueError, OverflowError, AttributeError) as error:
        raise InvalidInput(
            f"{value!r} is no moment.",
            hint="Write 2027-05-01, 2027-05-01T12:00:00Z or Unix seconds.",
            value=str(value),
        ) from error


def day(value: DayLike) -> int:
    """The number YYYYMMDD of a day.

    Args:
        value: That number itself, a `date`, or ISO text such as `2020-06-15`.

    Raises:
        InvalidInput: Not a day of the calendar; names the value.
    """
    try:
        if isinstance(value, bool):
            raise ValueError(value)
        if isinstance(value, int) or (isinstance(value, str) and value.isdecimal()):
            number = int(value)
            parsed = date(number // 10000, number // 100 % 100, number % 100)
        else:
            parsed = value if isinstance(value, date) else date.fromisoformat(value)
    except (ValueError, TypeError) as error:
        raise InvalidInput(
            f"{value!r} is no day of the calendar.", hint="Write it as 2020-06-15.", value=str(value)
        ) from error
    return parsed.year * 10000 + parsed.month * 100 + parsed.day


def iso(seconds: int) -> str:
    """Unix seconds as people read them: `2027-05-01T00:00:00Z`; beyond the year 9999 the number itself."""
    if seconds >= 253402300800:
        return f"@{seconds}"
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
