"""Whose a resource is: the one patient that all resources of an input must belong to.

The elements that say so are those of FHIR R4's patient compartment that name whom a record is about, not who wrote,
paid or informed. A resource without any (an organisation, a practitioner, a medication) belongs to nobody and supports
those that do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl

from medrec_py.errors import WrongPatient

_OWNER_ELEMENTS: Final = ("patient", "subject", "beneficiary", "individual", "for", "candidate")
"""Top-level elements that name whom a resource of any type is about."""

_MIXED_ELEMENTS: Final[dict[str, tuple[str, ...]]] = {
    "Appointment": ("participant.actor",),
    "AppointmentResponse": ("actor",),
    "AuditEvent": ("agent.who", "entity.what"),
    "Group": ("member.entity",),
    "MessageHeader": ("focus",),
    "Person": ("link.target",),
    "Provenance": ("target",),
    "Schedule": ("actor",),
    "SupplyRequest": ("deliverTo",),
}
"""Elements that name whom the resource is about only where they refer to a Patient; they refer to others as well."""

_PATIENT_URL: Final = re.compile(r"(?:(?P<base>https?://.+)/)?Patient/(?P<id>[^/?#]+)(?:/_history/[^/]+)?")
_OTHER_URL: Final = re.compile(r"(?:https?://.+/)?(?!Patient/)[A-Z][A-Za-z]+/[^/]+(?:/_history/[^/]+)?")
_RESTFUL_URL: Final = re.compile(r"(?P<base>https?://.+)/[A-Z][A-Za-z]+/[^/]+")
_NAMED: Final = 10


@dataclass(frozen=True, slots=True)
class Entry:
    """A resource and where it stood.

    Attributes:
        resource: The resource.
        full_url: The Bundle entry's fullUrl, if any.
        where: Its place in the input: `entry[3]`, `line 7`, `line 7, entry[3]`, or empty for a single resource.
        labels: Security labels of the Bundles around it.
    """

    resource: dict[str, Any]
    full_url: str | None
    where: str
    labels: tuple[dict[str, Any], ...] = ()

    @property
    def title(self) -> str:
        """The resource as messages call it."""
        name = str(self.resource.get("resourceType"))
        identity = self.resource.get("id")
        name = f"{name}/{identity}" if identity is not None else self.full_url or name
        return f"{name} ({self.where})" if self.where else name


@dataclass(slots=True)
class _Person:
    """One patient, under all names that the input has for them."""

    reference: str
    names: set[str] = field(default_factory=set)
    same_as: _Person | None = None

    @property
    def root(self) -> _Person:
        """The person that stands for all those that were found to be the same."""
        person = self
        while person.same_as is not None:
            person = person.same_as
        return person


@dataclass(slots=True)
class _Persons:
    """The patients of an input, found by the names that references use."""

    entries: Sequence[Entry]
    people: list[_Person] = field(default_factory=list)
    by_name: dict[str, _Person] = field(default_factory=dict)
    by_entry: dict[int, _Person] = field(default_factory=dict)
    """The person whom a Patient resource describes, by the identity of its entry."""
    others: set[str] = field(default_factory=set)
    """fullUrls of resources that are no Patient."""

    def __post_init__(self) -> None:
        patients = [entry for entry in self.entries if entry.resource.get("resourceType") == "Patient"]
        for entry in patients:
            names = list(_names_of_patient(entry))
            self.by_entry[id(entry)] = self._new_person(names[0] if names else entry.title, names)
        self.others = {entry.full_url for entry in self.entries if entry.full_url and id(entry) not in self.by_entry}
        for entry in patients:
            self._merge_links(entry)

    def _new_person(self, reference: str, names: Sequence[str]) -> _Person:
        person = _Person(reference)
        self.people.append(person)
        for name in names:
            # Two Patient resources may share an identifier (a family's policy) and stay two patients.
            if self.by_name.setdefault(name, person) is person:
                person.names.add(name)
        return person

    def _person(self, *names: str) -> _Person:
        """The person of the first name that is known; somebody new under all of them when none is."""
        known = next((self.by_name[name] for name in names if name in self.by_name), None)
        return known.root if known else self._new_person(names[0], names)

    def _merge_links(self, entry: Entry) -> None:
        """Patient.link says that two Patient resources are of one human being."""
        for link in _list(entry.resource.get("link")):
            target = link.get("other") if isinstance(link, Mapping) else None
            other = self.find(target, entry, is_mixed=True) if isinstance(target, Mapping) else None
            person = self.by_entry[id(entry)].root
            if other is not None and other.root is not person:
                person.names |= other.root.names
                other.root.same_as = person

    def find(self, reference: Mapping[str, Any], entry: Entry, *, is_mixed: bool) -> _Person | None:
        """The person that a Reference means; None when it means no patient."""
        text = reference.get("reference")
        if isinstance(text, str) and text:
            return self._find_text(text, reference, entry, is_mixed)
        identifier = reference.get("identifier")
        if not isinstance(identifier, Mapping) or "value" not in identifier:
            return None
        if reference.get("type") not in (None, "Patient") or (is_mixed and reference.get("type") is None):
            return None
        return self._person(_identifier_name(identifier))

    def _find_text(self, text: str, reference: Mapping[str, Any], entry: Entry, is_mixed: bool) -> _Person | None:
        if text.startswith("#"):
            return self._find_contained(text[1:], entry)
        if text.startswith("Patient?"):
            identifiers = [value for key, value in parse_qsl(text[8:]) if key == "identifier"]
            return self._person(f"identifier {identifiers[0]}" if identifiers else text)
        match = _PATIENT_URL.fullmatch(text)
        if match:
            return self._find_url(match["base"], "Patient/" + match["id"], entry)
        if text in self.by_name:
            return self.by_name[text].root
        says_other = reference.get("type") not in (None, "Patient")
        if text in self.others or says_other or _OTHER_URL.fullmatch(text):
            return None
        # Something like a urn:uuid that the input doesn't hold: in an element that names the patient, it is taken for
        # one, so that a stranger's record can't slip in under a name that can't be followed.
        return None if is_mixed and reference.get("type") is None else self._person(text)

    def _find_url(self, base: str | None, relative: str, entry: Entry) -> _Person:
        own = _RESTFUL_URL.fullmatch(entry.full_url or "")
        if base is None and own:
            # A relative reference is relative to the server that its own entry came from (R4, Bundle, 2.36.4).
            base = own["base"]
        if base is None:
            return self._person(relative)
        absolute = f"{base}/{relative}"
        known = self.by_name.get(relative)
        if absolute not in self.by_name and known and not any(name.startswith("http") for name in known.root.names):
            known.root.names.add(absolute)
            self.by_name[absolute] = known
        # Another server's patient of the same id is another patient.
        return self._person(absolute, *[relative] * (known is None))

    def _find_contained(self, identity: str, entry: Entry) -> _Person | None:
        for part in _list(entry.resource.get("contained")):
            if isinstance(part, Mapping) and part.get("id") == identity:
                if part.get("resourceType") != "Patient":
                    return None
                names = [_identifier_name(item) for item in _identifiers(part)]
                name = f"#{identity} contained in {entry.title}"
                return self._person(*names, name)
        return None


def check_one_patient(entries: Sequence[Entry], patient: str | None = None) -> str | None:
    """Makes sure that all resources are about one patient.

    Args:
        entries: The resources.
        patient: Reference of the patient (`Patient/1`, a URL, a urn); the one whom most resources are about, and of
            several the first, when not given.

    Returns:
        Reference of the patient; None when no resource is about any.

    Raises:
        WrongPatient: Some are about another; they are named.
    """
    persons = _Persons(entries)
    owned = [(entry, list(_owners(entry, persons))) for entry in entries]
    if patient is not None:
        anchor = Entry({}, None, "")
        chosen = persons.find({"reference": patient}, anchor, is_mixed=False) or _Person(patient)
    else:
        counts: dict[int, int] = {}
        for _, owners in owned:
            for owner in owners:
                counts[id(owner)] = counts.get(id(owner), 0) + 1
        candidates = [person for person in persons.people if id(person) in counts]
        if not candidates:
            return None
        chosen = max(candidates, key=lambda person: counts[id(person)])
    strangers = [(entry, owner) for entry, owners in owned for owner in owners if owner is not chosen]
    if not strangers:
        return patient or chosen.reference
    named = [f"{entry.title} of {owner.reference}" for entry, owner in strangers]
    more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
    raise WrongPatient(
        f"{len({id(entry) for entry, _ in strangers})} of {len(entries)} resources belong to another patient than "
        f"{patient or chosen.reference}: {'; '.join(named[:_NAMED])}{more}.",
        patient=patient or chosen.reference,
        resources=[{"resource": entry.title, "patient": owner.reference} for entry, owner in strangers],
    )


def _owners(entry: Entry, persons: _Persons) -> Iterator[_Person]:
    """The people whom a resource, or one that it contains, is about; each once."""
    seen: list[_Person] = []
    if id(entry) in persons.by_entry:
        seen.append(persons.by_entry[id(entry)].root)
    for part in [entry.resource, *_list(entry.resource.get("contained"))]:
        if not isinstance(part, Mapping):
            continue
        for element in _OWNER_ELEMENTS:
            for reference in _list(part.get(element)):
                _add(seen, persons, reference, entry, is_mixed=False)
        for path in _MIXED_ELEMENTS.get(str(part.get("resourceType")), ()):
            for reference in _walk(part, path.split(".")):
                _add(seen, persons, reference, entry, is_mixed=True)
    yield from seen


def _add(seen: list[_Person], persons: _Persons, reference: object, entry: Entry, *, is_mixed: bool) -> None:
    person = persons.find(reference, entry, is_mixed=is_mixed) if isinstance(reference, Mapping) else None
    if person is not None and not any(person is known for known in seen):
        seen.append(person)


def _names_of_patient(entry: Entry) -> Iterator[str]:
    """Every name under which others may refer to a Patient resource; the plainest first."""
    identity = entry.resource.get("id")
    if isinstance(identity, str):
        yield f"Patient/{identity}"
    if entry.full_url:
        yield entry.full_url
    if isinstance(identity, str):
        yield f"urn:uuid:{identity}"
    for identifier in _identifiers(entry.resource):
        yield _identifier_name(identifier)


def _identifiers(patient: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for identifier in _list(patient.get("identifier")):
        if isinstance(identifier, Mapping) and "value" in identifier:
            yield identifier


def _identifier_name(identifier: Mapping[str, Any]) -> str:
    return f"identifier {identifier.get('system') or ''}|{identifier['value']}"


def _walk(value: object, path: Sequence[str]) -> Iterator[object]:
    for item in _list(value):
        if not path:
            yield item
        elif isinstance(item, Mapping):
            yield from _walk(item.get(path[0]), path[1:])


def _list(value: object) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
