"""The patient: accepts providers, shares and withholds, revokes, and sees everything that ever happened."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import cached_property
from typing import Any

from medrec_py.chain import Account, TransactionReceipt, require_address
from medrec_py.client.audit import audit_items
from medrec_py.client.delegates import Delegates
from medrec_py.client.emergency import EmergencyAccess
from medrec_py.client.exporting import write_export
from medrec_py.client.granting import Granting
from medrec_py.client.grants import (
    withdrawn_if_declined,
)
from medrec_py.client.guardians import Guardians
from medrec_py.client.inheritance import inherit
from medrec_py.client.moving import Moving
from medrec_py.client.own_records import OwnCourier, publish_own
from medrec_py.client.results import (
    AuditItem,
    Invitation,
    Publication,
    Records,
    Relationship,
    Verification,
)
from medrec_py.client.verification import verify
from medrec_py.client.window import Window, window_from
from medrec_py.crypto import RootKey
from medrec_py.errors import InvalidInput, InvitationInvalid, UnknownPublication
from medrec_py.fhir import RecordSet, Source, read_records
from medrec_py.outbox import PublicationOutcome, PublicationReceipt
from medrec_py.sealing import InheritanceBundle, Reason, seal_bundle
from medrec_py.types.moments import DayLike, iso


class Patient(Granting):
    """Somebody whose records these are.

    In private mode (the default) every relationship has an address of its own, derived from the wallet's root key,
    and all acts are relayed; in wallet mode the wallet's own address is the subject.

    Args:
        context: The network.
        wallet: The wallet. It alone is enough to find everything again on another device.
        wallet_mode: Whether the wallet's own address is the subject.
        sender: Who relays. In wallet mode None means that the wallet sends its own transactions.
        root: The root key, for a wallet whose signatures differ each time.
    """

    # ── addresses ──

    def subjects(self) -> list[str]:
        """The patient's addresses that the chain knows of, and the one of the patient's own records."""
        self._context.sync()
        return [case.subject for case in self._cases.used()]

    def next_subject(self) -> str:
        """The address to give to the next provider, who invites it."""
        self._context.sync()
        return self._cases.next().subject

    # ── relationships ──

    def accept(self, invitation: Invitation) -> TransactionReceipt:
        """Accepts an invitation: the relationship opens with both consents, in one transaction.

        Viewers whose grants cover what the provider will write then get the keys for it.

        Raises:
            InvitationInvalid: It is for another subject; in private mode also, for one that another provider knows.
            NoParticipantKey: The provider has registered no key.
            Refused: The invitation lapsed, is not the provider's, or the provider is not accredited.
        """
        context = self._context
        context.sync()
        case = self._cases.of(invitation.subject)
        if case is None:
            raise InvitationInvalid(
                f"The invitation is for {invitation.subject}, which is none of this wallet's addresses.",
                subject=invitation.subject,
            )
        provider = require_address(invitation.provider)
        known = {item.provider for item in context.index.relationships(subject=case.subject)}
        if not self.wallet_mode and known - {provider}:
            raise InvitationInvalid(
                f"{case.subject} is the address of a relationship with another provider.",
                hint="That would tie the two together. Ask for an invitation to the next address of your wallet.",
                subject=case.subject,
            )
        bundle = case.keys_for(provider, invitation.number)
        recipients = [context.public_key(provider), case.key.public_key]
        digest = context.store.put(seal_bundle(bundle, context.bundle_context(case.subject), recipients)).digest
        message = {
            "subject": case.subject,
            "provider": provider,
            "number": invitation.number,
            "expiresAt": invitation.expires_at,
            "bundle": digest,
        }
        with withdrawn_if_declined(context, [digest]):
            acceptance = case.actor.sign("Acceptance", message)
            call = context.medrec.open(
                case.subject, provider, invitation.expires_at, digest, invitation.signature, acceptance
            )
            receipt = case.actor.submit(call)
        context.sync()
        if self._opened(case):
            self._update([case])
        return receipt

    def relationships(self) -> list[Relationship]:
        """Every relationship, closed ones included."""
        context = self._context
        context.sync()
        return [
            Relationship(
                item.subject,
                item.provider,
                item.number,
                item.opened.time,
                item.closed.time if item.closed else None,
                item.is_open,
                context.name_of(item.provider),
            )
            for case in self._cases.used()
            for item in context.index.relationships(subject=case.subject)
        ]

    def close(self, subject: str, provider: str) -> TransactionReceipt:
        """Ends a relationship; what the provider wrote stays readable for the patient."""
        self._context.sync()
        actor = self._cases.require(subject).actor
        return actor.submit(actor.close(subject, provider))

    # ── records ──

    def records(
        self,
        *,
        classes: Iterable[str | int] | str | None = None,
        records_from: DayLike | None = None,
        records_until: DayLike | None = None,
        subject: str | None = None,
    ) -> Records:
        """The patient's records, decrypted here and verified against the ledger's digests; what can't be read is named.

        Args:
            classes: Only these classes; all when None.
            records_from: Only records surely dated this day or later.
            records_until: Only records surely dated this day or earlier.
            subject: Only those of one of the patient's addresses.
        """
        context = self._context
        context.sync()
        window = window_from(classes, records_from, records_until)
        cases = self._cases.used() if subject is None else [self._cases.require(subject)]
        found = [case.holdings(case.trees(context)).read(context, window) for case in cases]
        return Records(
            [record for records in found for record in records],
            [*(fault for records in found for fault in records.faults), *self._unusable(cases)],
        )

    def publish(self, source: Source | RecordSet, *, any_patient: bool = False, key: str | None = None) -> Publication:
        """Seals and anchors records of the patient's own making, into the ledger of an address of their own.

        Args:
            source: What `Provider.publish` takes.
            any_patient: Accept resources of more than one patient.
            key: A name of yours for this publication: repeated after a crash, it is published once.

        Raises:
            InvalidInput: The input can't be used; nothing was published.
            NoRelayer: Nobody would relay it; nothing was published.
            PublicationPending: Store, chain or relayer did not answer; `resume_publications` finishes it.
        """
        context = self._context
        context.sync()
        records = source if isinstance(source, RecordSet) else read_records(source, any_patient=any_patient)
        case = self._cases.own()
        # Nobody tells the patient's own client to wait for new keys: it makes them, before it seals under any.
        self._update([case])
        publication = publish_own(context, case, records, key=key)
        self._after_act(case.subject)
        return publication

    def resume_publications(self) -> list[PublicationOutcome]:
        """Finishes publications that were interrupted, each once."""
        self._context.sync()
        return self._context.outbox.resume(self._publishers())

    def retry_publication(self, id: str) -> PublicationReceipt:
        """Tries one of the patient's publications again that the chain refused.

        Raises:
            UnknownPublication: There is no refused one with this id.
            UnknownSubject: It is somebody else's.
        """
        self._context.sync()
        outbox = self._context.outbox
        status = next((status for status in outbox.failed() if status.id == id), None)
        if status is None:
            raise UnknownPublication(f"No publication {id!r} was refused.", publication=id)
        case = self._cases.require(status.sender)
        return outbox.retry(id, OwnCourier(case.actor) if status.relayed else case.account)

    def export(self, path: str | os.PathLike[str]) -> dict[str, Any]:
        """Writes everything into one FHIR collection Bundle, and the history beside it, readable for the owner alone.

        Args:
            path: The Bundle's file; the history goes to the same name with `.history.json`.

        Returns:
            What was written: `bundle`, `history` (paths), `records`, `acts`; and `faults`, how much could not be read.
        """
        return write_export(
            path, self.records(), self.relationships(), self.grants(), self.audit(), iso(self._context.chain.now())
        )

    # ── other hands ──

    @cached_property
    def delegates(self) -> Delegates:
        """Who may withdraw in the patient's name."""
        return Delegates(self)

    @cached_property
    def guardians(self) -> Guardians:
        """Who gets the records back when the wallet is lost; for a new wallet, the way back."""
        return Guardians(self)

    @cached_property
    def emergency(self) -> EmergencyAccess:
        """What may be seen in an emergency, and what was."""
        return EmergencyAccess(self)

    # ── other wallets ──

    @property
    def moving(self) -> Moving:
        """The way to another wallet."""
        return Moving(self)

    def inherit(
        self, root: RootKey, *, reason: Reason | str = Reason.RECOVERY, wallet: str | None = None
    ) -> TransactionReceipt | None:
        """Takes over the root of another wallet, for good: what derives from it is from now on this wallet's as well.

        Args:
            root: The other wallet's root.
            reason: `recovery`, `move` or `unsteady` (a wallet that signed differently each time).
            wallet: The other wallet's own address if it was the subject itself (wallet mode).

        Returns:
            The receipt; None when it was taken over before.

        Raises:
            InvalidInput: It is this wallet's own root, or no such reason.
        """
        try:
            given = Reason(reason)
        except ValueError:
            raise InvalidInput(
                f"There is no reason {reason!r} to inherit.", hint=f"It is one of {', '.join(Reason)}."
            ) from None
        self._context.sync()
        other = None if wallet is None else require_address(wallet)
        return inherit(self._context, self._cases.own(), InheritanceBundle(root, given, other))

    # ── history ──

    def verify(self) -> Verification:
        """Compares index, store and chain: ledgers replayed to their heads, objects hashed, grants' states asked."""
        context = self._context
        context.sync()
        cases = self._cases.used()
        bundles = {
            digest
            for case in cases
            for digest in (
                *(item.bundle for item in context.index.relationships(subject=case.subject)),
                *(item.bundle for item in context.index.grants(subject=case.subject) if item.grantor == case.subject),
                *(
                    excerpt.digest
                    for opened in self._opened(case)
                    if opened.grant.is_live
                    for excerpt in opened.bundle.excerpts
                ),
            )
        }
        located = {
            case.subject: {
                (parcel.anchor.author, parcel.anchor.digest)
                for parcel in case.holdings(case.trees(context)).locate(context, Window()).parcels
            }
            for case in cases
        }
        return verify(context, [case.subject for case in cases], bundles, located)

    def audit(self) -> list[AuditItem]:
        """Every act on chain that concerns the patient, in order."""
        self._context.sync()
        return audit_items(self._context, [*(case.subject for case in self._cases.used()), self.guardians.owner])

    # ── internals ──

    def _after_act(self, subject: str) -> None:
        self.guardians.keep_alive()
        self.delegates.keep_alive(subject)

    def _publishers(self) -> list[Account | OwnCourier]:
        """Who publishes for the patient, by signed acts and by transactions of their own."""
        case = self._cases.own()
        return [case.account, OwnCourier(case.actor)]
