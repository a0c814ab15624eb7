"""EIP-1559 transactions: the fields that are signed, their encoding, and their hash."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import rlp

from medrec_py.chain.hashing import keccak

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


def payload(transaction: Mapping[str, Any]) -> list[Any]:
    """The list that is encoded: EIP-1559's nine fields before the signature."""
    return [
        _number(transaction["chainId"]),
        _number(transaction["nonce"]),
        _number(transaction["maxPriorityFeePerGas"]),
        _number(transaction["maxFeePerGas"]),
        _number(transaction["gas"]),
        bytes.fromhex(transaction["to"][2:]),
        _number(transaction["value"]),
        transaction["data"],
        [],
    ]


def signing_hash(fields: list[Any]) -> bytes:
    """What is signed: keccak256 of type and fields."""
    return keccak(DYNAMIC_FEE + rlp.encode(fields, infer_serializer=False))


def signed_bytes(fields: list[Any], signature: bytes) -> bytes:
    """The raw transaction of the fields and a 65-byte signature r ‖ s ‖ parity (0 or 1)."""
    r, s, parity = signature[:32].lstrip(b"\0"), signature[32:64].lstrip(b"\0"), signature[64:].lstrip(b"\0")
    return DYNAMIC_FEE + bytes(rlp.encode([*fields, parity, r, s], infer_serializer=False))


def transaction_hash(raw: bytes) -> bytes:
    """Hash of a raw transaction, 32 bytes."""
    return keccak(raw)


def _number(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8, "big")
