"""Keys on disk: named accounts, key files, accounts of ape, root keys. Never an argument in the clear."""

from __future__ import annotations

import json
import os
import re
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from medrec_py.errors import InvalidInput, KeyfileInvalid

if TYPE_CHECKING:
    from medrec_py.chain import Account
    from medrec_py.crypto import RootKey

PASSWORD_FILE: Final = "password"  # noqa: S105 (the name of a file)
"""In a folder of accounts: what opens those that were made without a password of their own."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LOOKS_LIKE_KEY: Final = re.compile(r"(0x)?[0-9a-fA-F]{64}")
_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}")
_ROOT_KIND: Final = "medrec root key"
_WORK_FACTOR: Final = 2**18
"""scrypt's N for a password that people choose, as geth uses it."""
_LOW_WORK_FACTOR: Final = 2**12
"""Where a random password lies beside the file: encryption then only keeps the key out of view."""


class Keyring:
    """Finds accounts by what people call them.

    Args:
        folder: Where named accounts are.
        password_file: File with the password of key files; None to look further (`MEDREC_PASSWORD`, then ask).
    """

    def __init__(self, folder: Path, password_file: str | None) -> None:
        self.folder = folder
        self._password_file = password_file

    def account(self, text: str) -> Account:
        """The account of a name, the path of a key file, or `ape:ALIAS`.

        Raises:
            InvalidInput: There is none; or the text looks like a private key, which is never taken.
            KeyfileInvalid: It can't be opened.
        """
        from medrec_py.chain import load_keyfile

        refuse_key(text)
        if text.startswith("ape:"):
            return ape_account(text.removeprefix("ape:"))
        path = self._path(text)
        if not path.is_file():  # said before anybody is asked for a password
            raise KeyfileInvalid(f"There is no key file {path}.", path=str(path))
        return load_keyfile(path, self._password(path))

    def address(self, text: str) -> str:
        """The EIP-55 address that a text is, or that a named account has.

        Raises:
            InvalidInput: It is neither.
        """
        from eth_utils.address import to_checksum_address

        refuse_key(text)
        if _ADDRESS.fullmatch(text):
            return str(to_checksum_address(text))
        names = self.names()
        if text in names:
            return names[text]
        known = f"Accounts here are {', '.join(names)}." if names else "`medrec account new` makes named accounts."
        raise InvalidInput(f"{text!r} is neither an address nor the name of an account.", hint=known, name=text)

    def names(self) -> dict[str, str]:
        """Addresses of the named accounts."""
        found = {}
        for path in sorted(self.folder.glob("*.json")):
            try:
                found[path.stem] = _address_of(path)
            except (OSError, ValueError, KeyError, TypeError):
                continue
        return found

    def make(self, name: str, *, ask: bool = False) -> str:
        """Makes a named account; gives back its address.

        Args:
            name: What to call it.
            ask: Encrypt it with a password that is asked for, or stands in the password file; else with a random one
                that is kept beside it, which is for playing.

        Raises:
            InvalidInput: The name is taken, or can't be one.
        """
        from eth_account import Account as EthAccount
        from eth_utils.address import to_checksum_address

        if not _NAME.fullmatch(name):
            raise InvalidInput(f"{name!r} can't be a name.", hint="Use letters, digits, dots and hyphens.", name=name)
        path = self.folder / f"{name}.json"
        if path.exists():
            raise InvalidInput(f"There is an account {name} already.", hint="Choose another name.", path=str(path))
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        password = self._chosen_password(path) if ask else self._common_password()
        document = EthAccount.encrypt(
            secrets.token_bytes(32), password, kdf="scrypt", iterations=_WORK_FACTOR if ask else _LOW_WORK_FACTOR
        )
        _write_private(path, json.dumps(document, indent=1))
        return str(to_checksum_address(document["address"]))

    # ── root keys ──

    def make_root(self, path: Path) -> None:
        """Writes a random root key into a file, encrypted with a password.

        Raises:
            InvalidInput: The file exists.
        """
        from eth_keyfile.keyfile import create_keyfile_json

        if path.exists():
            raise InvalidInput(f"{path} exists.", hint="A root key is never overwritten; name another file.")
        password: Any = _bytes_of(self._chosen_password(path))
        document: dict[str, Any] = create_keyfile_json(
            secrets.token_bytes(32), password, kdf="scrypt", iterations=_WORK_FACTOR
        )
        # It is no account: the address of its bytes means nothing and would be something to tell it by.
        document.pop("address", None)
        _write_private(path, json.dumps({"kind": _ROOT_KIND, **document}, indent=1))

    def root(self, path: str) -> RootKey:
        """The root key in a file that `make_root` wrote.

        Raises:
            KeyfileInvalid: It can't be opened.
        """
        from eth_keyfile.keyfile import decode_keyfile_json

        from medrec_py.crypto import RootKey

        try:
            document = json.loads(Path(path).read_text("utf-8"))
        except OSError as error:
            raise KeyfileInvalid(f"The root key file {path} can't be read: {error.strerror}.", path=path) from error
        except ValueError as error:
            raise KeyfileInvalid(f"{path} is no root key file: it is not JSON.", path=path) from error
        if not isinstance(document, dict) or document.get("kind") != _ROOT_KIND:
            raise KeyfileInvalid(f"{path} is no root key file.", hint="`medrec root new` makes one.", path=path)
        password: Any = _bytes_of(self._password(Path(path)))
        try:
            key = decode_keyfile_json({name: value for name, value in document.items() if name != "kind"}, password)
        except (ValueError, TypeError, KeyError, AttributeError, NotImplementedError):
            # The original error may quote what it could not decode.
            raise KeyfileInvalid(f"The root key file {path} can't be opened with this password.", path=path) from None
        return RootKey(bytes(key))

    # ── internals ──

    def _path(self, text: str) -> Path:
        named = self.folder / f"{text}.json"
        if _NAME.fullmatch(text) and named.is_file():
            return named
        if os.sep in text or text.endswith(".json") or Path(text).is_file():
            return Path(text).expanduser()
        names = ", ".join(self.names())
        raise InvalidInput(
            f"There is no account {text!r}.",
            hint=f"Accounts here are {names}." if names else f"`medrec account new {text}` makes it.",
            name=text,
        )

    def _password(self, path: Path) -> str:
        beside = path.parent / PASSWORD_FILE
        if path.parent == self.folder and beside.is_file() and self._password_file is None:
            return _first_line(beside)
        return self._given_password() or _asked(f"Password of {path.name}: ")

    def _given_password(self) -> str | None:
        if self._password_file is not None:
            return _first_line(Path(self._password_file))
        return os.environ.get("MEDREC_PASSWORD") or None

    def _chosen_password(self, path: Path) -> str:
        given = self._given_password()
        if given is not None:
            return given
        password = _asked(f"A password for {path.name}: ")
        if _asked("The same again: ") != password:
            raise InvalidInput("The two passwords differ.", hint="Run it again.")
        return password

    def _common_password(self) -> str:
        path = self.folder / PASSWORD_FILE
        if not path.exists():
            _write_private(path, secrets.token_urlsafe(24) + "\n")
        return _first_line(path)


def refuse_key(text: str) -> None:
    """Refuses what looks like a private key, without repeating it.

    Raises:
        InvalidInput: It does.
    """
    if _LOOKS_LIKE_KEY.fullmatch(text):
        raise InvalidInput(
            "This looks like a private key. Keys are never taken from the command line, where others can read them.",
            hint="Put it into a key file (geth account import, ape accounts import) and name that.",
        )


def ape_account(alias: str) -> Account:
    """An account of ape, which asks its owner as ape does.

    Raises:
        InvalidInput: ape is not installed, or has no such account.
    """
    from medrec_py.chain import as_account

    try:
        from ape import accounts
    except ImportError as error:
        raise InvalidInput(
            "ape is not installed here.", hint="Install medrec-py[ape], or name a key file with --keyfile."
        ) from error
    try:
        return as_account(accounts.load(alias))
    except KeyError as error:
        raise InvalidInput(f"ape has no account {alias!r}.", hint="`ape accounts list` lists them.") from error


def _address_of(path: Path) -> str:
    from eth_utils.address import to_checksum_address

    document: Mapping[str, Any] = json.loads(path.read_text("utf-8"))
    return str(to_checksum_address(document["address"]))


def _first_line(path: Path) -> str:
    try:
        return path.read_text("utf-8").split("\n", 1)[0].rstrip("\r")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(
            f"The password file {path} can't be read.", hint="Its first line is the password."
        ) from error


def _asked(prompt: str) -> str:
    import getpass

    if not sys.stdin.isatty():
        raise InvalidInput(
            "A password is needed, and there is no terminal to ask for it.",
            hint="Name a file with --password-file or MEDREC_PASSWORD_FILE, or set MEDREC_PASSWORD.",
        )
    return getpass.getpass(prompt, stream=sys.stderr)


def _bytes_of(password: str) -> bytes:
    """A password as UTF-8, as every tool and the page write it; left to itself eth_keyfile takes Latin-1 alone."""
    return password.encode("utf-8", "surrogateescape")  # what a shell has in another encoding stays as it is


def _write_private(path: Path, text: str) -> None:
    """Writes a file that only its owner may read, whole or not at all."""
    new = path.with_name(f"{path.name}.{secrets.token_hex(4)}.new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
