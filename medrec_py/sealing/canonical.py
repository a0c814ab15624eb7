"""Records as bytes: canonical NDJSON, compressed with zstd; and back, without trusting whoever compressed them.

Each resource is one line of canonical JSON (`medrec_py.types.json_values`): members sorted, numbers as they were read,
so that 1.10 comes back as 1.10. What can't come back equal is refused before it is sealed.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, Final

import zstandard

from medrec_py.errors import ContentInvalid, ContentTooLarge, InputTooLarge, InvalidInput, InvalidJson
from medrec_py.types.json_values import MAX_DEPTH, JsonObject, Number, canonical, parse

LEVEL: Final = 3
"""zstd's own default: on FHIR NDJSON higher levels gain a few percent for several times the time."""

MAX_EXPANDED: Final = 1 << 26
"""Bytes of records in one parcel. Lots are cut at 4 MiB, so only a resource that is larger by itself comes near, such
as one with a file of 47 MiB inline. Images and the like are blobs, which have no limit."""

MAX_VALUES: Final = 1 << 21
"""Commas and opening brackets in the records of one parcel, of which every JSON value but the first has one before it.
FHIR has one in 20 to 30 bytes, so a lot has under 300,000; a hostile parcel has one in 2, and each takes 70 bytes or
more of memory once it is read."""

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
        InputTooLarge: More bytes or values than readers take from one parcel.
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
    data = b"\n".join(lines)
    values = count_values(data)
    if len(data) > MAX_EXPANDED or values > MAX_VALUES:
        raise InputTooLarge(
            f"{len(data):,} bytes with up to {values:,} values are more than one parcel holds ({MAX_EXPANDED:,} bytes, "
            f"{MAX_VALUES:,} values).",
            hint="Seal fewer resources together; keep a large file as a blob, outside the resource that names it.",
            max_bytes=MAX_EXPANDED,
            max_values=MAX_VALUES,
        )
    return data


def count_values(data: bytes) -> int:
    """The most JSON values that NDJSON can hold, found without reading it; commas in texts count along."""
    return data.count(b",") + data.count(b"[") + data.count(b"{")


def read_records(data: bytes) -> tuple[JsonObject, ...]:
    """What `write_records` wrote.

    Raises:
        ContentInvalid: Anything that `write_records` would not have written.
        ContentTooLarge: More values than it would have written; nothing of it was read.
    """
    values = count_values(data)
    if values > MAX_VALUES:
        raise ContentTooLarge(
            f"The records of a parcel hold up to {values} values, more than the {MAX_VALUES} allowed.",
            announced=values,
            limit=MAX_VALUES,
        )
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
