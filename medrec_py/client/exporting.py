"""Everything about a patient in two files that are theirs alone."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import mkstemp
from typing import Any, cast

from medrec_py.client.results import AuditItem, Grant, Records, Relationship
from medrec_py.types.json_values import JsonValue, canonical


def write_export(
    path: str | os.PathLike[str],
    records: Records,
    relationships: Sequence[Relationship],
    grants: Sequence[Grant],
    acts: Sequence[AuditItem],
    timestamp: str,
) -> dict[str, Any]:
    """Writes one FHIR collection Bundle, and the history beside it, readable for the owner alone.

    Args:
        path: The Bundle's file; the history goes to the same name with `.history.json`.
        records: Its entries.
        relationships: Part of the history, as the rest.
        grants: Ended ones included.
        acts: Everything that happened on chain.
        timestamp: When the Bundle is made, ISO 8601.

    Returns:
        See `Patient.export`.
    """
    target = Path(path)
    history = target.with_suffix(".history.json")
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "timestamp": timestamp,
        "entry": [
            {"resource": item.record.resource}
            if item.record.full_url is None
            else {"fullUrl": item.record.full_url, "resource": item.record.resource}
            for item in records
        ],
    }
    document = {
        "relationships": [item.to_json() for item in relationships],
        "grants": [item.to_json() for item in grants],
        "provenance": [
            {name: value for name, value in item.to_json().items() if name not in ("resource", "full_url")}
            | {"reference": item.record.reference}
            for item in records
        ],
        "acts": [item.to_json() for item in acts],
        "faults": [fault.to_json() for fault in records.faults],
    }
    _write_private(target, canonical(cast(JsonValue, bundle)))
    _write_private(history, canonical(cast(JsonValue, document)))
    return {
        "bundle": str(target),
        "history": str(history),
        "records": len(records),
        "acts": len(acts),
        "faults": len(records.faults),
    }


def _write_private(path: Path, content: bytes) -> None:
    """Writes a file whole or not at all; whatever stood there before, and whoever could read that, is gone."""
    descriptor, beside = mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.")
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        os.unlink(beside)
        raise
