"""Asks an ASGI application as over HTTP, without a server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """Does the work in a thread of its own: a browser that other tests drive keeps a loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


class SiteClient:
    """Plain requests to an application; bodies that are iterators go in pieces, without a length said beforehand."""

    def __init__(self, application: Any, base_url: str = "http://localhost") -> None:
        self._application = application
        self._base_url = base_url

    def request(self, method: str, path: str, *, content: Any = None, headers: dict[str, str] | None = None) -> Any:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self._application)
            async with httpx.AsyncClient(transport=transport, base_url=self._base_url) as client:
                body = content if content is None or isinstance(content, (bytes, str)) else pieces(content)
                return await client.request(method, path, content=body, headers=headers)

        return run(ask())

    def get(self, path: str, *, headers: dict[str, str] | None = None) -> Any:
        return self.request("GET", path, headers=headers)

    def head(self, path: str) -> Any:
        return self.request("HEAD", path)

    def options(self, path: str, *, headers: dict[str, str] | None = None) -> Any:
        return self.request("OPTIONS", path, headers=headers)

    def post(self, path: str, *, content: Any = b"", headers: dict[str, str] | None = None) -> Any:
        return self.request("POST", path, content=content, headers=headers)


async def pieces(content: Iterable[bytes]) -> AsyncIterator[bytes]:
    for piece in content:
        yield piece
