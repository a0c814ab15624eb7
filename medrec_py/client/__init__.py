"""The roles of the network and the way into it."""

from medrec_py.client.acts import Relayer
from medrec_py.client.custodian import Custodian
from medrec_py.client.delegates import Delegates, Delegation
from medrec_py.client.emergencies import Emergency
from medrec_py.client.emergency import EmergencyAccess
from medrec_py.client.guardian import Guardian, Ward
from medrec_py.client.guardians import Guardians
from medrec_py.client.moving import Move, Moving
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
    Rekeyed,
    Relationship,
    Verification,
)
from medrec_py.client.silence import Switch
from medrec_py.client.viewer import Reading, Viewer

__all__ = [
    "AuditItem",
    "Custodian",
    "Delegates",
    "Delegation",
    "Emergency",
    "EmergencyAccess",
    "Fault",
    "Grant",
    "Guardian",
    "Guardians",
    "Invitation",
    "MedRec",
    "Move",
    "Moving",
    "Patient",
    "Provider",
    "Publication",
    "ReadRecord",
    "Reading",
    "Records",
    "Registrar",
    "Rekeyed",
    "Relationship",
    "Relayer",
    "Scheduled",
    "Switch",
    "Verification",
    "Viewer",
    "Ward",
]
