"""The custodian: keeps shares of emergency keys, and releases one only while a declared emergency stands."""

from __future__ import annotations

from medrec_py.chain import TransactionReceipt
from medrec_py.client.emergencies import (
    Emergency,
    custody_of,
    declared,
    key_releases,
    preparations,
    reason_of,
    share_of,
)
from medrec_py.client.participant import Participant
from medrec_py.crypto import ParticipantKey
from medrec_py.errors import IntegrityError, InvalidInput, NoShare, NotDeclared
from medrec_py.sealing import ShareBundle, seal_bundle
from medrec_py.types.events import EmergencyDeclared
from medrec_py.types.terms import ZERO_BYTES32


class Custodian(Participant):
    """Whoever keeps a share of somebody's emergency key. Registers a key first, like every participant."""

    def requests(self) -> list[Emergency]:
        """The emergencies, past ones included, for which this account holds a share. Looks into every preparation."""
        context = self._context
        context.sync()
        found = []
        for subject, share in self._shares().items():
            assert share.seed is not None
            shared = ParticipantKey.from_seed(share.seed)
            for event in self._since_prepared(subject):
                found.append(
                    Emergency(
                        event.id,
                        subject,
                        event.provider,
                        context.name_of(event.provider),
                        reason_of(context, event, [shared]),
                        event.starts_at,
                        event.expires_at,
                        context.emergency.is_declared(subject, event.id),
                        tuple(key_releases(context, event)),
                        share.label,
                    )
                )
        return found

    def release(self, emergency: Emergency | bytes) -> TransactionReceipt | None:
        """Seals this custodian's share to the provider of a declared emergency; never before, and never after it.

        Args:
            emergency: What `requests` gives, or its id.

        Returns:
            The receipt; None when it was released before.

        Raises:
            NoShare: There is no such emergency for which this account holds a share.
            NotDeclared: It does not stand: it ended by time, by the patient, or with the provider's accreditation.
        """
        context = self._context
        context.sync()
        id = emergency if isinstance(emergency, bytes) else emergency.id
        for subject, share in self._shares().items():
            event = next((event for event in self._since_prepared(subject) if event.id == id), None)
            if event is not None:
                return self._release(event, share)
        raise NoShare(f"{self.address} holds no share for an emergency {id.hex()}.", id=id)

    # ── internals ──

    def _release(self, event: EmergencyDeclared, share: ShareBundle) -> TransactionReceipt | None:
        context = self._context
        # Asked of the chain before anything is sealed: what is in the store can't be taken back by a refusal.
        if not context.emergency.is_declared(event.subject, event.id):
            raise NotDeclared(
                f"The emergency {event.id.hex()} does not stand: it has ended, or was ended.",
                subject=event.subject,
                provider=event.provider,
                id=event.id,
            )
        if self.address in key_releases(context, event):
            return None
        released = ShareBundle(event.subject, self.address, "", share.words)
        sealed = seal_bundle(released, context.bundle_context(event.subject), [context.public_key(event.provider)])
        digest = context.store.put(sealed).digest
        call = context.emergency.release(event.subject, event.provider, event.id, digest)
        receipt = context.chain.send(self._account, call)
        context.sync()
        return receipt

    def _shares(self) -> dict[str, ShareBundle]:
        """The shares of what is prepared now, by subject."""
        context = self._context
        found: dict[str, ShareBundle] = {}
        for subject, events in preparations(context).items():
            if events[-1].grant == ZERO_BYTES32:
                continue
            try:
                share = share_of(context, subject, custody_of(context, events[-1]), self.key)
            except (IntegrityError, InvalidInput):
                continue  # anybody may prepare anything: what can't be read hides nobody else's
            if share is not None and share.holder == self.address:
                found[subject] = share
        return found

    def _since_prepared(self, subject: str) -> list[EmergencyDeclared]:
        """The emergencies under what is prepared now: for those before it other shares were given out."""
        turn = self._context.emergency.prepared_of(subject).turn
        return [
            event
            for event in declared(self._context, subject=subject)
            if self._context.emergency.declaration_of(subject, event.id).turn == turn
        ]
