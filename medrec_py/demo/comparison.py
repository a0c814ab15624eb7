"""The input of the demonstration, and whether what came back is equal to it.

Whether all came back is judged from the input's own bytes, not from the records that were made of them: the resources
are taken out of their Bundles here once more, in the simplest way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import resources
from os import PathLike
from pathlib import Path

from medrec_py.errors import InvalidInput
from medrec_py.fhir import ClinicalRecord, Limits, RecordSet, read_records
from medrec_py.fhir.source import documents, read_bytes
from medrec_py.types.json_values import JsonObject, JsonValue, canonical

SHIPPED = "the shipped synthetic patient"


@dataclass(frozen=True, slots=True)
class Input:
    """What is published.

    Attributes:
        name: What it is called.
        records: The records made of it.
        resources: Canonical JSON of every resource in it, repetitions included.
        any_patient: Whether resources of more than one patient are accepted.
    """

    name: str
    records: RecordSet
    resources: tuple[bytes, ...]
    any_patient: bool

    @classmethod
    def read(cls, path: str | PathLike[str] | None, *, any_patient: bool = False) -> Input:
        """Reads a FHIR R4 Bundle, resource or NDJSON, gzipped or not.

        Args:
            path: Its file; the synthetic patient that is shipped with this package when None.
            any_patient: Accept resources of more than one patient.

        Raises:
            InvalidInput: It can't be read, is not FHIR, holds no resource, or resources of another patient: named.
        """
        if path is None:
            data, name = resources.files(__package__).joinpath("patient.json.gz").read_bytes(), SHIPPED
        else:
            name = Path(path).name
            try:
                data = Path(path).read_bytes()
            except OSError as error:
                raise InvalidInput(
                    f"{path} can't be read: {error.strerror}.", hint="Name a FHIR R4 Bundle or NDJSON file."
                ) from error
        records = read_records(data, any_patient=any_patient, name=name)
        if not records.records:
            raise InvalidInput(f"{name} holds no resource.", hint="Give a Bundle with entries, or NDJSON.")
        return cls(name, records, tuple(_resources_in(data, name)), any_patient)

    def compare(self, returned: Iterable[ClinicalRecord]) -> Comparison:
        """Compares records that came back with the input."""
        found: dict[bytes, int] = {}
        for record in returned:
            content = canonical(record.resource)
            found[content] = found.get(content, 0) + 1
        wanted = set(self.resources)
        equal = sum(1 for content in self.resources if content in found)
        foreign = sum(count for content, count in found.items() if content not in wanted)
        doubled = sum(count - 1 for content, count in found.items() if content in wanted)
        return Comparison(len(self.resources), equal, foreign, doubled)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came back, compared with the input.

    Attributes:
        wanted: Resources of the input, repetitions included.
        equal: How many of them came back equal as JSON values.
        foreign: Records that came back and are not of the input.
        doubled: Records that came back once too often.
    """

    wanted: int
    equal: int
    foreign: int
    doubled: int

    def is_exact(self, *, foreign: int = 0) -> bool:
        """Whether all came back equal, each once, and beside them only as many others as were published since."""
        return self.equal == self.wanted and self.foreign == foreign and not self.doubled


def contents(records: Iterable[ClinicalRecord]) -> set[bytes]:
    """Canonical JSON of resources, to compare sets of records by value."""
    return {canonical(record.resource) for record in records}


def _resources_in(data: bytes, name: str) -> Iterator[bytes]:
    limits = Limits()
    for document in documents(read_bytes(data, limits, name), limits, name):
        for resource in _unwrapped(document.value):
            yield canonical(resource)


def _unwrapped(value: JsonValue) -> Iterator[JsonObject]:
    if isinstance(value, dict) and value.get("resourceType") == "Bundle":
        entries = value.get("entry", [])
        for entry in entries if isinstance(entries, list) else []:
            if isinstance(entry, dict) and entry.get("resource") is not None:
                yield from _unwrapped(entry["resource"])
    elif isinstance(value, dict):
        yield value
