"""The patient's page as a command: served from here, or written as files for somewhere else."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medrec_py.cli import output
from medrec_py.cli.options import command
from medrec_py.cli.output import Shown
from medrec_py.cli.session import Session
from medrec_py.errors import InvalidInput

if TYPE_CHECKING:
    from medrec_py.web import Backend, DemoWallet, Listener

PORT = 8460


def add_to(app: typer.Typer, panel: str) -> None:
    """Adds the command."""

    @command(app, "web", example="medrec web --port 8460", panel=panel, role=False)
    def web(
        session: Session,
        host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
        port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port; 0 takes a free one.")] = PORT,
        relay: Annotated[
            list[str] | None, typer.Option("--relay", help="Address of a relayer elsewhere; may be repeated.")
        ] = None,
        public_url: Annotated[
            str | None, typer.Option("--public-url", help="Where people find it, when a proxy stands before it.")
        ] = None,
        allow_origin: Annotated[
            list[str] | None,
            typer.Option("--allow-origin", help="A page elsewhere that may use this server; may be repeated."),
        ] = None,
        demo_wallet: Annotated[
            str | None,
            typer.Option("--demo-wallet", help="Offer the page a wallet with this account. For demonstrations only."),
        ] = None,
        export: Annotated[
            Path | None, typer.Option("--export", help="Write the page as files into this folder instead of serving.")
        ] = None,
    ) -> Shown:
        """Serve the patient's page, with its node, its objects and its relayer behind it.

        Over a node (--rpc, --store) or over the embedded network of --home. The account pays for signed acts; the
        embedded network's own does where none is named. It listens on loopback: for other people put a proxy with TLS
        before it and name its address with --public-url.
        """
        from medrec_py.web import Page, PageConfig, find_page, serve_site

        find_page()  # said before a network is opened
        with ExitStack() as opened:
            backend = opened.enter_context(_backend(session))
            own = () if backend.payer is None else ("relay/",)
            config = PageConfig(backend.deployment, relay=(*own, *(relay or ())))
            if export is not None:
                if public_url is None:
                    raise InvalidInput(
                        "Files can't tell where their server is.", hint="Name its address with --public-url."
                    )
                based = config.based_at(public_url)
                written = Page.load().export(export, based.to_json(), based.origins())
                sentence = f"{len(written)} files are in {export}; the page will ask {public_url}."
                return Shown(
                    {"folder": str(export), "files": len(written), "server": public_url},
                    lambda: [output.done(sentence)],
                )
            listener = opened.enter_context(_listener(host, port))
            wallet = _wallet(session, backend, demo_wallet, listener)
            serve_site(
                backend,
                config,
                listener,
                journal=_journal(session, backend),
                wallet=wallet,
                public_url=public_url,
                origins=allow_origin or (),
                announce=_said,
            )
            return Shown({"url": public_url or listener.url, "ended": True}, lambda: [output.done("Ended.")])


def _backend(session: Session) -> Backend:
    from medrec_py.web import Backend

    options = session.options
    if options.rpc is None:
        if options.store is not None or options.deployment is not None:
            raise InvalidInput(
                "A store or a deployment was named, but no node.", hint="Name it with --rpc or MEDREC_RPC."
            )
        backend = Backend.embedded(session.home)
        backend.payer = session.account or backend.payer
        return backend
    if options.store is None:
        raise InvalidInput(
            "A node was named, but no store.",
            hint="Name a folder or a Kubo RPC address with --store or MEDREC_STORE.",
        )
    return Backend.connect(options.rpc, options.store, options.deployment or "deployments", payer=session.account)


def _journal(session: Session, backend: Backend) -> Path | None:
    """Where what the relayer signed is kept: the file that `medrec relay` takes for the same account."""
    if session.options.rpc is None or backend.payer is None:
        return None
    name = f"relay-{backend.chain.chain_id}-{backend.payer.address[2:10].lower()}.sqlite"
    return session.home / name


def _listener(host: str, port: int) -> Listener:
    from medrec_py.web import Listener

    return Listener(host, port)


def _wallet(session: Session, backend: Backend, name: str | None, listener: Listener) -> DemoWallet | None:
    if name is None:
        return None
    if not listener.is_loopback:
        raise InvalidInput(
            "A demonstration's wallet is served on loopback only: whoever reaches it can use it.",
            hint="Leave --host or --demo-wallet out.",
        )
    from medrec_py.web import DemoWallet

    return DemoWallet(session.keyring.account(name), backend.chain)


def _said(url: str) -> None:
    print(f"The page is at {url} (Ctrl-C ends it).", file=sys.stderr, flush=True)
