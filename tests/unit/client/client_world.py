"""A network with a hospital and viewers, and small records, for the tests of the client."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from medrec_py import MedRec
from medrec_py.client import Patient, Provider, Viewer

LAB = ("laboratory", "http://terminology.hl7.org/CodeSystem/observation-category")


def observation(id: str, date: str | None, category: str = "laboratory", **extra: Any) -> dict[str, Any]:
    """A small FHIR Observation."""
    resource: dict[str, Any] = {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "category": [{"coding": [{"system": LAB[1], "code": category}]}],
        "code": {"text": "anything"},
        **extra,
    }
    if date is not None:
        resource["effectiveDateTime"] = date
    return resource


def ndjson(*resources: dict[str, Any]) -> bytes:
    """Resources as a provider's export."""
    return b"\n".join(json.dumps(resource).encode() for resource in resources)


def ids(records: Any) -> list[str]:
    """Ids of what was read, sorted."""
    return sorted(item.record.id for item in records)


@dataclass(frozen=True)
class World:
    """A network and the standing roles in it."""

    network: MedRec
    hospital: Provider
    clinic: Viewer
    specialist: Viewer
    stranger: Viewer


@dataclass(frozen=True)
class Admitted:
    """A patient with a relationship to the hospital."""

    patient: Patient
    subject: str


def admit(world: World, *, wallet_mode: bool = False) -> Admitted:
    """A new patient with an open relationship to the hospital."""
    patient = world.network.patient(wallet_mode=wallet_mode)
    subject = patient.next_subject()
    patient.accept(world.hospital.invite(subject))
    return Admitted(patient, subject)
