"""Inputs that several tests of reading FHIR build on; people in them have roles, not names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

FIXTURES = Path(__file__).resolve().parents[3].parent / "shared" / "fixtures" / "fhir"
"""Larger public examples beside the checkout; the tests that use them are skipped where they are absent."""

PATIENT: dict[str, Any] = {"resourceType": "Patient", "id": "patient"}


def observation(identity: str | None = "o1", *, subject: str = "Patient/patient", **members: Any) -> dict[str, Any]:
    """A valid Observation."""
    resource: dict[str, Any] = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "pulse"},
        "subject": {"reference": subject},
        "effectiveDateTime": "2020-02-03",
        **members,
    }
    return resource if identity is None else {**resource, "id": identity}


def bundle(
    *resources: dict[str, Any], kind: str = "collection", urls: list[str | None] | None = None
) -> dict[str, Any]:
    """A Bundle of resources, with full URLs where given."""
    entries: list[dict[str, Any]] = [{"resource": resource} for resource in resources]
    for entry, url in zip(entries, urls or [], strict=False):
        if url is not None:
            entry["fullUrl"] = url
    return {"resourceType": "Bundle", "type": kind, "entry": entries}


def encoded(value: object) -> bytes:
    """The value as JSON bytes."""
    return json.dumps(value, ensure_ascii=False).encode()


def lines(*resources: object) -> bytes:
    """NDJSON."""
    return b"".join(encoded(resource) + b"\n" for resource in resources)


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
    | st.sampled_from(["2015-02", "Patient/patient", "Patient/stranger", "#c", "urn:uuid:1", "R", "HIV", "laboratory"]),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(
            [
                "resourceType", "id", "meta", "security", "system", "code", "coding", "category", "contained", "entry",
                "resource", "fullUrl", "subject", "patient", "reference", "identifier", "value", "link", "other",
                "type", "effectiveDateTime", "period", "start", "end", "event", "repeat", "boundsPeriod", "collection",
                "actor", "participant", "request", "securityLabel", "confidentiality", "text", "onsetPeriod",
                "occurrenceTiming",
            ]
        )
        | st.text(max_size=6),
        inner,
        max_size=5,
    ),
    max_leaves=25,
)  # fmt: skip
"""Any JSON value, with members and texts that the readers look at made likely."""

resource_types = st.sampled_from(
    ["Patient", "Observation", "Condition", "Bundle", "Composition", "DocumentReference", "Appointment", "Provenance",
     "MolecularSequence", "Specimen", "AuditEvent", "Group", "Nonesuch", "Claim", "MessageHeader", "Person"]
)  # fmt: skip

resources = st.builds(
    lambda kind, identity, members: {**members, "resourceType": kind, **({"id": identity} if identity else {})},
    resource_types,
    st.none() | st.sampled_from(["a", "b", "c"]),
    st.dictionaries(st.text(max_size=3), json_values, max_size=3) | json_values.filter(lambda v: isinstance(v, dict)),
)
"""JSON objects that look like FHIR resources and hold anything."""
