"""FHIR R4 resources as clinical records: read, checked, classified, dated and grouped.

No network, no clock, no keys.
"""

from __future__ import annotations

from medrec_py.fhir.bundle import read_records, record_of
from medrec_py.fhir.classify import class_of
from medrec_py.fhir.dates import UNDATED, clinical_dates
from medrec_py.fhir.parcels import Lot, lots
from medrec_py.fhir.record import ClinicalRecord, Notice, RecordSet, canonical_document
from medrec_py.fhir.source import Limits, Source

__all__ = [
    "UNDATED",
    "ClinicalRecord",
    "Limits",
    "Lot",
    "Notice",
    "RecordSet",
    "Source",
    "canonical_document",
    "class_of",
    "clinical_dates",
    "lots",
    "read_records",
    "record_of",
]
