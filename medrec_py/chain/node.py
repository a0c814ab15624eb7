"""The narrow waist below `Chain`: JSON-RPC requests, answered by a server or by the chain inside the process."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias
from urllib.parse import urlsplit

from medrec_py.errors import ChainInconsistent, ChainUnavailable, RpcAddressInvalid

RpcRequest: TypeAlias = tuple[str, list[Any]]


class RpcFailure(Exception):
    """The error member of a JSON-RPC answer.

    Attributes:
        code: JSON-RPC error code.
        message: The node's words.
        data: Return data of a revert, if there is any.
    """

    def __init__(self, code: int, message: str, data: bytes | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data


class Node(Protocol):
    """Something that answers JSON-RPC. Quantities and bytes are 0x-hex, as the Ethereum execution API writes them."""

    @property
    def address(self) -> str:
        """Where it is, without credentials."""

    def request(self, method: str, params: list[Any]) -> Any:  # noqa: ANN401 (JSON)
        """The result of one request.

        Raises:
            RpcFailure: The node answers with an error.
            ChainUnavailable: It doesn't answer.
        """

    def batch(self, requests: Sequence[RpcRequest]) -> list[Any]:
        """The results of several requests in their order; an `RpcFailure` stands where one failed.

        Raises:
            ChainUnavailable: The node doesn't answer. Any part of the requests may have been handled.
        """

    def close(self) -> None:
        """Releases connections and files."""


BATCH_SIZE = 500
"""Requests in one JSON-RPC batch: servers commonly allow 1,000, and a batch of raw transactions stays below 1 MB."""


class RemoteNode:
    """A JSON-RPC server, reached through web3's provider for its kind of address.

    Args:
        rpc_url: Its address.
        timeout: Seconds that it has for an answer.
        provider: A web3 provider that is connected to it already, ape's say.
    """

    def __init__(self, rpc_url: str, *, timeout: float = 30.0, provider: Any = None) -> None:  # noqa: ANN401 (web3)
        self._address = without_credentials(rpc_url)
        self._provider = provider or _provider(rpc_url, timeout)

    @property
    def address(self) -> str:
        """The URL, without credentials."""
        return self._address

    def request(self, method: str, params: list[Any]) -> Any:  # noqa: ANN401 (JSON)
        """See `Node.request`."""
        answer = self._exchange(lambda: self._provider.make_request(method, params))
        return _result(answer)

    def batch(self, requests: Sequence[RpcRequest]) -> list[Any]:
        """See `Node.batch`. Longer lists go in pieces of `BATCH_SIZE`."""
        results: list[Any] = []
        for at in range(0, len(requests), BATCH_SIZE):
            piece = list(requests[at : at + BATCH_SIZE])
            results.extend(self._batch(piece) if len(piece) > 1 else [self._one(*request) for request in piece])
        return results

    def close(self) -> None:
        """Drops the connection of a web socket; others hold none that matters."""
        disconnect = getattr(self._provider, "disconnect", None)
        if callable(disconnect):
            disconnect()

    def _batch(self, requests: list[RpcRequest]) -> list[Any]:
        answers = self._exchange(lambda: self._provider.make_batch_request(requests))
        if not isinstance(answers, list) or len(answers) != len(requests):
            # A server that knows no batches answers with one error instead.
            return [self._one(method, params) for method, params in requests]
        results = []
        for answer in answers:
            try:
                results.append(_result(answer))
            except RpcFailure as failure:
                results.append(failure)
        return results

    def _one(self, method: str, params: list[Any]) -> Any:  # noqa: ANN401 (JSON)
        try:
            return self.request(method, params)
        except RpcFailure as failure:
            return failure

    def _exchange(self, exchange: Any) -> Any:  # noqa: ANN401 (JSON)
        try:
            return exchange()
        except Exception as error:
            # web3's providers raise errors of requests, websockets, json and the socket module; whichever it is, there
            # was no usable answer. A second try follows at once only if the server dropped an idle connection.
            if type(error).__name__ != "ConnectionError" or "RemoteDisconnected" not in str(error):
                raise _unavailable(self._address, error) from error
        try:
            return exchange()
        except Exception as error:
            raise _unavailable(self._address, error) from error


def without_credentials(rpc_url: str) -> str:
    """The address without user, password and whatever follows the host: providers put their API keys there."""
    if "://" not in rpc_url:
        return rpc_url
    parts = urlsplit(rpc_url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def decode_failure(error: Any) -> RpcFailure:  # noqa: ANN401 (JSON)
    """The error member of an answer as an `RpcFailure`; nodes put a revert's data into `data` in three ways."""
    if not isinstance(error, dict):
        return RpcFailure(0, str(error))
    data = error.get("data")
    if isinstance(data, dict):
        data = data.get("data", data.get("result"))
    match = re.search(r"0x(?:[0-9a-fA-F]{2})*", data) if isinstance(data, str) else None
    code = error.get("code")
    return RpcFailure(
        code if isinstance(code, int) else 0,
        str(error.get("message", "")),
        bytes.fromhex(match[0][2:]) if match else None,
    )


def quantity(value: Any) -> int:  # noqa: ANN401 (JSON)
    """A number as the Ethereum execution API writes it.

    Raises:
        ChainInconsistent: It is none.
    """
    if not isinstance(value, str) or re.fullmatch(r"0x[0-9a-fA-F]+", value) is None:
        raise ChainInconsistent(f"The chain's server gave {value!r} where a number in hexadecimal belongs.")
    return int(value, 16)


def raw_bytes(value: Any) -> bytes:  # noqa: ANN401 (JSON)
    """Bytes as the Ethereum execution API writes them.

    Raises:
        ChainInconsistent: It is none.
    """
    if not isinstance(value, str) or re.fullmatch(r"0x(?:[0-9a-fA-F]{2})*", value) is None:
        raise ChainInconsistent(f"The chain's server gave {str(value)[:80]!r} where bytes in hexadecimal belong.")
    return bytes.fromhex(value[2:])


def member(value: Any, name: str) -> Any:  # noqa: ANN401 (JSON)
    """A member of an object that a server gave.

    Raises:
        ChainInconsistent: There is no such member, or no object.
    """
    if not isinstance(value, dict) or name not in value:
        raise ChainInconsistent(f"The chain's server gave {str(value)[:80]!r}, which has no {name!r}.")
    return value[name]


def _result(answer: Any) -> Any:  # noqa: ANN401 (JSON)
    if isinstance(answer, dict) and answer.get("error") is not None:
        raise decode_failure(answer["error"])
    if not isinstance(answer, dict) or "result" not in answer:
        raise RpcFailure(0, "what it answers is not JSON-RPC")
    return answer["result"]


def _unavailable(address: str, error: Exception) -> ChainUnavailable:
    reason = type(error).__name__
    return ChainUnavailable(f"The chain at {address} does not answer ({reason}).", address=address, reason=reason)


def _provider(rpc_url: str, timeout: float) -> Any:  # noqa: ANN401 (web3's class depends on the address)
    # Imported here, because web3 takes a second to import, which the embedded chain never needs.
    from web3 import providers

    if re.match(r"https?://[^/]", rpc_url):
        return providers.HTTPProvider(rpc_url, request_kwargs={"timeout": timeout}, exception_retry_configuration=None)
    if re.match(r"wss?://[^/]", rpc_url):
        return providers.LegacyWebSocketProvider(rpc_url, websocket_timeout=math.ceil(timeout))
    if rpc_url.endswith(".ipc") and "://" not in rpc_url:
        return providers.IPCProvider(rpc_url, timeout=math.ceil(timeout))
    raise RpcAddressInvalid(f"{without_credentials(rpc_url)!r} is no address of a JSON-RPC server.")
