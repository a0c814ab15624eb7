"""Sealed objects for the page, block by block, as the IPFS Trustless Gateway specification has it.

Only raw blocks (`application/vnd.ipld.raw`): whoever asks hashes what comes and believes nothing. Any IPFS gateway can
stand in this one's place.
"""

from __future__ import annotations

from typing import Final

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool

from medrec_py.errors import CidInvalid, ObjectMissing, ObjectTampered, Unavailable
from medrec_py.storage import Cid
from medrec_py.storage.blocks import BlockStore
from medrec_py.web.answers import problem

RAW: Final = "application/vnd.ipld.raw"
_FOREVER: Final = "public, max-age=29030400, immutable"
"""What the specification says for content that is addressed by its hash."""


async def block_answer(store: BlockStore, text: str, request: Request) -> Response:
    """One block of a store, or why not.

    Args:
        store: Where blocks are.
        text: The CID as it stands in the address.
        request: What was asked; `?format=raw` or `Accept` says that it is a raw block.
    """
    if not _wants_raw(request):
        return problem(
            406, "Not acceptable", "Here are raw blocks only.", f"Ask with ?format=raw or Accept: {RAW}.", headers=_VARY
        )
    try:
        cid = Cid.parse(text)
    except CidInvalid as error:
        return problem(400, "No CID", error.message, error.hint)
    tag = f'"{cid}.raw"'
    if request.headers.get("if-none-match") in (tag, "*"):
        # The name is the content: whoever has it has the right one, and the store needs no asking.
        return Response(status_code=304, headers={"ETag": tag, "Cache-Control": _FOREVER, **_VARY})
    try:
        block = await run_in_threadpool(store.block, cid)
    # The store's own messages say where it is, which is nothing for readers.
    except ObjectMissing:
        return problem(404, "Not here", f"There is no block {cid} here.", headers={"Cache-Control": "no-store"})
    except ObjectTampered:
        detail = f"The store has other bytes under {cid}; they are not passed on."
        return problem(502, "Not what was stored", detail, headers={"Cache-Control": "no-store"})
    except Unavailable:
        return problem(503, "The store does not answer", "Try again later.", headers={"Retry-After": "5"})
    headers = {
        "ETag": tag,
        "Cache-Control": _FOREVER,
        "X-Ipfs-Path": f"/ipfs/{cid}",
        "X-Ipfs-Roots": str(cid),
        "Content-Disposition": f'attachment; filename="{cid}.bin"',
        **_VARY,
    }
    if request.method == "HEAD":
        return Response(None, 200, {**headers, "Content-Length": str(len(block))}, RAW)
    return Response(block, 200, headers, RAW)


_VARY: Final = {"Vary": "Accept"}


def _wants_raw(request: Request) -> bool:
    named = request.query_params.get("format")
    if named is not None:
        return named == "raw"
    return any(part.split(";")[0].strip() == RAW for part in request.headers.get("accept", "").split(","))
