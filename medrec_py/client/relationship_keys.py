"""What a provider holds of a relationship's keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from medrec_py.crypto import CompartmentKey, MailboxKey, Node, PublicKey, leaf_for
from medrec_py.errors import NoKey
from medrec_py.fhir import Lot
from medrec_py.index import IndexedRelationship
from medrec_py.sealing import Excerpt, SuccessionBundle


@dataclass(frozen=True, slots=True)
class RelationshipKeys:
    """What a provider holds of one open relationship.

    Attributes:
        relationship: The relationship.
        nodes: Nodes of its key tree, the newest epoch's included.
        epochs: The newest epoch by class, where it is not 0.
        public_key: The subject's own key.
        mailbox: Marks what is sealed to the subject itself.
        excerpts: Keys of single parcels, handed back with a re-key.
        is_stale: Whether a grant was withdrawn since the newest keys came, or newer ones are lost: those that are held
            may not be used to seal.
        succession: Where the relationship goes on; None while it goes on here.
    """

    relationship: IndexedRelationship
    nodes: tuple[Node, ...]
    epochs: Mapping[int, int]
    public_key: PublicKey
    mailbox: MailboxKey
    excerpts: tuple[Excerpt, ...]
    is_stale: bool
    succession: SuccessionBundle | None = None

    def sealing_key(self, lot: Lot) -> tuple[int, CompartmentKey | PublicKey]:
        """The epoch to seal a lot in, and the key; the subject's own while keys are stale."""
        epoch = self.epochs.get(lot.record_class, 0)
        if self.is_stale:
            return epoch, self.public_key
        key = leaf_for(self.nodes, epoch, lot.record_class, lot.period)
        if key is None:
            raise NoKey(
                f"No key for class {lot.record_class} and period {lot.period} came with the relationship.",
                record_class=lot.record_class,
                period=lot.period,
            )
        return epoch, key


def newest_epochs(nodes: Iterable[Node]) -> dict[int, int]:
    """The newest epoch of each class among nodes, where it is not 0."""
    epochs: dict[int, int] = {}
    for node in nodes:
        if node.path.class_number is not None and node.path.epoch:
            epochs[node.path.class_number] = max(epochs.get(node.path.class_number, 0), node.path.epoch)
    return epochs
