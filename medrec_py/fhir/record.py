"""A clinical record: one FHIR resource with its class and its date, and the set of them that one input holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from medrec_py.types.json_values import canonical

UNDATED: Final = 0
"""`ClinicalRecord.date_first`, `date_last` and `period` of a record without a usable clinical date.

The number that a request to the chain carries for such a record (`contracts/types/Terms.sol`)."""


@dataclass(frozen=True, slots=True)
class ClinicalRecord:
    """One FHIR resource, kept exactly as it was read.

    Attributes:
        resource: The resource as a JSON object; numbers as `medrec_py.types.json_values` reads them.
        resource_type: Its `resourceType`, of FHIR R4 or not.
        id: Its logical id; None when it has none.
        record_class: Number of its class in the vocabulary.
        date_first: First day, YYYYMMDD, on which its clinical date can lie; `UNDATED` when it has none.
        date_last: Last such day; equal to `date_first` unless the source gives a month or a year only.
        period: Calendar year of both days, 1900..2155; `UNDATED` when it has none.
        reference: What others call it: `Type/id`, else its fullUrl, else `Type#` and a digest of its content.
        full_url: The Bundle entry's fullUrl; None when it had none, or one that follows from the id.
    """

    resource: dict[str, Any]
    resource_type: str
    id: str | None
    record_class: int
    date_first: int
    date_last: int
    period: int
    reference: str
    full_url: str | None = None

    @property
    def is_dated(self) -> bool:
        """Whether it has a clinical date."""
        return self.period != UNDATED

    @property
    def document(self) -> dict[str, Any]:
        """The JSON object that stands for the record in a parcel; `read_records` reads it back.

        The resource itself, or, where other resources may refer to it by a fullUrl that its id doesn't give, a
        collection Bundle with this one entry.
        """
        if self.full_url is None:
            return self.resource
        entry = {"fullUrl": self.full_url, "resource": self.resource}
        return {"resourceType": "Bundle", "type": "collection", "entry": [entry]}

    def is_within(self, records_from: int, records_until: int) -> bool:
        """Whether every day on which the record's date can lie is in the window of a grant.

        Args:
            records_from: First day covered, YYYYMMDD; 0 for no bound.
            records_until: Last day covered; 99991231 for no bound.

        Returns:
            True for an undated record only when the window has neither bound, as the contracts rule.
        """
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Notice:
    """Something about an input that was accepted, but that its owner should know.

    Attributes:
        code: `duplicate`, `no-resource`, `envelope`, `structure`, `unknown-type` or `logical-reference`.
        where: Which entry, line or record it is about.
        message: One sentence.
    """

    code: str
    where: str
    message: str


@dataclass(frozen=True, slots=True)
class RecordSet:
    """What one input holds.

    Attributes:
        records: The records in the order of the input, identical repetitions once.
        patient: Reference of the one patient they belong to; None when no resource names one, or any was accepted.
        notices: What its owner should know.
        resources_read: Number of resources in the input, repetitions included.
    """

    records: tuple[ClinicalRecord, ...]
    patient: str | None
    notices: tuple[Notice, ...]
    resources_read: int

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[ClinicalRecord]:
        return iter(self.records)


def canonical_document(record: ClinicalRecord) -> bytes:
    """Canonical JSON bytes of the record's `document`."""
    return canonical(record.document)
