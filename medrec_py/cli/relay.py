"""The command that relays: a server that pays for other people's signed acts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medrec_py.cli import output
from medrec_py.cli.options import command
from medrec_py.cli.output import Shown
from medrec_py.cli.session import Session
from medrec_py.errors import InvalidInput

if TYPE_CHECKING:
    from medrec_py.chain import Account, Chain

_GWEI = 10**9


def add_to(app: typer.Typer, panel: str) -> None:
    """Adds the command."""

    @command(
        app,
        "relay",
        example="medrec relay --rpc http://127.0.0.1:8545 --account relayer --port 8461",
        panel=panel,
        role=False,
    )
    def relay(
        session: Session,
        host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
        port: Annotated[int, typer.Option("--port", min=0, max=65535, help="TCP port; 0 for a free one.")] = 8461,
        journal: Annotated[
            Path | None,
            typer.Option("--journal", help="File that keeps what was signed.", show_default="in --home"),
        ] = None,
        gas_per_day: Annotated[
            int | None, typer.Option("--gas-per-day", min=0, help="Gas for everybody's acts in a UTC day.")
        ] = None,
        max_gwei: Annotated[
            int | None, typer.Option("--max-gwei", min=1, help="Most to pay for a gas, in gwei.")
        ] = None,
        confirmations: Annotated[
            int, typer.Option("--confirmations", min=1, help="Blocks after which an act counts as confirmed.")
        ] = 1,
    ) -> Shown:
        """Pay for other people's signed acts, over HTTP, until interrupted.

        What would revert is refused and costs nothing; what was accepted survives a crash. Put a server that speaks
        HTTPS in front of it where it is reached from elsewhere.
        """
        from dataclasses import replace

        from medrec_py.relay.app import create_app
        from medrec_py.relay.journal import RelayJournal
        from medrec_py.relay.limits import RelayLimits
        from medrec_py.relay.serving import serve

        chain, account = _payer(session)
        limits = RelayLimits()
        if gas_per_day is not None:
            kept = min(limits.withdrawing_gas_per_day, gas_per_day // 4)
            limits = replace(limits, gas_per_day=gas_per_day, withdrawing_gas_per_day=kept)
        if max_gwei is not None:
            limits = replace(limits, max_fee_per_gas=max_gwei * _GWEI)
        file = journal or session.home / f"relay-{chain.chain_id}-{account.address[2:10].lower()}.sqlite"
        app = create_app(chain, account, journal=RelayJournal(file), limits=limits, confirmations=confirmations)

        document = {"relayer": account.address, "chainId": chain.chain_id, "journal": str(file)}

        def ready(url: str) -> None:
            document["url"] = url
            sys.stderr.write(f"Relaying at {url}, paid by {account.address}. End it with Ctrl-C.\n")

        serve(app, host, port, ready)
        sentence = "Ended. What is on its way is carried on at the next start."
        return Shown(document, lambda: [output.done(sentence)])


def _payer(session: Session) -> tuple[Chain, Account]:
    """The chain, and who pays there."""
    options = session.options
    if options.rpc is None:
        chain = session.network.chain
        from medrec_py.chain import EmbeddedChain

        assert isinstance(chain, EmbeddedChain)  # the network is embedded where no node is named
        return chain, session.account or chain.developer
    account = session.named_account
    from medrec_py.chain import Chain, Deployment

    connected = session.keep(Chain.connect(options.rpc))
    Deployment.load(options.deployment or "deployments", connected)
    if connected.balance(account.address) == 0:
        raise InvalidInput(
            f"{account.address} holds no ether.",
            hint="Send it some: it pays for what others sign.",
            account=account.address,
        )
    return connected, account
