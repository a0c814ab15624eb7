"""Takes new sealed objects from the page: what a patient shares, appoints or writes has to lie somewhere.

The page seals before it sends, so this server learns sizes and times. Nobody says who they are here, so what may be
stored is limited: in size, and by an allowance for each caller and for all together.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool

from medrec_py.errors import InvalidInput, MedRecError
from medrec_py.storage import Store
from medrec_py.web.allowance import Allowance
from medrec_py.web.answers import TooLarge, body_of, media_type, problem, too_large, too_much, wrong_type

_MIB: Final = 1 << 20
BYTES: Final = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may be stored.

    Attributes:
        object_bytes: Bytes of one object.
        hourly_bytes: Bytes that all together may store in an hour.
        caller_bytes: Bytes that one caller may store in an hour.
    """

    object_bytes: int = 32 * _MIB
    hourly_bytes: int = 1024 * _MIB
    caller_bytes: int = 256 * _MIB

    def allowance(self) -> Allowance:
        """A bucket of these bytes."""
        return Allowance(self.hourly_bytes, self.caller_bytes)


async def store_answer(store: Store, request: Request, limits: Limits, allowance: Allowance) -> Response:
    """Stores and pins the body of a request; answers with its CID.

    Args:
        store: Where it goes.
        request: The request, its body the object.
        limits: What one object may have.
        allowance: What may still be stored.
    """
    if media_type(request) != BYTES:
        return wrong_type(BYTES)
    try:
        content = await body_of(request, limits.object_bytes)
    except TooLarge:
        return too_large(limits.object_bytes)
    if not content:
        return problem(400, "Nothing to store", "The body is empty.", "Send the object's bytes.")
    wait = allowance.take(request.client.host if request.client else "", len(content))
    if wait:
        return too_much(wait)
    try:
        cid = await run_in_threadpool(store.put, content)
    except InvalidInput as error:
        return problem(400, "Not an object", error.message, error.hint)
    except MedRecError:
        # The store's own message says where it is, which is nothing for readers.
        return problem(503, "The store does not take it", "Try again later.", headers={"Retry-After": "5"})
    return Response(json.dumps({"cid": str(cid)}), 201, {"Cache-Control": "no-store"}, "application/json")
