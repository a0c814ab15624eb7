"""One signature leads to every key, and no key to another."""

import itertools

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct
from hypothesis import given
from hypothesis import strategies as st

from medrec_py.crypto import (
    RootKey,
    case_key,
    mailbox_key,
    participant_seed,
    relationship_node,
    root_from_signature,
    root_from_signatures,
)
from medrec_py.crypto.derivation import SECP256K1_ORDER
from medrec_py.errors import InvalidInput, UnsteadyWallet

SUBJECT = "0x" + "11" * 20
PROVIDER = "0x" + "22" * 20
ROOT = RootKey(bytes(32))


def test_the_same_wallet_makes_the_same_root_again() -> None:
    wallet = Account.from_key(b"\1" * 32)
    first, second = (bytes(wallet.sign_message(encode_defunct(b"unlock")).signature) for _ in range(2))
    assert root_from_signatures(first, second) == root_from_signature(first)


@given(r=st.binary(min_size=32, max_size=32), s=st.integers(1, SECP256K1_ORDER - 1))
def test_the_root_does_not_depend_on_how_a_wallet_writes_one_signature(r: bytes, s: int) -> None:
    low, high = s.to_bytes(32, "big"), (SECP256K1_ORDER - s).to_bytes(32, "big")
    roots = {root_from_signature(r + half + bytes([v])).reveal() for half in (low, high) for v in (0, 1, 27, 28)}
    assert len(roots) == 1


def test_a_wallet_that_signs_differently_each_time_gets_no_root() -> None:
    with pytest.raises(UnsteadyWallet):
        root_from_signatures(b"\1" * 65, b"\2" * 65)


def test_a_contract_account_may_sign_at_any_length() -> None:
    assert root_from_signature(b"\1" * 64) != root_from_signature(b"\1" * 200)


@pytest.mark.parametrize("length", [0, 1, 32, 63])
def test_too_short_a_signature_is_refused(length: int) -> None:
    with pytest.raises(InvalidInput, match=f"{length} bytes"):
        root_from_signature(bytes(length))


def test_case_keys_are_private_keys_and_differ() -> None:
    keys = [case_key(ROOT, index) for index in range(50)]
    addresses = {Account.from_key(key.reveal()).address for key in keys}
    assert len(addresses) == 50
    assert all(1 <= int.from_bytes(key.reveal(), "big") < SECP256K1_ORDER for key in keys)


@pytest.mark.parametrize("index", [-1, 1 << 32, 1.0, "1", True, None])
def test_a_case_index_out_of_bounds_is_refused(index: object) -> None:
    with pytest.raises(InvalidInput, match="index"):
        case_key(ROOT, index)  # type: ignore[arg-type]


def test_every_derivation_gives_another_key() -> None:
    addresses = [SUBJECT, PROVIDER]
    nodes = [
        relationship_node(ROOT, subject, provider, number)
        for subject, provider, number in itertools.product(addresses, addresses, (0, 1))
    ]
    keys = [case_key(ROOT, index) for index in range(3)]
    keys += [participant_seed(ROOT, address) for address in addresses]  # type: ignore[misc]
    keys += [node.key for node in nodes] + [mailbox_key(node) for node in nodes]  # type: ignore[misc]
    assert len({key.reveal() for key in keys}) == len(keys)


def test_another_root_gives_another_key_everywhere() -> None:
    other = RootKey(b"\1" * 32)
    assert case_key(ROOT, 0) != case_key(other, 0)
    assert participant_seed(ROOT, SUBJECT) != participant_seed(other, SUBJECT)
    assert relationship_node(ROOT, SUBJECT, PROVIDER, 0).key != relationship_node(other, SUBJECT, PROVIDER, 0).key


def test_addresses_count_by_their_bytes_not_by_their_capitals() -> None:
    checksummed = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
    assert participant_seed(ROOT, checksummed) == participant_seed(ROOT, checksummed.lower())


@pytest.mark.parametrize(
    "address", ["", "0x", "11" * 20, "0x" + "1" * 39, "0x" + "gg" * 20, "0x" + "1 " * 20, b"\1" * 20]
)
def test_what_is_no_address_is_refused(address: object) -> None:
    with pytest.raises(InvalidInput, match="not an address"):
        participant_seed(ROOT, address)  # type: ignore[arg-type]
