"""Events as JSON objects and back: `{"event": "Anchored", "subject": "0x…", "digests": ["0x…"], …}`.

Field names are those of the dataclasses; bytes are 0x-hex, integers stay integers (Python reads and writes all of a
uint64; a reader in JavaScript must not).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any, Final, get_args

from medrec_py.errors import InvalidInput
from medrec_py.types.events import Event

EVENT_TYPES: Final[dict[str, type[Event]]] = {kind.__name__: kind for kind in get_args(Event)}
"""Every event class by its Solidity name."""


def event_to_json(event: Event) -> dict[str, Any]:
    """The event as a JSON object.

    >>> from medrec_py.types.events import VocabularyPublished
    >>> event_to_json(VocabularyPublished(bytes(2)))
    {'event': 'VocabularyPublished', 'vocabulary': '0x0000'}
    """
    document: dict[str, Any] = {"event": type(event).__name__}
    for field in fields(event):
        document[field.name] = _WRITERS[_form(field.type)](getattr(event, field.name))
    return document


def event_from_json(document: object) -> Event:
    """The event of a JSON object made by `event_to_json`.

    Raises:
        InvalidInput: No such event, or a field is missing, unknown or of the wrong form; names it.
    """
    if not isinstance(document, dict):
        raise InvalidInput(f"An event is a JSON object, not a {type(document).__name__}.")
    name = document.get("event")
    kind = EVENT_TYPES.get(name) if isinstance(name, str) else None
    if kind is None:
        raise InvalidInput(f"There is no event {name!r}.", event=name)
    forms = {field.name: _form(field.type) for field in fields(kind)}
    if wrong := sorted(map(str, set(document) ^ {*forms, "event"})):
        raise InvalidInput(f"{name}: field {wrong[0]!r} is missing or unknown.", fields=wrong)
    values: dict[str, Any] = {}
    for field, form in forms.items():
        try:
            values[field] = _READERS[form](document[field])
        except (TypeError, ValueError) as error:
            raise InvalidInput(f"{name}: {field} can't be {document[field]!r}.", field=field) from error
    return kind(**values)


def _form(annotation: object) -> str:
    """How a field is written: its annotation, which is a string in every module of this package."""
    return str(annotation)


def _hex(value: bytes) -> str:
    return "0x" + value.hex()


def _bytes(value: object) -> bytes:
    if not isinstance(value, str) or not value.startswith("0x"):
        raise ValueError(value)
    return bytes.fromhex(value[2:])


def _int(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(value)
    return value


def _str(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError(value)
    return value


_WRITERS: Final[dict[str, Callable[[Any], object]]] = {
    "bytes": _hex,
    "int": int,
    "str": str,
    "tuple[bytes, ...]": lambda values: [_hex(value) for value in values],
}
_READERS: Final[dict[str, Callable[[object], object]]] = {
    "bytes": _bytes,
    "int": _int,
    "str": _str,
    "tuple[bytes, ...]": lambda values: tuple(_bytes(value) for value in _list(values)),
}
