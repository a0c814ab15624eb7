"""Errors as problem documents (RFC 9457), from which a client makes the same errors again."""

from __future__ import annotations

import inspect
from typing import Any, Final

from medrec_py import errors
from medrec_py.client.relaying import PROBLEM_TYPE
from medrec_py.errors import (
    ContractRefusal,
    InvalidInput,
    MedRecError,
    RelayBudgetSpent,
    RelayTooOften,
    Unavailable,
    UnknownAct,
)

MEDIA_TYPE: Final = "application/problem+json"
_LARGEST_EXACT: Final = 2**53 - 1
"""Beyond it, JSON's numbers are no longer exact where they are read as floating-point numbers."""


def status_of(error: MedRecError) -> int:
    """The HTTP status of an error: 422 speaks for the contracts, 429 and 503 for this relayer alone."""
    match error:
        case UnknownAct():
            return 404
        case InvalidInput():
            return 400
        case ContractRefusal():
            return 422
        case RelayBudgetSpent() | RelayTooOften():
            return 429
        case Unavailable():
            return 503
    return 502


def problem_of(error: MedRecError, status: int | None = None) -> dict[str, Any]:
    """The document of an error."""
    name = type(error).__name__
    return {
        "type": PROBLEM_TYPE + name,
        "title": (inspect.getdoc(type(error)) or name).partition("\n")[0],
        "status": status_of(error) if status is None else status,
        "detail": error.message,
        "hint": error.hint,
        "error": name,
        "values": {key: _plain(value) for key, value in error.facts.items()},
    }


def problem_of_name(name: str) -> dict[str, Any]:
    """The document of an error of which only the name was kept."""
    kind = getattr(errors, name, MedRecError)
    return problem_of(kind("The chain refused this act after it was sent: " + inspect.cleandoc(kind.__doc__ or "")))


def _plain(value: object) -> object:
    match value:
        case bytes():
            return "0x" + value.hex()
        case bool() | None | str() | float():
            return value
        case int():
            return value if abs(value) <= _LARGEST_EXACT else str(value)
        case list() | tuple():
            return [_plain(item) for item in value]
    return str(value)
