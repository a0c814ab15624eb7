"""What several doors of the site answer alike: problems (RFC 9457), and bodies of limited size and known type."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

from fastapi import Request, Response

PROBLEM = "application/problem+json"


class TooLarge(Exception):
    """A request's body has more bytes than its door takes."""


async def body_of(request: Request, limit: int) -> bytes:
    """The body of a request, read no further than to its limit.

    Raises:
        TooLarge: It has more than `limit` bytes.
    """
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > limit:
        raise TooLarge
    content = bytearray()
    async for piece in request.stream():
        content += piece
        if len(content) > limit:
            raise TooLarge
    return bytes(content)


def problem(
    status: int, title: str, detail: str, hint: str = "", *, headers: Mapping[str, str] | None = None
) -> Response:
    """A problem that a program can tell by its status and a person by its sentence."""
    document = {"type": "about:blank", "title": title, "status": status, "detail": detail, "hint": hint}
    return Response(json.dumps(document), status, dict(headers or {}), PROBLEM)


def too_large(limit: int) -> Response:
    """Says how much a door takes."""
    return problem(413, "Too large", f"At most {limit:,} bytes are taken at once.", "Send it in smaller pieces.")


def too_much(seconds: float) -> Response:
    """Says when to come back."""
    wait = 86_400 if math.isinf(seconds) else max(1, math.ceil(seconds))
    return problem(
        429,
        "Too much at once",
        f"The allowance is used up; there is room again in {wait:,} seconds.",
        "Wait, or use another server.",
        headers={"Retry-After": str(wait)},
    )


def wrong_type(wanted: str) -> Response:
    """Says which Content-Type a door takes: one that no page of another site can send without asking first."""
    return problem(415, "Wrong type", f"The body has to be {wanted}.", f"Send Content-Type: {wanted}.")


def media_type(request: Request) -> str:
    """The request's Content-Type without parameters."""
    return request.headers.get("content-type", "").split(";")[0].strip().lower()
