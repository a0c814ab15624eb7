"""What is inside a sealed object, once it is open.

    kind (1) ‖ description's length (2) ‖ description ‖ body ‖ zeros up to a Padmé length ‖ body's length (8)

The length stands at the end, so that a file can be sealed while it comes in, before anybody knows how long it is; the
last chunk is the first that a reader opens anyway.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from medrec_py.crypto.stream import StreamReader
from medrec_py.errors import ContentInvalid, InvalidInput, InvalidJson
from medrec_py.sealing.padding import padme
from medrec_py.types.json_values import JsonObject, canonical, parse

MAX_CONTENT_TYPE_BYTES: Final = 255
MAX_NAME_BYTES: Final = 1024

_HEAD_BYTES: Final = 3
_LENGTH_BYTES: Final = 8


class Kind(IntEnum):
    """What a parcel holds."""

    RECORDS = 1
    BLOB = 2


_KINDS: Final = frozenset(Kind)


@dataclass(frozen=True, slots=True)
class Frame:
    """Where things are in an open object; all of it checked.

    Attributes:
        kind: What it holds.
        content_type: Of a blob: its media type.
        name: Of a blob: what to call it.
        body_start: Where the body begins.
        body_bytes: How long it is.
    """

    kind: Kind
    content_type: str
    name: str
    body_start: int
    body_bytes: int

    @property
    def padding_start(self) -> int:
        """Where the zeros begin."""
        return self.body_start + self.body_bytes


def head(kind: Kind, description: bytes = b"") -> bytes:
    """What goes before the body."""
    return bytes((kind,)) + len(description).to_bytes(2, "big") + description


def tail(unpadded: int, body_bytes: int) -> tuple[int, bytes]:
    """What goes after the body: how many zeros, and the length.

    Args:
        unpadded: Bytes of head and body together.
        body_bytes: Bytes of the body.
    """
    least = unpadded + _LENGTH_BYTES
    return padme(least) - least, body_bytes.to_bytes(_LENGTH_BYTES, "big")


def wrap(kind: Kind, body: bytes) -> bytes:
    """A whole frame in memory, without a description."""
    opening = head(kind)
    zeros, length = tail(len(opening) + len(body), len(body))
    return b"".join((opening, body, bytes(zeros), length))


def describe(content_type: str, name: str) -> bytes:
    """The description of a blob.

    Raises:
        InvalidInput: No content type, or one of the two is too long.
    """
    if not content_type or len(content_type.encode(errors="replace")) > MAX_CONTENT_TYPE_BYTES:
        raise InvalidInput(
            f"A content type has 1 to {MAX_CONTENT_TYPE_BYTES} bytes; {content_type[:40]!r} has not.",
            hint="Use application/octet-stream when nothing better is known.",
        )
    if len(name.encode(errors="replace")) > MAX_NAME_BYTES:
        raise InvalidInput(f"A name has at most {MAX_NAME_BYTES} bytes; {name[:40]!r}… has more.")
    return canonical({"content_type": content_type, "name": name})


def read_frame(reader: StreamReader) -> Frame:
    """Reads head and tail of an open object.

    Raises:
        ParcelTampered: The chunks that hold them aren't authentic.
        ContentInvalid: Not a frame.
    """
    opening = reader.read(0, _HEAD_BYTES)
    if len(opening) < _HEAD_BYTES or opening[0] not in _KINDS:
        raise ContentInvalid(f"An opened object is of no known kind ({opening[:1].hex() or 'empty'}).")
    kind = Kind(opening[0])
    description_bytes = int.from_bytes(opening[1:], "big")
    body_start = _HEAD_BYTES + description_bytes
    length_start = reader.size - _LENGTH_BYTES
    if body_start > length_start:
        raise ContentInvalid("An opened object is too short for what it says it holds.")
    body_bytes = int.from_bytes(reader.read(length_start, _LENGTH_BYTES), "big")
    zeros, _ = tail(body_start + body_bytes, 0)
    if body_start + body_bytes + zeros != length_start:
        raise ContentInvalid(f"An opened object of {reader.size} bytes can't hold a body of {body_bytes} bytes.")
    description = reader.read(_HEAD_BYTES, description_bytes)
    content_type, name = ("", "") if kind is Kind.RECORDS else _read_description(description)
    if kind is Kind.RECORDS and description:
        raise ContentInvalid("An opened object holds records and describes them as something else.")
    return Frame(kind, content_type, name, body_start, body_bytes)


def require_zeros(padding: bytes | memoryview) -> None:
    """Refuses padding that hides something.

    Raises:
        ContentInvalid: Not all zeros.
    """
    if padding != bytes(len(padding)):
        raise ContentInvalid("The padding of an opened object holds something else than zeros.")


def _read_description(description: bytes) -> tuple[str, str]:
    try:
        value = parse(description, source="A blob's description")
        fields: JsonObject = value if isinstance(value, dict) else {}
        content_type, name = fields["content_type"], fields["name"]
        if not isinstance(content_type, str) or not isinstance(name, str):
            raise ContentInvalid("A blob's description holds something else than text.")
        if describe(content_type, name) != description:
            raise ContentInvalid("A blob's description isn't written in the one way it is written here.")
    except (InvalidJson, InvalidInput, KeyError) as error:
        raise ContentInvalid(f"A blob's description can't be read: {error}.") from None
    return content_type, name
