"""MedRec: patients own, share and audit their medical records.

    from medrec_py import MedRec

`MedRec` is the way in; what its roles return and the errors they raise can be imported from here too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medrec_py.errors import IntegrityError, InvalidInput, MedRecError, Refused, Unavailable

if TYPE_CHECKING:
    from medrec_py.client import (
        Grant,
        Invitation,
        MedRec,
        Patient,
        Provider,
        Publication,
        Reading,
        Registrar,
        Relayer,
        Verification,
        Viewer,
    )
    from medrec_py.types.terms import Operation

__all__ = [
    "Grant",
    "IntegrityError",
    "InvalidInput",
    "Invitation",
    "MedRec",
    "MedRecError",
    "Operation",
    "Patient",
    "Provider",
    "Publication",
    "Reading",
    "Refused",
    "Registrar",
    "Relayer",
    "Unavailable",
    "Verification",
    "Viewer",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 (whatever is asked for)
    """Imports the client when it is first asked for: web3 takes a second that `medrec --help` need not wait for."""
    if name == "Operation":
        from medrec_py.types.terms import Operation

        return Operation
    if name in __all__:
        from medrec_py import client

        return getattr(client, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
