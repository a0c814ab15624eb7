"""Whoever signs: private keys, eth_account and ape accounts, hardware and remote signers behind one protocol."""

from __future__ import annotations

import json
import os
from typing import Any, Final, NoReturn, Protocol, final, runtime_checkable

import coincurve

from medrec_py.chain.hashing import checksum, keccak, require_address
from medrec_py.chain.transactions import is_plain, payload, signed_bytes, signing_hash
from medrec_py.errors import AccountInvalid, InvalidInput, KeyfileInvalid, PrivateKeyInvalid, SigningDeclined
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
    if isinstance(source, (KeyAccount, MessageSigner, ApeAccount)):
        return source
    if isinstance(source, (str, bytes, bytearray)):
        return KeyAccount(_key_bytes(source))
    reveal = getattr(source, "reveal", None)
    if callable(reveal):
        return KeyAccount(_key_bytes(reveal()))
    if not isinstance(getattr(source, "address", None), str):
        raise AccountInvalid(f"A {type(source).__name__} is no account: it has no address.")
    if _is_ape(source):
        return ApeAccount(source)
    if callable(getattr(source, "sign_message", None)) and callable(getattr(source, "sign_transaction", None)):
        return MessageSigner(source)
    if isinstance(source, Account):
        return source
    raise AccountInvalid(f"A {type(source).__name__} is no account: it can't sign both messages and transactions.")


def generate_account() -> Account:
    """An account with a fresh random key that is kept nowhere."""
    return KeyAccount(coincurve.PrivateKey().secret)


def load_keyfile(path: str | os.PathLike[str], password: str) -> Account:
    """The account of an encrypted Ethereum key file (Web3 Secret Storage, version 3).

    Raises:
        KeyfileInvalid: No such file, not a key file, or another password; names the file, never the password.
    """
    from eth_account import Account as EthAccount

    name = os.fspath(path)
    try:
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
    except OSError as error:
        raise KeyfileInvalid(f"The key file {name} can't be read: {error.strerror}.", path=name) from error
    except ValueError as error:
        raise KeyfileInvalid(f"{name} is no key file: it is not JSON.", path=name) from error
    if not isinstance(document, dict) or not isinstance(document.get("crypto", document.get("Crypto")), dict):
        raise KeyfileInvalid(f"{name} is no key file: it has no encrypted key.", path=name)
    try:
        key = bytes(EthAccount.decrypt(document, password))
    except (ValueError, TypeError, KeyError, AttributeError, NotImplementedError) as error:
        wrong_password = "MAC mismatch" in str(error)
        reason = "the password is not its own" if wrong_password else "it is damaged or of an unknown kind"
        raise KeyfileInvalid(f"The key file {name} can't be opened: {reason}.", path=name) from None
    return KeyAccount(_key_bytes(key))


@final
class KeyAccount:
    """An account whose private key is in this process.

    Signatures are deterministic (RFC 6979), as libsecp256k1 makes them. The key is not shown, pickled or copied.
    """

    __slots__ = ("_address", "_key")

    def __init__(self, key: bytes) -> None:
        try:
            self._key = coincurve.PrivateKey(key)
        except ValueError:
            # The original error may quote the key.
            raise PrivateKeyInvalid("The private key is zero or larger than the order of secp256k1.") from None
        self._address = checksum(keccak(self._key.public_key.format(compressed=False)[1:])[12:])

    @property
    def address(self) -> str:
        """See `Account.address`."""
        return self._address

    def sign_transaction(self, transaction: dict[str, Any]) -> bytes:
        """See `Account.sign_transaction`."""
        if is_plain(transaction):
            fields = payload(transaction)
            return signed_bytes(fields, self._key.sign_recoverable(signing_hash(fields), hasher=None))
        from eth_account import Account as EthAccount

        try:
            return bytes(EthAccount.sign_transaction(transaction, self._key.secret).raw_transaction)
        except (TypeError, ValueError) as error:
            raise InvalidInput(f"The transaction can't be signed: {error}") from error

    def sign_typed_data(self, data: TypedData) -> bytes:
        """See `Account.sign_typed_data`."""
        return self.sign_digest(typed_data_digest(data))

    def sign_digest(self, digest: bytes) -> bytes:
        """65 bytes r ‖ s ‖ v over 32 bytes as they are; only for digests that were made here."""
        signature = self._key.sign_recoverable(digest, hasher=None)
        return signature[:64] + bytes([signature[64] + 27])

    def __repr__(self) -> str:
        return f"<account {self._address}>"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("An account with a private key is never pickled or copied.")


@final
class MessageSigner:
    """An account that signs `SignableMessage`s and transaction dictionaries: eth_account's, or one shaped like it."""

    __slots__ = ("_address", "_signer")

    def __init__(self, signer: Any) -> None:  # noqa: ANN401 (anybody's class)
        self._signer = signer
        self._address = require_address(signer.address)

    @property
    def address(self) -> str:
        """See `Account.address`."""
        return self._address

    def sign_transaction(self, transaction: dict[str, Any]) -> bytes:
        """See `Account.sign_transaction`."""
        signed = self._signer.sign_transaction(transaction)
        if signed is None:
            raise SigningDeclined(f"The account {self._address} declined to sign the transaction.")
        for name in ("raw_transaction", "rawTransaction", "raw"):
            signed = getattr(signed, name, signed)
        return _bytes(signed, f"The account {self._address} returned no signed transaction")

    def sign_typed_data(self, data: TypedData) -> bytes:
        """See `Account.sign_typed_data`."""
        return _signature_bytes(self._signer.sign_message(signable(data)), self._address)

    def __repr__(self) -> str:
        return f"<account {self._address}>"


@final
class ApeAccount:
    """An account of ape: a key file, a test account, or a hardware wallet's plugin. It asks its owner as ape does."""

    __slots__ = ("_account", "_address")

    def __init__(self, account: Any) -> None:  # noqa: ANN401 (ape is an optional dependency)
        self._account = account
        self._address = require_address(str(account.address))

    @property
    def address(self) -> str:
        """See `Account.address`."""
        return self._address

    def sign_transaction(self, transaction: dict[str, Any]) -> bytes:
        """See `Account.sign_transaction`."""
        from ape_ethereum.transactions import DynamicFeeTransaction

        document = dict(transaction)
        document["data"] = "0x" + bytes(transaction["data"]).hex()
        signed = self._account.sign_transaction(DynamicFeeTransaction.model_validate(document))
        if signed is None:
            raise SigningDeclined(f"The account {self._address} declined to sign the transaction.")
        return bytes(signed.serialize_transaction())

    def sign_typed_data(self, data: TypedData) -> bytes:
        """See `Account.sign_typed_data`."""
        return _signature_bytes(self._account.sign_message(signable(data)), self._address)

    def __repr__(self) -> str:
        return f"<account {self._address}>"


def signable(data: TypedData) -> Any:  # noqa: ANN401 (eth_account's SignableMessage)
    """An EIP-712 document as eth_account's `SignableMessage`.

    Raises:
        InvalidInput: Values don't fit their types.
    """
    from eth_account.messages import encode_typed_data

    try:
        return encode_typed_data(full_message=data)
    except Exception as error:
        # eth_account raises errors of eth_abi, eth_utils and its own, all of which mean the same.
        raise InvalidInput(f"The typed data can't be encoded: {error}") from error


def typed_data_digest(data: TypedData) -> bytes:
    """The 32 bytes that a wallet signs for an EIP-712 document: keccak256(0x1901 ‖ domain ‖ struct hash)."""
    message = signable(data)
    return keccak(b"\x19" + message.version + message.header + message.body)


_HEX_KEY: Final = 64


def _key_bytes(source: object) -> bytes:
    if isinstance(source, str):
        digits = source.strip().removeprefix("0x")
        if len(digits) != _HEX_KEY:
            raise PrivateKeyInvalid(f"The private key has {len(digits)} hexadecimal digits, not {_HEX_KEY}.")
        try:
            return bytes.fromhex(digits)
        except ValueError:
            # The original error would quote a part of the key.
            raise PrivateKeyInvalid("The private key has characters that are no hexadecimal digits.") from None
    if not isinstance(source, (bytes, bytearray)):
        raise PrivateKeyInvalid(f"A private key is 32 bytes, not a {type(source).__name__}.")
    if len(source) != _HEX_KEY // 2:
        raise PrivateKeyInvalid(f"The private key has {len(source)} bytes, not 32.")
    return bytes(source)


def _is_ape(source: object) -> bool:
    return any(cls.__module__ == "ape.api.accounts" for cls in type(source).__mro__)


def _signature_bytes(signed: Any, address: str) -> bytes:  # noqa: ANN401 (anybody's class)
    if signed is None:
        raise SigningDeclined(f"The account {address} declined to sign the message.")
    signature = getattr(signed, "signature", signed)
    if not isinstance(signature, (bytes, bytearray, str)) and all(hasattr(signature, name) for name in "vrs"):
        v, r, s = signature.v, _word(signature.r), _word(signature.s)
        signature = r + s + bytes([v if v >= 27 else v + 27])
    return _bytes(signature, f"The account {address} returned no signature")


def _word(value: Any) -> bytes:  # noqa: ANN401 (anybody's class)
    return value.to_bytes(32, "big") if isinstance(value, int) else bytes(value).rjust(32, b"\0")


def _bytes(value: object, complaint: str) -> bytes:
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    if isinstance(value, str):
        try:
            return bytes.fromhex(value.removeprefix("0x"))
        except ValueError:
            pass
    raise AccountInvalid(f"{complaint}, but a {type(value).__name__}.")
