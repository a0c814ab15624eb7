"""A relayer that listens on loopback, in a thread of the test."""

from __future__ import annotations

import threading
import time
from typing import Any, Self

import httpx
import uvicorn
from fastapi import FastAPI

from medrec_py.chain import Call
from medrec_py.relay.app import create_app
from medrec_py.relay.service import RelayService
from medrec_py.relay.serving import bind


class RelayServer:
    """Serves a service until it is left."""

    def __init__(self, service: RelayService, mounted_at: str = "") -> None:
        self.service = service
        self.app = create_app(service.chain, service.account, service=service)
        if mounted_at:
            site = FastAPI()
            site.mount(mounted_at, self.app)
            self.app = site
        self._socket = bind("127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._server = uvicorn.Server(uvicorn.Config(self.app, log_level="warning", access_log=False))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]})
        self.client = httpx.Client(base_url=self.url + mounted_at, timeout=60)

    def __enter__(self) -> Self:
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()

    def post(self, *calls: Call, wait: float = 10, **headers: str) -> httpx.Response:
        return self.client.post("/v1/acts", params={"wait": wait}, json=body(*calls), headers=headers)


def body(*calls: Call) -> dict[str, Any]:
    """A request with these calls."""
    return {"calls": [{"to": call.to, "data": "0x" + call.data.hex()} for call in calls]}
