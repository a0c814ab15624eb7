"""Grouping records into lots: what is sealed together into one parcel."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from medrec_py.fhir.record import ClinicalRecord

MAX_LOT_BYTES: Final = 4 << 20


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


def lots(records: Iterable[ClinicalRecord], *, max_bytes: int = MAX_LOT_BYTES) -> tuple[Lot, ...]:
    """Groups records by class and period, in that order; the same records give the same lots in whatever order they come.

    Args:
        records: The records.
        max_bytes: Size of a lot's content beyond which the next lot begins; a larger record is a lot of its own.
    """
    raise NotImplementedError
