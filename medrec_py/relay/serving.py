"""Serving an ASGI app on a socket of this process until it is told to end."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from medrec_py.errors import PortTaken


def serve(app: Any, host: str, port: int, ready: Callable[[str], None]) -> None:  # noqa: ANN401 (an ASGI app)
    """Serves until SIGINT or SIGTERM.

    Args:
        app: The ASGI app.
        host: Address to listen on.
        port: TCP port; a free one when 0.
        ready: Called with the URL once requests are taken.

    Raises:
        PortTaken: The port is in use, or can't be had.
    """
    listening = bind(host, port)
    # No access log: nothing of who asks is written down. A proxy on this machine, and no other, is believed about it.
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, forwarded_allow_ips="127.0.0.1,::1"
    )
    with listening:
        name = f"[{host}]" if ":" in host else host
        server = uvicorn.Server(config)
        with _ended_by_signals(server):
            ready(f"http://{name}:{listening.getsockname()[1]}")
            server.run(sockets=[listening])


@contextmanager
def _ended_by_signals(server: uvicorn.Server) -> Iterator[None]:
    """Makes a signal an orderly end: uvicorn raises it once more when it has ended, which would kill the process."""

    def end(*_: object) -> None:
        server.should_exit = True

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        PortTaken: The port is in use, or can't be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(2048)
    except OSError as error:
        listening.close()
        raise PortTaken(f"Port {port} of {host} can't be listened on: {error.strerror}.", port=port) from error
    return listening
