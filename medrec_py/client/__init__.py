"""The roles of the network and the way into it."""

from medrec_py.client.acts import Relayer
from medrec_py.client.network import MedRec
from medrec_py.client.patient import Patient
from medrec_py.client.provider import Provider
from medrec_py.client.registrar import Registrar, Scheduled
from medrec_py.client.results import (
    AuditItem,
    Fault,
    Grant,
    Invitation,
    Publication,
    ReadRecord,
    Records,
    Relationship,
    Verification,
)
from medrec_py.client.viewer import Reading, Viewer

__all__ = [
    "AuditItem",
    "Fault",
    "Grant",
    "Invitation",
    "MedRec",
    "Patient",
    "Provider",
    "Publication",
    "ReadRecord",
    "Reading",
    "Records",
    "Registrar",
    "Relationship",
    "Relayer",
    "Scheduled",
    "Verification",
    "Viewer",
]
