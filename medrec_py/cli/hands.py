"""What the commands about other hands have in common: people, spans of time, answers."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from medrec_py.cli import output
from medrec_py.cli.output import Shown
from medrec_py.cli.session import Session
from medrec_py.cli.words import receipt_json
from medrec_py.errors import InvalidInput

if TYPE_CHECKING:
    from medrec_py.chain import TransactionReceipt

EXAMPLE = "0x52908400098527886E0F7030069857D2E4169EE7"
"""An address for examples."""
People = Annotated[
    list[str], typer.Argument(metavar="[NAME=]ADDRESS …", help="People, by address or account, with a name or without.")
]
Threshold = Annotated[int, typer.Option("--threshold", "-t", help="How many of them it takes.", min=2, max=16)]
Label = Annotated[str, typer.Option("--label", help="What they know the matter by; sealed to them.")]
_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1, "": 1}


def span(text: str) -> timedelta:
    """A span of time as people write it: `7d`, `12h`, `30m`, or seconds.

    Raises:
        InvalidInput: It is none.
    """
    found = re.fullmatch(r"([0-9]{1,10})([dhms]?)", text)
    if found is None:
        raise InvalidInput(
            f"{text!r} is no span of time.", hint="Write 7d, 12h, 30m or a number of seconds.", value=text
        )
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]])


def named_people(session: Session, given: list[str]) -> dict[str, str] | list[str]:
    """People by name, or without names when none was given."""
    pairs = []
    for one in given:
        name, mark, address = one.rpartition("=")
        pairs.append((name if mark else "", session.address(address)))
    names = [name for name, _ in pairs]
    if not any(names):
        return [address for _, address in pairs]
    if len(set(names)) != len(names) or not all(names):
        raise InvalidInput("People are named all or none, each by a name of their own.", hint="Write NAME=ADDRESS.")
    return dict(pairs)


def given_address(session: Session, text: str | None) -> str | None:
    """The address that an option names, or None."""
    return None if text is None else session.address(text)


def done(sentence: str, receipt: TransactionReceipt | None, **facts: Any) -> Shown:  # noqa: ANN401 (any JSON)
    """The answer of an act; without a receipt it was done before."""
    if receipt is None:
        return Shown({**facts, "transaction": None}, lambda: [output.done(f"{sentence} It was done before.")])
    return Shown({**facts, **receipt_json(receipt)}, lambda: [output.done(f"{sentence} ({receipt.gas_used:,} gas)")])
