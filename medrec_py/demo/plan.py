"""What the patient shares in the demonstration, chosen from whatever records there are.

One class, from a day on that cuts a year in two, so that whole years are shared by their keys and the year that is cut
by records sealed anew; and another class, the most private there is, that is not shared.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Final

from medrec_py.fhir import ClinicalRecord, RecordSet, read_records, record_of
from medrec_py.types.json_values import canonical_lines
from medrec_py.types.terms import NO_FIRST_DATE, NO_LAST_DATE
from medrec_py.types.vocabulary import VOCABULARY

PREFERRED: Final = "laboratory"
PURPOSE: Final = "TREAT"
OTHER_PURPOSE: Final = "HMARKT"

_FOLLOW_UPS: Final = uuid.UUID("6b2b6e9c-4f0a-5d1e-9a53-4a1f6d9f7c21")
"""Name space of the ids of follow-up records (UUID version 5, RFC 9562): any constant, so that ids are reproducible."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is shared and what is not.

    Attributes:
        shared: Number of the class that is shared.
        withheld: Number of one that is not.
        first_day: First day covered, YYYYMMDD; `NO_FIRST_DATE` when no record of the class has a date.
        cuts_a_year: Whether records of one year lie on both sides of that day.
    """

    shared: int
    withheld: int
    first_day: int
    cuts_a_year: bool

    @property
    def shared_code(self) -> str:
        """Code of the class that is shared."""
        return VOCABULARY.record_class(self.shared).code

    @property
    def withheld_code(self) -> str:
        """Code of the class that is not."""
        return VOCABULARY.record_class(self.withheld).code

    @property
    def has_dates(self) -> bool:
        """Whether the records covered are limited by date."""
        return self.first_day != NO_FIRST_DATE

    @property
    def day_before(self) -> int:
        """The last day that is not covered, YYYYMMDD."""
        return _number(date.fromordinal(_date(self.first_day).toordinal() - 1))

    def covers(self, record: ClinicalRecord) -> bool:
        """Whether the grant has to cover a record."""
        return record.record_class == self.shared and record.is_within(self.first_day, NO_LAST_DATE)

    def is_before(self, record: ClinicalRecord) -> bool:
        """Whether a record is of the shared class and surely older than what is covered."""
        return self.has_dates and record.record_class == self.shared and record.is_within(0, self.day_before)

    def follow_ups(self, records: Iterable[ClinicalRecord], round_number: int, at_most: int = 3) -> RecordSet:
        """New records such as the hospital publishes later: the latest that the grant covers, repeated under new ids.

        They fall into the very compartments whose keys the viewer got, which makes them the ones to try its keys on.

        Args:
            records: What was published.
            round_number: Tells the ids of one publication from those of the next.
            at_most: How many.
        """
        covered = sorted((record for record in records if self.covers(record)), key=lambda item: item.date_last)
        repeated = []
        for record in covered[::-1]:
            fresh = dict(record.resource)
            fresh["id"] = str(uuid.uuid5(_FOLLOW_UPS, f"{record.reference} {round_number}"))
            # Labels that only its Bundle carried are lost with the Bundle: such a record may now be of another class.
            if self.covers(record_of(fresh)):
                repeated.append(fresh)
            if len(repeated) == at_most:
                break
        return read_records(canonical_lines(repeated), any_patient=True, name=f"follow-up {round_number}")


def choose(records: Sequence[ClinicalRecord]) -> Plan:
    """Chooses what to share: laboratory results if a day can cut them in two, else the class with the most records."""
    by_class: dict[int, list[ClinicalRecord]] = {}
    for record in records:
        by_class.setdefault(record.record_class, []).append(record)
    cuts = {number: _cut(members) for number, members in by_class.items()}

    def rank(number: int) -> tuple[bool, bool, bool, int]:
        day, cuts_a_year = cuts[number]
        preferred = VOCABULARY.record_class(number).code == PREFERRED
        return cuts_a_year, day != NO_FIRST_DATE, preferred, len(by_class[number])

    shared = max(by_class, key=rank)
    others = [number for number in by_class if number != shared]

    def privacy(number: int) -> tuple[bool, int]:
        return VOCABULARY.record_class(number).is_sensitive, len(by_class[number])

    withheld = max(others, key=privacy) if others else (shared + 1) % len(VOCABULARY.classes)
    return Plan(shared, withheld, *cuts[shared])


def _cut(records: Iterable[ClinicalRecord]) -> tuple[int, bool]:
    """The day from which records are shared, and whether it cuts a year that has records on both sides."""
    dated = (record for record in records if record.is_dated and record.date_first == record.date_last)
    days = sorted({record.date_first for record in dated})
    if not days:
        return NO_FIRST_DATE, False
    years = [list(group) for _, group in groupby(days, key=lambda day: day // 10000)]
    cuttable = [year for year in years if len(year) > 1]
    if not cuttable:
        return days[len(days) // 2], False
    middle = days[len(days) // 2] // 10000
    year = min(cuttable, key=lambda candidate: (abs(candidate[0] // 10000 - middle), candidate[0]))
    return year[len(year) // 2], True


def _date(number: int) -> date:
    return date(number // 10000, number // 100 % 100, number % 100)


def _number(day: date) -> int:
    return day.year * 10000 + day.month * 100 + day.day
