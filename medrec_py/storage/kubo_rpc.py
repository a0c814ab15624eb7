"""Requests to a Kubo node's RPC API (https://docs.ipfs.tech/reference/kubo/rpc/).

The only file that knows `ipfshttpclient`. That library is not maintained any more, so little of it is used: it parses
the address, keeps the connections and encodes uploads. Its `connect()` refuses daemons of 0.9 and later and is not
called; its replies are read here, in pieces and up to a limit, because it would hold any reply whole.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator, Sequence
from typing import Any, Final

import ipfshttpclient
import requests
import urllib3.exceptions
from ipfshttpclient import exceptions, multipart

from medrec_py.errors import InvalidJson, ObjectMissing, StoreAddressInvalid, StoreUnavailable
from medrec_py.storage.addresses import KuboAddress
from medrec_py.types.json_values import parse as parse_json

CONNECT_SECONDS: Final = 5.0
UPLOAD_STALL_SECONDS: Final = 60.0
"""How long the node may take no bytes of an upload, e.g. while its disk syncs."""
REPLY_LIMIT: Final = 1 << 20
_ERROR_LIMIT: Final = 64 << 10
_PIECE_BYTES: Final = 256 << 10
_UPLOAD_BYTES: Final = 2 << 20
_ABSENT: Final = ("could not find", "not found", "context deadline exceeded", "no providers", "not pinned")
"""What Kubo's errors say, among other words, when something isn't there; it has no codes for them."""
_WRONG_SERVER: Final = "Check that this is the RPC API of a Kubo node (port 5001 by default), and the credentials."


class Absent(ObjectMissing):
    """The node says, in the message, that it has no such block, pin or object."""


class KuboRpc:
    """One node's RPC API; safe to share between threads.

    Args:
        address: Where it listens.
        timeout: Seconds that the node may take to answer, and between two pieces of an answer.

    Raises:
        StoreAddressInvalid: ipfshttpclient can't read the address.
    """

    def __init__(self, address: KuboAddress, timeout: float) -> None:
        self.name = address.name
        self.timeout = timeout
        try:
            self._client = ipfshttpclient.Client(
                address.multiaddr,
                auth=address.auth,
                headers={"Accept-Encoding": "identity"},
                timeout=(CONNECT_SECONDS, timeout),
                session=True,
            )
        except exceptions.AddressError as error:
            raise StoreAddressInvalid(f"{self.name!r} is no address of a Kubo RPC API.") from error
        self._http: Any = self._client._client
        session = self._http._session
        session.trust_env = False  # no proxy or netrc of the environment: a node is spoken to directly
        session.max_redirects = 0
        session.hooks["response"].append(_shorten_error)
        for adapter in session.adapters.values():  # an argument for Python 2, which urllib3 warns of
            adapter.poolmanager.connection_pool_kw.pop("strict", None)

    @contextlib.contextmanager
    def stream(
        self, path: str, args: Sequence[str], opts: dict[str, str], files: Sequence[object] | None = None
    ) -> Iterator[Iterator[bytes]]:
        """The reply to a request as it comes in, in pieces of at most 256 KiB.

        Args:
            path: The command, e.g. `block/get`.
            args: Its arguments.
            opts: Its options.
            files: What to upload: objects with `read(n)` and a `name`.

        Raises:
            Absent: What was asked for isn't there.
            StoreUnavailable: Anything else that can go wrong between two machines.
        """
        if self._http._session is None:  # ipfshttpclient would open connections without what is set above
            raise self.unavailable("was closed", "Open the store again.")
        params = [*opts.items(), *(("arg", arg) for arg in args)]
        body = None if files is None else multipart.FilesStream(files, chunk_size=_UPLOAD_BYTES)
        with self._answering(path):
            closables, pieces = self._http._request(
                "POST",
                path,
                params,
                auth=None,
                data=body and body.body(),
                headers=body and body.headers(),
                # the first of the two is also how long a single write may block
                timeout=(CONNECT_SECONDS if body is None else UPLOAD_STALL_SECONDS, self.timeout),
                chunk_size=_PIECE_BYTES,
            )
            try:
                yield pieces
            finally:
                for closable in closables:
                    closable.close()

    def call(
        self,
        path: str,
        *args: str,
        limit: int = REPLY_LIMIT,
        files: Sequence[object] | None = None,
        **opts: str,
    ) -> bytes:
        """A whole reply, cut off just behind `limit` bytes; option names have `_` for `-`. Raises as `stream`."""
        named = {name.replace("_", "-"): value for name, value in opts.items()}
        reply = bytearray()
        with self.stream(path, args, named, files) as pieces:
            deadline = time.monotonic() + self.timeout  # the answer has begun; it may not trickle in for ever
            for piece in pieces:
                reply += piece
                if len(reply) > limit:
                    break
                if time.monotonic() > deadline:
                    raise self.unavailable(f"didn't finish its answer to {path} in {self.timeout:g} s")
        return bytes(reply)

    def lines(self, path: str, *args: str, **opts: str) -> list[dict[str, Any]]:
        """The JSON objects of a reply, one a line. Raises as `stream`."""
        return self.parse(path, self.call(path, *args, limit=REPLY_LIMIT, files=None, **opts))

    def parse(self, path: str, reply: bytes, limit: int = REPLY_LIMIT) -> list[dict[str, Any]]:
        """Reads JSON objects, one a line.

        Raises:
            StoreUnavailable: They are something else, or more than `limit` bytes.
        """
        try:
            if len(reply) > limit:
                raise ValueError(f"more than {limit} bytes")
            parsed = [parse_json(line, source="the answer") for line in reply.splitlines() if line.strip()]
            objects = [item for item in parsed if isinstance(item, dict)]
            if len(objects) < len(parsed):
                raise ValueError("no JSON objects")
            return objects
        except (ValueError, InvalidJson) as error:
            raise self.unavailable(f"answered {path} with something else: {error}", _WRONG_SERVER) from None

    def unavailable(self, fact: str, hint: str | None = None) -> StoreUnavailable:
        """An error that names this node."""
        return StoreUnavailable(f"The Kubo node {self.name} {fact}.", hint=hint, store=self.name)

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    @contextlib.contextmanager
    def _answering(self, path: str) -> Iterator[None]:
        """Turns every way in which HTTP can fail into `StoreUnavailable`, or `Absent`."""
        try:
            yield
        except exceptions.ErrorResponse as error:
            message = str(error)
            if any(sign in message for sign in _ABSENT):
                raise Absent(message, store=self.name) from error
            raise self.unavailable(f"refused {path}: {message[:300]}") from error
        except exceptions.StatusError as error:
            status = getattr(getattr(error.original, "response", None), "status_code", "?")
            raise self.unavailable(f"answered {path} with HTTP status {status}", _WRONG_SERVER) from error
        except (exceptions.TimeoutError, requests.Timeout, urllib3.exceptions.TimeoutError) as error:
            raise self.unavailable(f"didn't answer {path} in time ({_reason(error)})") from error
        except (exceptions.CommunicationError, requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise self.unavailable(f"can't be reached for {path}: {_reason(error)}") from error


def _shorten_error(response: Any, **_: object) -> None:  # noqa: ANN401  (sets what requests calls private)
    """Reads the body of an error reply before ipfshttpclient would: up to a limit, and only the message in it."""
    if response.status_code < 400:
        return
    try:
        said = parse_json(response.raw.read(_ERROR_LIMIT))
        message = {"Message": str(said["Message"])} if isinstance(said, dict) and "Message" in said else None
    except InvalidJson:
        message = None
    response._content = b"" if message is None else json.dumps(message).encode()
    response._content_consumed = True


def _reason(error: BaseException) -> str:
    """The innermost cause: the outer layers only repeat it in longer words."""
    while True:
        told = (error.__cause__, getattr(error, "original", None), getattr(error, "reason", None), *error.args[:1])
        inner = next((item for item in told if isinstance(item, BaseException)), None)
        if inner is None:
            return str(error) or type(error).__name__
        error = inner
