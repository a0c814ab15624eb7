"""What people write on a command line, into what the SDK takes; and what the SDK gives back, into rows."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medrec_py.errors import InvalidInput

if TYPE_CHECKING:
    from medrec_py.chain import TransactionReceipt
    from medrec_py.client import Grant, ReadRecord, Scheduled
    from medrec_py.types.terms import Operation


def listed(values: Sequence[str] | None) -> list[str] | None:
    """Codes, given one by one or separated by commas; None when none were given."""
    codes = [code.strip() for value in values or () for code in value.split(",") if code.strip()]
    return codes or None


def operations(values: Sequence[str] | None) -> Operation:
    """Operations by name; READ when none were given.

    Raises:
        UnknownCode: There is no such operation.
    """
    from medrec_py.types.terms import Operation
    from medrec_py.types.vocabulary import VOCABULARY

    return Operation(VOCABULARY.operation_mask(listed(values) or ["READ"]))


def digest(text: str, what: str) -> bytes:
    """32 bytes from hexadecimal digits, with or without 0x.

    Raises:
        InvalidInput: It is something else.
    """
    digits = text.lower().removeprefix("0x")
    if len(digits) != 64 or any(digit not in "0123456789abcdef" for digit in digits):
        raise InvalidInput(f"{text!r} is no {what}.", hint="It is 64 hexadecimal digits.", value=text)
    return bytes.fromhex(digits)


def source(path: str) -> str | bytes:
    """A file's path as it is; the bytes of standard input for `-`."""
    return sys.stdin.buffer.read() if path == "-" else path


def text_from(path: str) -> str:
    """The text of a file, or of standard input for `-`.

    Raises:
        InvalidInput: It can't be read.
    """
    if path == "-":
        return sys.stdin.read()
    try:
        return Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise InvalidInput(f"{path} can't be read: {reason}.", hint="Check the path.", path=path) from error


def counted(number: int, noun: str) -> str:
    """A number and its noun, in the plural where it has to be."""
    from medrec_py.demo.words import counted as in_words

    return in_words(number, noun)


def short(address: str) -> str:
    """An address as tables show it."""
    return f"{address[:8]}…{address[-4:]}"


def receipt_json(receipt: TransactionReceipt) -> dict[str, Any]:
    """A receipt as a JSON object."""
    return {
        "act": receipt.name,
        "transaction": "0x" + receipt.hash.hex(),
        "block_number": receipt.block_number,
        "gas_used": receipt.gas_used,
        "calldata_bytes": receipt.calldata_bytes,
    }


def outcome_json(outcome: TransactionReceipt | Scheduled) -> dict[str, Any]:
    """What an administrative act led to, as a JSON object."""
    executable_at = getattr(outcome, "executable_at", None)
    if executable_at is None:
        return receipt_json(outcome)  # type: ignore[arg-type]
    return {"scheduled": outcome.act, "executable_at": executable_at, **receipt_json(outcome.receipt)}  # type: ignore[union-attr]


def grant_rows(grants: Iterable[Grant]) -> list[list[str]]:
    """Grants as rows: id, viewer, state, classes, until."""
    rows = []
    for grant in grants:
        shown = grant.to_json()
        rows.append(
            [
                shown["id"][:18] + "…",
                short(grant.viewer),
                shown["state"],
                ", ".join(shown["classes"]),
                ", ".join(shown["purposes"]),
                shown["expires_at"] or "until revoked",
            ]
        )
    return rows


GRANT_COLUMNS = ("Grant", "Viewer", "State", "Classes", "Purposes", "Until")
RECORD_COLUMNS = ("Date", "Class", "Record", "Author", "")


def record_rows(records: Iterable[ReadRecord]) -> list[list[str]]:
    """Records as rows: date, class, reference, author, and whether they were retracted."""
    rows = []
    for item in records:
        shown = item.to_json()
        date = str(item.record.date_first) if item.record.is_dated else ""
        day = f"{date[:4]}-{date[4:6]}-{date[6:]}" if date else "—"
        note = "entered in error" if item.retracted else ""
        rows.append([day, shown["class"], item.record.reference, short(item.author), note])
    return rows


def write_ndjson(records: Iterable[ReadRecord], path: str) -> None:
    """Writes resources one a line, as canonical JSON; `-` for standard output."""
    from medrec_py.types.json_values import canonical_lines

    content = canonical_lines(item.record.resource for item in records)
    if path == "-":
        sys.stdout.buffer.write(content)
    else:
        Path(path).write_bytes(content)
