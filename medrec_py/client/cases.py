"""A patient's addresses: one per relationship in private mode, the wallet's own in wallet mode."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, Final

from medrec_py.chain import Account, as_account, require_address
from medrec_py.client.acts import Actor, Nobody, Sender
from medrec_py.client.anchors import in_ledger
from medrec_py.client.context import Context
from medrec_py.client.holdings import Held, Holdings
from medrec_py.client.mail import Mail, open_letter
from medrec_py.client.relationship_keys import newest_epochs
from medrec_py.client.window import ALL_CLASSES
from medrec_py.crypto import (
    MailboxKey,
    Node,
    ParticipantKey,
    RootKey,
    case_key,
    derive,
    mailbox_key,
    participant_seed,
    relationship_node,
)
from medrec_py.crypto import Path as KeyPath
from medrec_py.errors import IntegrityError, InvalidInput, UnknownSubject, WalletLost
from medrec_py.sealing import (
    Bundle,
    InheritanceBundle,
    RelationshipBundle,
    RelationshipKeys,
    match_locators,
)
from medrec_py.types.terms import TypedData

GAP_LIMIT: Final = 20
"""Unused case keys in a row after which recovery stops looking; the address gap limit of BIP-44."""


class LostWallet:
    """The account of a wallet whose root was inherited: what it owned can be read, but nobody signs for it.

    Args:
        address: The wallet's address.
    """

    def __init__(self, address: str) -> None:
        self.address = address

    def sign_transaction(self, transaction: dict[str, Any]) -> bytes:
        """Signs nothing.

        Raises:
            WalletLost: Always.
        """
        raise WalletLost(f"The wallet {self.address} is lost, and nobody signs for it.", wallet=self.address)

    def sign_typed_data(self, data: TypedData) -> bytes:
        """Signs nothing.

        Raises:
            WalletLost: Always.
        """
        raise WalletLost(f"The wallet {self.address} is lost, and nobody signs for it.", wallet=self.address)


@dataclass(frozen=True, slots=True)
class Tree:
    """The key tree of one relationship as the patient holds it, and what was re-keyed in it.

    Attributes:
        provider: The provider; the subject itself for its own records.
        number: Number of the relationship; 0 for the subject's own records.
        node: The top.
        epochs: The newest epoch by class, where it is not 0.
        begun: The same as far as re-keys that can be read show it. While one is withheld, `epochs` counts further than
            any may have begun: enough to find everything, and to begin the next one; but whoever were handed a key of
            an epoch before it begins could read on in it after they were shut out.
        mailbox: Marks what is sealed to the subject itself.
        accounted: Ids of the ended grants that re-keys have accounted for.
        is_open: Whether the provider can still write.
        is_whole: Whether every re-key of it can still be read.
    """

    provider: str
    number: int
    node: Node
    epochs: dict[int, int]
    begun: dict[int, int]
    mailbox: MailboxKey
    accounted: frozenset[bytes]
    is_open: bool
    is_whole: bool


@dataclass(frozen=True)
class Case:
    """One address of a patient.

    Attributes:
        index: Number of the case key; None for the wallet's own address.
        account: Signs for the subject.
        root: The patient's root key.
        actor: How its acts reach the chain.
    """

    index: int | None
    account: Account
    root: RootKey
    actor: Actor
    _holdings: dict[tuple[object, ...], Holdings] = field(default_factory=dict, repr=False, compare=False)
    _letters: dict[bytes, Bundle] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def key(self) -> ParticipantKey:
        """The subject's own X-Wing key pair."""
        return ParticipantKey.from_seed(participant_seed(self.root, self.subject))

    @property
    def subject(self) -> str:
        """The address."""
        return self.account.address

    @property
    def keeps_own_records(self) -> bool:
        """Whether the patient's own records go here: to the wallet's address, or to the first case."""
        return self.index in (None, 0)

    def keys_for(self, provider: str, number: int) -> RelationshipBundle:
        """What a provider gets when a relationship opens."""
        node = relationship_node(self.root, self.subject, provider, number)
        # Epoch 0 and no more: what is re-keyed later is handed over one class at a time.
        keys = RelationshipKeys(provider, number, (derive(node, KeyPath(epoch=0)),))
        return RelationshipBundle(keys, self.key.public_key, mailbox_key(node))

    def trees(self, context: Context) -> list[Tree]:
        """The trees of all its relationships, open and closed, before them that of its own records if it keeps any."""
        trees = [self._tree(context, self.subject, 0, is_open=True)] if self.keeps_own_records else []
        for item in context.index.relationships(subject=self.subject):
            trees.append(self._tree(context, item.provider, item.number, is_open=item.is_open))
        return trees

    def holdings(self, trees: list[Tree]) -> Holdings:
        """Everything that the subject can open."""
        known = tuple(
            (tree.provider, tree.number, tuple(sorted(tree.epochs.items())), tuple(sorted(tree.begun.items())))
            for tree in trees
        )
        if known not in self._holdings:
            self._holdings[known] = self._hold(trees)
        return self._holdings[known]

    def _hold(self, trees: list[Tree]) -> Holdings:
        held = tuple(
            # What the subject sends to its own mailbox are re-keys; parcels never are.
            Held(
                tree.provider,
                tree.number,
                (tree.node,),
                tree.epochs,
                None if tree.provider == self.subject else tree.mailbox,
                tree.begun,
            )
            for tree in trees
        )
        return Holdings(self.subject, held, subject_key=self.key)

    def mail(self, context: Context, mailbox: MailboxKey) -> Mail:
        """What this subject left in a mailbox."""
        entries = in_ledger(context.ledger(self.subject), self.subject)
        found = match_locators([entry.locator for entry in entries], [mailbox])
        digests = [entries[at].digest for at in sorted(found)]
        for digest in [digest for digest in digests if digest not in self._letters]:
            try:
                data = context.store.get(digest)
                self._letters[digest] = open_letter(data, context.bundle_context(self.subject), self.key)
            except (IntegrityError, InvalidInput):
                continue
        letters = tuple(self._letters[digest] for digest in digests if digest in self._letters)
        return Mail(letters, len(digests) - len(letters))

    def inheritances(self, context: Context) -> list[InheritanceBundle]:
        """The roots that were handed to this address."""
        if not self.keeps_own_records:
            return []
        return self.mail(context, self.own_mailbox).inheritances

    @property
    def own_mailbox(self) -> MailboxKey:
        """The mailbox of its own records."""
        return mailbox_key(relationship_node(self.root, self.subject, self.subject, 0))

    def _tree(self, context: Context, provider: str, number: int, *, is_open: bool) -> Tree:
        node = relationship_node(self.root, self.subject, provider, number)
        mailbox = mailbox_key(node)
        mail = self.mail(context, mailbox)
        bundles = mail.rekeys
        nodes = [item for bundle in bundles for keys in bundle.keys for item in keys.nodes]
        accounted = frozenset(id for bundle in bundles for id in bundle.grants)
        epochs = begun = newest_epochs(nodes)
        is_whole = mail.lost == 0
        if not is_whole:
            # One is lost, and with it how far it went. Each re-key begins at most one epoch of a class, so none has
            # gone further than there were re-keys; and what the lost one accounted for is accounted for anew.
            epochs = dict.fromkeys(ALL_CLASSES, len(bundles) + mail.lost)
        return Tree(provider, number, node, epochs, begun, mailbox, accounted, is_open, is_whole)


class _Line:
    """The addresses that derive from one root.

    Args:
        context: The network.
        root: The root.
        wallet: The wallet's account if its own address is the subject; None in private mode.
        sender: Who relays; None, in wallet mode, when the wallet sends its own transactions.
        after_act: Called with the address after every act by one of these.
    """

    def __init__(
        self,
        context: Context,
        root: RootKey,
        wallet: Account | None,
        sender: Sender | None,
        after_act: Callable[[str], None] | None = None,
    ) -> None:
        self._after_act = after_act
        self._context = context
        self.root = root
        self._wallet = wallet
        self._sender = sender
        self._known: dict[int | None, Case] = {}
        self._used = {0}
        self.reserved: frozenset[str] = frozenset()
        """Addresses that are promised to providers and count as used, although the chain does not know them yet."""

    def case(self, index: int | None) -> Case:
        """The case of a number; None for the wallet's own."""
        if index not in self._known:
            account = self._wallet if index is None else as_account(case_key(self.root, index))
            assert account is not None
            # A case key holds no ether: whoever funded it would tie it to another address in front of everybody.
            sender = self._sender if index is None else self._sender or Nobody("A case key")
            after = None if self._after_act is None else partial(self._after_act, account.address)
            actor = Actor(account, self._context.medrec, self._context.registrar, sender, after)
            self._known[index] = Case(index, account, self.root, actor)
        return self._known[index]

    def own(self) -> Case:
        """Where the patient's own records go."""
        return self.case(0 if self._wallet is None else None)

    def used(self) -> list[Case]:
        """Every case that the chain knows of; always the own one too."""
        if self._wallet is not None:
            return [self.case(None)]
        last = max(self._used)
        while True:
            ahead = {self.case(at).subject: at for at in range(1, last + GAP_LIMIT + 1) if at not in self._used}
            events = (item.logged.event for item in self._context.index.timeline(list(ahead)))
            self._used |= {ahead[subject] for event in events if (subject := getattr(event, "subject", "")) in ahead}
            self._used |= {at for subject, at in ahead.items() if subject in self.reserved}
            if max(self._used) == last:
                return [self.case(index) for index in sorted(self._used)]
            last = max(self._used)

    def next(self) -> Case:
        """The case for the next relationship: in private mode the first one that the chain doesn't know of."""
        if self._wallet is not None:
            return self.case(None)
        used = {case.index for case in self.used()}
        return self.case(next(index for index in range(1, len(used) + GAP_LIMIT + 1) if index not in used))


class Cases:
    """All addresses of a patient, found again from the wallet alone: its own, and those of every root it inherited.

    Args:
        context: The network.
        wallet: The wallet.
        root: The patient's root key.
        wallet_mode: Whether the wallet's own address is the subject.
        sender: Who relays; None, in wallet mode, when the wallet sends its own transactions.
        after_act: Called with the address after every act by one of the wallet's own; inherited ones don't count.
    """

    def __init__(
        self,
        context: Context,
        wallet: Account,
        root: RootKey,
        *,
        wallet_mode: bool,
        sender: Sender | None,
        after_act: Callable[[str], None] | None = None,
    ) -> None:
        self._context = context
        self._sender = sender
        self._line = _Line(context, root, wallet if wallet_mode else None, sender, after_act)
        self._inherited: dict[bytes, _Line] = {}

    def own(self) -> Case:
        """Where the patient's own records go."""
        return self._line.own()

    def used(self) -> list[Case]:
        """Every case that the chain knows of, the wallet's own first; always the one of the own records too."""
        return [case for line in self._lines() for case in line.used()]

    def inherited(self) -> list[Case]:
        """Those of them that derive from other roots than the wallet's own."""
        return [case for line in self._lines()[1:] for case in line.used()]

    def next(self) -> Case:
        """The case for the next relationship; never an inherited one, whose keys somebody else may have."""
        return self._lines()[0].next()

    def _reserve(self, inherited: list[_Line]) -> None:
        """Counts as used what relationships of inherited addresses go on at, before a provider has followed."""
        context = self._context
        self._line.reserved = frozenset(
            succession.successor
            for line in inherited
            for case in line.used()
            for tree in case.trees(context)
            for succession in case.mail(context, tree.mailbox).successions
        )

    def _lines(self) -> list[_Line]:
        """The wallet's own line, and those of the roots that it, or one of them, inherited."""
        lines = [self._line]
        known = {self._line.root.reveal()}
        for line in lines:  # grows meanwhile
            for inheritance in line.own().inheritances(self._context):
                secret = inheritance.root.reveal()
                if secret not in known:
                    known.add(secret)
                    lines.append(self._inherit(inheritance))
        if len(lines) > 1:
            self._reserve(lines[1:])
        return lines

    def _inherit(self, inheritance: InheritanceBundle) -> _Line:
        secret = inheritance.root.reveal()
        if secret not in self._inherited:
            wallet = None if inheritance.wallet is None else LostWallet(require_address(inheritance.wallet))
            sender = self._sender or Nobody("An inherited address")
            self._inherited[secret] = _Line(self._context, inheritance.root, wallet, sender)
        return self._inherited[secret]

    def require(self, subject: str) -> Case:
        """The case of an address.

        Raises:
            UnknownSubject: It is none of this wallet's.
        """
        case = self.of(subject)
        if case is None:
            raise UnknownSubject(f"{subject} is none of this wallet's addresses.", subject=subject)
        return case

    def granting(self, subject: str | None) -> Case:
        """The case that a grant is about: the one named, or else the only one with records or relationships.

        Raises:
            InvalidInput: None is named, and there are several.
        """
        if subject is not None:
            return self.require(subject)
        index = self._context.index
        candidates = [
            case for case in self.used() if index.ledger(case.subject) or index.relationships(subject=case.subject)
        ]
        if len(candidates) > 1:
            raise InvalidInput(
                "Records stand under several addresses of this wallet, and the grant names none.",
                hint="Name one (subject=…, --subject); grants to one viewer from several of them tie them together.",
                subjects=[case.subject for case in candidates],
            )
        return candidates[0] if candidates else self.own()

    def of(self, subject: str) -> Case | None:
        """The case of an address, used or among the next ones."""
        candidates = [*self.used(), self.next()]
        return next((case for case in candidates if case.subject == subject), None)
