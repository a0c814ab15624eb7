"""Checking a resource against the structure that FHIR R4 gives its type, with `fhirkit` (see ADR 0023)."""

from __future__ import annotations

from typing import Final

import fhirkit

KNOWN_TYPES: Final = frozenset(fhirkit.RESOURCE_TYPES)
"""Resource types of FHIR R4."""


def structural_issues(canonical_resource: bytes) -> list[str]:
    """What is wrong with the structure of a resource of a known type; nothing when it is right.

    Args:
        canonical_resource: The resource as canonical JSON.

    Returns:
        One sentence an issue: the element's path and what is wrong with it.
    """
    try:
        issues = fhirkit.validate(canonical_resource)
    except ValueError as error:
        return [str(error)]
    return [f"{issue.path}: {issue.message}" for issue in issues if issue.severity == "error"]
