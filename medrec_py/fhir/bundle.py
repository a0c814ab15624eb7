"""Reading FHIR R4: Bundles, single resources and NDJSON, plain or gzipped, into clinical records.

Nothing that describes the patient is lost or altered. A Bundle is an envelope: its entries become records of their own,
so that each can be shared on its own; a fullUrl is kept with the record (`ClinicalRecord.full_url`) unless it says no
more than the id, and security labels that only the Bundle carries go over to its entries. What describes the transport
alone (`type`, `request`, `response`, `search`, `link`, `total`) is not kept; an identifier or a signature of a Bundle
is not either, and a notice says so.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, Literal, TypeAlias

from medrec_py.errors import DuplicateResource, InputTooLarge, InvalidResource
from medrec_py.fhir.classify import class_of, is_label, security_labels
from medrec_py.fhir.dates import clinical_dates
from medrec_py.fhir.patient import Entry, check_one_patient
from medrec_py.fhir.record import ClinicalRecord, Notice, RecordSet
from medrec_py.fhir.source import Limits, Source, documents, name_of, read_bytes
from medrec_py.fhir.structure import KNOWN_TYPES, structural_issues
from medrec_py.types.json_values import canonical

Validation: TypeAlias = Literal["off", "warn", "refuse"]
Classifier: TypeAlias = Callable[[Mapping[str, Any]], int | None]

_TYPE_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9]{0,63}")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_ENVELOPE: Final = ("identifier", "signature")
_NAMED: Final = 5


def read_records(
    source: Source,
    *,
    any_patient: bool = False,
    patient: str | None = None,
    validation: Validation = "warn",
    classifier: Classifier | None = None,
    limits: Limits | None = None,
    name: str | None = None,
) -> RecordSet:
    """Reads every resource of one input, classifies and dates it, and checks that one patient owns them all.

    Args:
        source: Path of a file, its bytes, or a binary stream; JSON or NDJSON, gzipped or not (told by content).
        any_patient: Accept resources of any number of patients.
        patient: Reference of the patient whom they must belong to; found in the input when not given.
        validation: What a breach of the structure of FHIR R4 leads to: nothing, a notice, or a refusal.
        classifier: Asked first for the class of each resource; None from it means: by the vocabulary.
        limits: How large the input may be.
        name: What to call the input in messages; the name of the file, else "input".

    Raises:
        InvalidInput: The source can't be read.
        InvalidJson: Not JSON; line and column are named.
        InvalidResource: A JSON value that is not a FHIR resource; its entry or line is named.
        DuplicateResource: Two different resources of one type and id.
        WrongPatient: Resources of another patient; they are named.
        InputTooLarge: Beyond the limits.
    """
    limits = limits or Limits()
    name = name or name_of(source)
    notices: list[Notice] = []
    entries: list[Entry] = []
    for entry in _entries(source, limits, name, notices):
        if len(entries) == limits.max_resources:
            raise InputTooLarge(
                f"{name} holds more than {limits.max_resources:,} resources.", max_resources=limits.max_resources
            )
        entries.append(entry)
    kept = _without_repetitions(entries, notices)
    owner = None if any_patient else check_one_patient(kept, patient)
    records = tuple(_record(entry, classifier) for entry in kept)
    _examine(kept, records, validation, notices)
    return RecordSet(records, owner, tuple(notices), len(entries))


def record_of(
    resource: Mapping[str, Any], *, full_url: str | None = None, classifier: Classifier | None = None
) -> ClinicalRecord:
    """One resource, or a record's `document`, as a record: checked to be FHIR, classified and dated.

    Args:
        resource: A FHIR resource, or the one-entry Bundle that `ClinicalRecord.document` gives.
        full_url: The fullUrl under which others refer to it.
        classifier: As in `read_records`.

    Raises:
        InvalidResource: Not a FHIR resource, or a Bundle of another number of entries than one.
    """
    found = list(_flatten(resource, "", full_url, (), []))
    if len(found) != 1:
        raise InvalidResource(
            f"The Bundle holds {len(found)} resources, not one.", hint="Read it with read_records.", count=len(found)
        )
    return _record(found[0], classifier)


def _entries(source: Source, limits: Limits, name: str, notices: list[Notice]) -> Iterator[Entry]:
    for document in documents(read_bytes(source, limits, name), limits, name):
        where = f"line {document.line}" if document.is_line else ""
        if isinstance(document.value, list):
            raise InvalidResource(
                f"{name} is a JSON array{f' on {where}' * bool(where)}, not a FHIR resource.",
                hint="Wrap the resources in a Bundle, or write one on each line.",
            )
        yield from _flatten(document.value, where, None, (), notices)


def _flatten(
    value: object, where: str, full_url: str | None, labels: tuple[dict[str, Any], ...], notices: list[Notice]
) -> Iterator[Entry]:
    """The resources of a JSON value that must be a resource; those inside it when it is a Bundle."""
    resource = _checked(value, where)
    if resource["resourceType"] != "Bundle":
        yield Entry(resource, full_url, where, labels)
        return
    members = resource.get("entry", [])
    if not isinstance(members, list):
        raise InvalidResource(f"{_at('Bundle.entry', where)} is not an array.", where=where)
    envelope = [member for member in _ENVELOPE if member in resource]
    if envelope:
        notices.append(
            Notice(
                "envelope", where or "Bundle", f"The Bundle's {' and '.join(envelope)} cover it as a whole; not kept."
            )
        )
    own = tuple(label for label in security_labels(resource) if isinstance(label, dict) and is_label(label))
    inner = [_member(member, place) for member, place in _places(members, where)]
    # A Bundle's labels are the high-water mark of its entries'; where no entry has its own, they are all there is.
    takes_over = own if not any(_is_labelled(member.get("resource")) for member, _ in inner) else ()
    for member, place in inner:
        if member.get("resource") is None:
            notices.append(Notice("no-resource", place, f"{place} carries no resource{_request(member)}."))
            continue
        url = member.get("fullUrl")
        if url is not None and (not isinstance(url, str) or not url or _CONTROL.search(url)):
            raise InvalidResource(f"{_at('fullUrl', place)} is not a URI.", where=place)
        yield from _flatten(member["resource"], place, url, labels + takes_over, notices)


def _places(members: Iterable[object], where: str) -> Iterator[tuple[object, str]]:
    for index, member in enumerate(members):
        yield member, f"{where}{', ' if where else ''}entry[{index}]"


def _member(member: object, place: str) -> tuple[dict[str, Any], str]:
    if not isinstance(member, dict):
        raise InvalidResource(f"{place} is not a JSON object.", where=place)
    return member, place


def _request(member: Mapping[str, Any]) -> str:
    request = member.get("request")
    if not isinstance(request, Mapping):
        return ""
    return f" ({request.get('method', 'no method')} {request.get('url', '')})"


def _is_labelled(resource: object) -> bool:
    return isinstance(resource, Mapping) and any(is_label(label) for label in security_labels(resource))


def _checked(value: object, where: str) -> dict[str, Any]:
    """The value as a resource whose type and id can be written anywhere."""
    if not isinstance(value, dict):
        what = {list: "an array", str: "a string", bool: "a boolean", type(None): "null"}.get(type(value), "a number")
        raise InvalidResource(f"{_at('The value', where)} is {what}, not a FHIR resource.", where=where)
    kind = value.get("resourceType")
    if kind is None:
        members = ", ".join(list(value)[:_NAMED]) or "none"
        raise InvalidResource(
            f"{_at('The object', where)} is not a FHIR resource: it has no resourceType (its members: {members}).",
            where=where,
        )
    if not isinstance(kind, str) or not _TYPE_NAME.fullmatch(kind):
        raise InvalidResource(f"{_at('resourceType', where)} is {kind!r}, which names no type.", where=where)
    identity = value.get("id")
    if identity is not None and (not isinstance(identity, str) or not identity or _CONTROL.search(identity)):
        raise InvalidResource(f"{_at(f'The id of the {kind}', where)} is {identity!r}, not a text.", where=where)
    return value


def _at(what: str, where: str) -> str:
    return f"{what} at {where}" if where else what


def _without_repetitions(entries: Iterable[Entry], notices: list[Notice]) -> list[Entry]:
    """The entries, each identity once.

    A repetition that is identical says nothing new; two that differ can't both be right, and neither is chosen.
    """
    kept: list[Entry] = []
    first: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        keys = list(_identities(entry))
        known = next((first[key] for key in keys if key in first), None)
        if known is None:
            first.update(dict.fromkeys(keys, entry))
            kept.append(entry)
        elif canonical(known.resource) == canonical(entry.resource):
            notices.append(Notice("duplicate", entry.where, f"{entry.title} repeats {known.title}; kept once."))
        else:
            raise DuplicateResource(
                f"{known.title} and {entry.title} are two different resources of one identity.",
                first=known.title,
                second=entry.title,
            )
    return kept


def _identities(entry: Entry) -> Iterator[tuple[str, str]]:
    """What identifies a resource in its input; nothing identifies one that has neither id nor fullUrl.

    Resources of two servers are two, whatever their ids (R4, Bundle, 2.36.4); a urn is only a name inside the Bundle.
    """
    if entry.full_url:
        yield "", entry.full_url
    if "id" in entry.resource and not (entry.full_url or "").startswith("http"):
        yield entry.resource["resourceType"], entry.resource["id"]


def _record(entry: Entry, classifier: Classifier | None) -> ClinicalRecord:
    resource = entry.resource
    identity = resource.get("id")
    kind = resource["resourceType"]
    full_url = None if entry.full_url == f"urn:uuid:{identity}" else entry.full_url
    chosen = classifier(resource) if classifier else None
    date_first, date_last = clinical_dates(resource)
    if identity is not None:
        reference = f"{kind}/{identity}"
    else:
        reference = full_url or f"{kind}#{hashlib.sha256(canonical(resource)).hexdigest()[:16]}"
    return ClinicalRecord(
        resource=resource,
        resource_type=kind,
        id=identity,
        record_class=class_of(resource, entry.labels) if chosen is None else chosen,
        date_first=date_first,
        date_last=date_last,
        period=date_first // 10_000,
        reference=reference,
        full_url=full_url,
        inherited_labels=entry.labels,
    )


def _examine(
    entries: Iterable[Entry], records: Iterable[ClinicalRecord], validation: Validation, notices: list[Notice]
) -> None:
    """Notices, or a refusal, for types and structures that are not FHIR R4's."""
    problems: list[str] = []
    for entry, record in zip(entries, records, strict=True):
        if record.resource_type not in KNOWN_TYPES:
            notices.append(
                Notice("unknown-type", entry.where, f"{entry.title} is of no type of FHIR R4; kept as it is.")
            )
        elif validation != "off":
            issues = structural_issues(canonical(record.resource))
            notices.extend(Notice("structure", entry.where, f"{entry.title}: {issue}.") for issue in issues)
            problems.extend(f"{entry.title}: {issue}" for issue in issues)
    if problems and validation == "refuse":
        more = f", and {len(problems) - _NAMED} more" if len(problems) > _NAMED else ""
        raise InvalidResource(
            f"The structure of FHIR R4 is broken in {len(problems)} places: {'; '.join(problems[:_NAMED])}{more}.",
            hint="Correct them, or read with validation='warn'.",
            issues=problems,
        )
