"""The members of sealed JSON documents, written with checks and read to the letter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from medrec_py.crypto.encoding import address
from medrec_py.errors import ContentInvalid, InvalidInput
from medrec_py.types.json_values import JsonObject, JsonValue

DIGEST_BYTES: Final = 32


def write_address(text: str) -> str:
    """An address as it was given.

    Raises:
        InvalidInput: It is none.
    """
    address(text)
    return text


def write_digest(digest: bytes) -> str:
    """32 bytes in lower-case hexadecimal.

    Raises:
        InvalidInput: Another length.
    """
    if len(digest) != DIGEST_BYTES:
        raise InvalidInput(f"A digest or id has {DIGEST_BYTES} bytes, not {len(digest)}.", digest=digest)
    return digest.hex()


def read_hex(value: JsonValue, size: int | None = DIGEST_BYTES) -> bytes:
    """Bytes from lower-case hexadecimal, `size` of them or, when None, at least one.

    Raises:
        ContentInvalid: Anything else.
    """
    try:
        data = bytes.fromhex(value) if isinstance(value, str) else b""
    except ValueError:
        data = b""
    if not data or data.hex() != value or (size is not None and len(data) != size):
        raise ContentInvalid(f"{size or 'Some'} bytes should stand here in lower-case hexadecimal and don't.")
    return data


@dataclass(frozen=True, slots=True)
class Fields:
    """The members of a JSON object, taken out one by one; what is left at the end is too much.

    Every reader raises `ContentInvalid` when the member is missing or of another form.

    Attributes:
        values: What is left.
        what: What it is, for messages.
    """

    values: JsonObject
    what: str

    @classmethod
    def of(cls, value: JsonValue, what: str) -> Self:
        """The members of a value that should be an object."""
        if not isinstance(value, dict):
            raise ContentInvalid(f"Where {what} should stand is no JSON object.")
        return cls(value, what)

    def take(self, name: str) -> JsonValue:
        """A member, whatever it is."""
        if name not in self.values:
            raise ContentInvalid(f"In {self.what}, {name} is missing.")
        return self.values.pop(name)

    def text(self, name: str, most: int | None = None) -> str:
        """A text, of `most` characters at most."""
        value = self.take(name)
        if not isinstance(value, str) or (most is not None and len(value) > most):
            raise ContentInvalid(f"In {self.what}, {name} is not a text{f' of {most} characters' if most else ''}.")
        return value

    def address(self, name: str) -> str:
        """An address."""
        value = self.text(name)
        address(value)
        return value

    def hex(self, name: str, size: int | None = DIGEST_BYTES) -> bytes:
        """Bytes; see `read_hex`."""
        return read_hex(self.take(name), size)

    def integer(self, name: str, most: int, least: int = 0) -> int:
        """A number from `least` to `most`."""
        value = self.take(name)
        if type(value) is not int or not least <= value <= most:
            raise ContentInvalid(f"In {self.what}, {name} is not a number from {least} to {most}.")
        return value

    def array(self, name: str) -> list[JsonValue]:
        """An array."""
        value = self.take(name)
        if not isinstance(value, list):
            raise ContentInvalid(f"In {self.what}, {name} is not an array.")
        return value

    def is_null(self, name: str) -> bool:
        """Whether a member is null, which is then taken out."""
        if self.values.get(name, ...) is not None:
            return False
        self.take(name)
        return True

    def done(self) -> None:
        """Makes sure that nothing is left."""
        if self.values:
            raise ContentInvalid(f"In {self.what}, {', '.join(sorted(self.values))[:80]} has no meaning.")
