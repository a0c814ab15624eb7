"""Whoever signs: private keys, eth_account and ape accounts, hardware and remote signers behind one protocol."""

from __future__ import annotations

from os import PathLike
from typing import Any, Protocol, runtime_checkable

from medrec_py.types.terms import TypedData


@runtime_checkable
class Account(Protocol):
    """What the SDK asks of a signer. `as_account` makes one of anything that can sign."""

    @property
    def address(self) -> str:
        """EIP-55 address."""

    def sign_transaction(self, transaction: dict[str, Any]) -> bytes:
        """The signed raw bytes of an EIP-1559 transaction (`nonce, to, value, data, gas, maxFeePerGas, ...`)."""

    def sign_typed_data(self, data: TypedData) -> bytes:
        """65 bytes r ‖ s ‖ v (v 27 or 28) over an EIP-712 document; ERC-1271 signers may give other lengths."""


def as_account(source: object) -> Account:
    """An `Account` of whatever can sign.

    Args:
        source: An `Account`; a private key (hex string, 32 bytes, or a secret with `reveal()`); an `eth_account`
            account; an ape account; anything with `address`, `sign_message(SignableMessage)` and
            `sign_transaction(dict)`.

    Raises:
        PrivateKeyInvalid: The key is no secp256k1 key; the message never holds the key.
        AccountInvalid: The object can't sign.
    """
    raise NotImplementedError


def generate_account() -> Account:
    """An account with a fresh random key that is kept nowhere."""
    raise NotImplementedError


def load_keyfile(path: str | PathLike[str], password: str) -> Account:
    """The account of an encrypted Ethereum key file (Web3 Secret Storage, version 3).

    Raises:
        KeyfileInvalid: No such file, not a key file, or another password; names the file, never the password.
    """
    raise NotImplementedError
