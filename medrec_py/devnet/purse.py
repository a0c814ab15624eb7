"""Accounts of a devnet: one per role, as encrypted key files, so that keys never stand on a command line."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from medrec_py.chain import Account, as_account, load_keyfile

ROLES = ("registrar", "hospital", "clinic", "patient", "stranger", "relayer")
"""Who gets an account. The registrar deploys and accredits; the others are whoever a developer wants to act as."""

_SCRYPT_WORK_FACTOR = 2**12
"""Low, because the password lies beside the file: encryption here only keeps keys out of view and in the usual form."""


class Purse:
    """The key files of a devnet, made at first use and kept.

    Args:
        folder: Where they are: `<role>.json`, and `password` that opens them all, readable by their owner only.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.password_file = folder / "password"

    def open(self) -> Mapping[str, Account]:
        """Accounts by role.

        Raises:
            KeyfileInvalid: A file was altered.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self.password_file.exists():
            _write_private(self.password_file, secrets.token_urlsafe(24) + "\n")
        password = self.password_file.read_text().strip()
        accounts = {}
        for role in ROLES:
            path = self.folder / f"{role}.json"
            if not path.exists():
                _write_private(path, json.dumps(_new_keyfile(password)))
            accounts[role] = as_account(load_keyfile(path, password))
        return accounts


def _new_keyfile(password: str) -> dict[str, object]:
    from eth_account import Account as EthAccount

    made: dict[str, object] = EthAccount.encrypt(
        secrets.token_bytes(32), password, kdf="scrypt", iterations=_SCRYPT_WORK_FACTOR
    )
    return made


def _write_private(path: Path, text: str) -> None:
    """Writes a file that only its owner may read, whole or not at all."""
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    new.replace(path)
