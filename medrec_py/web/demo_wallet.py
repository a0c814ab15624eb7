"""A wallet for demonstrations: one account of this process, asked through a script that announces it by EIP-6963.

The key never leaves this process. The script asks the person at the page before it passes anything on; whatever else
can reach this server could ask without asking, so it is served on loopback only, and never with the page that is built.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

from medrec_py.chain import Account, Call, Chain
from medrec_py.errors import MedRecError

SCRIPT_NAME: Final = "demo-wallet.js"

UNAUTHORIZED, UNSUPPORTED, UNKNOWN_CHAIN = 4100, 4200, 4902
"""Codes of EIP-1193 and EIP-3085."""
_PARAMS: Final = -32602
_NUMBER: Final = re.compile(r"u?int\d*")
_BYTES: Final = re.compile(r"bytes\d*")


class WalletRefusal(Exception):
    """What a wallet answers instead of a result.

    Attributes:
        code: Code of EIP-1193 or JSON-RPC.
        message: The reason.
        data: Return data of a revert, 0x-hex, if there is any.
    """

    def __init__(self, code: int, message: str, data: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data


class DemoWallet:
    """Signs and sends for one account, as an EIP-1193 provider does.

    Args:
        account: Whose key it is.
        chain: The only chain that it knows.
    """

    def __init__(self, account: Account, chain: Chain) -> None:
        self._account = account
        self._chain = chain

    @property
    def address(self) -> str:
        """Whose wallet it is."""
        return self._account.address

    def request(self, method: str, parameters: list[Any]) -> Any:  # noqa: ANN401 (JSON)
        """Answers a request that its owner has allowed.

        Raises:
            WalletRefusal: It can't.
        """
        try:
            match method, parameters:
                case (("eth_accounts" | "eth_requestAccounts"), _):
                    return [self.address]
                case "eth_chainId", _:
                    return hex(self._chain.chain_id)
                case "wallet_switchEthereumChain", [{"chainId": str(wanted)}]:
                    return self._same_chain(wanted)
                case "eth_signTypedData_v4", [str(account), (str() | dict()) as document]:
                    return self._sign(account, document)
                case "eth_sendTransaction", [dict(transaction)]:
                    return self._send(transaction)
        except MedRecError as error:
            raise WalletRefusal(-32000, error.message) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise WalletRefusal(_PARAMS, f"{method} can't be done with these parameters.") from error
        raise WalletRefusal(UNSUPPORTED, f"This wallet does not know {method[:60]} with these parameters.")

    def _same_chain(self, wanted: str) -> None:
        if int(wanted, 16) != self._chain.chain_id:
            raise WalletRefusal(UNKNOWN_CHAIN, "The demonstration's wallet knows its own chain only.")

    def _own(self, account: str) -> None:
        if account.lower() != self.address.lower():
            raise WalletRefusal(UNAUTHORIZED, f"This wallet does not hold the account {account}.")

    def _sign(self, account: str, document: str | dict[str, Any]) -> str:
        self._own(account)
        data = json.loads(document) if isinstance(document, str) else document
        return "0x" + self._account.sign_typed_data(from_wallet_json(data)).hex()

    def _send(self, transaction: dict[str, Any]) -> str:
        self._own(str(transaction["from"]))
        call = Call(
            to=str(transaction["to"]),
            data=bytes.fromhex(str(transaction.get("data", transaction.get("input", "0x"))).removeprefix("0x")),
            name="a transaction of the page",
            value=int(str(transaction.get("value", "0x0")), 16),
        )
        prepared = self._chain.prepare(self._account, call)
        self._chain.broadcast(prepared.raw)
        return "0x" + prepared.hash.hex()


def from_wallet_json(data: dict[str, Any]) -> dict[str, Any]:
    """An EIP-712 document with numbers as numbers and bytes as bytes.

    JSON has neither large numbers nor bytes, so pages send both as text, and so does `eth_signTypedData_v4`.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: It is no such document.
    """
    types: dict[str, list[dict[str, str]]] = data["types"]

    def value(kind: str, given: Any) -> Any:  # noqa: ANN401 (JSON)
        if kind.endswith("]"):
            return [value(kind[: kind.rindex("[")], item) for item in given]
        if kind in types:
            return {field["name"]: value(field["type"], given[field["name"]]) for field in types[kind]}
        if _NUMBER.fullmatch(kind):
            return int(given, 0) if isinstance(given, str) else given
        if _BYTES.fullmatch(kind) and isinstance(given, str):
            return bytes.fromhex(given.removeprefix("0x"))
        return given

    domain = value("EIP712Domain", data["domain"]) if "EIP712Domain" in types else data["domain"]
    return {**data, "domain": domain, "message": value(data["primaryType"], data["message"])}


def script() -> bytes:
    """The script that announces the wallet to the page."""
    return Path(__file__).with_name(SCRIPT_NAME.replace("-", "_")).read_bytes()
