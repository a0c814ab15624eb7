"""The history of a patient in words: who did what, when, in which transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from medrec_py.client.context import Context
from medrec_py.client.grants import of_consequence
from medrec_py.client.results import AuditItem
from medrec_py.index import TimelineItem
from medrec_py.types.events import (
    AgentRevoked,
    Anchored,
    DelegateDismissed,
    DelegateNamed,
    EmergencyDeclared,
    EmergencyPrepared,
    Event,
    Granted,
    GrantRenounced,
    GrantResumed,
    GrantRevoked,
    GrantSuspended,
    KeyReleased,
    LifeSignGiven,
    PlanSet,
    RecoveryAnnounced,
    RelationshipClosed,
    RelationshipOpened,
    Retracted,
    ShareReleased,
)
from medrec_py.types.moments import iso
from medrec_py.types.terms import ZERO_BYTES32

PATIENT: Final = "the patient"
"""What the patient is called; nobody else is, whatever they call themselves."""


def audit_items(context: Context, subjects: Sequence[str]) -> list[AuditItem]:
    """Every act on chain about these subjects, in the chain's order."""
    names: dict[str, str] = dict.fromkeys(subjects, PATIENT)
    names[context.deployment.emergency] = "the emergency contract"
    known = {item.id for subject in subjects for item in of_consequence(context.index.grants(subject=subject), subject)}

    def name(address: str) -> str:
        if address not in names:
            given = context.name_of(address)
            names[address] = "" if PATIENT in given.casefold() else given
        return names[address]

    def called(address: str) -> str:
        return name(address) or address

    items: list[AuditItem] = []
    without_effect: set[bytes] = set()
    for item in context.index.timeline(subjects):
        event = item.logged.event
        if isinstance(event, Granted) and event.subject in subjects and event.id not in known:
            # Anybody may announce one: no name is looked up for them, and what becomes of it is not told.
            without_effect.add(event.id)
            sentence = f"{event.grantor} announced a grant to {event.viewer}: it has no effect, for lack of one above."
            items.append(_item(item, event.subject, event.grantor, "", sentence))
            continue
        if getattr(event, "id", None) in without_effect:
            continue
        described = _describe(context, event, called)
        if described is None:
            continue
        subject, actor, sentence = described
        items.append(_item(item, subject, actor, name(actor), sentence))
    return items


def _item(item: TimelineItem, subject: str, actor: str, name: str, sentence: str) -> AuditItem:
    return AuditItem(
        item.moment.time,
        item.logged.block_number,
        type(item.logged.event).__name__,
        subject,
        actor,
        name,
        sentence,
        item.logged.transaction_hash,
    )


def _describe(context: Context, event: Event, called: Callable[[str], str]) -> tuple[str, str, str] | None:
    """Subject, actor and sentence of an event; None for one that concerns no patient."""
    match event:
        case RelationshipOpened():
            return event.subject, event.provider, f"{called(event.provider)} and the patient opened a relationship."
        case RelationshipClosed():
            return event.subject, event.by, f"{called(event.by)} closed the relationship with {called(event.provider)}."
        case Anchored():
            count = len(event.digests)
            what = "a parcel" if count == 1 else f"{count} parcels"
            return event.subject, event.author, f"{called(event.author)} added {what} to the ledger."
        case Retracted():
            sentence = f"{called(event.author)} declared the parcel {event.digest.hex()[:16]}… entered in error."
            return event.subject, event.author, sentence
        case Granted():
            sentence = f"{called(event.grantor)} let {called(event.viewer)} use records."
            return event.subject, event.grantor, sentence
        case GrantRevoked() | AgentRevoked():
            grant = context.index.grant(event.id)
            if grant is None:
                return None
            what = "withdrew the grant to" if isinstance(event, GrantRevoked) else "dismissed the agent of"
            return grant.subject, event.actor, f"{called(event.actor)} {what} {called(grant.viewer)}."
        case GrantRenounced() | GrantSuspended() | GrantResumed():
            grant = context.index.grant(event.id)
            if grant is None:
                return None
            if isinstance(event, GrantRenounced):
                return grant.subject, grant.viewer, f"{called(grant.viewer)} gave its grant back."
            what = "suspended" if isinstance(event, GrantSuspended) else "resumed"
            return grant.subject, event.grantor, f"{called(event.grantor)} {what} the grant to {called(grant.viewer)}."
        case _:
            return _describe_custody(event, called)


def _describe_custody(event: Event, called: Callable[[str], str]) -> tuple[str, str, str] | None:
    """The same for delegations, guardians' plans and emergencies."""
    match event:
        case DelegateNamed():
            sentence = f"{called(event.subject)} let {called(event.delegate)} withdraw in the patient's name until "
            return event.subject, event.subject, sentence + f"{iso(event.expires_at)}."
        case DelegateDismissed():
            return event.subject, event.by, f"{called(event.by)} ended the delegation to {called(event.delegate)}."
        case PlanSet():
            what = "chose guardians" if event.guardians != ZERO_BYTES32 else "ended the plan of guardians"
            return event.owner, event.owner, f"{called(event.owner)} {what}."
        case LifeSignGiven():
            return event.owner, event.owner, f"{called(event.owner)} gave a sign of life."
        case RecoveryAnnounced():
            sentence = (
                f"{called(event.guardian)} announced {called(event.heir)} as heir, from {iso(event.opens_at)} on."
            )
            return event.owner, event.guardian, sentence
        case ShareReleased():
            sentence = f"{called(event.guardian)} released a share of the root to {called(event.heir)}."
            return event.owner, event.guardian, sentence
        case EmergencyPrepared():
            what = "prepared access for emergencies" if event.grant != ZERO_BYTES32 else "took back what was prepared"
            return event.subject, event.subject, f"{called(event.subject)} {what}."
        case EmergencyDeclared():
            sentence = f"{called(event.provider)} declared an emergency, until {iso(event.expires_at)}."
            return event.subject, event.provider, sentence
        case KeyReleased():
            sentence = f"{called(event.custodian)} released a share of the emergency key to {called(event.provider)}."
            return event.subject, event.custodian, sentence
        case _:
            return None
