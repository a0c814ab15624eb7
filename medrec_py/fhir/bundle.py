"""Reading FHIR R4: Bundles, single resources and NDJSON, plain or gzipped, into clinical records."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, BinaryIO, Literal, TypeAlias

from medrec_py.fhir.record import ClinicalRecord, RecordSet

Source: TypeAlias = "str | os.PathLike[str] | bytes | BinaryIO"
Validation: TypeAlias = Literal["off", "warn", "refuse"]


@dataclass(frozen=True, slots=True)
class Limits:
    """How large an input may be; beyond them it is refused before it can exhaust the machine.

    Attributes:
        max_bytes: Bytes of the whole input, once decompressed.
        max_resources: Resources in the input.
        max_depth: Levels of nesting in one JSON document.
    """

    max_bytes: int = 1 << 30
    max_resources: int = 1_000_000
    max_depth: int = 128


def read_records(
    source: Source,
    *,
    any_patient: bool = False,
    patient: str | None = None,
    validation: Validation = "warn",
    limits: Limits | None = None,
    name: str | None = None,
) -> RecordSet:
    """Reads every resource of one input, classifies and dates it, and checks that one patient owns them all.

    Args:
        source: Path of a file, its bytes, or a binary stream; JSON or NDJSON, gzipped or not (told by content).
        any_patient: Accept resources of any number of patients.
        patient: Reference of the patient whom they must belong to; found in the input when not given.
        validation: What a breach of the structure of FHIR R4 leads to.
        limits: How large the input may be.
        name: What to call the input in messages; the path, else "input".

    Raises:
        InvalidJson: Not JSON; line and column are named.
        InvalidResource: A JSON value that is not a FHIR resource; its entry or line is named.
        DuplicateResource: Two different resources of one type and id.
        WrongPatient: Resources of another patient; they are named.
        InputTooLarge: Beyond the limits.
    """
    raise NotImplementedError


def record_of(resource: dict[str, Any], *, full_url: str | None = None) -> ClinicalRecord:
    """One resource as a record: checked to be FHIR, classified and dated.

    Raises:
        InvalidResource: Not a FHIR resource.
    """
    raise NotImplementedError
