"""Serving an ASGI app on a socket of this process until it is told to end."""

from __future__ import annotations

import socket
from collections.abc import Callable
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
    # Neither access log nor proxy headers: nothing of who asks is written down, or believed.
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, proxy_headers=False, lifespan="on"
    )
    with listening:
        name = f"[{host}]" if ":" in host else host
        ready(f"http://{name}:{listening.getsockname()[1]}")
        uvicorn.Server(config).run(sockets=[listening])


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
