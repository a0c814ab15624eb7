"""The page's door to the chain: JSON-RPC 2.0, reading, and bringing transactions that are signed already.

Anything else that a node can do (its accounts, its mining, its debugging, filters that it has to remember) is not
offered, whatever the node behind would answer.
"""

from __future__ import annotations

import json
import logging
from typing import Any, Final

from medrec_py.chain.node import Node, RpcFailure
from medrec_py.errors import ChainUnavailable

READING: Final = frozenset(
    {
        "eth_blockNumber",
        "eth_call",
        "eth_chainId",
        "eth_estimateGas",
        "eth_feeHistory",
        "eth_gasPrice",
        "eth_getBalance",
        "eth_getBlockByHash",
        "eth_getBlockByNumber",
        "eth_getCode",
        "eth_getLogs",
        "eth_getProof",
        "eth_getStorageAt",
        "eth_getTransactionByHash",
        "eth_getTransactionCount",
        "eth_getTransactionReceipt",
        "eth_maxPriorityFeePerGas",
        "net_version",
        "web3_clientVersion",
    }
)
SENDING: Final = "eth_sendRawTransaction"
MOST_REQUESTS: Final = 100
"""Requests in one batch."""
MOST_BYTES: Final = 1 << 20
"""Bytes of one HTTP request: a raw transaction has at most 128 KiB in the nodes' pools."""

_PARSE, _INVALID, _UNKNOWN, _PARAMS, _SERVER = -32700, -32600, -32601, -32602, -32000
"""Codes of the JSON-RPC 2.0 specification, section 5.1."""
_log = logging.getLogger(__name__)


class RpcDoor:
    """Answers JSON-RPC bodies from a node.

    Args:
        node: What answers in the end.
    """

    def __init__(self, node: Node) -> None:
        self._node = node

    def answer(self, body: bytes) -> bytes | None:
        """The answer to a body: one, or a list of them for a batch; None where none is due (notifications)."""
        try:
            asked = json.loads(body)
        except (ValueError, RecursionError):
            return _text(_error(None, _PARSE, "This is no JSON."))
        if not isinstance(asked, list):
            answers = self._answers([asked])
            return _text(answers[0]) if answers else None
        if not 0 < len(asked) <= MOST_REQUESTS:
            return _text(_error(None, _INVALID, f"A batch holds 1 to {MOST_REQUESTS} requests, not {len(asked)}."))
        answers = self._answers(asked)
        return _text(answers) if answers else None

    def _answers(self, asked: list[Any]) -> list[dict[str, Any]]:
        refused = [_refusal(request) for request in asked]
        allowed = [request for request, no in zip(asked, refused, strict=True) if no is None]
        results = iter(self._results([(request["method"], request.get("params", [])) for request in allowed]))
        answers = []
        for request, no in zip(asked, refused, strict=True):
            answer = no if no is not None else _answer(request.get("id"), next(results))
            if no is not None or "id" in request:
                answers.append(answer)
        return answers

    def _results(self, requests: list[tuple[str, list[Any]]]) -> list[Any]:
        if len(requests) > 1:
            try:
                return self._node.batch(requests)
            except ChainUnavailable:
                return [RpcFailure(_SERVER, "The chain's server does not answer.")] * len(requests)
            except Exception:
                # One request with parameters that can't be used must not cost the others their answers.
                return [self._result(method, parameters) for method, parameters in requests]
        return [self._result(method, parameters) for method, parameters in requests]

    def _result(self, method: str, parameters: list[Any]) -> Any:  # noqa: ANN401 (JSON)
        try:
            return self._node.request(method, parameters)
        except RpcFailure as failure:
            return failure
        except ChainUnavailable:
            return RpcFailure(_SERVER, "The chain's server does not answer.")
        except Exception as error:
            # The embedded chain takes what is well-formed and raises whatever Python does for the rest. Parameters are
            # not logged: they name subjects.
            _log.info("%s could not be answered: %s", method, type(error).__name__)
            return RpcFailure(_PARAMS, f"{method} can't be answered with these parameters.")


def _refusal(request: Any) -> dict[str, Any] | None:  # noqa: ANN401 (JSON)
    """Why a request is not passed on; None if it is."""
    if not isinstance(request, dict):
        return _error(None, _INVALID, "A request is an object.")
    given = request.get("id")
    id = given if isinstance(given, (str, int, float)) and not isinstance(given, bool) else None
    method, parameters = request.get("method"), request.get("params", [])
    if request.get("jsonrpc") != "2.0" or not isinstance(method, str):
        return _error(id, _INVALID, 'A request has "jsonrpc": "2.0" and a method.')
    if method != SENDING and method not in READING:
        return _error(id, _UNKNOWN, f"{method[:60]} is not offered here.")
    if not isinstance(parameters, list) or len(parameters) > 4:
        return _error(id, _PARAMS, "Parameters are a list of at most four.")
    return None


def _answer(id: Any, result: Any) -> dict[str, Any]:  # noqa: ANN401 (JSON)
    if isinstance(result, RpcFailure):
        return _error(id, result.code, result.message, result.data)
    return {"jsonrpc": "2.0", "id": id, "result": result}


def _error(id: Any, code: int, message: str, data: bytes | None = None) -> dict[str, Any]:  # noqa: ANN401 (JSON)
    error: dict[str, Any] = {"code": code, "message": message}
    if data is not None:
        error["data"] = "0x" + data.hex()
    return {"jsonrpc": "2.0", "id": id, "error": error}


def _text(answer: object) -> bytes:
    return json.dumps(answer, separators=(",", ":")).encode()
