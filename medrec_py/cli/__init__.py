"""The command line: every verb of the SDK, spoken aloud. It parses, calls and prints, and decides nothing."""

from medrec_py.cli.entry import main

__all__ = ["main"]
