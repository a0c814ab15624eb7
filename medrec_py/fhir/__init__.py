"""FHIR R4 resources as clinical records: read, checked, classified, dated and grouped; no network, no clock, no keys."""

from __future__ import annotations

from medrec_py.fhir.bundle import Limits, read_records, record_of
from medrec_py.fhir.parcels import Lot, lots
from medrec_py.fhir.record import UNDATED, ClinicalRecord, Notice, RecordSet

__all__ = ["UNDATED", "ClinicalRecord", "Limits", "Lot", "Notice", "RecordSet", "lots", "read_records", "record_of"]
