"""What is printed: one JSON document on stdout, or text and tables for people; errors; progress on a terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from rich.console import RenderableType

Progress: TypeAlias = Callable[[str, int, int], None]

_PIPED_WIDTH = 180
"""Characters of a line where nobody says how wide it may be."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a command has to say.

    Attributes:
        document: For programs: the one JSON document.
        parts: For people: what is printed, made only when it is needed; a string as it is, to the last character.
        code: The exit code.
    """

    document: Any
    parts: Callable[[], Iterable[RenderableType]] = field(default=lambda: ())
    code: int = 0


def show(shown: Shown, *, is_json: bool) -> None:
    """Prints what a command has to say."""
    if is_json:
        sys.stdout.write(text_of(shown.document) + "\n")
        return
    from rich.console import Console

    # Into a file or a pipe tables keep the width that they need, as far as that is reasonable.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _PIPED_WIDTH)
    for part in shown.parts():
        if isinstance(part, str):
            sys.stdout.write(part + "\n")
        else:
            console.print(part)
    sys.stdout.flush()


def show_error(error: Mapping[str, Any], *, is_json: bool) -> None:
    """Prints an error: as the one JSON document on stdout, or for people on stderr."""
    if is_json:
        sys.stdout.write(text_of(error) + "\n")
        return
    from rich.console import Console
    from rich.markup import escape

    console = Console(stderr=True, highlight=False)
    console.print(f"[bold red]{escape(str(error['error']))}[/] {escape(str(error['message']))}", soft_wrap=True)
    facts = {name: value for name, value in error.get("facts", {}).items() if _adds(str(error["message"]), value)}
    for name, value in facts.items():
        shown = text_of(value).strip('"') if not isinstance(value, str) else value
        console.print(f"  [dim]{escape(name)}[/] {escape(shown[:2000])}", soft_wrap=True)
    if error.get("hint"):
        console.print(f"[cyan]→[/] {escape(str(error['hint']))}", soft_wrap=True)


def text_of(document: object) -> str:
    """A document as JSON text. Where it holds FHIR numbers it is canonical, so that not a digit of them changes."""
    try:
        return json.dumps(document, indent=2, ensure_ascii=False, default=_plain, allow_nan=False)
    except _ExactNumber:
        from medrec_py.types.json_values import canonical

        return canonical(_plained(document)).decode()


class _ExactNumber(Exception):
    """A document holds a number that only canonical JSON writes as it was read."""


def _plain(value: object) -> Any:  # noqa: ANN401 (JSON)
    if isinstance(value, Decimal):
        raise _ExactNumber
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, (set, frozenset, tuple)):
        return sorted(value) if not isinstance(value, tuple) else list(value)
    if hasattr(value, "to_json"):
        return value.to_json()
    return str(value)


def _plained(value: Any) -> Any:  # noqa: ANN401 (JSON)
    if isinstance(value, dict):
        return {str(name): _plained(member) for name, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plained(member) for member in value]
    return value if value is None or isinstance(value, (bool, int, float, str, Decimal)) else _plained(_plain(value))


def _adds(message: str, value: object) -> bool:
    """Whether a fact says something that the message doesn't."""
    return value not in ("", None) and str(value) not in message


# ── for people ───────────────────────────────────────────────────────────────────────────────────────────────────────


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> RenderableType:
    """Rows under headings; the sentence `empty` when there are none. Columns that end in `#` hold numbers."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    listed = [[str(cell) for cell in row] for row in rows]
    if not listed:
        return Text(empty, style="dim")
    made = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for column in columns:
        made.add_column(column.removesuffix("#"), justify="right" if column.endswith("#") else "left", overflow="fold")
    for row in listed:
        made.add_row(*(Text(cell) for cell in row))
    return made


def facts(values: Mapping[str, object]) -> RenderableType:
    """Names and values, one below the other."""
    from rich.table import Table
    from rich.text import Text

    made = Table.grid(padding=(0, 2))
    made.add_column(style="dim", no_wrap=True)
    made.add_column(overflow="fold")
    for name, value in values.items():
        made.add_row(name, Text(str(value)))
    return made


def done(sentence: str) -> RenderableType:
    """Something that worked."""
    from rich.text import Text

    return Text.assemble(("✓ ", "bold green"), sentence)


def failed(sentence: str) -> RenderableType:
    """Something that did not hold."""
    from rich.text import Text

    return Text.assemble(("✗ ", "bold red"), sentence)


@contextmanager
def progress(*, is_json: bool) -> Iterator[Progress | None]:
    """A progress bar on stderr; nothing where stderr is no terminal or a program reads along."""
    if is_json or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (
        *(SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()),
        TimeElapsedColumn(),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, Any] = {}

        def report(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield report
