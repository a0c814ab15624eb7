"""Options that many commands have, and how a command is made: its own parameters, these, and an example in its help."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Annotated, Any, Final, TypeVar

import typer

from medrec_py.cli import output
from medrec_py.cli.output import Shown


class Role(StrEnum):
    """As whom a command acts, where several could."""

    patient = "patient"
    provider = "provider"
    viewer = "viewer"


@dataclass(frozen=True, slots=True)
class Options:
    """What was said about network, account and output; None for what was not."""

    json: bool = False
    rpc: str | None = None
    store: str | None = None
    deployment: str | None = None
    home: str | None = None
    account: str | None = None
    keyfile: str | None = None
    ape: str | None = None
    password_file: str | None = None
    root_file: str | None = None
    relayer: str | None = None
    wallet_mode: bool = False


_NETWORK = "Network"
_ACCOUNT = "Account"

JSON: Final = Annotated[bool, typer.Option("--json", help="Print one JSON document.", rich_help_panel="Output")]
_NETWORK_OPTIONS: Final[dict[str, Any]] = {
    "rpc": Annotated[
        str | None,
        typer.Option("--rpc", envvar="MEDREC_RPC", help="JSON-RPC address of a node.", rich_help_panel=_NETWORK),
    ],
    "store": Annotated[
        str | None,
        typer.Option(
            "--store",
            envvar="MEDREC_STORE",
            help="With --rpc: a folder or Kubo RPC addresses, separated by commas.",
            rich_help_panel=_NETWORK,
        ),
    ],
    "deployment": Annotated[
        str | None,
        typer.Option(
            "--deployment",
            envvar="MEDREC_DEPLOYMENT",
            help="With --rpc: the deployment's file, or the folder of them.",
            show_default="deployments",
            rich_help_panel=_NETWORK,
        ),
    ],
    "home": Annotated[
        str | None,
        typer.Option(
            "--home",
            envvar="MEDREC_HOME",
            help="Folder of the embedded network, or with --rpc of index and outbox.",
            rich_help_panel=_NETWORK,
        ),
    ],
}
_ACCOUNT_OPTIONS: Final[dict[str, Any]] = {
    "account": Annotated[
        str | None,
        typer.Option(
            "--account",
            "-a",
            envvar="MEDREC_ACCOUNT",
            help="Who acts: a name (`medrec account list`), a key file, or ape:ALIAS.",
            rich_help_panel=_ACCOUNT,
        ),
    ],
    "keyfile": Annotated[
        str | None, typer.Option("--keyfile", help="Who acts: an Ethereum key file.", rich_help_panel=_ACCOUNT)
    ],
    "ape": Annotated[str | None, typer.Option("--ape", help="Who acts: an account of ape.", rich_help_panel=_ACCOUNT)],
    "password_file": Annotated[
        str | None,
        typer.Option(
            "--password-file",
            envvar="MEDREC_PASSWORD_FILE",
            help="File with the key file's password; else MEDREC_PASSWORD, else you are asked.",
            rich_help_panel=_ACCOUNT,
        ),
    ],
}
_ROLE_OPTIONS: Final[dict[str, Any]] = {
    "root_file": Annotated[
        str | None,
        typer.Option(
            "--root-file",
            envvar="MEDREC_ROOT_FILE",
            help="Root key file, for a wallet whose signatures differ (`medrec root new`).",
            rich_help_panel=_ACCOUNT,
        ),
    ],
    "relayer": Annotated[
        str | None,
        typer.Option(
            "--relayer",
            envvar="MEDREC_RELAYER",
            help="Who pays for signed acts: as --account, or addresses of relayers (`medrec relay`), tried in turn.",
            rich_help_panel=_ACCOUNT,
        ),
    ],
    "wallet_mode": Annotated[
        bool,
        typer.Option(
            "--wallet-mode", help="The patient's subject is the wallet's own address.", rich_help_panel=_ACCOUNT
        ),
    ],
}
_DEFAULTS: Final = {item.name: item.default for item in fields(Options)}

Command = TypeVar("Command", bound=Callable[..., Shown])


def command(
    app: typer.Typer,
    name: str,
    *,
    example: str,
    panel: str | None = None,
    network: bool = True,
    account: bool = True,
    role: bool = True,
) -> Callable[[Command], Command]:
    """Makes a command of a function that takes a `Session` and its own parameters, and gives back what is shown.

    Args:
        app: Where it belongs.
        name: Its name.
        example: A line that works, for the help.
        panel: Heading under which the help lists it.
        network: Whether it has the options about the network.
        account: Whether it has the options about the account.
        role: Whether it has those that say how the account acts in its role, too.
    """

    def made(function: Command) -> Command:
        from medrec_py.cli.session import Session

        shared: dict[str, Any] = dict(_NETWORK_OPTIONS if network else {})
        shared |= _ACCOUNT_OPTIONS if account else {}
        shared |= _ROLE_OPTIONS if account and role else {}
        shared["json"] = JSON

        def run(**values: Any) -> int:  # noqa: ANN401 (whatever the command's parameters are)
            options = Options(**{given: values.pop(given) for given in shared})
            with Session(options) as session:
                shown = function(session, **values)
            output.show(shown, is_json=options.json)
            return shown.code

        own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
        parameters = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
        parameters += [
            inspect.Parameter(given, inspect.Parameter.KEYWORD_ONLY, default=_DEFAULTS[given], annotation=annotation)
            for given, annotation in shared.items()
        ]
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        run.__doc__ = inspect.getdoc(function)
        app.command(name, epilog=f"Example: {example}", rich_help_panel=panel)(run)
        return function

    return made
