"""Which records are meant: classes and days, as people say them and as compartments lie in them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from medrec_py.crypto import FIRST_YEAR, LAST_YEAR, UNDATED
from medrec_py.fhir import ClinicalRecord
from medrec_py.types.moments import DayLike, day
from medrec_py.types.terms import NO_FIRST_DATE, NO_LAST_DATE
from medrec_py.types.vocabulary import VOCABULARY

ALL_CLASSES: Final[frozenset[int]] = frozenset(entry.number for entry in VOCABULARY.classes)
"""Every class that the vocabulary knows: no record is of another."""


@dataclass(frozen=True, slots=True)
class Window:
    """Which records are meant: classes, and days from `first` to `last` (YYYYMMDD, as in `Terms`)."""

    classes: frozenset[int] = ALL_CLASSES
    first: int = NO_FIRST_DATE
    last: int = NO_LAST_DATE

    @property
    def is_unbounded(self) -> bool:
        """Whether it covers records of every date, undated ones included."""
        return self.first == NO_FIRST_DATE and self.last == NO_LAST_DATE

    @property
    def years(self) -> tuple[int, int]:
        """First and last year that it touches, within those that have compartments of their own."""
        return max(self.first // 10000, FIRST_YEAR), min(self.last // 10000, LAST_YEAR)

    @property
    def whole_years(self) -> tuple[int, int]:
        """First and last year that lie in it altogether; the first is the later one when none does."""
        first, last = self.first // 10000, self.last // 10000
        return (
            max(first if self.first % 10000 <= 101 else first + 1, FIRST_YEAR),
            min(last if self.last % 10000 >= 1231 else last - 1, LAST_YEAR),
        )

    def covers(self, record: ClinicalRecord) -> bool:
        """Whether the record's class is one of these and its date surely lies in the window."""
        return record.record_class in self.classes and record.is_within(self.first, self.last)

    def touches(self, class_number: int, period: int) -> bool:
        """Whether a compartment can hold a record that it covers."""
        first, last = self.years
        dated = self.is_unbounded if period == UNDATED else first <= period <= last
        return class_number in self.classes and dated

    def contains(self, class_number: int, period: int) -> bool:
        """Whether it covers a compartment altogether."""
        first, last = self.whole_years
        whole = self.is_unbounded if period == UNDATED else first <= period <= last
        return class_number in self.classes and whole


def window_from(
    classes: Iterable[str | int] | str | None, records_from: DayLike | None, records_until: DayLike | None
) -> Window:
    """The window for what people say; see `Patient.records`."""
    if classes is None:
        numbers = ALL_CLASSES
    else:
        mask = VOCABULARY.class_mask([classes] if isinstance(classes, str) else classes)
        numbers = frozenset(number for number in range(64) if mask >> number & 1)
    return Window(
        numbers,
        NO_FIRST_DATE if records_from is None else day(records_from),
        NO_LAST_DATE if records_until is None else day(records_until),
    )
