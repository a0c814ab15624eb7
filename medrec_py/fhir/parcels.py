"""Grouping records into lots: what is sealed together into one parcel."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from medrec_py.fhir.record import ClinicalRecord, canonical_document

MAX_LOT_BYTES: Final = 4 << 20
"""Canonical bytes of a lot: small enough to be re-sealed in a moment, large enough that few transactions carry many."""


@dataclass(frozen=True, slots=True)
class Lot:
    """Records of one class and period, to be sealed together.

    Attributes:
        record_class: Number of the class.
        period: Calendar year, or `UNDATED`.
        records: The records, by date, then reference, then content.
        content: Canonical NDJSON of their documents.
    """

    record_class: int
    period: int
    records: tuple[ClinicalRecord, ...]
    content: bytes

    @property
    def documents(self) -> tuple[dict[str, Any], ...]:
        """The JSON objects whose canonical NDJSON is `content`."""
        return tuple(record.document for record in self.records)


def lots(records: Iterable[ClinicalRecord], *, max_bytes: int = MAX_LOT_BYTES) -> tuple[Lot, ...]:
    """Groups records by class and period, in that order.

    The same records give the same lots, in whatever order they come.

    Args:
        records: The records.
        max_bytes: Size of a lot's content beyond which the next lot begins; a larger record is a lot of its own.

    Raises:
        InvalidJson: A resource holds something that is not a JSON value.
    """
    rows = [
        (record.record_class, record.period, record.date_first, record.reference, canonical_document(record), record)
        for record in records
    ]
    rows.sort(key=lambda row: row[:5])
    grouped: list[Lot] = []
    for (record_class, period), group in groupby(rows, key=lambda row: row[:2]):
        members: list[ClinicalRecord] = []
        lines: list[bytes] = []
        size = 0
        for row in group:
            line = row[4] + b"\n"
            if lines and size + len(line) > max_bytes:
                grouped.append(Lot(record_class, period, tuple(members), b"".join(lines)))
                members, lines, size = [], [], 0
            members.append(row[5])
            lines.append(line)
            size += len(line)
        grouped.append(Lot(record_class, period, tuple(members), b"".join(lines)))
    return tuple(grouped)
