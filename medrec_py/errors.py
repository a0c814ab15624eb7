"""The one tree of errors: what failed, with which values, and what to do next.

Every error of this package is a `MedRecError`. Its message is one sentence of fact; `facts` holds the values that the
sentence is about; `hint` says what to do next. The tree::

    MedRecError
    ├── InvalidInput            what was handed in can't be used (exit code 2)
    ├── Refused                 a rule says no (exit code 1)
    ├── IntegrityError          bytes, ledger or chain don't match their commitment
    └── Unavailable             a server can't be reached; nothing was lost, try again

Packages add their own leaves below these four, in this file, so that the tree can be read in one place. Errors that
the contracts raise are leaves of `Refused` named like the Solidity error (see `medrec_py.chain`).
"""

from __future__ import annotations

from typing import ClassVar


class MedRecError(Exception):
    """Base of all errors of this package.

    Args:
        message: One sentence of fact, with the offending values in it.
        hint: What to do next; the class's own hint when not given.
        facts: The values the message is about, by name, fit for JSON.
    """

    default_hint: ClassVar[str] = ""

    def __init__(self, message: str, *, hint: str | None = None, **facts: object) -> None:
        super().__init__(message)
        self.message = message
        self.hint = self.default_hint if hint is None else hint
        self.facts = facts

    def __str__(self) -> str:
        """The message and, behind it, the hint."""
        return f"{self.message} {self.hint}".strip()

    def to_json(self) -> dict[str, object]:
        """The error as a JSON object: `error` (class name), `message`, `hint`, `facts`."""
        facts = {name: value.hex() if isinstance(value, bytes) else value for name, value in self.facts.items()}
        return {"error": type(self).__name__, "message": self.message, "hint": self.hint, "facts": facts}


class InvalidInput(MedRecError):
    """What was handed in can't be used."""


class Refused(MedRecError):
    """A rule says no."""


class IntegrityError(MedRecError):
    """Bytes, ledger or chain don't match their commitment."""


class Unavailable(MedRecError):
    """A server can't be reached, or too few of them."""

    default_hint = "Nothing was lost. Start the server or correct its address, then run the same again."
