"""Where the programs of servers are."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from medrec_py.errors import ServerMissing


def find_program(name: str) -> str:
    """The path of the program `name`: on PATH, else where `make setup` puts it in a clone of this project.

    Raises:
        ServerMissing: It is in neither.
    """
    tool = Path(__file__).resolve().parents[2] / ".tools" / "bin" / name
    found = shutil.which(name) or (str(tool) if os.access(tool, os.X_OK) else None)
    if found is None:
        raise ServerMissing(f"There is no program `{name}` on PATH, nor at {tool}.", program=name)
    return found
