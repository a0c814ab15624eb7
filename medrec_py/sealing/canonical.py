"""Records as bytes: canonical NDJSON, compressed with zstd; and back, without trusting whoever compressed them.

Each resource is one line of canonical JSON (`medrec_py.types.json_values`): members sorted, numbers as they were read,
so that 1.10 comes back as 1.10. What can't come back equal is refused before it is sealed.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, Final

import zstandard

from medrec_py.errors import ContentInvalid, ContentTooLarge, InvalidInput, InvalidJson
from medrec_py.types.json_values import MAX_DEPTH, JsonObject, Number, canonical, parse

LEVEL: Final = 3
"""zstd's own default: on FHIR NDJSON higher levels gain a few percent for several times the time."""


_SCALARS: Final = frozenset({str, int, float, bool, type(None), Number})


class _PerThread(threading.local):
    """One context a thread: making one costs more than a small record, sharing one isn't safe."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=LEVEL, write_content_size=True, write_checksum=False)
        self.decompressor = zstandard.ZstdDecompressor()


_ZSTD: Final = _PerThread()


def compress(data: bytes) -> bytes:
    """One zstd frame that says how long its content is."""
    return _ZSTD.compressor.compress(data)


def decompress(data: bytes | memoryview, limit: int) -> bytes:
    """The content of exactly one zstd frame.

    Args:
        data: The frame.
        limit: Bytes of content that are allowed; not more memory than that is ever asked for.

    Raises:
        ContentTooLarge: The frame announces more.
        ContentInvalid: Not one frame, empty, damaged, or silent about its length.
    """
    try:
        announced = zstandard.frame_content_size(data)
        if announced < 1:
            raise ContentInvalid("A compressed frame is empty, or doesn't say how long its content is.")
        if announced > limit:
            raise ContentTooLarge(
                f"{len(data)} bytes would expand to {announced}, more than the {limit} allowed.",
                announced=announced,
                limit=limit,
            )
        return _ZSTD.decompressor.decompress(data, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise ContentInvalid(f"Compressed content is damaged: {error}.") from None


def require_json_object(resource: Any) -> None:  # noqa: ANN401 - whatever the caller handed in
    """Refuses what Python's encoder quietly turned into something else, or could write and nobody read.

    For a value that was written already, and so contains itself nowhere.

    Raises:
        InvalidJson: No object, a member whose name is no string, a tuple, or nesting beyond `MAX_DEPTH`.
    """
    if not isinstance(resource, dict):
        raise InvalidJson(f"{type(resource).__name__} is not a JSON object.")
    level: list[Any] = [resource]
    for _ in range(MAX_DEPTH):
        inner: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                try:
                    "".join(value)  # the quickest way to find a name that is no string
                except TypeError:
                    raise InvalidJson("An object has a member whose name is not a string.") from None
                inner += [item for item in value.values() if type(item) not in _SCALARS]
            elif isinstance(value, list):
                inner += [item for item in value if type(item) not in _SCALARS]
            elif isinstance(value, tuple):
                raise InvalidJson("A tuple is not a JSON value.")
        if not inner:
            return
        level = inner
    raise InvalidJson(f"It is nested more than {MAX_DEPTH} levels deep.")


def write_records(resources: Sequence[JsonObject]) -> bytes:
    """The NDJSON of resources, in their order.

    Raises:
        InvalidInput: No resource, or something that isn't a JSON object, or JSON that wouldn't come back equal
            (a member whose name is no string, a tuple, NaN, half of a surrogate pair, nesting beyond 128 levels).
    """
    if isinstance(resources, dict | str | bytes) or not resources:
        raise InvalidInput("There is nothing to seal.", hint="Hand in a list with at least one JSON object.")
    lines = []
    for position, resource in enumerate(resources):
        try:
            lines.append(canonical(resource))
            require_json_object(resource)
        except InvalidJson as error:
            raise InvalidJson(f"Resource {position}: {error.message}", position=position) from None
    lines.append(b"")
    return b"\n".join(lines)


def read_records(data: bytes) -> tuple[JsonObject, ...]:
    """What `write_records` wrote.

    Raises:
        ContentInvalid: Anything that `write_records` would not have written.
    """
    if not data.endswith(b"\n"):
        raise ContentInvalid("The records of a parcel don't end with a line's end.")
    resources = []
    for position, line in enumerate(data[:-1].split(b"\n"), start=1):
        try:
            value = parse(line, source="A parcel's records", first_line=position)
        except InvalidJson as error:
            raise ContentInvalid(error.message, line=position) from None
        if not isinstance(value, dict):
            raise ContentInvalid(f"Line {position} of a parcel's records is not a JSON object.", line=position)
        resources.append(value)
    return tuple(resources)
