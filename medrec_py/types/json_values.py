"""JSON values, read and written so that nothing of them changes on the way.

FHIR gives meaning to how a number is written (1.10 is not 1.1: its precision is clinical), so a number that Python
would round or shorten is read as a `Number`, a `Decimal` that remembers its text. Preserved on the way are:

* strings, code point for code point (no Unicode normalisation; U+0000 as an escape included);
* numbers, character for character: `1.10`, `1E5`, `-0`, `1e400` and integers of any length;
* the order of arrays, and the difference between an absent member, `null`, `[]` and `{}`.

Not preserved, because JSON says that they carry no meaning: white space, the order of members, which escape spells a
character. Two values are the same exactly when their `canonical` bytes are; Python's own `==` is weaker (`True == 1`).

What JSON leaves undefined is refused rather than guessed at: a member named twice, `NaN` and `Infinity`, surrogates
without their partner, text that is not UTF-8.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeAlias

from medrec_py.errors import InvalidJson

JsonValue: TypeAlias = "bool | int | float | Decimal | str | list[JsonValue] | dict[str, JsonValue] | None"
JsonObject: TypeAlias = "dict[str, JsonValue]"

MAX_DEPTH: Final = 128
"""Levels of nesting that are read: HL7's own examples need 14; the Python encoder stops somewhere below 1,000."""

_SAFE_RECURSION: Final = 30_000
"""Up to this recursion limit the decoder ends in a `RecursionError`; above it overruns an 8 MiB stack and the process
dies. Python begins with 1,000, but importing py-ecc, which py-evm does, sets 100,000."""

_EXACT_INT_DIGITS: Final = 18
"""Integers up to this many characters become `int`; longer ones stay text, so that no parser's limits matter."""

_MARK: Final = "\ud800"
"""Opens a number's text while it travels through the encoder as a string. It can't be part of any valid string."""

_MARKED: Final = re.compile(f'"{_MARK}([^"]*)"')
_STRINGS_AND_BRACKETS: Final = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\Z)|[\[\]{}]', re.DOTALL)
_SURROGATE_ESCAPE: Final = re.compile(r"\\u[dD][89a-fA-F]")
_LONE_SURROGATE: Final = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)


class Number(Decimal):
    """A JSON number that is written again exactly as it was read.

    Attributes:
        text: The number as it stood in the document.
    """

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Number:
        """Reads the text of a JSON number.

        Raises:
            InvalidJson: The exponent is beyond what any decimal arithmetic can hold.
        """
        try:
            number = super().__new__(cls, text)
        except InvalidOperation:
            raise InvalidJson(f"the number {text[:40]} is beyond the range of decimal arithmetic.") from None
        number.text = text
        return number

    def __reduce__(self) -> tuple[type[Number], tuple[str]]:
        return (type(self), (self.text,))


def parse(data: bytes | str, *, source: str = "input", first_line: int = 1, max_depth: int = MAX_DEPTH) -> JsonValue:
    """Reads one JSON document.

    Args:
        data: UTF-8 bytes, with or without a byte order mark, or text.
        source: What the document is called in error messages.
        first_line: Number of the document's first line, for a document that is a line of a file.
        max_depth: Levels of nesting allowed.

    Raises:
        InvalidJson: Not one JSON document; the message names line and column.
    """
    text = decode(data, source=source, first_line=first_line) if isinstance(data, bytes) else data
    if sys.getrecursionlimit() > _SAFE_RECURSION and _depth_of_text(text) > max_depth:
        raise _too_deep(source, first_line, max_depth)
    try:
        value: JsonValue = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        line = first_line + error.lineno - 1
        raise InvalidJson(
            f"{source} is not valid JSON at line {line}, column {error.colno}: {error.msg}.",
            source=source,
            line=line,
            column=error.colno,
        ) from None
    except RecursionError:
        raise _too_deep(source, first_line, max_depth) from None
    except InvalidJson as error:
        raise InvalidJson(
            f"{source}, from line {first_line}: {error.message}", source=source, line=first_line
        ) from None
    if not _is_within_depth(value, max_depth):
        raise _too_deep(source, first_line, max_depth)
    if _SURROGATE_ESCAPE.search(text) or (isinstance(data, str) and not _is_encodable(text)):
        _refuse_lone_surrogates(text, value, source, first_line)
    return value


def decode(data: bytes, *, source: str = "input", first_line: int = 1) -> str:
    """UTF-8 bytes as text, without a byte order mark.

    Raises:
        InvalidJson: Not UTF-8; the message names the byte and its line.
    """
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise InvalidJson(f"{source} is UTF-16, but FHIR's JSON is UTF-8.", hint="Convert it to UTF-8.", source=source)
    try:
        return str(data, "utf-8-sig")
    except UnicodeDecodeError as error:
        # With utf-8-sig the position counts from behind the mark.
        offset = error.start + (3 if data[:3] == b"\xef\xbb\xbf" else 0)
        line = first_line + data.count(b"\n", 0, offset)
        raise InvalidJson(
            f"{source} is not UTF-8: byte {offset} (0x{data[offset]:02x}), on line {line}.",
            source=source,
            offset=offset,
            line=line,
        ) from None


def canonical(value: JsonValue) -> bytes:
    """The one way to write a JSON value.

    Members sorted by code point, no white space, UTF-8, numbers as they were read. Escaped are only the quotation
    mark, the backslash and characters below U+0020. Unlike RFC 8785 it keeps the text of numbers, because FHIR gives
    it meaning.

    Raises:
        InvalidJson: Something in it is not a JSON value: NaN, an infinity, a lone surrogate, another type.
    """
    numbers = 0

    def mark(item: object) -> str:
        nonlocal numbers
        if not isinstance(item, Decimal):
            raise InvalidJson(f"{type(item).__name__} is not a JSON value.")
        if not item.is_finite():
            raise InvalidJson(f"{item} is not a JSON number.")
        numbers += 1
        return _MARK + (item.text if isinstance(item, Number) else str(item))

    try:
        text = json.dumps(
            value,
            ensure_ascii=False,
            check_circular=False,
            allow_nan=False,
            sort_keys=True,
            separators=(",", ":"),
            default=mark,
        )
    except (ValueError, TypeError) as error:
        raise InvalidJson(f"Not a JSON value: {error}.") from None
    except RecursionError:
        raise InvalidJson("The value is nested too deeply to be written, or contains itself.") from None
    if numbers and text.count(_MARK) == numbers:
        text = _MARKED.sub(r"\1", text)
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise InvalidJson("A string contains half of a surrogate pair, which UTF-8 can't hold.") from None


def canonical_lines(values: Iterable[JsonValue]) -> bytes:
    r"""Canonical NDJSON: the `canonical` bytes of each value, each followed by one ``\n``."""
    return b"".join(canonical(value) + b"\n" for value in values)


def same(first: JsonValue, second: JsonValue) -> bool:
    """Whether two values are the same JSON value, to the digit."""
    return canonical(first) == canonical(second)


def _integer(text: str) -> int | Number:
    return Number(text) if len(text) > _EXACT_INT_DIGITS or text == "-0" else int(text)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidJson(f"an object has two members named {twice!r}; one of them would be lost.")
    return members


def _constant(text: str) -> None:
    raise InvalidJson(f"{text} is not a JSON value.")


_DECODER: Final = json.JSONDecoder(
    parse_float=Number, parse_int=_integer, parse_constant=_constant, object_pairs_hook=_members
)


def _containers(values: Iterable[JsonValue]) -> Iterator[dict[str, Any] | list[Any]]:
    for value in values:
        if type(value) is dict or type(value) is list:
            yield value


def _is_within_depth(value: JsonValue, max_depth: int) -> bool:
    level = list(_containers([value]))
    for _ in range(max_depth):
        if not level:
            return True
        level = [
            inner
            for outer in level
            for inner in (outer.values() if type(outer) is dict else outer)
            if type(inner) is dict or type(inner) is list
        ]
    return not level


def _depth_of_text(text: str) -> int:
    """The deepest nesting in what may be JSON, counted without nesting anything."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return 0  # can't be deeper than that, and needs no closer look
    depth = deepest = 0
    for token in _STRINGS_AND_BRACKETS.finditer(text):
        if token[0] in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif token[0] in "]}":
            depth -= 1
    return deepest


def _too_deep(source: str, first_line: int, max_depth: int) -> InvalidJson:
    return InvalidJson(
        f"{source}, from line {first_line}, is nested more than {max_depth} levels deep.",
        hint="No FHIR resource needs that; the file is damaged or hostile.",
        source=source,
        line=first_line,
        max_depth=max_depth,
    )


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _refuse_lone_surrogates(text: str, value: JsonValue, source: str, first_line: int) -> None:
    try:
        json.dumps(value, ensure_ascii=False, check_circular=False, default=str).encode()
    except UnicodeEncodeError:
        found = _LONE_SURROGATE.search(text)
        line = first_line + (text.count("\n", 0, found.start()) if found else 0)
        raise InvalidJson(
            f"{source} has half of a surrogate pair in a string near line {line}; no text can contain it.",
            source=source,
            line=line,
        ) from None
