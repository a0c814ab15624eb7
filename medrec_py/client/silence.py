"""The dead-man's switch: a grant to a delegate that works only after the subject's silence, and a notice.

The grant names the contract `Guardianship` as its condition, which holds while the plan of the grant's own subject is
open to the grant's viewer. So the subject has a plan of its own for it, beside the one of its recovery address: the
delegate is its only guardian, and there is nothing to release. The salt of the delegate's leaf is the one in the terms
of the grant, which the two alone know.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from medrec_py.chain import TransactionReceipt
from medrec_py.client.acts import Actor
from medrec_py.client.context import Context
from medrec_py.client.results import Grant
from medrec_py.sealing import guardian_leaf
from medrec_py.types.moments import iso
from medrec_py.types.terms import ZERO_BYTES32


@dataclass(frozen=True, slots=True)
class Switch:
    """What opens to a delegate when a subject gives no sign of life.

    Attributes:
        grant: What the delegate may see then.
        name: From the delegate's descriptor; empty when it has none.
        silence: Seconds without a sign of life before the delegate can announce itself.
        notice: Seconds between the announcement and the opening.
        last_sign_at: Unix time of the last sign of life.
        silent_at: First Unix second at which the delegate can announce itself.
        opens_at: Unix second from which the grant works; 0 while nothing that was announced stands.
        is_open: Whether it works now.
    """

    grant: Grant
    name: str
    silence: int
    notice: int
    last_sign_at: int
    silent_at: int
    opens_at: int
    is_open: bool

    @property
    def subject(self) -> str:
        """Whose silence it is."""
        return self.grant.subject

    @property
    def delegate(self) -> str:
        """To whom it opens."""
        return self.grant.viewer

    def to_json(self) -> dict[str, Any]:
        """The switch as a JSON object."""
        return {
            "subject": self.subject,
            "delegate": self.delegate,
            "name": self.name,
            "grant": "0x" + self.grant.id.hex(),
            "silence": self.silence,
            "notice": self.notice,
            "last_sign_at": iso(self.last_sign_at),
            "silent_at": iso(self.silent_at),
            "opens_at": iso(self.opens_at) if self.opens_at else None,
            "open": self.is_open,
        }


def conditional(context: Context, grants: Iterable[Grant]) -> list[Grant]:
    """Those of some grants that a subject made to work after silence, and that have not ended."""
    condition = context.deployment.guardianship
    return [
        grant
        for grant in grants
        if grant.terms.condition == condition and grant.grantor == grant.subject and grant.is_live
    ]


def leaf_of(grant: Grant) -> bytes:
    """The root of the plan that a grant waits for: its viewer is the only guardian."""
    return guardian_leaf(grant.subject, grant.viewer, grant.terms.salt)


def switches(context: Context, grants: Iterable[Grant]) -> list[Switch]:
    """The switches among some grants: those whose plan stands. Without it a grant waits for what can't come."""
    found = []
    for grant in conditional(context, grants):
        plan = context.guardianship.plan_of(grant.subject)
        if plan.guardians != leaf_of(grant):
            continue
        opens_at = context.guardianship.opens_at(grant.subject, grant.viewer)
        found.append(
            Switch(
                grant,
                context.name_of(grant.viewer),
                plan.silence,
                plan.notice,
                plan.last_sign_at,
                plan.silent_at,
                opens_at,
                0 < opens_at <= context.chain.now(),
            )
        )
    return found


def set_plan(context: Context, actor: Actor, guardians: bytes, silence: int, notice: int) -> TransactionReceipt:
    """Sets a subject's plan, without an object of shares."""
    guardianship = context.guardianship
    if not actor.is_relayed:
        return actor.submit(guardianship.set_plan(guardians, silence, notice, ZERO_BYTES32))
    message = {
        "owner": actor.address,
        "guardians": guardians,
        "silence": silence,
        "notice": notice,
        "shares": ZERO_BYTES32,
        "turn": guardianship.plan_of(actor.address).turn,
    }
    signature = actor.sign("Plan", message, guardianship.domain)
    return actor.submit(
        guardianship.set_plan_with_sig(actor.address, guardians, silence, notice, ZERO_BYTES32, signature)
    )


def give_life_sign(context: Context, actor: Actor) -> TransactionReceipt:
    """A subject's own sign of life."""
    guardianship = context.guardianship
    if not actor.is_relayed:
        return actor.submit(guardianship.give_life_sign())
    message = {"owner": actor.address, "turn": guardianship.plan_of(actor.address).turn}
    signature = actor.sign("LifeSign", message, guardianship.domain)
    return actor.submit(guardianship.give_life_sign_with_sig(actor.address, signature))


def announce(context: Context, actor: Actor, grant: Grant) -> TransactionReceipt:
    """A delegate says that the subject of its grant is silent: guardian and heir in one."""
    guardianship, signature = context.guardianship, b""
    if actor.is_relayed:
        message = {
            "owner": grant.subject,
            "heir": actor.address,
            "guardian": actor.address,
            "turn": guardianship.plan_of(grant.subject).turn,
        }
        signature = actor.sign("Announcement", message, guardianship.domain)
    call = guardianship.announce(grant.subject, actor.address, actor.address, grant.terms.salt, (), signature)
    return actor.submit(call)
