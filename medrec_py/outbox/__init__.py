"""Publishing that survives being killed: what was accepted is anchored, and anchored once."""

from medrec_py.outbox.outbox import Outbox
from medrec_py.outbox.publication import (
    Parcel,
    Publication,
    PublicationOutcome,
    PublicationReceipt,
    PublicationState,
    PublicationStatus,
    Step,
)
from medrec_py.outbox.relaying import Courier

__all__ = [
    "Courier",
    "Outbox",
    "Parcel",
    "Publication",
    "PublicationOutcome",
    "PublicationReceipt",
    "PublicationState",
    "PublicationStatus",
    "Step",
]
