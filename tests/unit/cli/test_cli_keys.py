"""Keys on disk: encrypted, private, found by name, and never taken from the command line."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
from pathlib import Path

import pytest
from cli_commands import only_json
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from medrec_py.chain import load_keyfile
from medrec_py.cli.entry import run
from medrec_py.cli.keys import Keyring, refuse_key
from medrec_py.cli.people import _facts
from medrec_py.cli.words import digest, listed
from medrec_py.errors import InvalidInput, KeyfileInvalid

KEY = "0x" + "4c" * 32
PAGES_PASSWORD = "пароль 密码 €"
PAGES_ROOT_FILE = {
    "kind": "medrec root key",
    "crypto": {
        "cipher": "aes-128-ctr",
        "cipherparams": {"iv": "9af6330801f09dc84f4dda244600e6ec"},
        "ciphertext": "955dd1ee0c7aa6896be822e2a8f33fc367aef51eb13e9ad1a1206c2947531602",
        "kdf": "scrypt",
        "kdfparams": {"n": 1024, "r": 8, "p": 1, "dklen": 32, "salt": "c36b825bf92c760bb32bc88b65705466"},
        "mac": "343b88bee7beb445165582fb5d1941d4ce1ef7a20eff97326c883c8e82b6fdd0",
    },
    "id": "fd090716-3919-41fc-aae4-ea7b3e5584b3",
    "version": 3,
}
"""What `writeRootFile` of the page gave for the bytes 0 to 31, with a low work factor."""


def test_an_account_is_kept_encrypted_and_readable_by_its_owner_alone(home: Path, capsys: pytest.CaptureFixture[str]):
    assert run(["account", "new", "hospital", "--json"]) == 0
    made = only_json(capsys.readouterr().out)
    path = Path(made["keyfile"])
    assert path == home / "accounts" / "hospital.json"
    for file in (path, path.parent / "password"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    password = (path.parent / "password").read_text().strip()
    assert password not in json.dumps(made)
    account = load_keyfile(path, password)
    assert account.address == made["address"]
    assert Keyring(path.parent, None).account("hospital").address == made["address"]
    assert Keyring(path.parent, None).address("hospital") == made["address"]


def test_a_name_is_given_once(capsys: pytest.CaptureFixture[str]):
    assert run(["account", "new", "hospital"]) == 0
    assert run(["account", "new", "hospital"]) == 2
    assert "already" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["", "../outside", "a b", ".hidden", "x" * 65])
def test_a_name_that_could_lead_elsewhere_is_refused(name: str, tmp_path: Path):
    with pytest.raises(InvalidInput):
        Keyring(tmp_path, None).make(name)
    assert list(tmp_path.iterdir()) == []


def test_an_account_with_a_password_of_its_own_opens_with_that_alone(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    password = tmp_path / "secret"
    password.write_text("correct horse\n")
    monkeypatch.setattr("medrec_py.cli.keys._WORK_FACTOR", 2**10)
    assert run(["account", "new", "patient", "--ask", "--password-file", str(password)]) == 0
    folder = home / "accounts"
    assert not (folder / "password").exists()
    assert Keyring(folder, str(password)).account("patient").address
    monkeypatch.setenv("MEDREC_PASSWORD", "correct horse")
    assert Keyring(folder, None).account("patient").address
    monkeypatch.setenv("MEDREC_PASSWORD", "wrong horse")
    with pytest.raises(KeyfileInvalid) as error:
        Keyring(folder, None).account("patient")
    assert "wrong horse" not in str(error.value)


def test_without_a_terminal_nobody_is_asked_for_a_password(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert run(["account", "new", "patient", "--ask"]) == 2
    assert "--password-file" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--account", "--keyfile", "--relayer"])
@pytest.mark.parametrize("key", [KEY, KEY.removeprefix("0x"), KEY.upper().replace("X", "x")])
def test_a_private_key_on_the_command_line_is_refused_and_not_repeated(
    option: str, key: str, capsys: pytest.CaptureFixture[str]
):
    others = ["--account", "someone"] if option == "--relayer" else []
    run(["account", "new", "someone"])
    capsys.readouterr()
    for flags in ([], ["--json"]):
        assert run(["subjects", option, key, *others, *flags]) == 2
        printed = capsys.readouterr()
        assert "4c4c4c" not in (printed.out + printed.err).lower()
        assert "private key" in printed.out + printed.err


def test_a_root_key_is_kept_encrypted_and_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("medrec_py.cli.keys._WORK_FACTOR", 2**10)
    monkeypatch.setenv("MEDREC_PASSWORD", "correct horse")
    assert run(["root", "new", "root.json"]) == 0
    path = tmp_path / "root.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    document = json.loads(path.read_text())
    assert "address" not in document
    keyring = Keyring(tmp_path, None)
    root = keyring.root(str(path))
    assert root == keyring.root(str(path))
    assert root.reveal().hex() not in path.read_text()
    assert run(["root", "new", "root.json"]) == 2
    monkeypatch.setenv("MEDREC_PASSWORD", "wrong horse")
    with pytest.raises(KeyfileInvalid):
        keyring.root(str(path))


def test_a_root_key_file_that_the_page_wrote_opens_with_a_password_in_any_script(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "root.json"
    path.write_text(json.dumps(PAGES_ROOT_FILE))
    monkeypatch.setenv("MEDREC_PASSWORD", PAGES_PASSWORD)
    assert Keyring(tmp_path, None).root(str(path)).reveal() == bytes(range(32))
    monkeypatch.setenv("MEDREC_PASSWORD", "пароль 密码")
    with pytest.raises(KeyfileInvalid):
        Keyring(tmp_path, None).root(str(path))


@pytest.mark.parametrize("password", ["é", PAGES_PASSWORD, "\udcff"])
def test_a_root_key_file_is_sealed_under_the_passwords_utf_8(
    password: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("medrec_py.cli.keys._WORK_FACTOR", 2**10)
    monkeypatch.setenv("MEDREC_PASSWORD", password)
    path, keyring = tmp_path / "root.json", Keyring(tmp_path, None)
    keyring.make_root(path)
    assert len(keyring.root(str(path)).reveal()) == 32
    sealed = json.loads(path.read_text())["crypto"]
    salt = bytes.fromhex(sealed["kdfparams"]["salt"])
    key = hashlib.scrypt(
        os.fsencode(password), salt=salt, n=2**10, r=sealed["kdfparams"]["r"], p=sealed["kdfparams"]["p"]
    )
    assert keccak(key[16:32] + bytes.fromhex(sealed["ciphertext"])).hex() == sealed["mac"]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"kind": "medrec root key"}', '{"crypto": {}}', "\0"])
def test_what_is_no_root_key_file_is_refused(content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MEDREC_PASSWORD", "correct horse")
    path = tmp_path / "root.json"
    path.write_text(content)
    with pytest.raises(KeyfileInvalid):
        Keyring(tmp_path, None).root(str(path))


# ── parsers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(st.text())
def test_any_text_is_either_32_bytes_or_refused(text: str):
    with contextlib.suppress(InvalidInput):
        assert len(digest(text, "digest")) == 32


@given(st.binary(min_size=32, max_size=32), st.booleans())
def test_what_digests_are_written_as_is_read_back(content: bytes, prefixed: bool):
    assert digest(("0x" if prefixed else "") + content.hex(), "digest") == content


@given(st.lists(st.text(alphabet="abc,- ")))
def test_lists_of_codes_hold_neither_commas_nor_emptiness(values: list[str]):
    codes = listed(values)
    assert codes is None or all(code and "," not in code and code == code.strip() for code in codes)


@given(st.lists(st.text()))
def test_any_facts_are_either_pairs_or_refused(given_facts: list[str]):
    with contextlib.suppress(InvalidInput):
        assert all(name.isidentifier() for name in _facts(given_facts))


@given(st.text())
def test_any_text_that_is_no_key_passes(text: str):
    digits = text.removeprefix("0x")
    is_key = len(digits) == 64 and all(digit in "0123456789abcdefABCDEF" for digit in digits)
    if is_key:
        with pytest.raises(InvalidInput):
            refuse_key(text)
    else:
        refuse_key(text)
