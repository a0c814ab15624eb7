"""The class of a resource: one number of the vocabulary.

HL7's security labels decide first: they say what a record must not be shown with. Only then the codes of `category`,
then the type. Nothing is guessed from diagnoses or drugs: a list of telling codes is never complete, and a patient
would rely on it. Whoever has a labelling service runs it before publishing, or hands a `classifier` to `read_records`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from medrec_py.types.vocabulary import VOCABULARY, RecordClass

OTHER: Final = 0
"""Class of what fits no other, in any version of the vocabulary."""

_RESTRICTED: Final = VOCABULARY.record_class("restricted").number
_HOW_MUCH: Final = ("confidentiality", "R")
"""Says how sensitive, not why: it decides only where no other label says why."""


def _index(pick: str) -> dict[Any, RecordClass]:
    return {key: row for row in VOCABULARY.classes for key in getattr(row, pick)}


_BY_TYPE: Final[dict[str, RecordClass]] = _index("types")
_BY_CATEGORY: Final[dict[tuple[str, str], RecordClass]] = _index("categories")
_BY_LABEL: Final[dict[tuple[str, str], RecordClass]] = _index("labels")
_LABEL_SYSTEMS: Final = {uri: name for name in ("act", "confidentiality") for uri in VOCABULARY.systems[name]}


def class_of(resource: Mapping[str, Any], inherited: Iterable[object] = ()) -> int:
    """Number of the class that a resource belongs to.

    Args:
        resource: The resource. What it contains counts as part of it.
        inherited: Security labels (Codings) that it takes over from the Bundle it came in.

    Returns:
        The sensitive class if labels, category or type name exactly one; `restricted` if they name two, because a
        viewer of the one must not learn the other; else the class of its category or type; else 0, `other`.

    >>> VOCABULARY.record_class(class_of({"resourceType": "Immunization"})).code
    'immunizations'
    """
    labels = set(_labels(inherited))
    parts = [resource, *(part for part in _list(resource.get("contained")) if isinstance(part, Mapping))]
    for part in parts:
        labels.update(_labels(security_labels(part)))
    own = _ordinary(resource)
    sensitive = {row.number for row in (_ordinary(part) for part in parts) if row is not None and row.is_sensitive}
    sensitive |= {_BY_LABEL[label].number for label in labels if label != _HOW_MUCH}
    if not sensitive and _HOW_MUCH in labels:
        return _RESTRICTED
    if sensitive:
        return sensitive.pop() if len(sensitive) == 1 else _RESTRICTED
    return OTHER if own is None else own.number


def security_labels(resource: Mapping[str, Any]) -> Iterator[object]:
    """The Codings that label a resource as a whole: `meta.security` and what older elements say of the same."""
    meta = resource.get("meta")
    if isinstance(meta, Mapping):
        yield from _list(meta.get("security"))
    if resource.get("resourceType") == "Composition" and "confidentiality" in resource:
        yield {"system": VOCABULARY.systems["confidentiality"][0], "code": resource["confidentiality"]}
    if resource.get("resourceType") == "DocumentReference":
        for concept in _list(resource.get("securityLabel")):
            yield from _codings(concept)


def is_label(coding: object) -> bool:
    """Whether a Coding is a security label that the vocabulary puts into a class."""
    return any(True for _ in _labels([coding]))


def _labels(codings: Iterable[object]) -> Iterator[tuple[str, str]]:
    for coding in codings:
        if not isinstance(coding, Mapping) or not isinstance(coding.get("code"), str):
            continue
        system = coding.get("system")
        # A label without its system is taken for any that it could be: to hide too much can be undone.
        kinds = ("act", "confidentiality") if system is None else (_LABEL_SYSTEMS.get(str(system), ""),)
        yield from ((kind, coding["code"]) for kind in kinds if (kind, coding["code"]) in _BY_LABEL)


def _ordinary(resource: Mapping[str, Any]) -> RecordClass | None:
    """The class by category, else by type; a sensitive one goes first, then the order of the resource."""
    found = [
        _BY_CATEGORY[key]
        for concept in _list(resource.get("category"))
        for coding in _codings(concept)
        for key in [(_uri(coding.get("system")), str(coding.get("code")))]
        if key in _BY_CATEGORY
    ]
    found.sort(key=lambda row: not row.is_sensitive)
    return found[0] if found else _BY_TYPE.get(str(resource.get("resourceType")))


def _uri(system: object) -> str:
    uri = str(system)
    return VOCABULARY.aliases.get(uri, uri)


def _codings(concept: object) -> Iterator[Mapping[str, Any]]:
    if isinstance(concept, Mapping):
        yield from (coding for coding in _list(concept.get("coding")) if isinstance(coding, Mapping))


def _list(value: object) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
