"""Delegates: a parent for a child, a proxy for somebody who can't act, who may withdraw in the subject's name."""

from __future__ import annotations

import builtins
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from medrec_py.chain import TransactionReceipt, require_address
from medrec_py.client.context import Context
from medrec_py.client.participant import Participant
from medrec_py.errors import InvalidInput, UnknownGrant
from medrec_py.types.events import DelegateDismissed, DelegateNamed
from medrec_py.types.moments import MomentLike, iso, moment

if TYPE_CHECKING:
    from medrec_py.client.patient import Patient


@dataclass(frozen=True, slots=True)
class Delegation:
    """Somebody who may, or might, withdraw in a subject's name.

    Attributes:
        subject: In whose name.
        delegate: Who.
        name: From the delegate's descriptor; empty when it has none.
        expires_at: First Unix second at which it is over; 0 when it was dismissed.
        is_active: Whether it stands now.
    """

    subject: str
    delegate: str
    name: str
    expires_at: int
    is_active: bool

    def to_json(self) -> dict[str, Any]:
        """The delegation as a JSON object."""
        return {
            "subject": self.subject,
            "delegate": self.delegate,
            "name": self.name,
            "expires_at": iso(self.expires_at) if self.expires_at else None,
            "active": self.is_active,
        }


def first_of_month(seconds: int) -> int:
    """The first second (UTC) of the month in which a Unix time lies.

    When a delegation ends is public, and the exact age of majority would tell a birthday.

    Raises:
        InvalidInput: It lies behind the calendar's end, the year 9999.
    """
    try:
        at = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise InvalidInput(
            f"{seconds} is no moment of the calendar.", hint="Name one before the year 10000."
        ) from error
    return int(datetime(at.year, at.month, 1, tzinfo=UTC).timestamp())


class Delegates:
    """A patient's delegates. As `patient.delegates`.

    Args:
        patient: Whose.
    """

    def __init__(self, patient: Patient) -> None:
        self._patient = patient

    def name(self, delegate: str, *, until: MomentLike, subject: str | None = None) -> TransactionReceipt:
        """Lets somebody revoke, suspend and close in the name of one of the patient's addresses.

        To share in the patient's stead a delegate needs a grant with `delegations`, beside this.

        Args:
            delegate: Who.
            until: When it ends; rounded down to the first day of the month, because it is public.
            subject: Which of the patient's addresses; may be left out while only one has records or relationships.
                One delegate of several addresses ties them together.

        Raises:
            InvalidInput: It would be over already, or the subject is not plain.
        """
        context = self._patient._context
        context.sync()
        case = self._patient._cases.granting(subject)
        expires_at = first_of_month(moment(until))
        if expires_at <= context.chain.now():
            raise InvalidInput(
                f"The delegation would end at {iso(expires_at)}, before it begins.",
                hint="It ends on the first day of a month: name a later month.",
                until=str(until),
            )
        receipt = case.actor.submit(case.actor.name_delegate(require_address(delegate), expires_at))
        context.sync()
        return receipt

    def dismiss(self, delegate: str, *, subject: str | None = None) -> TransactionReceipt:
        """Ends a delegation, and voids what was signed to name the delegate and has not reached the chain."""
        context = self._patient._context
        context.sync()
        case = self._patient._cases.granting(subject)
        receipt = case.actor.submit(case.actor.dismiss_delegate(case.subject, require_address(delegate)))
        context.sync()
        return receipt

    def list(self) -> list[Delegation]:
        """Everybody who was ever named, and whether they may act now."""
        self._patient._context.sync()
        context = self._patient._context
        return [
            item for case in self._patient._cases.used() for item in delegations(context, case.subject, of_subject=True)
        ]


def delegations(context: Context, party: str, *, of_subject: bool) -> builtins.list[Delegation]:
    """The delegations of a subject, or to a delegate, in the order in which they were first named."""
    standing: dict[tuple[str, str], int] = {}
    for item in context.index.custody((DelegateNamed, DelegateDismissed), party=party):
        event = item.logged.event
        assert isinstance(event, DelegateNamed | DelegateDismissed)
        if party == (event.subject if of_subject else event.delegate):
            expires_at = event.expires_at if isinstance(event, DelegateNamed) else 0
            standing[event.subject, event.delegate] = expires_at
    now = context.chain.now()
    return [
        Delegation(subject, delegate, context.name_of(delegate), expires_at, now < expires_at)
        for (subject, delegate), expires_at in standing.items()
    ]


class ActsForOthers(Participant):
    """A participant that may be somebody's delegate: it withdraws in their name, and never grants in it."""

    def delegations(self) -> list[Delegation]:
        """In whose name this account may act, or once could."""
        self._context.sync()
        return delegations(self._context, self.address, of_subject=False)

    def revoke_for(self, subject: str, grant: bytes) -> TransactionReceipt:
        """Withdraws a grant in a subject's name. Keys are changed by the patient's own client, when it next comes by.

        Args:
            subject: In whose name.
            grant: The grant's id, 32 bytes.

        Raises:
            UnknownGrant: It is not about this subject.
            Refused: This account is no delegate of the subject's, or no longer.
        """
        return self._actor.submit(self._actor.revoke_for(subject, self._about(subject, grant)))

    def suspend_for(self, subject: str, grant: bytes) -> TransactionReceipt:
        """Pauses a grant in a subject's name; only the subject ends the pause."""
        return self._actor.submit(self._actor.suspend_for(subject, self._about(subject, grant)))

    def revoke_agent_for(self, subject: str, grant: bytes) -> TransactionReceipt:
        """Dismisses the agent of a grant in a subject's name."""
        return self._actor.submit(self._actor.revoke_agent_for(subject, self._about(subject, grant)))

    def close_for(self, subject: str, provider: str) -> TransactionReceipt:
        """Ends a relationship in a subject's name."""
        return self._actor.submit(self._actor.close_for(subject, provider))

    def resign(self, subject: str) -> TransactionReceipt:
        """Gives up being a subject's delegate."""
        return self._actor.submit(self._actor.dismiss_delegate(subject, self.address))

    def _about(self, subject: str, id: bytes) -> bytes:
        self._context.sync()
        item = self._context.index.grant(id)
        if item is None or item.subject != subject:
            raise UnknownGrant(f"No grant {id.hex()} is about {subject}.", id=id, subject=subject)
        return id
