"""The one way in: a network, embedded in the process or reached over its servers, and the roles in it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from medrec_py.chain import Account, Chain, Deployment, EmbeddedChain, as_account, deploy, generate_account
from medrec_py.client.acts import Relayer, Sender
from medrec_py.client.context import Context
from medrec_py.client.custodian import Custodian
from medrec_py.client.guardian import Guardian
from medrec_py.client.patient import Patient
from medrec_py.client.provider import Provider
from medrec_py.client.registrar import Registrar
from medrec_py.client.relaying import HttpRelayer, is_relay_address
from medrec_py.client.viewer import Viewer
from medrec_py.crypto import RootKey
from medrec_py.errors import InvalidInput
from medrec_py.index import Index
from medrec_py.outbox import Outbox
from medrec_py.storage import Store, open_store

_ETHER = 10**18


class MedRec:
    """A MedRec network. Use `embedded` or `connect`, then take roles in it.

    >>> from medrec_py import MedRec
    >>> with MedRec.embedded() as network:
    ...     hospital = network.provider()
    ...     _ = hospital.register(name="Hospital")
    ...     _ = network.registrar().accredit(hospital.address)
    ...     patient = network.patient()
    ...     _ = patient.accept(hospital.invite(patient.next_subject()))
    ...     patient.relationships()[0].provider_name
    'Hospital'
    """

    def __init__(
        self,
        context: Context,
        *,
        developer: Account | None = None,
        folder: tempfile.TemporaryDirectory[str] | None = None,
    ) -> None:
        self._context = context
        self._developer = developer
        self._folder = folder

    # ── ways in ──

    @classmethod
    def embedded(cls, path: str | os.PathLike[str] | None = None) -> MedRec:
        """A whole network inside this process: chain, store and index, contracts deployed.

        Args:
            path: Folder that keeps it; None for one that ends with the process.

        Raises:
            ChainInUse: Another process holds the folder.
        """
        folder = tempfile.TemporaryDirectory(prefix="medrec-") if path is None else None
        home = Path(folder.name) if folder is not None else Path(path or "")
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        chain = EmbeddedChain(None if folder is not None else home / "chain")
        try:
            deployment = deploy(chain, chain.developer).deployment
            store = open_store(home / "store")
            index = Index("sqlite://" if folder is not None else f"sqlite:///{home / 'index.sqlite'}", chain)
            outbox = Outbox(home / "outbox", store, chain)
        except BaseException:
            chain.close()
            raise
        relayer = Relayer(chain, chain.developer)
        context = Context(chain, deployment, store, index, outbox, relayer)
        return cls(context, developer=chain.developer, folder=folder)

    @classmethod
    def connect(
        cls,
        rpc: str,
        *,
        store: str | os.PathLike[str] | Store,
        deployment: str | os.PathLike[str] | Deployment = "deployments",
        home: str | os.PathLike[str] | None = None,
        index: str | None = None,
        relayer: object = None,
        quorum: int | None = None,
        confirmations: int = 1,
    ) -> MedRec:
        """Reaches a network over its servers.

        Args:
            rpc: JSON-RPC address of a node.
            store: Where sealed objects are: a folder, a Kubo RPC address, several separated by commas, or a store.
            deployment: The deployment's file, or the folder of them; verified against the code on chain.
            home: Folder for the index and the outbox; `$XDG_STATE_HOME/medrec/<chain>-<contract>` when None.
            index: SQLAlchemy URL of the index; an SQLite file in `home` when None.
            relayer: Account that pays for signed acts, a relayer's `http(s)://` address (several separated by commas),
                or anything with `relay`; None: roles name their own or none.
            quorum: With several stores, how many must take a write.
            confirmations: Blocks that count as confirmed when publishing.

        Raises:
            Unavailable: Node or store does not answer.
            DeploymentMissing: There is no deployment for this chain.
            WrongBytecode: The contracts on chain are not the ones shipped here.
        """
        chain = Chain.connect(rpc)
        try:
            placed = deployment if isinstance(deployment, Deployment) else Deployment.load(deployment, chain)
            chain.use(placed)
            folder = Path(home) if home is not None else _state_home(placed)
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            opened = store if isinstance(store, Store) else open_store(os.fspath(store), quorum=quorum)
            url = index or f"sqlite:///{folder / 'index.sqlite'}"
            followed = Index(url, chain, start_block=placed.block_number)
            outbox = Outbox(folder / "outbox", opened, chain, confirmations=confirmations)
        except BaseException:
            chain.close()
            raise
        return cls(Context(chain, placed, opened, followed, outbox, _sender(chain, relayer)))

    # ── roles ──

    def registrar(self, account: object = None) -> Registrar:
        """Whoever accredits; the embedded network's own when no account is given."""
        return Registrar(self._context, self._account(account, self._developer))

    def provider(self, account: object = None, *, root: RootKey | None = None) -> Provider:
        """An organisation or clinician that writes records."""
        return Provider(self._context, self._account(account), root=root)

    def viewer(self, account: object = None, *, root: RootKey | None = None, relayer: object = None) -> Viewer:
        """Whoever reads what was granted to it."""
        sender = None if relayer is None else _sender(self._context.chain, relayer)
        return Viewer(self._context, self._account(account), root=root, sender=sender)

    def guardian(self, account: object = None, *, root: RootKey | None = None, relayer: object = None) -> Guardian:
        """Whoever keeps a share of somebody's root."""
        sender = None if relayer is None else _sender(self._context.chain, relayer)
        return Guardian(self._context, self._account(account), root=root, sender=sender)

    def custodian(self, account: object = None, *, root: RootKey | None = None) -> Custodian:
        """Whoever keeps a share of somebody's emergency key."""
        return Custodian(self._context, self._account(account), root=root)

    def patient(
        self,
        wallet: object = None,
        *,
        wallet_mode: bool = False,
        relayer: object = None,
        root: RootKey | None = None,
    ) -> Patient:
        """Somebody whose records these are.

        Args:
            wallet: The wallet; a new one in an embedded network when None. In private mode it needs no ether.
            wallet_mode: The wallet's own address is the subject, and sends its own transactions unless relayed.
            relayer: Who relays; in private mode the network's own when None.
            root: The root key, for a wallet whose signatures differ each time.
        """
        given = _sender(self._context.chain, relayer)
        if wallet_mode:
            return Patient(self._context, self._account(wallet), wallet_mode=True, sender=given, root=root)
        account = self._account(wallet, fund=False)
        return Patient(self._context, account, sender=given or self._context.relayer, root=root)

    def relayer(self, account: object = None) -> Relayer:
        """Whoever pays for other people's signed acts."""
        return Relayer(self._context.chain, self._account(account, self._developer))

    # ── parts ──

    @property
    def chain(self) -> Chain:
        """The chain."""
        return self._context.chain

    @property
    def deployment(self) -> Deployment:
        """Where the contracts stand."""
        return self._context.deployment

    @property
    def store(self) -> Store:
        """Where sealed objects are."""
        return self._context.store

    @property
    def index(self) -> Index:
        """The contracts' events."""
        return self._context.index

    @property
    def outbox(self) -> Outbox:
        """The journal of publications."""
        return self._context.outbox

    def close(self) -> None:
        """Gives everything back. May be called twice."""
        for part in (self._context.outbox, self._context.index, self._context.store, self._context.chain):
            part.close()
        if self._folder is not None:
            self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ── internals ──

    def _account(self, source: object, default: Account | None = None, *, fund: bool = True) -> Account:
        """The account of whatever was given; in an embedded network a new one when nothing was, and with ether."""
        chain = self._context.chain
        embedded = isinstance(chain, EmbeddedChain)
        if source is None:
            if default is not None:
                return default
            if not embedded:
                raise InvalidInput(
                    "No account was given.", hint="Give a key file's account, or any account that signs."
                )
            account = generate_account()
        else:
            account = as_account(source)
        if fund and isinstance(chain, EmbeddedChain) and chain.balance(account.address) < _ETHER:
            chain.fund(account.address, 10 * _ETHER)
        return account


def _sender(chain: Chain, relayer: Any) -> Sender | None:  # noqa: ANN401 (an account, or anything that relays)
    if relayer is None:
        return None
    if isinstance(relayer, str) and is_relay_address(relayer):
        return HttpRelayer(relayer, chain)
    if hasattr(relayer, "relay"):
        sender: Sender = relayer
        return sender
    return Relayer(chain, as_account(relayer))


def _state_home(deployment: Deployment) -> Path:
    base = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(base).expanduser() / "medrec" / f"{deployment.chain_id}-{deployment.medrec[2:10].lower()}"
