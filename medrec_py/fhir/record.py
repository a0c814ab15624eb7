"""A clinical record: one FHIR resource with its class and its date, and the set of them that one input holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from medrec_py.fhir.dates import UNDATED
from medrec_py.types.json_values import canonical
from medrec_py.types.terms import NO_FIRST_DATE, NO_LAST_DATE


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
        full_url: The Bundle entry's fullUrl; None when it had none, or one that follows from the id (`urn:uuid:id`).
        inherited_labels: Security labels (Codings) that it takes over from the Bundle that it came in.
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
    inherited_labels: tuple[dict[str, Any], ...] = ()

    @property
    def is_dated(self) -> bool:
        """Whether it has a clinical date."""
        return self.period != UNDATED

    @property
    def document(self) -> dict[str, Any]:
        """The JSON object that stands for the record in a parcel; `record_of` and `read_records` read it back.

        The resource itself; where that would lose a fullUrl by which others refer to it, or labels that only its Bundle
        carried, a collection Bundle with this one entry.
        """
        if self.full_url is None and not self.inherited_labels:
            return self.resource
        entry: dict[str, Any] = {"resource": self.resource}
        if self.full_url is not None:
            entry["fullUrl"] = self.full_url
        document: dict[str, Any] = {"resourceType": "Bundle", "type": "collection", "entry": [entry]}
        if self.inherited_labels:
            document["meta"] = {"security": list(self.inherited_labels)}
        return document

    def is_within(self, records_from: int, records_until: int) -> bool:
        """Whether every day on which the record's date can lie is in the window of a grant.

        Args:
            records_from: First day covered, YYYYMMDD; 0 for no bound.
            records_until: Last day covered; 99991231 for no bound.

        Returns:
            True for an undated record only when the window has neither bound, as the contracts rule.
        """
        if not self.is_dated:
            return records_from <= NO_FIRST_DATE and records_until >= NO_LAST_DATE
        return records_from <= self.date_first and self.date_last <= records_until


@dataclass(frozen=True, slots=True)
class Notice:
    """Something about an input that was accepted, but that its owner should know.

    Attributes:
        code: `duplicate`, `no-resource`, `envelope`, `structure` or `unknown-type`.
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
