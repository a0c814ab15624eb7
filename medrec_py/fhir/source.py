"""From a path, bytes or a stream to JSON documents: gunzipped within a limit, decoded, one document or one a line."""

from __future__ import annotations

import gzip
import io
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final, TypeAlias

from medrec_py.errors import InputTooLarge, InvalidInput, InvalidJson
from medrec_py.types.json_values import MAX_DEPTH, JsonValue, decode, parse

Source: TypeAlias = "str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO"

_GZIP_MAGIC: Final = b"\x1f\x8b"
_STEP: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """How large an input may be; beyond them it is refused before it can exhaust the machine.

    Attributes:
        max_bytes: Bytes of the whole input, once decompressed. Reading takes up to ten times as much memory.
        max_resources: Resources in the input.
        max_depth: Levels of nesting in one JSON document.
    """

    max_bytes: int = 512 << 20
    max_resources: int = 1_000_000
    max_depth: int = MAX_DEPTH


@dataclass(frozen=True, slots=True)
class Document:
    """One JSON document of an input.

    Attributes:
        value: The document.
        line: Line of the input on which it begins.
        is_line: Whether the input is NDJSON.
    """

    value: JsonValue
    line: int
    is_line: bool


def name_of(source: Source) -> str:
    """What to call a source in messages: the name of the file, else `input`."""
    path = source if isinstance(source, str | os.PathLike) else getattr(source, "name", None)
    return os.path.basename(os.fspath(path)) if isinstance(path, str | os.PathLike) else "input"


def read_bytes(source: Source, limits: Limits, name: str) -> bytes:
    """All bytes of a source, decompressed if they are gzip.

    Raises:
        InvalidInput: The file can't be opened, its gzip data is damaged, or the source is nothing that can be read.
        InputTooLarge: More bytes than the limit allows; no more than that is ever held.
    """
    if not isinstance(source, str | os.PathLike | bytes | bytearray | memoryview) and not hasattr(source, "read"):
        raise InvalidInput(
            f"A {type(source).__name__} is no input for records.",
            hint="Give a path, bytes or a binary stream; make a dict bytes with json.dumps(resource).encode().",
        )
    try:
        if isinstance(source, bytes | bytearray | memoryview):
            return _limited(io.BytesIO(source), limits, name)
        if isinstance(source, str | os.PathLike):
            with open(source, "rb") as file:
                return _limited(file, limits, name)
        return _limited(source, limits, name)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InvalidInput(
            f"{name} is damaged gzip data: {error}.", hint="Fetch or compress it again.", source=name
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InvalidInput(
            f"{name} can't be read: {reason}.", hint="Check the path and its permissions.", source=name
        ) from None


def documents(data: bytes, limits: Limits, name: str) -> Iterator[Document]:
    """The JSON documents of an input: the whole, or one a line if the first line is one and more follows.

    Raises:
        InvalidJson: Not JSON; line and column are named.
    """
    text = decode(data, source=name)
    start = len(text) - len(text.lstrip(" \t\r\n"))
    if start == len(text):
        raise InvalidJson(f"{name} is empty.", hint="Hand in a FHIR Bundle, a resource, or NDJSON.", source=name)
    first_line = 1 + text.count("\n", 0, start)
    text = text[text.rfind("\n", 0, start) + 1 :]
    end = text.find("\n")
    if end < 0 or not text[end:].strip(" \t\r\n"):
        yield Document(_whole(text, name, first_line, limits), first_line, False)
        return
    try:
        first = parse(text[:end], source=name, first_line=first_line, max_depth=limits.max_depth)
    except InvalidJson:
        # Not one document a line, so one document over many lines; if it is neither, this names where it breaks.
        yield Document(_whole(text, name, first_line, limits), first_line, False)
        return
    yield Document(first, first_line, True)
    line = first_line
    while end >= 0:
        start, line = end + 1, line + 1
        end = text.find("\n", start)
        row = text[start : end if end >= 0 else len(text)].strip(" \t\r")
        if row:
            yield Document(parse(row, source=name, first_line=line, max_depth=limits.max_depth), line, True)


def _whole(text: str, name: str, first_line: int, limits: Limits) -> JsonValue:
    return parse(text, source=name, first_line=first_line, max_depth=limits.max_depth)


def _limited(stream: BinaryIO, limits: Limits, name: str) -> bytes:
    head = stream.read(len(_GZIP_MAGIC))
    while 0 < len(head) < len(_GZIP_MAGIC) and (more := stream.read(len(_GZIP_MAGIC) - len(head))):
        head += more
    if not isinstance(head, bytes):
        raise InvalidInput(f"{name} is a text stream.", hint="Open it in binary mode.", source=name)
    whole: _Rejoined | gzip.GzipFile = _Rejoined(head, stream)
    if head == _GZIP_MAGIC:
        whole = gzip.GzipFile(fileobj=_Rejoined(head, stream), mode="rb")
    pieces, total = [], 0
    while piece := whole.read(_STEP):
        total += len(piece)
        if total > limits.max_bytes:
            raise InputTooLarge(
                f"{name} holds more than {limits.max_bytes:,} bytes{' once decompressed' * (head == _GZIP_MAGIC)}.",
                source=name,
                max_bytes=limits.max_bytes,
            )
        pieces.append(piece)
    return b"".join(pieces)


class _Rejoined(io.RawIOBase):
    """A stream with bytes put back in front of it, for sources that can't be rewound."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head = head
        self._rest = rest

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes; as many as come at once."""
        if not self._head:
            return self._rest.read(size)
        piece, self._head = (self._head, b"") if size < 0 else (self._head[:size], self._head[size:])
        return piece if size >= 0 else piece + self._rest.read(-1)
