"""What the chain says was anchored about a subject: one by one in its ledger, or in an author's batches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from medrec_py.client.context import Context
from medrec_py.client.results import Fault
from medrec_py.crypto import CompartmentKey, MailboxKey
from medrec_py.errors import IntegrityError
from medrec_py.index import IndexedBatch, IndexedRelationship
from medrec_py.sealing import BatchLeaf, Manifest, batch_blind, match_locators
from medrec_py.types.ledger import EntryKind, LedgerEntry, Position


@dataclass(frozen=True, slots=True)
class Anchor:
    """An anchored parcel as the ledger, or a batch of the author, has it."""

    author: str
    digest: bytes
    locator: bytes
    time: int
    position: Position


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch and its manifest, compared with what was anchored."""

    indexed: IndexedBatch
    manifest: Manifest

    def anchor(self, at: int) -> Anchor:
        """The entry at a position as an anchored parcel."""
        entry = self.manifest.entries[at]
        batch = self.indexed
        return Anchor(batch.author, entry.digest, entry.locator, batch.time, batch.entry.position)


def in_ledger(ledger: Iterable[LedgerEntry], author: str) -> list[Anchor]:
    """The parcels that an author anchored one by one."""
    return [
        Anchor(author, entry.digest, entry.locator, entry.time, entry.position)
        for entry in ledger
        if entry.kind is EntryKind.ANCHOR and entry.author == author
    ]


def batches_of(context: Context, subject: str, provider: str, number: int, faults: list[Fault]) -> list[Batch]:
    """The batches that a provider anchored while a relationship stood: no others can concern the subject.

    A pair that closed and opened again has a relationship of another number; the chain then confirms batches of the
    newest one alone, so when each stood is taken from its events.

    Args:
        context: The network.
        subject: Whose records.
        provider: The batches' author.
        number: Number of the relationship.
        faults: Gets the manifests that can't be read: what of the subject is in them stays unknown.
    """
    batches = context.index.batches(provider)
    if not batches:
        return []
    relationships = context.index.relationships(subject=subject, provider=provider)
    relationship = next((item for item in relationships if item.number == number), None)
    if relationship is None:
        return []
    concerned = [batch for batch in batches if _stood(relationship, batch.entry.position)]
    found: list[Batch] = []
    for batch, data in zip(concerned, context.fetch([batch.manifest for batch in concerned]), strict=True):
        try:
            if not isinstance(data, bytes):
                raise data
            manifest = Manifest.parse(data)
            manifest.require(batch.root, batch.count)
        except IntegrityError as error:
            faults.append(Fault.of("batch", batch.manifest, error))
            continue
        found.append(Batch(batch, manifest))
    return found


def in_batches(
    context: Context,
    subject: str,
    number: int,
    batches: Sequence[Batch],
    keys: Sequence[CompartmentKey | MailboxKey],
    faults: list[Fault],
) -> list[Anchor]:
    """The subject's parcels in batches, each proved to be a leaf of the root that the chain keeps.

    Args:
        context: The network.
        subject: Whose records.
        number: Number of the relationship.
        batches: Where to look, as `batches_of` gives them.
        keys: What finds them.
        faults: Gets those that are listed and not proved.
    """
    out: list[Anchor] = []
    for batch in batches:
        matches = match_locators([entry.locator for entry in batch.manifest.entries], keys)
        is_anchored = bool(matches) and context.medrec.batch_anchored_at(batch.indexed.author, batch.indexed.root) > 0
        for at, key_at in matches.items():
            entry = batch.manifest.entries[at]
            leaf = BatchLeaf(subject, number, entry.digest, entry.locator, batch_blind(keys[key_at], entry.locator))
            if is_anchored and leaf.hash == entry.leaf_hash:
                out.append(batch.anchor(at))
            else:
                sentence = f"It is listed for {subject} in a batch, but the root on chain does not confirm it."
                faults.append(Fault("batch", entry.digest.hex(), sentence))
    return out


def _stood(relationship: IndexedRelationship, position: Position) -> bool:
    """Whether a relationship stood when something was anchored."""
    opened, closed = relationship.opened, relationship.closed
    since = (opened.block_number, opened.log_index, 0)
    return since < position and (closed is None or position < (closed.block_number, closed.log_index, 0))
