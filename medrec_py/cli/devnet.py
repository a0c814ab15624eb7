"""Commands about a development network on this machine: up, down, status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from medrec_py.cli import output
from medrec_py.cli.options import command
from medrec_py.cli.output import Shown
from medrec_py.cli.session import Session
from medrec_py.errors import InvalidInput

if TYPE_CHECKING:
    from medrec_py.devnet.network import Devnet, DevnetStatus

_Folder = Annotated[
    str | None, typer.Option("--folder", envvar="MEDREC_DEVNET", help="Where its files are.", show_default="per user")
]


def add_to(app: typer.Typer, panel: str) -> None:
    """Adds these commands."""
    devnet = typer.Typer(help="A network of your own on loopback: Anvil, Kubo and the contracts.", no_args_is_help=True)
    app.add_typer(devnet, name="devnet", rich_help_panel=panel)

    @command(devnet, "up", example='eval "$(medrec devnet up)"', network=False, account=False)
    def up(
        session: Session,
        folder: _Folder = None,
        rpc_port: Annotated[int | None, typer.Option("--rpc-port", help="Anvil's port.", show_default="8545")] = None,
        ipfs_port: Annotated[int | None, typer.Option("--ipfs-port", help="Kubo's port.", show_default="5001")] = None,
        ports: Annotated[
            str | None, typer.Option("--ports", help="`auto` takes other ports where these are taken.")
        ] = None,
    ) -> Shown:
        """Start what isn't running, deploy, and print the environment for the other commands."""
        from medrec_py.devnet.network import Devnet, as_shell

        if ports not in (None, "auto"):
            raise InvalidInput(f"--ports is {ports!r}.", hint="It can only be auto; else use --rpc-port, --ipfs-port.")
        network = Devnet(folder, rpc_port=rpc_port, ipfs_port=ipfs_port, auto_ports=ports == "auto")
        status = network.up()
        return Shown({**status.to_json(), "environment": network.environment}, lambda: [as_shell(network.environment)])

    @command(devnet, "down", example="medrec devnet down", network=False, account=False)
    def down(session: Session, folder: _Folder = None) -> Shown:
        """End it. What it holds is kept for the next time."""
        network = _devnet(folder)
        stopped = network.down()
        sentence = f"Stopped: {', '.join(stopped)}." if stopped else "Nothing was running."
        return Shown({"stopped": list(stopped), "folder": str(network.folder)}, lambda: [output.done(sentence)])

    @command(devnet, "status", example="medrec devnet status", network=False, account=False)
    def status(session: Session, folder: _Folder = None) -> Shown:
        """Ask both servers; exits with 1 unless all of it is up."""
        found = _devnet(folder).status()
        return Shown(found.to_json(), lambda: _status(found), code=0 if found.is_up else 1)


def _devnet(folder: str | None) -> Devnet:
    from medrec_py.devnet.network import Devnet

    return Devnet(folder)


def _status(found: DevnetStatus) -> list[Any]:
    rows = [[item.name, item.state, item.port or "", item.pid or "", item.says] for item in found.servers]
    deployed = "The contracts stand." if found.is_deployed else "The contracts are not deployed."
    return [output.table(("Server", "State", "Port#", "Process#", "Says"), rows, empty=""), deployed]
