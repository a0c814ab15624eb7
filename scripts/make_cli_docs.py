"""Writes `docs/cli.md` from the commands themselves: what each does, its parameters, and an example.

python scripts/make_cli_docs.py            writes the page
python scripts/make_cli_docs.py --check    exits 1 if the page says anything else
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from medrec_py.cli.app import app
from medrec_py.cli.options import Options

PAGE = Path(__file__).resolve().parent.parent / "docs" / "cli.md"
SHARED = {name.replace("_", "-") for name in Options.__dataclass_fields__}
"""Options that many commands have: described once."""

HEAD = """# The command line

`medrec COMMAND --help` says the same. This page is made by `scripts/make_cli_docs.py`.

Exit codes: 0 done; 1 a rule said no, bytes don't match, or a server didn't answer; 2 what was given can't be used; 70 a
defect of the program; 130 interrupted. With `--json` every command prints one JSON document, errors included:
`{"error": …, "message": …, "hint": …, "facts": {…}}`.
"""


def walk(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:  # noqa: ANN401 (typer's)
    """Every command with the words that lead to it."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield path, command
        return
    for name, member in inner.items():
        yield from walk(member, (*path, name))


def row(parameter: Any) -> str:  # noqa: ANN401 (typer's)
    """A parameter as a line of a table."""
    is_option = parameter.opts[0].startswith("-")
    name = (
        ", ".join([*parameter.opts, *parameter.secondary_opts]) if is_option else (parameter.metavar or parameter.name)
    )
    shown = parameter.show_default if isinstance(parameter.show_default, str) else None
    notes = [
        "required" if parameter.required else "",
        f"default: {shown}" if shown else "",
        f"`{parameter.envvar}`" if parameter.envvar else "",
    ]
    note = "; ".join(note for note in notes if note)
    words = (parameter.help or "").replace("|", "\\|")
    return f"| `{name}` | {words}{f' ({note})' if note else ''} |"


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    shared: dict[str, str] = {}
    for path, command in walk(typer.main.get_command(app)):
        own = []
        for parameter in command.params:
            if parameter.name == "help":
                continue
            # The demonstration has options of these names with meanings of its own.
            if parameter.opts[0].removeprefix("--") in SHARED and path != ("demo",):
                shared.setdefault(parameter.opts[0], row(parameter))
            else:
                own.append(row(parameter))
        parts.append(f"\n## medrec {' '.join(path)}\n\n{command.help}\n")
        if own:
            parts.append("\n| | |\n| --- | --- |\n" + "\n".join(own) + "\n")
        parts.append(f"\n```sh\n{command.epilog.removeprefix('Example: ')}\n```\n")
    parts.insert(1, "\n## Options of many commands\n\n| | |\n| --- | --- |\n" + "\n".join(shared.values()) + "\n")
    return "".join(parts)


def main() -> int:
    """Writes the page, or compares it."""
    parser = argparse.ArgumentParser(description="Makes the reference of the command line.")
    parser.add_argument("--check", action="store_true", help="compare with the page instead of writing it")
    text = page()
    if parser.parse_args().check:
        same = PAGE.is_file() and PAGE.read_text("utf-8") == text
        print(
            f"{PAGE.name} {'is what the commands say' if same else 'differs from what the commands say: make it anew'}"
        )
        return 0 if same else 1
    PAGE.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
