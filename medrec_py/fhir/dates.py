"""The clinical date of a resource: the day on which what it describes happened, or began.

Rules, chosen so that a window of dates never shows what lies outside it (ADR 0022):

* Each type has elements that say when it happened, in order of preference; the first that is present decides. Times of
  servers (`meta.lastUpdated`) and of people (`birthDate`) are no clinical dates.
* What lasts is dated by its beginning. A period without a start, an age or a text give no day.
* The day is the one written in the source: it is not moved to another time zone, because the day that a person sees on
  paper is the one that they would draw a line at.
* A month or a year stands for all its days: a window covers such a record only if it covers them all.
* If the deciding element gives no day of the years 1900 to 2155, the record is undated: it is covered only by a grant
  without any window.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

UNDATED: Final = 0
"""Date and period of a record without a usable clinical date, as in a request to the chain."""
FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2155
"""Years that the tree of keys has a leaf for."""

_DATE: Final = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T\d{2}:\d{2}.*)?)?)?", re.DOTALL | re.ASCII)
"""FHIR's date, dateTime and instant (R4, Data Types), lenient about the time of day."""

_CHOICES: Final = ("DateTime", "Date", "Instant", "Period", "Timing", "Age", "Range", "String")

_ELEMENTS: Final[dict[str, tuple[str, ...]]] = {
    "Account": ("servicePeriod",),
    "AdverseEvent": ("date", "detected", "recordedDate"),
    "AllergyIntolerance": ("onset[x]", "recordedDate", "lastOccurrence"),
    "Appointment": ("start", "requestedPeriod", "created"),
    "AppointmentResponse": ("start",),
    "AuditEvent": ("period", "recorded"),
    "BiologicallyDerivedProduct": ("collection.collected[x]",),
    "CarePlan": ("period", "created"),
    "CareTeam": ("period",),
    "ChargeItem": ("occurrence[x]", "enteredDate"),
    "Claim": ("billablePeriod", "created"),
    "ClaimResponse": ("created",),
    "ClinicalImpression": ("effective[x]", "date"),
    "Communication": ("sent", "received"),
    "CommunicationRequest": ("authoredOn", "occurrence[x]"),
    "Composition": ("date",),
    "Condition": ("onset[x]", "recordedDate"),
    "Consent": ("dateTime",),
    "Contract": ("applies", "issued"),
    "Coverage": ("period",),
    "CoverageEligibilityRequest": ("serviced[x]", "created"),
    "CoverageEligibilityResponse": ("serviced[x]", "created"),
    "DetectedIssue": ("identified[x]",),
    "DeviceRequest": ("authoredOn", "occurrence[x]"),
    "DeviceUseStatement": ("timing[x]", "recordedOn"),
    "DiagnosticReport": ("effective[x]", "issued"),
    "DocumentManifest": ("created",),
    "DocumentReference": ("context.period", "date"),
    "Encounter": ("period",),
    "EnrollmentRequest": ("created",),
    "EnrollmentResponse": ("created",),
    "EpisodeOfCare": ("period",),
    "ExplanationOfBenefit": ("billablePeriod", "created"),
    "FamilyMemberHistory": ("date",),
    "Flag": ("period",),
    "Goal": ("start[x]", "statusDate"),
    "GuidanceResponse": ("occurrenceDateTime",),
    "ImagingStudy": ("started",),
    "Immunization": ("occurrence[x]", "recorded"),
    "ImmunizationEvaluation": ("date",),
    "ImmunizationRecommendation": ("date",),
    "Invoice": ("date",),
    "List": ("date",),
    "MeasureReport": ("period", "date"),
    "Media": ("created[x]", "issued"),
    "MedicationAdministration": ("effective[x]",),
    "MedicationDispense": ("whenHandedOver", "whenPrepared"),
    "MedicationRequest": ("authoredOn",),
    "MedicationStatement": ("effective[x]", "dateAsserted"),
    "NutritionOrder": ("dateTime",),
    "Observation": ("effective[x]", "issued"),
    "PaymentNotice": ("created",),
    "PaymentReconciliation": ("created",),
    "Procedure": ("performed[x]",),
    "Provenance": ("occurred[x]", "recorded"),
    "QuestionnaireResponse": ("authored",),
    "RequestGroup": ("authoredOn",),
    "ResearchStudy": ("period",),
    "ResearchSubject": ("period",),
    "RiskAssessment": ("occurrence[x]",),
    "Schedule": ("planningHorizon",),
    "ServiceRequest": ("authoredOn", "occurrence[x]"),
    "Slot": ("start",),
    "Specimen": ("collection.collected[x]", "receivedTime"),
    "SupplyDelivery": ("occurrence[x]",),
    "SupplyRequest": ("authoredOn", "occurrence[x]"),
    "Task": ("authoredOn", "executionPeriod"),
    "VisionPrescription": ("dateWritten", "created"),
}
"""Elements by type, from the resource definitions of FHIR R4. A type that is not here has no clinical date."""


def clinical_dates(resource: Mapping[str, Any]) -> tuple[int, int]:
    """First and last day, YYYYMMDD, on which the resource's clinical date can lie.

    Returns:
        The same day twice for a full date; the bounds of the month or year for a partial one; `UNDATED` twice when it
        has none. Both days are of one year.

    >>> clinical_dates({"resourceType": "Observation", "effectiveDateTime": "2015-02-07T23:30:00-05:00"})
    (20150207, 20150207)
    >>> clinical_dates({"resourceType": "Condition", "onsetDateTime": "2015-02"})
    (20150201, 20150228)
    """
    for element in _ELEMENTS.get(str(resource.get("resourceType")), ()):
        for value in _values(resource, element):
            return _beginning(value) or (UNDATED, UNDATED)
    return UNDATED, UNDATED


def days_of(text: object) -> tuple[int, int] | None:
    """First and last day of a FHIR date, dateTime or instant; None if it is none, or of a year without a leaf.

    >>> days_of("2016")
    (20160101, 20161231)
    """
    match = _DATE.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return None
    year, month, day = (int(part) if part else 0 for part in match.groups())
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return None
    if match[2] is None:
        return year * 10_000 + 101, year * 10_000 + 1231
    if not 1 <= month <= 12:
        return None
    days = calendar.monthrange(year, month)[1]
    base = year * 10_000 + month * 100
    if match[3] is None:
        return base + 1, base + days
    return (base + day, base + day) if 1 <= day <= days else None


def _values(resource: Mapping[str, Any], element: str) -> Iterator[Any]:
    """The values of an element that may lie deeper (`a.b`) and be of several types (`a[x]`)."""
    *parents, name = element.split(".")
    holder: Any = resource
    for parent in parents:
        holder = holder.get(parent) if isinstance(holder, Mapping) else None
    if not isinstance(holder, Mapping):
        return
    names = [name[:-3] + choice for choice in _CHOICES] if name.endswith("[x]") else [name]
    for candidate in names:
        value = holder.get(candidate)
        if value is not None:
            yield value


def _beginning(value: object) -> tuple[int, int] | None:
    """When a value of any of the date types begins; of several, the earliest, and None if one of them is unknown."""
    if isinstance(value, list):
        begins = [_beginning(item) for item in value]
        known = [days for days in begins if days is not None]
        return min(known) if known and len(known) == len(begins) else None
    if isinstance(value, Mapping):
        if "event" in value:
            return _beginning(value["event"])
        if "repeat" in value:
            repeat = value["repeat"]
            return _beginning(repeat.get("boundsPeriod")) if isinstance(repeat, Mapping) else None
        return days_of(value.get("start"))
    return days_of(value)
