"""Bringing keys up to date: a new epoch for every class that an ended grant covered, and for viewers what they lack.

One transaction anchors all that is handed over, each piece sealed to the one who gets it and to the subject. What a
viewer lacks is found by comparing what its grant covers with what every bundle so far has handed over; so it makes no
difference in which order grants, re-keys, publications and relationships came, nor whether an earlier run was cut off.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeAlias

from medrec_py.chain import TransactionReceipt
from medrec_py.client.cases import Case, Tree
from medrec_py.client.context import Context
from medrec_py.client.cutting import cut_excerpts, last_key_year, measure, nodes_for, window_of
from medrec_py.client.emergencies import declared, key_to_deliver_to
from medrec_py.client.grants import OpenedGrant, of_consequence
from medrec_py.client.holdings import Held
from medrec_py.client.results import Fault
from medrec_py.client.window import ALL_CLASSES, Window
from medrec_py.crypto import FIRST_YEAR, LAST_YEAR, MailboxKey, Node, PublicKey, covering_set, derive
from medrec_py.errors import InvalidKey, NoParticipantKey
from medrec_py.index import IndexedGrant
from medrec_py.sealing import Excerpt, GrantBundle, RekeyBundle, RelationshipKeys, make_locators, seal_bundle

Delivery: TypeAlias = tuple[MailboxKey, PublicKey, RekeyBundle]
"""Where a re-key is found, whom it is for, and what it hands over."""


@dataclass(frozen=True)
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
        """Changes keys where a grant ended since the last time, and hands over whatever is missing.

        A participant who replaced its key by something that is none gets nothing, and `unusable` names it; that keeps
        nobody else from it.

        Args:
            opened: The subject's grants, as far as the subject can open them.

        Returns:
            The receipt of the anchoring; None when there was nothing to do.
        """
        deliveries: list[Delivery] = []
        objects: list[bytes] = []
        trees: list[Tree] = []
        for tree in self.trees:
            ended = self._ended(tree, opened)
            author = self._key_of(tree.provider) if ended else None
            if author is None:
                trees.append(tree)
                continue
            new = {number: tree.epochs.get(number, 0) + 1 for number in sorted(frozenset().union(*ended.values()))}
            epochs = tree.epochs | new
            # All of these begin with the letter that is anchored here, if they have not before.
            trees.append(replace(tree, epochs=epochs, begun=epochs))
            deliveries.append((tree.mailbox, author, self._for_author(trees[-1], frozenset(ended))))
        for grant in opened:
            mailbox = grant.bundle.mailbox_key
            if not grant.grant.is_live or mailbox is None:
                continue
            viewer = self._key_of_viewer(grant)
            if viewer is None:
                continue
            bundle, sealed = self._for_viewer(grant, mailbox, trees)
            if bundle is not None:
                objects += sealed
                deliveries.append((mailbox, viewer, bundle))
        return self._deliver(deliveries, objects) if deliveries else None

    def unusable(self, opened: list[OpenedGrant]) -> list[Fault]:
        """The providers and viewers of this subject whose key nothing can be sealed to: what follows passes them by.

        Args:
            opened: The subject's grants, as far as the subject can open them.
        """
        providers = [tree.provider for tree in self.trees if tree.is_open]
        emergency = self.context.deployment.emergency  # a contract, which has no key of its own to replace
        viewers = [
            grant.grant.viewer
            for grant in opened
            if grant.grant.is_live and grant.bundle.mailbox_key and grant.grant.viewer != emergency
        ]
        return [
            Fault(
                "unusable key",
                participant,
                f"{participant} ({role}) has replaced its key by something that is none, and gets no new keys until it "
                f"registers another. {remedy}",
            )
            for role, participants, remedy in (
                ("provider", providers, "Close the relationship if you don't know why."),
                ("viewer", viewers, "Revoke its grant if you don't know why."),
            )
            for participant in dict.fromkeys(participants)
            if participant != self.case.subject and not self._is_usable(participant)
        ]

    def _is_usable(self, participant: str) -> bool:
        """Whether the index has a key for it; the chain is asked only before something is sealed to one."""
        found = self.context.index.participant(participant)
        try:
            return found is not None and bool(PublicKey(found.public_key))
        except InvalidKey:
            return False

    # ── what ended ──

    @cached_property
    def _items(self) -> list[IndexedGrant]:
        subject = self.case.subject
        return of_consequence(self.context.index.grants(subject=subject), subject)

    def _ended(self, tree: Tree, opened: list[OpenedGrant]) -> dict[bytes, frozenset[int]]:
        """The grants that ended and that no re-key of this tree accounts for, each with the classes it covered."""
        if not tree.is_open:
            return {}
        known = {item.grant.id: item for item in opened}
        relationships = self.context.index.relationships(subject=self.case.subject, provider=tree.provider)
        opening = next((item.opened for item in relationships if item.number == tree.number), None)
        ended: dict[bytes, frozenset[int]] = {}
        for item in self._items:
            # What ended before the relationship opened never had a key of its tree.
            is_over = opening is not None and item.status.is_terminal and item.changed < opening
            if item.id in tree.accounted or is_over:
                continue
            grant = known.get(item.id)
            has_expired = (grant and grant.grant.state == "expired") or self._is_emergency_over(item.id)
            if item.status.is_terminal or has_expired:
                ended[item.id] = self._classes_of(item, known)
        return ended

    @cached_property
    def _emergencies(self) -> dict[bytes, int]:
        """When each declared emergency ends: by the event, since the provider may not have sealed its terms to us."""
        return {event.id: event.expires_at for event in declared(self.context, subject=self.case.subject)}

    def _is_emergency_over(self, id: bytes) -> bool:
        return id in self._emergencies and self.context.chain.now() >= self._emergencies[id]

    def _classes_of(self, item: IndexedGrant, known: dict[bytes, OpenedGrant]) -> frozenset[int]:
        grant = known.get(item.id)
        if grant is not None:
            return window_of(measure(grant.grant.chain)).classes
        if item.grantor == self.case.subject:
            return ALL_CLASSES  # its bundle is lost
        # A sub-grant that its grantor did not seal to the patient covered at most what the grantor had.
        above = [known.get(other.id) for other in self._items if other.viewer == item.grantor]
        if not all(above):
            return ALL_CLASSES
        return frozenset().union(*(window_of(measure(one.grant.chain)).classes for one in above if one))

    # ── what is handed over ──

    def _for_author(self, tree: Tree, ended: frozenset[bytes]) -> RekeyBundle:
        """All that an author needs from now on: so the newest re-key makes up for any before it that got lost."""
        epochs = {
            number: [epoch] if tree.is_whole else list(range(1, epoch + 1)) for number, epoch in tree.epochs.items()
        }
        nodes = covering_set((tree.node,), sorted(epochs), FIRST_YEAR, LAST_YEAR, include_undated=True, epochs=epochs)
        keys = RelationshipKeys(tree.provider, tree.number, nodes)
        return RekeyBundle((keys,), tuple(sorted(tree.accounted | ended)), self._pending(tree))

    def _pending(self, tree: Tree) -> tuple[Excerpt, ...]:
        """Keys of the parcels that the author sealed to the subject meanwhile, so that it can read them back."""
        holdings = self.case.holdings([tree])
        found = holdings.locate(self.context, Window(frozenset())).parcels
        opened, _ = holdings.open(self.context, [item for item in found if item.context is None])
        return tuple(
            Excerpt(
                parcel.located.digest,
                parcel.located.digest,
                parcel.content_key,
                parcel.context.author,
                parcel.context.class_number,
                parcel.context.period,
                parcel.context.epoch,
            )
            for parcel in opened
        )

    def _for_viewer(
        self, opened: OpenedGrant, mailbox: MailboxKey, trees: list[Tree]
    ) -> tuple[RekeyBundle | None, tuple[bytes, ...]]:
        terms = measure(opened.grant.chain)
        window, last_year = window_of(terms), last_key_year(terms)
        bundles: list[GrantBundle | RekeyBundle] = [opened.bundle, *self.case.mail(self.context, mailbox).rekeys]
        held = [(keys.provider, keys.number, node) for bundle in bundles for keys in bundle.keys for node in keys.nodes]
        keys = []
        for tree in trees:
            has = [node for provider, number, node in held if (provider, number) == (tree.provider, tree.number)]
            wanted = nodes_for(Held(tree.provider, tree.number, (tree.node,), tree.begun), window, last_year)
            missing = tuple(node for node in wanted if not _is_among(node, has))
            if missing:
                keys.append(RelationshipKeys(tree.provider, tree.number, missing))
        cut_before = {(excerpt.source, excerpt.author) for bundle in bundles for excerpt in bundle.excerpts}
        excerpts, objects = cut_excerpts(self.context, self.case.holdings(self.trees), terms, without=cut_before)
        return (RekeyBundle(tuple(keys), (), excerpts) if keys or excerpts else None), objects

    def _key_of_viewer(self, opened: OpenedGrant) -> PublicKey | None:
        """Whom to seal to for a grant; nobody where an emergency was declared: its keys come from custodians alone."""
        emergency = self.context.deployment.emergency
        if opened.grant.grantor == emergency:
            return None
        if opened.grant.viewer == emergency:
            return key_to_deliver_to(self.context, self.case.subject, opened.grant.id)
        return self._key_of(opened.grant.viewer)

    def _key_of(self, participant: str) -> PublicKey | None:
        if participant == self.case.subject:
            return self.case.key.public_key
        try:
            return self.context.public_key(participant)
        except (InvalidKey, NoParticipantKey):
            return None

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


def _is_among(wanted: Node, held: list[Node]) -> bool:
    """Whether the key of a node is among those handed over, or follows from one: whoever says so is not believed."""
    return any(
        node.path.covers(wanted.path) and derive(node, wanted.path).key.reveal() == wanted.key.reveal() for node in held
    )
