"""Emergencies as the chain and the store have them: for patients, custodians and those who declare them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from medrec_py.client.context import Context
from medrec_py.crypto import ParticipantKey, PublicKey
from medrec_py.errors import IntegrityError, InvalidInput
from medrec_py.index import IndexedGrant
from medrec_py.sealing import Bundle, BundleKind, Custody, PlanBundle, ReasonBundle, ShareBundle, open_bundle
from medrec_py.sealing.shares import MAX_OBJECT_BYTES, has_one_recipient
from medrec_py.types.events import EmergencyDeclared, EmergencyPrepared, KeyReleased
from medrec_py.types.moments import iso
from medrec_py.types.terms import ZERO_BYTES32

PURPOSE = "ETREAT"
"""Emergency treatment: what such grants are for."""


@dataclass(frozen=True, slots=True)
class Emergency:
    """An emergency that was declared.

    Attributes:
        id: Of the grant that the provider so has, 32 bytes.
        subject: Whose emergency.
        provider: Who declared it.
        provider_name: From the provider's descriptor; empty when it has none.
        reason: Why, in the provider's words; None when it can't be read.
        starts_at: Unix second from which the grant permits anything.
        expires_at: Unix second from which it no longer does.
        stands: Whether the declaration stands: not ended by time, by the patient, or with the accreditation.
        released_by: Who released a share of the key; for custodians and patients, custodians alone.
        label: What the patient calls the matter; for custodians.
    """

    id: bytes
    subject: str
    provider: str
    provider_name: str
    reason: str | None
    starts_at: int
    expires_at: int
    stands: bool
    released_by: tuple[str, ...]
    label: str = ""

    def to_json(self) -> dict[str, Any]:
        """The emergency as a JSON object."""
        return {
            "id": "0x" + self.id.hex(),
            "subject": self.subject,
            "provider": self.provider,
            "provider_name": self.provider_name,
            "reason": self.reason,
            "starts_at": iso(self.starts_at),
            "expires_at": iso(self.expires_at),
            "stands": self.stands,
            "released_by": list(self.released_by),
            "label": self.label,
        }


def preparations(context: Context, subject: str | None = None) -> dict[str, list[EmergencyPrepared]]:
    """Everything that was ever prepared, by subject and in order; nothing for those who took it back altogether."""
    found: dict[str, list[EmergencyPrepared]] = {}
    for item in context.index.custody((EmergencyPrepared,), party=subject):
        event = item.logged.event
        assert isinstance(event, EmergencyPrepared)
        if subject in (None, event.subject):
            found.setdefault(event.subject, []).append(event)
    return found


def standing_preparation(context: Context, subject: str) -> EmergencyPrepared | None:
    """What a subject has prepared, as of the last `sync`."""
    events = preparations(context, subject).get(subject, [])
    return events[-1] if events and events[-1].grant != ZERO_BYTES32 else None


def custody_of(context: Context, prepared: EmergencyPrepared) -> Custody:
    """The object that goes with a preparation.

    Raises:
        IntegrityError: It is missing, damaged or something else.
    """
    return Custody.parse(context.store.get(prepared.custody, limit=MAX_OBJECT_BYTES))


def declared(context: Context, *, subject: str | None = None, provider: str | None = None) -> list[EmergencyDeclared]:
    """The emergencies of a subject, or that a provider declared, in order."""
    found = []
    for item in context.index.custody((EmergencyDeclared,), party=subject or provider):
        event = item.logged.event
        assert isinstance(event, EmergencyDeclared)
        if subject in (None, event.subject) and provider in (None, event.provider):
            found.append(event)
    return found


def key_releases(context: Context, emergency: EmergencyDeclared) -> dict[str, bytes]:
    """The digests of the shares released for an emergency: the last of each address, whoever that is."""
    found: dict[str, bytes] = {}
    for item in context.index.custody((KeyReleased,), party=emergency.subject):
        event = item.logged.event
        assert isinstance(event, KeyReleased)
        if (event.subject, event.provider, event.id) == (emergency.subject, emergency.provider, emergency.id):
            found[event.custodian] = event.share
    return found


def share_of(context: Context, subject: str, custody: Custody, key: ParticipantKey) -> ShareBundle | None:
    """The share among a custody object's that is sealed to this key; None when there is none."""
    for bundle in _open_each(context, subject, custody, key, BundleKind.SHARE):
        if isinstance(bundle, ShareBundle) and bundle.owner == subject and bundle.seed is not None:
            return bundle
    return None


def subjects_copy(context: Context, subject: str, custody: Custody, key: ParticipantKey) -> PlanBundle | None:
    """What the subject wrote down about its custodians; None when it can't be read."""
    for bundle in _open_each(context, subject, custody, key, BundleKind.PLAN):
        if isinstance(bundle, PlanBundle):
            return bundle
    return None


def reason_of(context: Context, emergency: EmergencyDeclared, keys: Sequence[ParticipantKey]) -> str | None:
    """Why an emergency was declared; None when it can't be read with any of these keys."""
    try:
        data = context.store.get(emergency.reason, limit=1 << 20)
    except (IntegrityError, InvalidInput):
        return None
    for key in keys:
        try:
            bundle = open_bundle(data, context.bundle_context(emergency.subject), key, BundleKind.REASON)
        except (IntegrityError, InvalidInput):
            continue
        if isinstance(bundle, ReasonBundle) and bundle.provider == emergency.provider:
            return bundle.text
    return None


def key_to_deliver_to(context: Context, subject: str, grant: bytes) -> PublicKey | None:
    """The emergency key, for new keys of what is prepared; None for a grant that is not it, and once it was used.

    Whoever declared an emergency may have the seed by now: what is sealed to it after that would be sealed to them.
    """
    prepared: EmergencyPrepared | None = None
    for item in context.index.custody((EmergencyPrepared, EmergencyDeclared), party=subject):
        event = item.logged.event
        if isinstance(event, EmergencyPrepared) and event.subject == subject:
            prepared = event
        elif isinstance(event, EmergencyDeclared) and event.subject == subject:
            prepared = None
    if prepared is None or prepared.grant != grant:
        return None
    try:
        return custody_of(context, prepared).emergency_key
    except (IntegrityError, InvalidInput):
        return None


def is_by_emergency(context: Context, grant: IndexedGrant) -> bool:
    """Whether a grant came about by a declaration: no client hands such a viewer any key, custodians do."""
    return grant.grantor == context.deployment.emergency


def _open_each(
    context: Context, subject: str, custody: Custody, key: ParticipantKey, kind: BundleKind
) -> Iterator[Bundle]:
    for one in filter(has_one_recipient, custody.sealed):
        try:
            yield open_bundle(one, context.bundle_context(subject), key, kind)
        except (IntegrityError, InvalidInput):
            continue
