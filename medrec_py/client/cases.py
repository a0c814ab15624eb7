"""A patient's addresses: one per relationship in private mode, the wallet's own in wallet mode."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from medrec_py.chain import Account, as_account
from medrec_py.client.acts import Actor, Nobody, Sender
from medrec_py.client.context import Context
from medrec_py.client.holdings import Held, Holdings
from medrec_py.client.provider import newest_epochs
from medrec_py.crypto import (
    MailboxKey,
    Node,
    ParticipantKey,
    RootKey,
    case_key,
    mailbox_key,
    participant_seed,
    relationship_node,
)
from medrec_py.sealing import BundleKind, RekeyBundle, match_locators, open_bundle
from medrec_py.types.ledger import EntryKind

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
    """

    provider: str
    number: int
    node: Node
    epochs: dict[int, int]
    mailbox: MailboxKey
    accounted: frozenset[bytes]
    is_open: bool


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

    def _tree(self, context: Context, provider: str, number: int, *, is_open: bool) -> Tree:
        node = relationship_node(self.root, self.subject, provider, number)
        mailbox = mailbox_key(node)
        entries = [
            entry
            for entry in context.ledger(self.subject)
            if entry.kind is EntryKind.ANCHOR and entry.author == self.subject
        ]
        found = match_locators([entry.locator for entry in entries], [mailbox])
        objects = context.store.get_many([entries[at].digest for at in sorted(found)])
        nodes: list[Node] = []
        accounted: set[bytes] = set()
        for data in objects:
            bundle = open_bundle(data, context.bundle_context(self.subject), self.key, BundleKind.REKEY)
            assert isinstance(bundle, RekeyBundle)
            nodes += [item for keys in bundle.keys for item in keys.nodes]
            accounted.update(bundle.grants)
        return Tree(provider, number, node, newest_epochs(nodes), mailbox, frozenset(accounted), is_open)


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

    def of(self, subject: str) -> Case | None:
        """The case of an address, used or among the next ones."""
        candidates = [*self.used(), self.next()]
        return next((case for case in candidates if case.subject == subject), None)
