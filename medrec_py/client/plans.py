"""Guardians' plans as the chain and the store have them: for their owners, for guardians and for heirs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from medrec_py.client.context import Context
from medrec_py.crypto import ParticipantKey
from medrec_py.errors import IntegrityError, InvalidInput
from medrec_py.sealing import BundleKind, PlanBundle, ShareBundle, Shares, open_bundle
from medrec_py.sealing.shares import MAX_OBJECT_BYTES, has_one_recipient
from medrec_py.types.events import PlanSet, RecoveryAnnounced, ShareReleased
from medrec_py.types.moments import iso
from medrec_py.types.terms import ZERO_BYTES32


@dataclass(frozen=True, slots=True)
class Announcement:
    """Somebody was announced to take over.

    Attributes:
        heir: Who.
        guardian: Who said so.
        opens_at: Unix second from which the plan is open to the heir, unless the owner gives a sign of life.
        is_open: Whether it is.
    """

    heir: str
    guardian: str
    opens_at: int
    is_open: bool

    def to_json(self) -> dict[str, Any]:
        """The announcement as a JSON object."""
        return {
            "heir": self.heir,
            "guardian": self.guardian,
            "opens_at": iso(self.opens_at),
            "open": self.is_open,
        }


def span_of(value: timedelta | int, what: str) -> int:
    """A silence or notice in seconds, as the contract takes it: up to 136 years.

    Raises:
        InvalidInput: It is none.
    """
    seconds = int(value.total_seconds()) if isinstance(value, timedelta) else value
    if isinstance(seconds, bool) or not isinstance(seconds, int) or not 0 <= seconds < 1 << 32:
        raise InvalidInput(f"The {what} of {value!r} is no number of seconds.", hint="Give 0 to 2^32 - 1 seconds.")
    return seconds


def latest_plans(context: Context, owner: str | None = None) -> dict[str, PlanSet]:
    """The plans that stand, by owner."""
    plans: dict[str, PlanSet] = {}
    for item in context.index.custody((PlanSet,), party=owner):
        event = item.logged.event
        assert isinstance(event, PlanSet)
        if owner in (None, event.owner):
            plans[event.owner] = event
    return {owner: plan for owner, plan in plans.items() if plan.guardians != ZERO_BYTES32}


def announcements(context: Context, owner: str) -> list[Announcement]:
    """The announcements that stand, each as it was made last."""
    last: dict[str, RecoveryAnnounced] = {}
    for item in context.index.custody((RecoveryAnnounced,), party=owner):
        event = item.logged.event
        assert isinstance(event, RecoveryAnnounced)
        if event.owner == owner:
            last[event.heir] = event
    now = context.chain.now()
    found = []
    for heir, event in last.items():
        opens_at = context.guardianship.opens_at(owner, heir)
        if opens_at:
            found.append(Announcement(heir, event.guardian, opens_at, now >= opens_at))
    return found


def releases(context: Context, owner: str, heir: str) -> list[ShareReleased]:
    """Every share that was ever released to an heir, under whichever plan.

    Only shares of one plan make a root together. But a new plan, which a thief with the lost wallet can set too, takes
    nothing away that was released before.
    """
    events = (item.logged.event for item in context.index.custody((ShareReleased,), party=owner))
    return [
        event for event in events if isinstance(event, ShareReleased) and (event.owner, event.heir) == (owner, heir)
    ]


def has_released(context: Context, owner: str, heir: str, guardian: str) -> bool:
    """Whether a guardian has released its share of the plan that stands: that of an earlier one is of no use to it."""
    has = False
    for item in context.index.custody((PlanSet, ShareReleased), party=owner):
        match item.logged.event:
            case PlanSet(of) if of == owner:
                has = False
            case ShareReleased(of, to, by) if (of, to, by) == (owner, heir, guardian):
                has = True
    return has


def plans_of(context: Context, owner: str) -> list[PlanSet]:
    """Every plan that an owner ever set, the last one first; without those that ended one."""
    events = (item.logged.event for item in context.index.custody((PlanSet,), party=owner))
    plans = [event for event in events if isinstance(event, PlanSet) and event.owner == owner]
    return [plan for plan in reversed(plans) if plan.guardians != ZERO_BYTES32]


def share_in(context: Context, plan: PlanSet, key: ParticipantKey) -> ShareBundle | None:
    """The share in a plan that is sealed to this key; None when there is none, or the object can't be had or read."""
    for bundle in _open_each(context, plan, key, BundleKind.SHARE):
        if isinstance(bundle, ShareBundle) and bundle.owner == plan.owner:
            return bundle
    return None


def owners_copy(context: Context, plan: PlanSet, key: ParticipantKey) -> PlanBundle | None:
    """What the owner wrote down about a plan; None when it can't be had or read."""
    for bundle in _open_each(context, plan, key, BundleKind.PLAN):
        if isinstance(bundle, PlanBundle):
            return bundle
    return None


def _open_each(context: Context, plan: PlanSet, key: ParticipantKey, kind: BundleKind) -> Iterator[object]:
    # Anybody may set a plan, with whatever object: what can't be read concerns nobody here, and hides no other plan.
    if plan.shares == ZERO_BYTES32:  # a plan without shares: a delegate's, see `medrec_py.client.silence`
        return
    try:
        sealed = Shares.parse(context.store.get(plan.shares, limit=MAX_OBJECT_BYTES)).sealed
    except (IntegrityError, InvalidInput):
        return
    for one in filter(has_one_recipient, sealed):
        try:
            yield open_bundle(one, context.bundle_context(plan.owner), key, kind)
        except (IntegrityError, InvalidInput):
            continue
