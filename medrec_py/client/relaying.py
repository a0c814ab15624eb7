"""Acts sent through relayers over HTTP: the next is tried when one can't, and none is believed without the chain."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from medrec_py import errors
from medrec_py.chain import Call, Chain, TransactionReceipt
from medrec_py.errors import (
    ContractRefusal,
    InvalidInput,
    MedRecError,
    NotMined,
    Refused,
    RelayInconsistent,
    RelayUnavailable,
)

PROBLEM_TYPE: Final = "urn:medrec:error:"
"""Beginning of the `type` of a relayer's problem documents (RFC 9457); the error's name follows."""
_WAIT_SECONDS: Final = 20
_PAUSE_SECONDS: Final = 0.1
_ANSWER_SECONDS: Final = 45.0
_OWN_REASONS: Final = (401, 403, 404, 408, 429)
"""HTTP statuses, besides those from 500 on, that say something of one relayer and nothing of the act."""
_LONGEST_ANSWER: Final = 1_000_000


class HttpRelayer:
    """Relayers at some addresses, tried in this order. It is a `Sender`: `MedRec.connect(relayer="https://…")`.

    Nothing that one says is believed: neither that an act is done, nor that the contracts refuse it. Both are read from
    the caller's own node; whatever else the reason was, the next one is tried, or a relayer could stop a veto or a
    revocation with a lie. An act can be sent to several without happening twice: what is signed counts once.

    Args:
        urls: Addresses, `http(s)://…`; several in a list, or in a text with commas between them.
        chain: The caller's own way to the chain.
        timeout: Seconds after which an act that is not mined is given up on; it may be mined later.

    Raises:
        InvalidInput: An address is none.
    """

    def __init__(self, urls: str | Sequence[str], chain: Chain, *, timeout: float = 180.0) -> None:
        given = urls.split(",") if isinstance(urls, str) else list(urls)
        self.urls: Final = tuple(url.strip().rstrip("/") for url in given)
        if not self.urls or not all(map(is_relay_address, self.urls)):
            raise InvalidInput(
                f"{', '.join(self.urls)!r} names no relayer.", hint="Give http:// or https:// addresses of relayers."
            )
        self._chain = chain
        self._timeout = timeout

    def relay(self, calls: Sequence[Call]) -> TransactionReceipt:
        """Sends the acts, all or none, and returns when the caller's own node has them mined.

        Raises:
            Refused: The contracts refuse.
            RelayUnavailable: No relayer takes it. With one only, its own reason is raised:
            NotMined: It was taken, and not mined in time.
            RelayInconsistent: The relayer names a transaction that is not this act.
        """
        sent: list[bytes] = []
        reasons: list[MedRecError] = []
        for url in self.urls:
            try:
                return self._through(url, calls, sent)
            except MedRecError as error:
                # An earlier relayer may have done it after all: then the act is refused because it has happened.
                found = self._done(calls, sent)
                if found is not None:
                    return found
                reasons.append(self._checked(url, calls, error) if isinstance(error, ContractRefusal) else error)
        if len(reasons) == 1:
            raise reasons[0]
        raise RelayUnavailable(
            f"None of the {len(self.urls)} relayers takes this act: {' '.join(error.message for error in reasons)}",
            relayers=list(self.urls),
        )

    # ── internals ──

    def _done(self, calls: Sequence[Call], sent: Sequence[bytes]) -> TransactionReceipt | None:
        """The receipt of the act, if one of the transactions that relayers named has brought it to the chain."""
        for digest in sent:
            with suppress(Refused):  # one that failed did nothing
                found = self._chain.receipt(digest)
                if found is not None and self._carries(digest, calls):
                    return found
        return None

    def _checked(self, url: str, calls: Sequence[Call], refusal: ContractRefusal) -> RelayUnavailable:
        """What to think of a relayer that says the contracts refuse, when they do not.

        Raises:
            Refused: They do.
        """
        self._chain.call(self._chain.one_call(calls))
        return RelayUnavailable(
            f"The relayer at {url} says that the contracts refuse ({refusal.message}), and the chain does not.",
            relayer=url,
        )

    def _through(self, url: str, calls: Sequence[Call], sent: list[bytes]) -> TransactionReceipt:
        body = {"calls": [{"to": call.to, "data": "0x" + call.data.hex()} for call in calls]}
        deadline = time.monotonic() + self._timeout
        act = self._ask(url, "POST", f"/v1/acts?wait={_WAIT_SECONDS}", body)
        id = act.get("id")
        while True:
            digest = _digest(act.get("transaction"))
            if digest is not None and digest not in sent:
                sent.append(digest)
            match act.get("status"):
                case "confirmed" if digest is not None:
                    return self._verified(url, calls, digest)
                case "failed":
                    raise self._failure(digest, act)
                case "accepted" | "pending" if isinstance(id, str) and id.isalnum():
                    if time.monotonic() >= deadline:
                        raise NotMined(f"The relayer's transaction was not mined within {self._timeout:g} seconds.")
                    time.sleep(_PAUSE_SECONDS)  # one that does not wait is not asked without a break
                    act = self._ask(url, "GET", f"/v1/acts/{id}?wait={_WAIT_SECONDS}")
                case _:
                    raise RelayUnavailable(f"The relayer at {url} answers what makes no sense.", relayer=url)

    def _verified(self, url: str, calls: Sequence[Call], digest: bytes) -> TransactionReceipt:
        """The receipt from the caller's own node, of a transaction that carries just these calls."""
        receipt = self._chain.wait(digest, timeout=self._timeout, name="+".join(call.name for call in calls))
        if not self._carries(digest, calls):
            raise RelayInconsistent(f"The relayer at {url} names a transaction with other calls.", transaction=digest)
        return receipt

    def _carries(self, digest: bytes, calls: Sequence[Call]) -> bool:
        """Whether a transaction is just these calls."""
        found = self._chain.ask("eth_getTransactionByHash", "0x" + digest.hex())
        expected = self._chain.one_call(calls)
        carried = (str(found.get("to")).lower(), found.get("input")) if isinstance(found, dict) else None
        return carried == (expected.to.lower(), "0x" + expected.data.hex())

    def _failure(self, digest: bytes | None, act: dict[str, Any]) -> MedRecError:
        """Why an act failed that a relayer had taken: by the chain's own word where there is one."""
        try:
            if digest is not None:
                self._chain.receipt(digest)
        except Refused as refusal:
            return refusal
        return error_of_problem(act.get("problem"))

    def _ask(self, url: str, method: str, path: str, body: object = None) -> dict[str, Any]:
        import httpx

        try:
            with httpx.Client(timeout=_ANSWER_SECONDS, follow_redirects=False) as client:
                response = client.request(method, url + path, json=body)
                document = response.json() if len(response.content) <= _LONGEST_ANSWER else None
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, RecursionError) as error:
            raise RelayUnavailable(
                f"The relayer at {url} does not answer ({type(error).__name__}).", relayer=url
            ) from error
        if isinstance(document, dict) and response.is_success:
            return document
        refusal = error_of_problem(document)
        if isinstance(refusal, (errors.RelayBudgetSpent, errors.RelayTooOften)):
            raise refusal
        if response.status_code >= 500 or response.status_code in _OWN_REASONS or type(refusal) is Refused:
            raise RelayUnavailable(
                f"The relayer at {url} can't relay now (HTTP {response.status_code}: {refusal.message}).", relayer=url
            )
        raise refusal


def is_relay_address(text: str) -> bool:
    """Whether a text is the address of a relayer, and no name of an account."""
    return text.startswith(("http://", "https://")) and len(text.partition("://")[2]) > 0


def error_of_problem(document: object) -> MedRecError:
    """The error that a relayer's problem document stands for; a plain `Refused` where it stands for none."""
    if not isinstance(document, dict):
        return Refused("The relayer refuses without saying why.")
    name, values = document.get("error"), document.get("values")
    kind = getattr(errors, name, None) if isinstance(name, str) else None
    if not (isinstance(kind, type) and issubclass(kind, MedRecError)):
        kind = Refused
    facts = {key: value for key, value in values.items() if key.isidentifier()} if isinstance(values, dict) else {}
    if issubclass(kind, ContractRefusal):
        facts = {key: _typed(kind, key, value) for key, value in facts.items()}
    hint = document.get("hint")
    facts = {key: value for key, value in facts.items() if key not in ("message", "hint", "self")}
    return kind(
        str(document.get("detail", "The relayer refuses.")), hint=hint if isinstance(hint, str) else None, **facts
    )


def _typed(kind: type[ContractRefusal], name: str, value: object) -> object:
    """A value of a Solidity error as the error has it: numbers and bytes come as texts where JSON can't hold them."""
    parameters = kind.signature.rstrip(")").partition("(")[2].split(",")
    types = {parameter.rpartition(" ")[2]: parameter.partition(" ")[0] for parameter in parameters}
    given = types.get(name, "")
    if isinstance(value, str) and given.startswith("bytes"):
        try:
            return bytes.fromhex(value.removeprefix("0x"))
        except ValueError:
            return value
    if isinstance(value, str) and given.startswith("uint") and value.isascii() and value.isdigit() and len(value) < 80:
        return int(value)
    return value


def _digest(value: object) -> bytes | None:
    try:
        digest = bytes.fromhex(value.removeprefix("0x")) if isinstance(value, str) else b""
    except ValueError:
        return None
    return digest if len(digest) == 32 else None
