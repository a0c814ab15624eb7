"""Changing keys after a grant ended: a new epoch for every class it covered, for the author and the viewers who stay.

One transaction anchors all that is handed over, each piece sealed to the one who gets it and to the subject.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from medrec_py.chain import TransactionReceipt
from medrec_py.client.cases import Case, Tree
from medrec_py.client.context import Context
from medrec_py.client.cutting import cut, last_key_year, nodes_for, window_of
from medrec_py.client.grants import OpenedGrant
from medrec_py.client.holdings import ALL_CLASSES, Held, Window
from medrec_py.crypto import FIRST_YEAR, LAST_YEAR, MailboxKey, Node, PublicKey, covering_set
from medrec_py.index import IndexedGrant
from medrec_py.sealing import Excerpt, RekeyBundle, RelationshipKeys, make_locators, match_locators, seal_bundle
from medrec_py.types.ledger import EntryKind, Position
from medrec_py.types.terms import GrantStatus

Delivery: TypeAlias = tuple[MailboxKey, PublicKey, RekeyBundle]
"""Where a re-key is found, whom it is for, and what it hands over."""


@dataclass(frozen=True, slots=True)
class Rekeying:
    """Re-keys one subject.

    Attributes:
        context: The network.
        case: The subject.
        trees: Its key trees, as `Case.trees` gives them.
    """

    context: Context
    case: Case
    trees: list[Tree]

    def run(self, opened: list[OpenedGrant]) -> TransactionReceipt | None:
        """Hands over new keys where a grant ended since the last time, and missing excerpts.

        Args:
            opened: The subject's grants, as far as the subject can open them.

        Returns:
            The receipt of the anchoring; None when there was nothing to do.
        """
        deliveries: list[Delivery] = []
        objects: list[bytes] = []
        bumped: dict[tuple[str, int], dict[int, list[int]]] = {}
        for tree in self.trees:
            ended = self._ended(tree, opened)
            if not ended:
                continue
            epochs = {number: [tree.epochs.get(number, 0) + 1] for number in sorted(_classes(ended))}
            bumped[tree.provider, tree.number] = epochs
            deliveries.append(self._to_author(tree, epochs, frozenset(ended)))
        for grant in opened:
            if grant.grant.is_live:
                delivery, sealed = self._to_viewer(grant, bumped)
                objects += sealed
                if delivery is not None:
                    deliveries.append(delivery)
        return self._deliver(deliveries, objects) if deliveries else None

    def _ended(self, tree: Tree, opened: list[OpenedGrant]) -> dict[bytes, frozenset[int]]:
        """The grants that ended and that no re-key of this tree accounts for, each with the classes it covered."""
        known = {item.grant.id: item.grant for item in opened}
        ended: dict[bytes, frozenset[int]] = {}
        for item in self.context.index.grants(subject=self.case.subject):
            if item.id in tree.accounted or not self._concerns(tree, item):
                continue
            grant = known.get(item.id)
            if item.status in (GrantStatus.REVOKED, GrantStatus.RENOUNCED) or (grant and grant.state == "expired"):
                # A sub-grant that its grantor did not seal to the patient as well may have covered anything.
                ended[item.id] = ALL_CLASSES if grant is None else window_of(grant.terms).classes
        return ended

    def _concerns(self, tree: Tree, item: IndexedGrant) -> bool:
        """Whether a grant can have handed over keys of a tree: not if it ended before the relationship opened."""
        if not tree.is_open:
            return False
        relationships = self.context.index.relationships(subject=self.case.subject, provider=tree.provider)
        opening = next((rel.opened for rel in relationships if rel.number == tree.number), None)
        return opening is None or item.changed > opening or item.status is GrantStatus.ACTIVE

    def _to_author(self, tree: Tree, epochs: dict[int, list[int]], ended: frozenset[bytes]) -> Delivery:
        nodes = covering_set((tree.node,), sorted(epochs), FIRST_YEAR, LAST_YEAR, include_undated=True, epochs=epochs)
        own = tree.provider == self.case.subject
        recipient = self.case.key.public_key if own else self.context.public_key(tree.provider)
        keys = RelationshipKeys(tree.provider, tree.number, nodes)
        return tree.mailbox, recipient, RekeyBundle((keys,), tuple(sorted(ended)), self._pending(tree))

    def _pending(self, tree: Tree) -> tuple[Excerpt, ...]:
        """Keys of the parcels that the author sealed to the subject meanwhile, so that it can read them back."""
        holdings = self.case.holdings([tree])
        pending = [item for item in holdings.locate(self.context, Window(frozenset())) if item.context is None]
        return tuple(
            Excerpt(
                located.anchor.digest,
                content.content_key,
                content.context.author,
                content.context.class_number,
                content.context.period,
                content.context.epoch,
            )
            for located, content in holdings.open(self.context, pending)
        )

    def _to_viewer(
        self, opened: OpenedGrant, bumped: dict[tuple[str, int], dict[int, list[int]]]
    ) -> tuple[Delivery | None, list[bytes]]:
        grant = opened.grant
        window = window_of(grant.terms)
        keys = []
        for tree in self.trees:
            epochs = {
                number: new
                for number, new in bumped.get((tree.provider, tree.number), {}).items()
                if number in window.classes
            }
            nodes: tuple[Node, ...] = ()
            if epochs:
                held = Held(tree.provider, tree.number, (tree.node,), tree.epochs)
                nodes = nodes_for(held, window, last_key_year(grant.terms), epochs=epochs)
            if nodes:
                keys.append(RelationshipKeys(tree.provider, tree.number, nodes))
        mailbox = opened.bundle.mailbox_key
        if mailbox is None:
            return None, []
        cutting = cut(
            self.context, self.case.holdings(self.trees), grant.terms, after=self._last_delivery(grant.id, mailbox)
        )
        if not keys and not cutting.excerpts:
            return None, []
        recipient = self.context.public_key(grant.viewer)
        return (mailbox, recipient, RekeyBundle(tuple(keys), (), cutting.excerpts)), list(cutting.objects)

    def _last_delivery(self, id: bytes, mailbox: MailboxKey) -> Position:
        """Where the viewer of a grant was last brought up to date: at the grant itself, or at a re-key."""
        index = self.context.index
        item = index.grant(id)
        assert item is not None
        entries = [
            entry
            for entry in self.context.ledger(self.case.subject)
            if entry.kind is EntryKind.ANCHOR and entry.author == self.case.subject
        ]
        found = match_locators([entry.locator for entry in entries], [mailbox])
        granted = (item.granted.block_number, item.granted.log_index, 0)
        return max([granted, *(entries[at].position for at in found)])

    def _deliver(self, deliveries: list[Delivery], objects: list[bytes]) -> TransactionReceipt:
        context, subject = self.context, self.case.subject
        own = self.case.key.public_key
        sealed = [
            seal_bundle(bundle, context.bundle_context(subject), [recipient] if recipient == own else [recipient, own])
            for _, recipient, bundle in deliveries
        ]
        cids = context.store.put_many([*objects, *sealed])
        digests = [cid.digest for cid in cids[len(objects) :]]
        locators = make_locators([mailbox for mailbox, _, _ in deliveries])
        return self.case.actor.submit(self.case.actor.anchor(subject, digests, locators))


def _classes(ended: dict[bytes, frozenset[int]]) -> frozenset[int]:
    return frozenset().union(*ended.values())
