"""The provider: invites patients, publishes their records, reads back what it wrote."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from medrec_py.chain import TransactionReceipt
from medrec_py.client.anchors import in_ledger
from medrec_py.client.declaring import DeclaresEmergencies
from medrec_py.client.following import current, open_successor
from medrec_py.client.grants import of_consequence
from medrec_py.client.holdings import Held, Holdings
from medrec_py.client.mail import Mail, open_letter
from medrec_py.client.relationship_keys import RelationshipKeys, newest_epochs
from medrec_py.client.results import Fault, Invitation, Publication, Records, Relationship, records_by_class
from medrec_py.client.succession import standing
from medrec_py.client.window import Window
from medrec_py.crypto import CompartmentKey, MailboxKey, PublicKey
from medrec_py.errors import IntegrityError, InvalidInput, NoKey, NoRelationship, Refused
from medrec_py.fhir import ClinicalRecord, RecordSet, Source, lots, read_records
from medrec_py.index import IndexedRelationship
from medrec_py.outbox import Parcel, PublicationReceipt
from medrec_py.outbox import Publication as Journalled
from medrec_py.sealing import (
    BatchLeaf,
    Bundle,
    BundleKind,
    Excerpt,
    RekeyBundle,
    RelationshipBundle,
    SealedParcel,
    batch_blind,
    make_locators,
    make_manifest,
    match_locators,
    open_bundle,
    seal_records,
)
from medrec_py.storage import digest_of
from medrec_py.types.terms import ZERO_BYTES32

Progress = Callable[[str, int, int], None]
"""Called with the stage (`read`, `seal`, `publish`), what is done and what there is in all."""


@dataclass(frozen=True, slots=True)
class _Prepared:
    """Parcels of one subject, sealed and waiting for their locators."""

    subject: str
    keys: RelationshipKeys
    records: tuple[ClinicalRecord, ...]
    plain_bytes: int
    sealed: tuple[SealedParcel, ...]
    locator_keys: tuple[CompartmentKey | MailboxKey, ...]


class Provider(DeclaresEmergencies):
    """An organisation or clinician that writes records."""

    # ── relationships ──

    def invite(self, subject: str, *, days: float = 30) -> Invitation:
        """Signs an invitation; nothing goes on chain.

        Args:
            subject: The address that the patient's wallet shows for a new relationship.
            days: How long it stands.

        Raises:
            InvalidInput: A relationship with this subject is open already.
        """
        relationship = self._context.medrec.relationship_of(subject, self.address)
        if relationship.is_open:
            raise InvalidInput(
                f"A relationship with {subject} is open already.", hint="Publish into it.", subject=subject
            )
        number = relationship.number + 1
        # Validity counts from whichever clock is ahead, so that a chain without recent blocks makes no difference.
        expires_at = int(max(self._context.chain.now(), time.time()) + days * 86400)
        message = {"provider": self.address, "subject": subject, "number": number, "expiresAt": expires_at}
        signature = self._actor.sign("Invitation", message)
        return Invitation(self.address, subject, number, expires_at, signature)

    def relationships(self) -> list[Relationship]:
        """The relationships of this provider, closed ones included."""
        name = self._context.name_of(self.address)
        return [
            Relationship(
                item.subject,
                item.provider,
                item.number,
                item.opened.time,
                item.closed.time if item.closed else None,
                item.is_open,
                name,
            )
            for item in self._context.sync().relationships(provider=self.address)
        ]

    def close(self, subject: str) -> TransactionReceipt:
        """Ends the relationship with a subject."""
        return self._actor.submit(self._actor.close(subject, self.address))

    # ── records ──

    def publish(
        self,
        subject: str,
        source: Source | RecordSet,
        *,
        any_patient: bool = False,
        key: str | None = None,
        progress: Progress | None = None,
    ) -> Publication:
        """Seals, stores and anchors the records of one patient, in one transaction.

        When the patient goes on at another address, they go there; the result's `subject` says which.

        Args:
            subject: Whose records they are here.
            source: A FHIR R4 Bundle, resource or NDJSON: a path, bytes or a stream, gzipped or not; or read records.
            any_patient: Accept resources of more than one patient.
            key: A name of yours for this publication: repeated after a crash, it is published once.
            progress: Called as it proceeds.

        Raises:
            InvalidInput: The input can't be used; nothing was published.
            NoRelationship: There is no open relationship.
            PublicationPending: Store or chain did not answer; `resume` finishes it.
        """
        report = progress or _silent
        records = self._records(source, any_patient, report)
        self._context.sync()
        prepared = self._prepare(subject, records, report)
        subject = prepared.subject
        locators = make_locators(prepared.locator_keys)
        parcels = [
            Parcel(sealed.data, digest_of(sealed.data), locator)
            for sealed, locator in zip(prepared.sealed, locators, strict=True)
        ]
        report("publish", 0, len(parcels))
        call = self._actor.anchor(subject, [parcel.digest for parcel in parcels], locators)
        receipt = self._context.outbox.submit(
            Journalled.anchoring(subject, self.address, parcels, call, key=key), self._account
        )
        report("publish", len(parcels), len(parcels))
        published = _publication(prepared, receipt, records)
        # Under a key that was taken before, what stands on chain is what was sealed then.
        return replace(
            published,
            digests=receipt.digests,
            parcels=len(receipt.digests),
            sealed_bytes=receipt.stored_bytes,
        )

    def publish_many(
        self, sources: Mapping[str, Source | RecordSet], *, key: str | None = None, progress: Progress | None = None
    ) -> dict[str, Publication]:
        """Publishes records of many patients under one Merkle root, in one transaction for all.

        Args:
            sources: For each subject what `publish` takes.
            key: As in `publish`.
            progress: Called as it proceeds.
        """
        report = progress or _silent
        if not sources:
            raise InvalidInput("There is nothing to publish.", hint="Name at least one subject and its records.")
        self._context.sync()
        prepared: dict[str, tuple[_Prepared, RecordSet]] = {}
        for subject, source in sources.items():
            records = self._records(source, False, report)
            prepared[subject] = (self._prepare(subject, records, report), records)
        locators = iter(make_locators([one for item, _ in prepared.values() for one in item.locator_keys]))
        leaves: list[BatchLeaf] = []
        parcels: list[Parcel] = []
        for item, _ in prepared.values():
            for sealed, locator_key in zip(item.sealed, item.locator_keys, strict=True):
                locator, digest = next(locators), digest_of(sealed.data)
                number = item.keys.relationship.number
                leaves.append(BatchLeaf(item.subject, number, digest, locator, batch_blind(locator_key, locator)))
                parcels.append(Parcel(sealed.data, digest, locator))
        batch = make_manifest(leaves)
        listed = batch.encode()
        manifest = Parcel(listed, digest_of(listed))
        call = self._context.medrec.anchor_batch(batch.root, manifest.digest, len(leaves))
        journalled = Journalled.batch(self.address, batch.root, len(leaves), parcels, manifest, call, key=key)
        receipt = self._context.outbox.submit(journalled, self._account)
        report("publish", len(parcels), len(parcels))
        return {subject: _publication(item, receipt, records) for subject, (item, records) in prepared.items()}

    def resume(self) -> list[Any]:
        """Finishes publications that were interrupted, each once."""
        return self._context.outbox.resume([self._account])

    def retry(self, id: str) -> PublicationReceipt:
        """Tries one of this provider's publications again that the chain refused.

        Raises:
            UnknownPublication: There is no refused one with this id.
            InvalidInput: It is somebody else's.
        """
        return self._context.outbox.retry(id, self._account)

    def retract(self, subject: str, digest: bytes, *, replacement: bytes = ZERO_BYTES32) -> TransactionReceipt:
        """Declares a parcel entered in error, and which one supersedes it."""
        return self._actor.submit(self._actor.retract(subject, digest, replacement))

    def records(self, subject: str, *, window: Window | None = None) -> Records:
        """The records of a subject that this provider wrote, in relationships that have closed since as well.

        Raises:
            NoRelationship: There never was one.
        """
        self._context.sync()
        relationships = self._context.index.relationships(subject=subject, provider=self.address)
        if not relationships:
            raise NoRelationship(f"{self.address} never had a relationship with {subject}.", subject=subject)
        held: list[Held] = []
        excerpts: list[Excerpt] = []
        faults: list[Fault] = []
        for relationship in relationships:
            try:
                keys = self._keys_of(relationship)
            except (IntegrityError, InvalidInput) as error:
                faults.append(Fault.of("unreadable keys", relationship.bundle, error))
                continue
            held.append(Held(self.address, relationship.number, keys.nodes, keys.epochs))
            excerpts += keys.excerpts
        return Holdings(subject, tuple(held), tuple(excerpts), faults=tuple(faults)).read(
            self._context, window or Window()
        )

    # ── keys ──

    def keys(self, subject: str) -> RelationshipKeys:
        """What this provider holds of its open relationship with a subject.

        Raises:
            NoRelationship: None is open.
            NoKey: What the subject sealed to this provider can't be opened, or is not what it should be.
        """
        relationships = self._context.index.relationships(subject=subject, provider=self.address, open_only=True)
        if not relationships:
            raise NoRelationship(f"{self.address} has no open relationship with {subject}.", subject=subject)
        try:
            return self._keys_of(relationships[-1])
        except (IntegrityError, InvalidInput) as error:
            raise NoKey(
                f"The keys of the relationship with {subject} can't be used: {error.message}",
                hint="Have the patient close the relationship and accept a new invitation.",
                subject=subject,
            ) from error

    def _keys_of(self, relationship: IndexedRelationship) -> RelationshipKeys:
        context, subject = self._context, relationship.subject
        bundle_context = context.bundle_context(subject)
        bundle = open_bundle(context.store.get(relationship.bundle), bundle_context, self.key, BundleKind.RELATIONSHIP)
        assert isinstance(bundle, RelationshipBundle)
        mail, is_up_to_date = self._mail(subject, bundle.mailbox_key)
        rekeys = mail.rekeys
        nodes = list(bundle.keys.nodes)
        nodes += [
            node for rekey in rekeys for keys in rekey.keys if keys.provider == self.address for node in keys.nodes
        ]
        accounted = {id for rekey in rekeys for id in rekey.grants}
        ended = {
            grant.id
            for grant in of_consequence(context.index.grants(subject=subject), subject)
            if grant.status.is_terminal and grant.changed > relationship.opened
        }
        return RelationshipKeys(
            relationship,
            tuple(nodes),
            newest_epochs(nodes),
            bundle.public_key,
            bundle.mailbox_key,
            tuple(excerpt for rekey in rekeys for excerpt in rekey.excerpts),
            bool(ended - accounted) or not is_up_to_date,
            standing(context, self.address, mail.successions, is_open=relationship.is_open),
        )

    def _mail(self, subject: str, mailbox: MailboxKey) -> tuple[Mail, bool]:
        """What is in a relationship's mailbox, and whether the newest re-key is among it: it says all before it did."""
        context = self._context
        entries = in_ledger(context.ledger(subject), subject)
        found = match_locators([entry.locator for entry in entries], [mailbox])
        letters: list[Bundle] = []
        is_up_to_date = True
        for data in context.fetch([entries[at].digest for at in sorted(found)]):
            try:
                if not isinstance(data, bytes):
                    raise data
                letter = open_letter(data, context.bundle_context(subject), self.key)
            except (IntegrityError, InvalidInput):
                is_up_to_date = False
                continue
            letters.append(letter)
            is_up_to_date = is_up_to_date or isinstance(letter, RekeyBundle)
        return Mail(tuple(letters), len(found) - len(letters)), is_up_to_date

    # ── patients who moved ──

    def follow(self) -> list[Relationship]:
        """Follows patients who go on at another address: opens the relationships that they have accepted beforehand.

        Returns:
            The relationships that were opened. What the patients do afterwards (closing the old ones, granting anew)
            is theirs.
        """
        context = self._context
        opened: list[str] = []
        for item in context.sync().relationships(provider=self.address, open_only=True):
            try:
                succession = self._keys_of(item).succession
                if succession is not None and open_successor(self, succession):
                    opened.append(succession.successor)
            except (IntegrityError, InvalidInput, Refused):
                continue  # one that can't be followed keeps nobody else from it; publishing names it
        return [item for item in self.relationships() if item.subject in opened] if opened else []

    # ── steps of publishing ──

    def _records(self, source: Source | RecordSet, any_patient: bool, report: Progress) -> RecordSet:
        report("read", 0, 1)
        records = source if isinstance(source, RecordSet) else read_records(source, any_patient=any_patient)
        report("read", 1, 1)
        if not records.records:
            raise InvalidInput("The input holds no resource.", hint="Give a Bundle with entries, or resources.")
        return records

    def _prepare(self, subject: str, records: Iterable[ClinicalRecord], report: Progress) -> _Prepared:
        kept = tuple(records)
        subject, keys = current(self, subject)
        place = self._context.place(subject, self.address)
        groups = lots(kept)
        sealed: list[SealedParcel] = []
        locator_keys: list[CompartmentKey | MailboxKey] = []
        for done, lot in enumerate(groups, 1):
            epoch, key = keys.sealing_key(lot)
            parcel = place.context(lot.record_class, lot.period, epoch)
            sealed.append(seal_records(list(lot.documents), parcel, key))
            locator_keys.append(keys.mailbox if isinstance(key, PublicKey) else key)
            report("seal", done, len(groups))
        plain = sum(len(lot.content) for lot in groups)
        return _Prepared(subject, keys, kept, plain, tuple(sealed), tuple(locator_keys))


def _publication(prepared: _Prepared, receipt: PublicationReceipt, records: RecordSet) -> Publication:
    digests = tuple(digest_of(sealed.data) for sealed in prepared.sealed)
    return Publication(
        prepared.subject,
        len(prepared.records),
        len(prepared.sealed),
        records_by_class(prepared.records),
        prepared.plain_bytes,
        sum(len(sealed.data) for sealed in prepared.sealed),
        prepared.keys.is_stale,
        receipt.gas_used,
        receipt.calldata_bytes,
        receipt.transaction_hash,
        digests,
        records.notices,
    )


def _silent(stage: str, done: int, total: int) -> None:
    """Reports nothing."""
