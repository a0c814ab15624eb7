"""The site: the page's files, its four doors, and the headers under which all of it is served."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.middleware.cors import CORSMiddleware
from fastapi.middleware.trustedhost import TrustedHostMiddleware

from medrec_py.web import demo_wallet
from medrec_py.web.answers import TooLarge, body_of, media_type, problem, too_large, wrong_type
from medrec_py.web.backend import Backend
from medrec_py.web.config import PageConfig
from medrec_py.web.demo_wallet import DemoWallet, WalletRefusal
from medrec_py.web.gateway import block_answer
from medrec_py.web.jsonrpc import MOST_BYTES, RpcDoor
from medrec_py.web.objects import Limits, store_answer
from medrec_py.web.page import INDEX, Page, PageFile

JSON: Final = "application/json"
_A_YEAR: Final = "public, max-age=31536000, immutable"
_ALWAYS_ASK: Final = "no-cache"
_WALLET_BYTES: Final = 1 << 20

HEADERS: Final = {
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": ", ".join(
        [
            # The camera reads QR codes, and copying goes to the clipboard; nothing else is asked of the device.
            *("camera=(self)", "clipboard-write=(self)"),
            *(
                f"{feature}=()"
                for feature in (
                    *("accelerometer", "autoplay", "display-capture", "encrypted-media", "geolocation"),
                    *("gyroscope", "hid", "magnetometer", "microphone", "midi", "payment", "serial", "usb"),
                    *("browsing-topics", "interest-cohort", "xr-spatial-tracking"),
                )
            ),
        ]
    ),
}
"""On every answer, whatever door it comes from."""


def create_site(
    backend: Backend,
    page: Page,
    config: PageConfig,
    *,
    relay: FastAPI | None = None,
    limits: Limits | None = None,
    hosts: Sequence[str] = ("*",),
    origins: Sequence[str] = (),
    wallet: DemoWallet | None = None,
) -> FastAPI:
    """The site as an ASGI application.

    Args:
        backend: Chain and store.
        page: The page.
        config: What `config.json` says.
        relay: Takes signed acts (`medrec_py.relay.create_app`), mounted at `/relay`.
        limits: How much may be stored.
        hosts: Names under which it answers (`Host`); on loopback only loopback's, so that no foreign name can be made
            to point here (DNS rebinding).
        origins: Origins of pages elsewhere (one exported to IPFS, say) that may use the doors.
        wallet: A demonstration's wallet, for loopback only.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as begun:
            if relay is not None:  # which is not told by itself, being mounted
                await begun.enter_async_context(relay.router.lifespan_context(relay))
            yield

    site = FastAPI(title="medrec web", openapi_url=None, docs_url=None, redoc_url=None, lifespan=lifespan)
    site.router.redirect_slashes = False
    taken = limits or Limits()
    allowance = taken.allowance()
    door = RpcDoor(backend.chain.node)
    policy = page.policy(config.origins())
    config_file = PageFile.of("config.json", json.dumps(config.to_json(), indent=2).encode())

    @site.post("/rpc")
    async def rpc(request: Request) -> Response:
        if media_type(request) != JSON:
            return wrong_type(JSON)
        try:
            body = await body_of(request, MOST_BYTES)
        except TooLarge:
            return too_large(MOST_BYTES)
        answer = await run_in_threadpool(door.answer, body)
        if answer is None:
            return Response(status_code=204)
        return Response(answer, 200, {"Cache-Control": "no-store"}, JSON)

    @site.api_route("/ipfs/{cid}", methods=["GET", "HEAD"])
    async def ipfs(cid: str, request: Request) -> Response:
        return await block_answer(backend.store, cid, request)

    @site.post("/objects")
    async def objects(request: Request) -> Response:
        return await store_answer(backend.store, request, taken, allowance)

    @site.get("/config.json")
    async def config_json(request: Request) -> Response:
        return _file(config_file, request, policy)

    if wallet is not None:
        _add_wallet(site, wallet)
    if relay is not None:
        site.mount("/relay", relay)

    # Last, because it takes every address that is left.
    @site.api_route("/{path:path}", methods=["GET", "HEAD"])
    async def files(path: str, request: Request) -> Response:
        file = page.files.get(path or INDEX)
        if file is None:
            return problem(404, "Not here", f"There is no /{path[:200]} here.", headers={"Cache-Control": "no-store"})
        return _file(file, request, policy)

    @site.middleware("http")
    async def headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        answer = await call_next(request)
        for name, value in HEADERS.items():
            answer.headers.setdefault(name, value)
        # What is no page of its own runs nothing, wherever a browser is made to show it.
        answer.headers.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox")
        answer.headers.setdefault("Cross-Origin-Resource-Policy", "cross-origin" if origins else "same-origin")
        return answer

    if origins:
        site.add_middleware(
            CORSMiddleware,
            allow_origins=list(origins),
            allow_methods=["GET", "HEAD", "POST"],
            allow_headers=["Content-Type", "Idempotency-Key"],
            expose_headers=["Retry-After"],
            max_age=600,
        )
    if "*" not in hosts:
        site.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False)
    return site


def _file(file: PageFile, request: Request, policy: str) -> Response:
    cached = _A_YEAR if file.is_immutable else _ALWAYS_ASK
    headers = {"ETag": file.etag, "Cache-Control": cached, "Content-Security-Policy": policy, "Vary": "Accept-Encoding"}
    if request.headers.get("if-none-match") == file.etag:
        return Response(status_code=304, headers=headers)
    content = file.content
    if file.compressed is not None and _takes_gzip(request):
        content = file.compressed
        headers["Content-Encoding"] = "gzip"
    if request.method == "HEAD":
        return Response(None, 200, {**headers, "Content-Length": str(len(content))}, file.media_type)
    return Response(content, 200, headers, file.media_type)


def _takes_gzip(request: Request) -> bool:
    offers = (part.strip().lower() for part in request.headers.get("accept-encoding", "").split(","))
    return any(offer.split(";")[0].strip() == "gzip" and not offer.endswith("q=0") for offer in offers)


def _add_wallet(site: FastAPI, wallet: DemoWallet) -> None:
    @site.post("/demo-wallet")
    async def ask(request: Request) -> Response:
        # A page of another site can't send this type without asking first, and is then told nothing.
        if media_type(request) != JSON:
            return wrong_type(JSON)
        try:
            asked = json.loads(await body_of(request, _WALLET_BYTES))
            method, parameters = asked["method"], asked.get("params", [])
            if not isinstance(method, str) or not isinstance(parameters, list):
                raise TypeError(method)
        except (TooLarge, ValueError, KeyError, TypeError, AttributeError):
            return problem(400, "Not a request", "A request has a method and a list of parameters.")
        try:
            answer: dict[str, Any] = {"result": await run_in_threadpool(wallet.request, method, parameters)}
        except WalletRefusal as refusal:
            answer = {"error": {"code": refusal.code, "message": refusal.message, "data": refusal.data}}
        return Response(json.dumps(answer), 200, {"Cache-Control": "no-store"}, JSON)


def extra_scripts(wallet: DemoWallet | None) -> dict[str, bytes]:
    """Scripts that are served beside the page's own."""
    return {} if wallet is None else {demo_wallet.SCRIPT_NAME: demo_wallet.script()}
