"""The relayer over HTTP: an ASGI app with an OpenAPI description, health and metrics."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Annotated, Any, Final, TypeAlias, TypeVar

import anyio
import anyio.to_thread
from fastapi import FastAPI, Header, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from medrec_py.chain import Account, Chain
from medrec_py.errors import InputTooLarge, InvalidInput, MedRecError, RelayUnavailable
from medrec_py.relay.acts import calls_from_json
from medrec_py.relay.journal import ActState, ActStatus, RelayJournal
from medrec_py.relay.limits import RelayLimits, too_often
from medrec_py.relay.metrics import CONTENT_TYPE
from medrec_py.relay.problems import MEDIA_TYPE, problem_of, problem_of_name, status_of
from medrec_py.relay.service import RelayService, SignerBusy, log

LONGEST_WAIT: Final = 60.0
"""Seconds that a request may wait for confirmation."""
_BUSY_SECONDS: Final = 30.0
"""How long an act waits behind another one of the same signer before it is told to come back."""
_PAUSE: Final = 0.1
_MOST_WAITING: Final = 500
"""Requests that may wait at the same time; those beyond are answered at once."""

Answer = TypeVar("Answer")
Wait: TypeAlias = Annotated[float, Query(ge=0, le=LONGEST_WAIT, description="Seconds to wait for confirmation")]
Key: TypeAlias = Annotated[str | None, Header(max_length=200, description="The same key again means the same act")]


class CallJson(BaseModel):
    """One call of a contract."""

    model_config = ConfigDict(extra="forbid")
    to: str = Field(description="Address of the contract", examples=["0x" + "00" * 20])
    data: str = Field(description="Selector and ABI-encoded arguments, 0x-hex")


class ActsJson(BaseModel):
    """Signed acts that happen together or not at all; several only where all go to MedRec."""

    model_config = ConfigDict(extra="forbid")
    calls: list[CallJson] = Field(min_length=1)


class ProblemJson(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    hint: str
    error: str = Field(description="Name of the error: the Solidity error's where a contract refuses")
    values: dict[str, Any] = Field(description="The error's values by name; bytes as 0x-hex")


class ActJson(BaseModel):
    """How far an act has come."""

    id: str = Field(description="keccak256 of chain and calls: the same calls have the same id")
    status: ActStatus
    transaction: str | None = Field(description="Hash of the transaction; another one may take its place while pending")
    block: int | None = None
    gasUsed: int | None = None  # noqa: N815 (a name in JSON)
    problem: ProblemJson | None = Field(default=None, description="Why it failed")


class InfoJson(BaseModel):
    """What this relayer relays, and how much of it."""

    chainId: int  # noqa: N815 (names in JSON)
    medrec: str
    registrar: str
    guardianship: str | None
    emergency: str | None
    relayer: str
    gasLeft: int  # noqa: N815
    gasLeftForWithdrawing: int  # noqa: N815
    limits: dict[str, int | float]


class HealthJson(BaseModel):
    """Whether it can relay."""

    status: str
    waiting: int
    problems: list[str]


def create_app(
    chain: Chain,
    account: Account,
    *,
    journal: RelayJournal | None = None,
    limits: RelayLimits | None = None,
    confirmations: int = 1,
    service: RelayService | None = None,
) -> FastAPI:
    """The app. Its service is `app.state.service`.

    It begins its work when the app starts, at the latest with the first act; it ends when the app ends. An app that
    mounts this one passes neither on: it calls `app.state.service.start()` and `.close()` itself.

    Args:
        chain: Where to; it knows its deployment.
        account: Pays.
        journal: Keeps what was signed; in memory when None, which only an embedded chain can do with.
        limits: What is given away.
        confirmations: Blocks after which an act counts as confirmed.
        service: One that is made already, instead of all of these.
    """
    served = service or RelayService(chain, account, journal=journal, limits=limits, confirmations=confirmations)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        served.start()
        try:
            yield
        finally:
            await anyio.to_thread.run_sync(served.close)

    app = FastAPI(
        title="MedRec relayer",
        version="1",
        description="Pays for signed acts. It simulates first, refuses what would revert, and can change nothing.",
        lifespan=lifespan,
        # Their pages load scripts from a third party.
        docs_url=None,
        redoc_url=None,
        responses={code: {"model": ProblemJson} for code in (400, 429, 503)},
    )
    app.state.service = served
    _answer_problems(app, served)
    # A page of any origin may ask: nothing here depends on cookies or on where the asker is.
    app.add_middleware(
        CORSMiddleware,
        allow_origins=["*"],
        allow_methods=["GET", "POST"],
        allow_headers=["content-type", "idempotency-key"],
        expose_headers=["retry-after"],
    )
    _add_routes(app, served)
    return app


def _add_routes(app: FastAPI, service: RelayService) -> None:
    deployment = service.chain.deployment
    waiting = anyio.CapacityLimiter(_MOST_WAITING)

    @app.post(
        "/v1/acts",
        status_code=202,
        response_model=ActJson,
        responses={
            413: {"model": ProblemJson},
            422: {"model": ProblemJson, "description": "A contract refuses; nothing was sent"},
        },
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": ActsJson.model_json_schema()}},
            }
        },
    )
    async def submit(request: Request, idempotency_key: Key = None, wait: Wait = 0) -> ActJson:
        """Relay signed acts: simulate, sign, journal, broadcast."""
        service.start()
        service.meter.request(_asker(request), time.time())
        body = await _body(request, service.limits.body_bytes)
        try:
            asked = ActsJson.model_validate_json(body)
        except ValidationError as error:
            raise InvalidInput(_first(error.errors()), hint='Send {"calls": [{"to": "0x…", "data": "0x…"}]}.') from None
        calls = list(calls_from_json([call.model_dump() for call in asked.calls]))
        deadline = time.monotonic() + _BUSY_SECONDS
        while True:
            try:
                state = await _threaded(partial(service.submit, calls, key=idempotency_key))
                break
            except SignerBusy:
                if time.monotonic() >= deadline:
                    raise too_often("An act of this signer has been on its way for a while.", time.time()) from None
                await anyio.sleep(_PAUSE)
        return await _after(state, wait)

    @app.get("/v1/acts/{id}", response_model=ActJson, responses={404: {"model": ProblemJson}})
    async def find(request: Request, id: Annotated[str, Path(max_length=100)], wait: Wait = 0) -> ActJson:
        """How far an act has come; finished ones are forgotten after an hour."""
        service.meter.request(_asker(request), time.time())
        return await _after(await _threaded(partial(service.find, id)), wait)

    async def _after(state: ActState, seconds: float) -> ActJson:
        """The act when it is finished, or when its time is over."""
        deadline = time.monotonic() + seconds
        try:
            waiting.acquire_on_behalf_of_nowait(token := object())
        except anyio.WouldBlock:
            return act_json(state)
        try:
            while not state.status.is_final and time.monotonic() < deadline:
                await anyio.sleep(_PAUSE)
                state = await _threaded(partial(service.find, state.id))
        finally:
            waiting.release_on_behalf_of(token)
        return act_json(state)

    @app.get("/v1", response_model=InfoJson)
    async def info(request: Request) -> InfoJson:
        """What this relayer relays, and how much of it."""
        service.meter.request(_asker(request), time.time())
        left, withdrawing = await _threaded(lambda: (service.gas_left(), service.gas_left(withdrawing=True)))
        return InfoJson(
            chainId=deployment.chain_id,
            medrec=deployment.medrec,
            registrar=deployment.registrar,
            guardianship=deployment.addresses.get("Guardianship"),
            emergency=deployment.addresses.get("Emergency"),
            relayer=service.account.address,
            gasLeft=left,
            gasLeftForWithdrawing=withdrawing,
            limits=service.limits.to_json(),
        )

    @app.get("/healthz", response_model=HealthJson, responses={503: {"model": HealthJson}})
    async def healthz() -> JSONResponse:
        """Whether it can relay: 200, or 503 with the reasons."""
        health = await _threaded(service.health)
        document = HealthJson(
            status="ok" if not health.problems else "unwell", waiting=health.waiting, problems=list(health.problems)
        )
        return JSONResponse(document.model_dump(), 503 if health.problems else 200)

    @app.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    async def metrics() -> Response:
        """Counts for Prometheus."""
        service.metrics.gas_left.set(await _threaded(service.gas_left))
        return Response(service.metrics.text(), media_type=CONTENT_TYPE)


def _answer_problems(app: FastAPI, service: RelayService) -> None:
    """Every error is a problem document."""

    def answer(error: MedRecError, status: int) -> JSONResponse:
        service.metrics.refusals.labels(type(error).__name__).inc()
        headers = {"retry-after": str(error.facts["retry_after"])} if "retry_after" in error.facts else {}
        if status == 503:
            headers.setdefault("retry-after", "10")
        return JSONResponse(problem_of(error, status), status, headers, MEDIA_TYPE)

    @app.exception_handler(MedRecError)
    async def refused(_: Request, error: MedRecError) -> JSONResponse:
        return answer(error, 413 if isinstance(error, InputTooLarge) else status_of(error))

    @app.exception_handler(RequestValidationError)
    async def malformed(_: Request, error: RequestValidationError) -> JSONResponse:
        return answer(InvalidInput(_first(error.errors()), hint="See /openapi.json."), 400)

    @app.exception_handler(HTTPException)
    async def unrouted(_: Request, error: HTTPException) -> JSONResponse:
        return answer(InvalidInput(f"{error.detail}.", hint="See /openapi.json."), error.status_code)

    class Quiet:
        """Answers what nobody foresaw, and logs its kind alone: servers log whole errors, whose words name people."""

        def __init__(self, inner: ASGIApp) -> None:
            self._inner = inner

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await self._inner(scope, receive, send)
                return
            try:
                await self._inner(scope, receive, send)
            except Exception as error:
                log.error("a request failed: %s", type(error).__name__)
                refusal = RelayUnavailable(f"The relayer has a defect ({type(error).__name__}).")
                await answer(refusal, 500)(scope, receive, send)

    app.add_middleware(Quiet)


def act_json(state: ActState) -> ActJson:
    """An act as it is told."""
    problem = None if state.error is None or not state.status.is_final else problem_of_name(state.error)
    return ActJson(
        id=state.id,
        status=state.status,
        transaction="0x" + state.transaction.hex(),
        block=state.block,
        gasUsed=state.gas_used,
        problem=None if problem is None else ProblemJson(**problem),
    )


async def _threaded(work: Callable[[], Answer]) -> Answer:
    return await anyio.to_thread.run_sync(work)


async def _body(request: Request, most: int) -> bytes:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > most:
            raise InputTooLarge(
                f"The request is longer than {most} bytes.", hint="Send fewer acts at once.", limit=most
            )
    return body


def _asker(request: Request) -> str:
    return request.client.host if request.client is not None else ""


def _first(found: Any) -> str:  # noqa: ANN401 (pydantic's)
    where = ".".join(map(str, found[0].get("loc", ()))) or "The request"
    return f"{where}: {found[0].get('msg', 'malformed')}."
