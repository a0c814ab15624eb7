"""Writes `docs/errors.md` from `medrec_py/errors.py` and from the places that raise.

`python scripts/make_error_docs.py` writes it; with `--check` it writes nothing and exits with 1 when the page differs.
Every error is there with its message, its facts, why it happens and how to solve it. What is not in a class itself (the
messages of errors that aren't a contract's, and their facts) is read from the `raise` statements of the package.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from medrec_py import errors
from medrec_py.errors import ContractRefusal, IntegrityError, InvalidInput, MedRecError, Refused, Unavailable

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "errors.md"
SOURCE = ROOT / "medrec_py"
EXIT_CODES = {InvalidInput: 2, Refused: 1, IntegrityError: 1, Unavailable: 1}
NOT_FACTS = {"hint", "message"}

HEAD = """\
# Errors

Every error of MedRec says four things: a message with the values in it, the same values as `facts` (fit for JSON), why
it happens, and what to do next (`hint`). All derive from `MedRecError`; the second level decides what a program does
with one, and the exit code of the command line:

| family | means | exit code |
|---|---|---|
| `InvalidInput` | what was handed in can't be used: correct it | 2 |
| `Refused` | a rule says no: the chain's, a grant's, or the lack of a key | 1 |
| `IntegrityError` | bytes, ledger or chain don't match their commitment: trust none of it | 1 |
| `Unavailable` | a server can't be reached; nothing was lost: try again | 1 |

Errors of contracts have the name, and as facts the arguments, of the Solidity error.

This page is made by `python scripts/make_error_docs.py` from the classes themselves.
"""


class Raised(NamedTuple):
    """What the `raise` statements of one class say."""

    messages: list[str]
    facts: list[str]


def sections() -> dict[str, list[type[MedRecError]]]:
    """The classes below the four families, by the banner they stand under in `medrec_py/errors.py`, in its order."""
    text = Path(inspect.getfile(errors)).read_text()
    found: dict[str, list[type[MedRecError]]] = {}
    title = ""
    for line in text.splitlines():
        if banner := re.match(r"# ── (.*?) ─+$", line):
            title = banner[1]
        elif definition := re.match(r"class (\w+)\(", line):
            error = getattr(errors, definition[1])
            if error not in (MedRecError, *EXIT_CODES):
                found.setdefault(title, []).append(error)
    return found


def raised() -> dict[str, Raised]:
    """Messages and facts by class name, from every call of an error's class in the package."""
    found: dict[str, Raised] = defaultdict(lambda: Raised([], []))
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                if isinstance(getattr(errors, name, None), type):
                    messages, facts = found[name]
                    for message in _messages(node.args[0] if node.args else None):
                        if message not in messages:
                            messages.append(message)
                    for keyword in node.keywords:
                        if keyword.arg and keyword.arg not in NOT_FACTS and keyword.arg not in facts:
                            facts.append(keyword.arg)
    return found


def _messages(node: ast.expr | None) -> Iterator[str]:
    """The sentence of a literal or an f-string, its expressions shortened to a name in braces."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        parts = [
            str(part.value) if isinstance(part, ast.Constant) else "{" + _name(getattr(part, "value", part)) + "}"
            for part in node.values
        ]
        yield "".join(parts)
    elif isinstance(node, ast.IfExp):
        yield from _messages(node.body)
        yield from _messages(node.orelse)


def _name(node: ast.AST) -> str:
    """One word for an expression: the outermost name in it, of a call that of its argument."""
    if isinstance(node, ast.Call) and node.args:
        return _name(node.args[0])
    names = [part.id if isinstance(part, ast.Name) else getattr(part, "attr", "") for part in ast.walk(node)]
    return next((name.strip("_").lower() for name in names if name not in ("", "self", "join")), "…")


def entry(error: type[MedRecError], says: Raised) -> str:
    """The page's paragraph about one class."""
    parent = error.__mro__[1].__name__
    family = next(base for base in error.__mro__ if base in EXIT_CODES)
    lines = [f"### {error.__name__}", "", f"`{parent}`, exit code {EXIT_CODES[family]}.", ""]
    messages, facts = list(says.messages), list(says.facts)
    if issubclass(error, ContractRefusal):
        if error.sentence:
            messages = [error.sentence]
        if error.signature:
            lines[2] = f"`{parent}`, exit code {EXIT_CODES[family]}; in Solidity `{error.signature}`."
            facts = [argument.split()[-1] for argument in re.findall(r"[^(,)]+", error.signature)[1:]]
    lines += [f"- Message: {_code(message)}" for message in messages]
    if facts:
        lines.append(f"- Facts: {', '.join(f'`{fact}`' for fact in facts)}")
    lines.append(f"- Why: {' '.join(inspect.getdoc(error).split('Attributes:')[0].split())}")  # type: ignore[union-attr]
    if error.default_hint:
        lines.append(f"- How to solve: {error.default_hint}")
    return "\n".join(lines) + "\n"


def _code(text: str) -> str:
    """Text as inline code, whatever backticks are in it."""
    one_line = " ".join(text.split())
    return f"`` {one_line} ``" if "`" in one_line else f"`{one_line}`"


def page() -> str:
    """The whole page."""
    says = raised()
    parts = [HEAD]
    for title, classes in sections().items():
        parts.append(f"## {title[:1].upper()}{title[1:]}\n")
        parts += [entry(error, says.get(error.__name__, Raised([], []))) for error in classes]
    return "\n".join(parts)


def main() -> int:
    """Writes the page, or compares it; the exit code is 1 when it is out of date."""
    new = page()
    if "--check" in sys.argv[1:]:
        if PAGE.exists() and PAGE.read_text() == new:
            print(f"{PAGE.relative_to(ROOT)} is up to date")
            return 0
        print(f"{PAGE.relative_to(ROOT)} is out of date: python scripts/make_error_docs.py")
        return 1
    PAGE.write_text(new)
    print(f"wrote {PAGE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
