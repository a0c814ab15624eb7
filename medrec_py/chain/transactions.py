"""EIP-1559 transactions: the fields that are signed, their encoding, and their hash."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from medrec_py.chain.hashing import checksum, keccak
from medrec_py.errors import InvalidInput

DYNAMIC_FEE: Final = b"\x02"
"""First byte of an EIP-1559 transaction (EIP-2718 type 2)."""

_FIELDS: Final = frozenset(
    {"type", "chainId", "nonce", "maxPriorityFeePerGas", "maxFeePerGas", "gas", "to", "value", "data"}
)


def dynamic_fee_transaction(
    *,
    chain_id: int,
    nonce: int,
    to: str,
    data: bytes,
    value: int,
    gas: int,
    max_fee: int,
    max_priority_fee: int,
) -> dict[str, Any]:
    """The transaction as `Account.sign_transaction` takes it, and as eth_account does; fees in wei per gas."""
    return {
        "type": 2,
        "chainId": chain_id,
        "nonce": nonce,
        "to": to,
        "data": data,
        "value": value,
        "gas": gas,
        "maxFeePerGas": max_fee,
        "maxPriorityFeePerGas": max_priority_fee,
    }


def is_plain(transaction: Mapping[str, Any]) -> bool:
    """Whether it has exactly the fields of `dynamic_fee_transaction`, as numbers, bytes and an address."""
    return transaction.keys() == _FIELDS and transaction["type"] == 2 and isinstance(transaction["data"], bytes)


def payload(transaction: Mapping[str, Any]) -> bytes:
    """EIP-1559's nine fields before the signature, each in RLP, without the list around them."""
    fields = (
        _number(transaction["chainId"]),
        _number(transaction["nonce"]),
        _number(transaction["maxPriorityFeePerGas"]),
        _number(transaction["maxFeePerGas"]),
        _number(transaction["gas"]),
        bytes.fromhex(transaction["to"][2:]),
        _number(transaction["value"]),
        transaction["data"],
    )
    return b"".join(map(_rlp_string, fields)) + _EMPTY_LIST


def signing_hash(fields: bytes) -> bytes:
    """What is signed: keccak256 of type and fields."""
    return keccak(DYNAMIC_FEE + _rlp_list(fields))


def signed_bytes(fields: bytes, signature: bytes) -> bytes:
    """The raw transaction of the fields and a 65-byte signature r ‖ s ‖ parity (0 or 1)."""
    parts = (signature[64:], signature[:32], signature[32:64])
    return DYNAMIC_FEE + _rlp_list(fields + b"".join(_rlp_string(part.lstrip(b"\0")) for part in parts))


def unsigned(raw: bytes) -> dict[str, Any]:
    """What was signed: the fields of a raw transaction that `dynamic_fee_transaction` made.

    Raises:
        InvalidInput: It is no such transaction.
    """
    import rlp

    try:
        if raw[:1] != DYNAMIC_FEE:
            raise ValueError(raw[:1])
        chain_id, nonce, tip, fee, gas, to, value, data, *_ = rlp.decode(raw[1:])
        if len(to) != 20:
            raise ValueError(to)
        numbers = [int.from_bytes(item, "big") for item in (chain_id, nonce, gas, value, fee, tip)]
    except (rlp.exceptions.RLPException, ValueError, TypeError) as error:
        raise InvalidInput(f"{len(raw)} bytes are no signed EIP-1559 call.", length=len(raw)) from error
    return dynamic_fee_transaction(
        chain_id=numbers[0],
        nonce=numbers[1],
        to=checksum(to),
        data=bytes(data),
        value=numbers[3],
        gas=numbers[2],
        max_fee=numbers[4],
        max_priority_fee=numbers[5],
    )


def transaction_hash(raw: bytes) -> bytes:
    """Hash of a raw transaction, 32 bytes."""
    return keccak(raw)


# RLP (Ethereum yellow paper, appendix B) of what is needed here, because signing in bulk spends most of its time on a
# general encoder.

_EMPTY_LIST: Final = b"\xc0"


def _rlp_string(value: bytes) -> bytes:
    if len(value) == 1 and value[0] < 0x80:
        return value
    return _rlp_length(len(value), 0x80) + value


def _rlp_list(encoded: bytes) -> bytes:
    return _rlp_length(len(encoded), 0xC0) + encoded


def _rlp_length(length: int, offset: int) -> bytes:
    if length < 56:
        return bytes((offset + length,))
    digits = _number(length)
    return bytes((offset + 55 + len(digits),)) + digits


def _number(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8, "big")
