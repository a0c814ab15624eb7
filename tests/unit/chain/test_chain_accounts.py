from __future__ import annotations

import json
import os
import pickle
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from eth_account import Account as EthAccount
from eth_account.messages import encode_typed_data
from hypothesis import given
from hypothesis import strategies as st

from medrec_py.chain import as_account, generate_account, load_keyfile
from medrec_py.chain.accounts import KeyAccount
from medrec_py.chain.transactions import dynamic_fee_transaction, transaction_hash
from medrec_py.crypto.secret import CaseKey
from medrec_py.errors import AccountInvalid, InvalidInput, KeyfileInvalid, PrivateKeyInvalid, SigningDeclined
from medrec_py.types.terms import Domain, typed_data

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
KEY = bytes.fromhex("4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318")
DOMAIN = Domain("MedRec", 1337, "0x1111111111111111111111111111111111111111")


def revocation(actor: str) -> dict[str, object]:
    return typed_data(DOMAIN, "Revocation", {"actor": actor, "id": os.urandom(32)})


@pytest.mark.parametrize(
    "source", [KEY, bytearray(KEY), KEY.hex(), "0x" + KEY.hex(), CaseKey(KEY), EthAccount.from_key(KEY)]
)
def test_every_form_of_a_key_is_the_same_account(source: object) -> None:
    # The address is that of web3.js's documentation for this key.
    account = as_account(source)
    assert account.address == "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23"
    data = revocation(account.address)
    expected = EthAccount.from_key(KEY).sign_message(encode_typed_data(full_message=data)).signature
    assert account.sign_typed_data(data) == bytes(expected)


def test_an_account_stays_what_it_is() -> None:
    account = generate_account()
    assert as_account(account) is account
    assert generate_account().address != account.address


@pytest.mark.parametrize(
    "key",
    [b"", bytes(32), ORDER.to_bytes(32, "big"), b"\xff" * 32, KEY[:31], KEY + b"\1", "0x", "zz" * 32, KEY.hex()[:-1]],
)
def test_a_bad_key_is_refused_and_never_shown(key: bytes | str) -> None:
    with pytest.raises(PrivateKeyInvalid) as refusal:
        as_account(key)
    shown = str(refusal.value) + repr(refusal.value.facts) + repr(refusal.value.__cause__)
    digits = key if isinstance(key, str) else key.hex()
    assert len(digits) < 8 or digits[:8] not in shown
    assert refusal.value.__suppress_context__ or refusal.value.__context__ is None


@given(st.integers(1, ORDER - 1))
def test_no_way_of_printing_an_account_shows_its_key(number: int) -> None:
    account = as_account(number.to_bytes(32, "big"))
    for text in (repr(account), str(account), f"{account}"):
        assert number.to_bytes(32, "big").hex() not in text
    with pytest.raises(TypeError):
        pickle.dumps(account)


@given(
    st.integers(1, ORDER - 1),
    st.integers(1, 2**40),
    st.integers(0, 2**20),
    st.binary(max_size=300),
    st.integers(0, 2**90),
    st.integers(21000, 2**30),
    st.integers(0, 2**60),
)
def test_transactions_are_encoded_as_eth_account_encodes_them(
    key: int, chain_id: int, nonce: int, data: bytes, value: int, gas: int, fee: int
) -> None:
    account = as_account(key.to_bytes(32, "big"))
    transaction = dynamic_fee_transaction(
        chain_id=chain_id,
        nonce=nonce,
        to=account.address,
        data=data,
        value=value,
        gas=gas,
        max_fee=fee,
        max_priority_fee=fee // 2,
    )
    expected = EthAccount.sign_transaction(transaction, key.to_bytes(32, "big"))
    raw = account.sign_transaction(transaction)
    assert raw == bytes(expected.raw_transaction)
    assert transaction_hash(raw) == bytes(expected.hash)


def test_other_transactions_are_left_to_eth_account() -> None:
    account = as_account(KEY)
    legacy = {"nonce": 0, "to": account.address, "value": 1, "gas": 21000, "gasPrice": 1, "chainId": 5}
    assert account.sign_transaction(legacy) == bytes(EthAccount.sign_transaction(legacy, KEY).raw_transaction)
    with pytest.raises(InvalidInput):
        account.sign_transaction({"nonce": 0, "surprise": 1})


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=3))
def test_signing_twice_gives_the_same_signature(digests: list[bytes]) -> None:
    account = as_account(KEY)
    message = {
        "subject": account.address,
        "author": account.address,
        "head": bytes(32),
        "digests": digests,
        "locators": b"",
    }
    data = typed_data(DOMAIN, "Anchor", message)
    assert account.sign_typed_data(data) == account.sign_typed_data(data)


@pytest.mark.parametrize("form", ["bytes", "hex", "object", "vrs"])
def test_any_object_that_signs_messages_and_transactions_is_an_account(form: str) -> None:
    inner = EthAccount.from_key(KEY)

    class Wallet:
        address = inner.address.lower()

        def sign_message(self, message: object) -> object:
            signed = inner.sign_message(message)
            forms = {
                "bytes": bytes(signed.signature),
                "hex": "0x" + bytes(signed.signature).hex(),
                "object": signed,
                "vrs": SimpleNamespace(v=signed.v - 27, r=signed.r, s=signed.s.to_bytes(32, "big")),
            }
            return forms[form]

        def sign_transaction(self, transaction: dict[str, object]) -> object:
            raw = inner.sign_transaction(transaction).raw_transaction
            return {"bytes": bytes(raw), "hex": raw.hex()}.get(form, SimpleNamespace(rawTransaction=raw))

    account = as_account(Wallet())
    assert account.address == inner.address
    data = revocation(inner.address)
    assert account.sign_typed_data(data) == as_account(KEY).sign_typed_data(data)
    transaction = dynamic_fee_transaction(
        chain_id=1, nonce=0, to=inner.address, data=b"", value=0, gas=21000, max_fee=1, max_priority_fee=1
    )
    assert account.sign_transaction(transaction) == as_account(KEY).sign_transaction(transaction)


def test_a_wallet_whose_owner_declines_says_so() -> None:
    wallet = SimpleNamespace(
        address=as_account(KEY).address, sign_message=lambda _: None, sign_transaction=lambda _: None
    )
    account = as_account(wallet)
    with pytest.raises(SigningDeclined):
        account.sign_typed_data(revocation(account.address))
    with pytest.raises(SigningDeclined):
        account.sign_transaction({})


@pytest.mark.parametrize(
    "source",
    [None, 7, object(), SimpleNamespace(address="0x" + "11" * 20), SimpleNamespace(sign_message=print)],
)
def test_what_can_not_sign_is_no_account(source: object) -> None:
    with pytest.raises(AccountInvalid):
        as_account(source)


def test_a_wallet_that_signs_nonsense_is_refused() -> None:
    wallet = SimpleNamespace(address=as_account(KEY).address, sign_message=lambda _: 7, sign_transaction=lambda _: 7)
    with pytest.raises(AccountInvalid):
        as_account(wallet).sign_typed_data(revocation(wallet.address))


def test_typed_data_with_values_that_do_not_fit_is_refused() -> None:
    with pytest.raises(InvalidInput):
        as_account(KEY).sign_typed_data(typed_data(DOMAIN, "Revocation", {"actor": "nobody", "id": bytes(32)}))


# ── key files ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def keyfile(tmp_path: Path) -> Path:
    path = tmp_path / "key.json"
    path.write_text(json.dumps(EthAccount.encrypt(KEY, "correct horse", kdf="scrypt", iterations=2)))
    return path


def test_a_key_file_opens_with_its_password(keyfile: Path) -> None:
    account = load_keyfile(keyfile, "correct horse")
    assert isinstance(account, KeyAccount)
    assert account.address == as_account(KEY).address


def test_another_password_is_refused_without_naming_it(keyfile: Path) -> None:
    with pytest.raises(KeyfileInvalid, match="password is not its own") as refusal:
        load_keyfile(keyfile, "wrong horse")
    assert "wrong horse" not in str(refusal.value)
    assert KEY.hex() not in str(refusal.value)


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"crypto": {}}', '{"version": 3, "crypto": {"kdf": "none"}}', "\x00"]
)
def test_what_is_no_key_file_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "key.json"
    path.write_text(content)
    with pytest.raises(KeyfileInvalid, match=r"key\.json"):
        load_keyfile(path, "")


def test_a_missing_key_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyfileInvalid, match="nowhere"):
        load_keyfile(tmp_path / "nowhere", "")


@given(st.dictionaries(st.text(max_size=8), st.recursive(st.none() | st.integers() | st.text(max_size=8), st.lists)))
def test_no_json_object_breaks_the_key_file_reader(document: dict[str, object]) -> None:
    with tempfile.NamedTemporaryFile("w") as file:
        json.dump({"version": 3, "crypto": document}, file)
        file.flush()
        with pytest.raises(KeyfileInvalid):
            load_keyfile(file.name, "")
