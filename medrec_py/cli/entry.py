"""Where the program begins and how it ends: 0 done, 1 refused, 2 unusable as given, 70 a defect, 130 interrupted."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Final, NoReturn

import typer

from medrec_py.cli import output
from medrec_py.errors import InvalidInput, MedRecError

DONE: Final = 0
REFUSED: Final = 1
USAGE: Final = 2
DEFECT: Final = 70
"""`EX_SOFTWARE` of BSD's sysexits: not the user's doing."""
UsageError: type[Exception] = typer.BadParameter.__mro__[1]
"""What the parser raises: the base of an error that typer exports, itself not exported."""

INTERRUPTED: Final = 130
"""128 + SIGINT, as shells say it."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs the program and ends it."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    # What storage and index log about replicas is for services; here each fault is said once, by the error.
    logging.getLogger("medrec_py").addHandler(logging.NullHandler())
    sys.exit(run(given))


def run(arguments: Sequence[str]) -> int:
    """Runs the program with these arguments; gives back its exit code."""
    from medrec_py.cli.app import app

    is_json = "--json" in arguments
    command = typer.main.get_command(app)
    try:
        code = command.main(list(arguments), prog_name="medrec", standalone_mode=False)
        if code == INTERRUPTED:  # typer turns Ctrl-C into this and says nothing
            raise KeyboardInterrupt
        return code if isinstance(code, int) else DONE
    except MedRecError as error:
        output.show_error(error.to_json(), is_json=is_json)
        return USAGE if isinstance(error, InvalidInput) else REFUSED
    except UsageError as error:
        output.show_error(_usage(error), is_json=is_json)
        return USAGE
    except (KeyboardInterrupt, typer.Abort):
        output.show_error(_interrupted(), is_json=is_json)
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever was reading has gone; Python would complain about that once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return REFUSED
    except Exception as error:
        output.show_error(_defect(error), is_json=is_json)
        return DEFECT


def _usage(error: Exception) -> dict[str, object]:
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "medrec"
    message = error.format_message() if hasattr(error, "format_message") else str(error)
    return {"error": "UsageError", "message": message, "hint": f"See `{path} --help`.", "facts": {}}


def _interrupted() -> dict[str, object]:
    hint = "Nothing that was acknowledged is lost. `medrec outbox resume` finishes what was begun."
    return {"error": "Interrupted", "message": "Interrupted.", "hint": hint, "facts": {}}


def _defect(error: Exception) -> dict[str, object]:
    """An error that nobody foresaw, without its message and its variables: those may hold anything, keys included."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{os.path.basename(os.path.dirname(frame.filename))}/{os.path.basename(frame.filename)}:{frame.lineno}"
    if os.environ.get("MEDREC_TRACEBACK") == "1":
        traceback.print_exception(error)
    return {
        "error": "Defect",
        "message": f"An error of the program itself: {type(error).__name__} at {where}.",
        "hint": "Please report it. MEDREC_TRACEBACK=1 shows the whole of it, which may hold what is secret.",
        "facts": {"type": type(error).__name__, "where": where},
    }
