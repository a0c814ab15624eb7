"""Every command of the program, found by walking it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import typer

from medrec_py.cli.app import app


@dataclass(frozen=True)
class Found:
    """A command and the words that lead to it."""

    path: tuple[str, ...]
    command: Any

    @property
    def name(self) -> str:
        return " ".join(self.path)

    @property
    def example(self) -> list[str]:
        """The words behind `medrec <command>` in the example of the help."""
        line = self.command.epilog.removeprefix("Example: ")
        if line.startswith("eval"):
            line = line.split("$(", 1)[1].split(")", 1)[0]
        words = shlex.split(line)
        assert words[: len(self.path) + 1] == ["medrec", *self.path]
        return words[len(self.path) + 1 :]


def walk(command: Any = None, path: tuple[str, ...] = ()) -> Iterator[Found]:
    command = typer.main.get_command(app) if command is None else command
    inner = getattr(command, "commands", None)
    if inner is None:
        yield Found(path, command)
    else:
        for name, member in inner.items():
            yield from walk(member, (*path, name))


COMMANDS = list(walk())
NAMES = [found.name for found in COMMANDS]


def only_json(text: str) -> Any:
    """The one JSON document that a text is; anything else on stdout is an error."""
    return json.loads(text)
