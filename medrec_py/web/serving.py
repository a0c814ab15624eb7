"""Listens on a port and serves an application there until it is told to stop."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

from medrec_py.errors import InvalidInput, PortTaken
from medrec_py.web.backend import Backend
from medrec_py.web.config import PageConfig
from medrec_py.web.demo_wallet import DemoWallet
from medrec_py.web.page import Page
from medrec_py.web.site import create_site, extra_scripts

LOOPBACK_NAMES: Final = ("localhost", "127.0.0.1", "[::1]")
"""What a browser calls a server on its own machine."""


class Listener:
    """A TCP port, held from the moment it is made: so its address can be told before anything is served there.

    Args:
        host: Address or name to listen on.
        port: Port; 0 for any that is free.

    Raises:
        PortTaken: Somebody listens there.
        InvalidInput: There is no such address on this machine.
    """

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self._server: Any = None
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._socket.bind((host, port))
            self._socket.listen(128)
        except OSError as error:
            self._socket.close()
            if isinstance(error, socket.gaierror) or error.errno in (99, 101):  # EADDRNOTAVAIL, ENETUNREACH
                raise InvalidInput(f"{host} is no address of this machine.", hint="Leave --host out.") from error
            raise PortTaken(
                f"Port {port} on {host} can't be listened on: {error.strerror}.",
                hint="Name another with --port.",
                port=port,
            ) from error

    @property
    def port(self) -> int:
        """The port."""
        number: int = self._socket.getsockname()[1]
        return number

    @property
    def url(self) -> str:
        """Where a browser on this machine finds it."""
        shown = "localhost" if self.is_loopback else f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{shown}:{self.port}/"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def serve(self, application: Any) -> None:  # noqa: ANN401 (any ASGI application)
        """Serves until interrupted (SIGINT, SIGTERM) or stopped. No access is logged: a log would say who came when."""
        import uvicorn

        settings = uvicorn.Config(
            application,
            access_log=False,
            log_level="warning",
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=5,
            lifespan="on",
        )
        self._server = uvicorn.Server(settings)
        self._server.run(sockets=[self._socket])

    def stop(self) -> None:
        """Ends `serve`, from another thread."""
        if self._server is not None:
            self._server.should_exit = True

    def close(self) -> None:
        """Gives the port back. May be called twice."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def serve_site(
    backend: Backend,
    config: PageConfig,
    listener: Listener,
    *,
    journal: Path | None = None,
    wallet: DemoWallet | None = None,
    public_url: str | None = None,
    origins: Sequence[str] = (),
    announce: Callable[[str], None] = lambda url: None,
) -> None:
    """Serves the built page until interrupted.

    Args:
        backend: Chain and store.
        config: What the page is told.
        listener: Where.
        journal: Where the relayer keeps what it signed; in memory when None, which only an embedded chain can do with.
        wallet: A demonstration's wallet.
        public_url: Where people find it, when a proxy stands before it.
        origins: Pages elsewhere that may use the doors.
        announce: Called with the address as soon as somebody can go there.

    Raises:
        PageMissing: The page is not built.
    """
    page = Page.load(extra_scripts=extra_scripts(wallet))
    relay = None
    if backend.payer is not None:
        from medrec_py.relay import RelayJournal, create_app

        kept = None if journal is None else RelayJournal(journal)
        relay = create_app(backend.chain, backend.payer, journal=kept)
    site = create_site(
        backend, page, config, relay=relay, hosts=_hosts(listener, public_url), origins=origins, wallet=wallet
    )
    announce(public_url or listener.url)
    listener.serve(site)


def _hosts(listener: Listener, public_url: str | None) -> tuple[str, ...]:
    """Names under which the site answers: whatever it is called where everybody can reach it, loopback's otherwise."""
    if not listener.is_loopback and public_url is None:
        return ("*",)
    named = urlsplit(public_url).hostname if public_url is not None else None
    return (*LOOPBACK_NAMES, *([named] if named else []))
