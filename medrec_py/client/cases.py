"""A patient's addresses: one per relationship in private mode, the wallet's own in wallet mode."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from medrec_py.chain import Account, as_account
from medrec_py.client.acts import Actor, Nobody, Sender
from medrec_py.client.anchors import in_ledger
from medrec_py.client.context import Context
from medrec_py.client.holdings import Held, Holdings
from medrec_py.client.provider import newest_epochs
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
from medrec_py.errors import IntegrityError, InvalidInput, UnknownSubject
from medrec_py.sealing import (
    BundleKind,
    RekeyBundle,
    RelationshipBundle,
    RelationshipKeys,
    match_locators,
    open_bundle,
)

GAP_LIMIT: Final = 20
"""Unused case keys in a row after which recovery stops looking; the address gap limit of BIP-44."""


@dataclass(frozen=True, slots=True)
class Tree:
    """The key tree of one relationship as the patient holds it, and what was re-keyed in it.

    Attributes:
        provider: The provider; the subject itself for its own records.
        number: Number of the relationship; 0 for the subject's own records.
        node: The top.
        epochs: The newest epoch by class, where it is not 0.
        mailbox: Marks what is sealed to the subject itself.
        accounted: Ids of the ended grants that re-keys have accounted for.
        is_open: Whether the provider can still write.
        is_whole: Whether every re-key of it can still be read.
    """

    provider: str
    number: int
    node: Node
    epochs: dict[int, int]
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
    _rekeys: dict[bytes, RekeyBundle] = field(default_factory=dict, repr=False, compare=False)

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
        known = tuple((tree.provider, tree.number, *sorted(tree.epochs.items())) for tree in trees)
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
            )
            for tree in trees
        )
        return Holdings(self.subject, held, subject_key=self.key)

    def rekeys(self, context: Context, mailbox: MailboxKey) -> list[RekeyBundle]:
        """The re-keys that this subject left in a mailbox, as far as they can be had."""
        return self._in_mailbox(context, mailbox)[0]

    def _in_mailbox(self, context: Context, mailbox: MailboxKey) -> tuple[list[RekeyBundle], int]:
        """The re-keys in a mailbox, and how many there ought to be."""
        entries = in_ledger(context.ledger(self.subject), self.subject)
        found = match_locators([entry.locator for entry in entries], [mailbox])
        digests = [entries[at].digest for at in sorted(found)]
        for digest in [digest for digest in digests if digest not in self._rekeys]:
            try:
                data = context.store.get(digest)
                bundle = open_bundle(data, context.bundle_context(self.subject), self.key, BundleKind.REKEY)
            except (IntegrityError, InvalidInput):
                continue
            assert isinstance(bundle, RekeyBundle)
            self._rekeys[digest] = bundle
        return [self._rekeys[digest] for digest in digests if digest in self._rekeys], len(digests)

    def _tree(self, context: Context, provider: str, number: int, *, is_open: bool) -> Tree:
        node = relationship_node(self.root, self.subject, provider, number)
        mailbox = mailbox_key(node)
        bundles, count = self._in_mailbox(context, mailbox)
        nodes = [item for bundle in bundles for keys in bundle.keys for item in keys.nodes]
        accounted = frozenset(id for bundle in bundles for id in bundle.grants)
        epochs = newest_epochs(nodes)
        is_whole = len(bundles) == count
        if not is_whole:
            # One is lost, and with it how far it went. Each re-key begins at most one epoch of a class, so none has
            # gone further than there were re-keys; and what the lost one accounted for is accounted for anew.
            epochs = dict.fromkeys(ALL_CLASSES, count)
        return Tree(provider, number, node, epochs, mailbox, accounted, is_open, is_whole)


class Cases:
    """All addresses of a patient, found again from the wallet alone.

    Args:
        context: The network.
        wallet: The wallet.
        root: The patient's root key.
        wallet_mode: Whether the wallet's own address is the subject.
        sender: Who relays; None, in wallet mode, when the wallet sends its own transactions.
    """

    def __init__(
        self, context: Context, wallet: Account, root: RootKey, *, wallet_mode: bool, sender: Sender | None
    ) -> None:
        self._context = context
        self._wallet = wallet
        self._root = root
        self._wallet_mode = wallet_mode
        self._sender = sender
        self._known: dict[int | None, Case] = {}
        self._used = {0}

    def case(self, index: int | None) -> Case:
        """The case of a number; None for the wallet's own."""
        if index not in self._known:
            account = self._wallet if index is None else as_account(case_key(self._root, index))
            # A case key holds no ether: whoever funded it would tie it to another address in front of everybody.
            sender = self._sender if index is None else self._sender or Nobody("A case key")
            actor = Actor(account, self._context.medrec, self._context.registrar, sender)
            self._known[index] = Case(index, account, self._root, actor)
        return self._known[index]

    def own(self) -> Case:
        """Where the patient's own records go."""
        return self.case(None if self._wallet_mode else 0)

    def used(self) -> list[Case]:
        """Every case that the chain knows of; always the own one too."""
        if self._wallet_mode:
            return [self.case(None)]
        last = max(self._used)
        while True:
            ahead = {self.case(at).subject: at for at in range(1, last + GAP_LIMIT + 1) if at not in self._used}
            events = (item.logged.event for item in self._context.index.timeline(list(ahead)))
            self._used |= {ahead[subject] for event in events if (subject := getattr(event, "subject", "")) in ahead}
            if max(self._used) == last:
                return [self.case(index) for index in sorted(self._used)]
            last = max(self._used)

    def next(self) -> Case:
        """The case for the next relationship: in private mode the first one that the chain doesn't know of."""
        if self._wallet_mode:
            return self.case(None)
        used = {case.index for case in self.used()}
        return self.case(next(index for index in range(1, len(used) + GAP_LIMIT + 1) if index not in used))

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
