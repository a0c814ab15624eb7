"""One run of a command: the network and roles that its options name, opened when asked for, closed after."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, ExitStack
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from medrec_py.cli import output
from medrec_py.cli.keys import Keyring, ape_account, refuse_key
from medrec_py.cli.options import Options
from medrec_py.errors import InvalidInput, UnknownGrant

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medrec_py.chain import Account, Chain
    from medrec_py.client import Custodian, Grant, Guardian, MedRec, Patient, Provider, Registrar, Viewer
    from medrec_py.crypto import RootKey

_LEAST_PREFIX = 6
"""Hexadecimal digits of a grant's id that are enough to name it, if no other begins with them."""


class Session:
    """What a command works with.

    Args:
        options: What was said.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self._open = ExitStack()

    # ── network ──

    @cached_property
    def network(self) -> MedRec:
        """The network: over servers when a node is named, else embedded in a folder that keeps it."""
        from medrec_py.client import MedRec

        options = self.options
        if options.rpc is None:
            if options.store is not None or options.deployment is not None:
                raise InvalidInput(
                    "A store or a deployment was named, but no node.", hint="Name it with --rpc or MEDREC_RPC."
                )
            return self._open.enter_context(MedRec.embedded(self.home))
        if options.store is None:
            raise InvalidInput(
                "A node was named, but no store.",
                hint="Name a folder or a Kubo RPC address with --store or MEDREC_STORE.",
            )
        return self._open.enter_context(
            MedRec.connect(
                options.rpc,
                store=options.store,
                deployment=options.deployment or "deployments",
                home=options.home,
                relayer=self._relayer,
            )
        )

    @property
    def home(self) -> Path:
        """Folder of the embedded network."""
        if self.options.home is not None:
            return Path(self.options.home).expanduser()
        state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
        return Path(state).expanduser() / "medrec" / "embedded"

    # ── accounts ──

    @cached_property
    def keyring(self) -> Keyring:
        """Where accounts are found."""
        named = os.environ.get("MEDREC_ACCOUNTS")
        return Keyring(Path(named) if named else self.home / "accounts", self.options.password_file)

    @cached_property
    def account(self) -> Account | None:
        """Who acts; None when nobody was named."""
        options = self.options
        if options.keyfile is not None and options.ape is not None:
            raise InvalidInput("Both a key file and an account of ape were named.", hint="Name one of them.")
        if options.keyfile is not None:
            refuse_key(options.keyfile)
            return self.keyring.account(str(Path(options.keyfile).absolute()))
        if options.ape is not None:
            return ape_account(options.ape)
        return None if options.account is None else self.keyring.account(options.account)

    @property
    def named_account(self) -> Account:
        """Who acts.

        Raises:
            InvalidInput: Nobody was named.
        """
        if self.account is None:
            raise InvalidInput(
                "Nobody was named who acts.",
                hint="Name one: --account NAME, --keyfile FILE or --ape ALIAS. `medrec account new NAME` makes one.",
            )
        return self.account

    def address(self, text: str) -> str:
        """The address that a text is, or that a named account has."""
        return self.keyring.address(text)

    @cached_property
    def _relayer(self) -> Account | str | None:
        from medrec_py.client.relaying import is_relay_address

        named = self.options.relayer
        return named if named is None or is_relay_address(named) else self.keyring.account(named)

    @cached_property
    def _root(self) -> RootKey | None:
        return None if self.options.root_file is None else self.keyring.root(self.options.root_file)

    # ── roles ──
    # The account is asked for first: without one there is no need to open a network.

    @cached_property
    def patient(self) -> Patient:
        """The account as a patient."""
        account, root = self.named_account, self._root
        return self.network.patient(account, wallet_mode=self.options.wallet_mode, relayer=self._relayer, root=root)

    @cached_property
    def provider(self) -> Provider:
        """The account as a provider."""
        account, root = self.named_account, self._root
        return self.network.provider(account, root=root)

    @cached_property
    def viewer(self) -> Viewer:
        """The account as a viewer."""
        account, root = self.named_account, self._root
        return self.network.viewer(account, root=root, relayer=self._relayer)

    def other_patient(self, wallet: str, *, wallet_mode: bool) -> Patient:
        """Another wallet as a patient: a named account, or a key file."""
        refuse_key(wallet)
        account = self.keyring.account(wallet)
        return self.network.patient(account, wallet_mode=wallet_mode, relayer=self._relayer)

    @cached_property
    def guardian(self) -> Guardian:
        """The account as a guardian."""
        account, root = self.named_account, self._root
        return self.network.guardian(account, root=root, relayer=self._relayer)

    @cached_property
    def custodian(self) -> Custodian:
        """The account as a custodian."""
        account, root = self.named_account, self._root
        return self.network.custodian(account, root=root)

    @cached_property
    def registrar(self) -> Registrar:
        """The account as a registrar; the embedded network's own when nobody was named."""
        account = self.account
        return self.network.registrar(account)

    # ── grants ──

    def grant_id(self, text: str, grants: Iterable[Grant]) -> bytes:
        """The id that a text is, or the only one among grants that begins with it.

        Raises:
            UnknownGrant: None, or more than one, begins so.
        """
        digits = text.lower().removeprefix("0x")
        if len(digits) == 64 and all(digit in "0123456789abcdef" for digit in digits):
            return bytes.fromhex(digits)
        if len(digits) < _LEAST_PREFIX:
            hint = f"Give at least {_LEAST_PREFIX} hexadecimal digits of the id; `medrec grants` lists the grants."
            raise UnknownGrant(f"{text!r} is too short to name a grant.", hint=hint, grant=text)
        found = {grant.id for grant in grants if grant.id.hex().startswith(digits)}
        if len(found) != 1:
            raise UnknownGrant(f"{text!r} names {len(found) or 'no'} grants.", grant=text)
        return found.pop()

    # ── output ──

    def progress(self) -> AbstractContextManager[output.Progress | None]:
        """A progress bar, where there is somebody to see it."""
        return output.progress(is_json=self.options.json)

    # ── lifecycle ──

    def keep(self, opened: Chain) -> Chain:
        """A chain that is closed when the command ends."""
        return self._open.enter_context(opened)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()
