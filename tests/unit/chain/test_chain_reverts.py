from __future__ import annotations

import os
from typing import Any

import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from medrec_py import errors
from medrec_py.chain.abi import CONTRACTS, abi_type, artifact, signature
from medrec_py.chain.hashing import checksum, keccak
from medrec_py.chain.reverts import decode_revert
from medrec_py.errors import ContractRefusal, MedRecError, Panicked, Refused, RevertedWithReason, UnknownRevert

ERRORS = {
    signature(entry): entry for contract in CONTRACTS for entry in artifact(contract).abi if entry["type"] == "error"
}


def value_of(kind: str) -> Any:
    if kind == "address":
        return checksum(os.urandom(20))
    if kind.startswith("uint"):
        return 3
    return "words" if kind == "string" else os.urandom(int(kind.removeprefix("bytes")))


@pytest.mark.parametrize("entry", ERRORS.values(), ids=list(ERRORS))
def test_every_custom_error_becomes_the_class_of_its_name(entry: dict[str, Any]) -> None:
    kinds = [abi_type(part) for part in entry["inputs"]]
    values = [value_of(kind) for kind in kinds]
    refusal = decode_revert(keccak(signature(entry).encode())[:4] + encode(kinds, values))

    assert type(refusal).__name__ == entry["name"]
    assert isinstance(refusal, Refused)
    assert refusal.facts == {part["name"]: value for part, value in zip(entry["inputs"], values, strict=True)}
    assert refusal.hint
    assert type(refusal).__doc__
    for value in values:
        if isinstance(value, str):
            assert value in refusal.message


def test_every_class_of_a_solidity_error_is_one_that_the_contracts_have() -> None:
    built_in = {"Error(string reason)", "Panic(uint256 code)"}
    declared = {
        kind.signature
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, ContractRefusal) and kind.signature
    }
    named = {
        f"{entry['name']}({','.join(abi_type(part) + ' ' + part['name'] for part in entry['inputs'])})"
        for entry in ERRORS.values()
    }
    assert declared - built_in == named


def test_requires_and_assertions_of_other_contracts_keep_their_words() -> None:
    said = decode_revert(keccak(b"Error(string)")[:4] + encode(["string"], ["not today"]))
    assert isinstance(said, RevertedWithReason)
    assert "not today" in said.message
    panic = decode_revert(keccak(b"Panic(uint256)")[:4] + encode(["uint256"], [0x11]))
    assert isinstance(panic, Panicked)
    assert panic.facts == {"code": 0x11}


@given(st.binary(max_size=200))
def test_no_return_data_breaks_the_decoder(data: bytes) -> None:
    assert isinstance(decode_revert(data), ContractRefusal)


@given(st.sampled_from(sorted(ERRORS)), st.binary(max_size=200))
def test_a_known_selector_with_any_tail_is_still_a_refusal(text: str, tail: bytes) -> None:
    assert isinstance(decode_revert(keccak(text.encode())[:4] + tail), MedRecError)


def test_a_revert_without_data_says_so() -> None:
    refusal = decode_revert(b"")
    assert isinstance(refusal, UnknownRevert)
    assert "without saying why" in refusal.message


def test_a_status_and_a_time_are_shown_in_words() -> None:
    grant = keccak(b"GrantNotActive(address,bytes32,uint8)")[:4] + encode(
        ["address", "bytes32", "uint8"], ["0x" + "11" * 20, bytes(32), 3]
    )
    assert "revoked" in decode_revert(grant).message
    lapsed = keccak(b"InvitationExpired(uint64)")[:4] + encode(["uint64"], [1_700_000_000])
    assert "2023-11-14 22:13:20 UTC" in decode_revert(lapsed).message
