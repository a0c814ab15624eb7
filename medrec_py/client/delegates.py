"""Delegates: a parent for a child, a proxy for somebody who can't act, who may withdraw in the subject's name."""

from __future__ import annotations

import builtins
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from medrec_py.chain import TransactionReceipt, require_address
from medrec_py.client.cases import Case
from medrec_py.client.context import Context
from medrec_py.client.participant import Participant
from medrec_py.client.plans import span_of
from medrec_py.client.received import Received
from medrec_py.client.results import Grant
from medrec_py.client.silence import Switch, announce, conditional, give_life_sign, leaf_of, set_plan, switches
from medrec_py.errors import InvalidInput, NoRelayer, Refused, Unavailable, UnknownGrant
from medrec_py.types.events import DelegateDismissed, DelegateNamed
from medrec_py.types.moments import DayLike, MomentLike, iso, moment
from medrec_py.types.statement import Language

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

    # ── after silence ──

    def after_silence(
        self,
        delegate: str,
        *,
        silence: timedelta | int,
        notice: timedelta | int,
        classes: Iterable[str | int] | str = "all",
        purposes: Iterable[str | int] | str = "TREAT",
        until: MomentLike | None = None,
        records_from: DayLike | None = None,
        records_until: DayLike | None = None,
        delegations: int = 1,
        subject: str | None = None,
        language: Language = "en",
    ) -> Grant:
        """A dead-man's switch: a grant that works only after a silence and a notice. Replaces an earlier one.

        When this address has given no sign of life for long enough, the delegate can announce itself; it may act after
        the notice, unless a sign of life came. The keys are handed over with the grant: the switch binds everybody who
        asks the chain, and not a delegate who breaks the rules. Who must hold nothing before is made a guardian
        instead (`patient.guardians`), with a silence.

        Args:
            delegate: A registered participant. What it may do besides is said by `name`.
            silence: Without a sign of life before the delegate can announce itself; more than 0. Every act of this
                address's counts as a sign of life, and no act of another address of the patient's.
            notice: Between that and the opening: the time for a sign of life, which is the veto; more than 0.
            classes: Codes or numbers of record classes; `all` for every class.
            purposes: Codes or numbers of HL7 purposes of use.
            until: First moment at which it no longer holds; None: until revoked.
            records_from: First day of the records covered; None for no bound.
            records_until: Last day; None for no bound.
            delegations: How often the delegate may pass it on; at least once, to act in the subject's stead.
            subject: Which of the patient's addresses; may be left out while only one has records or relationships.
            language: Language of the sentence that the wallet shows.

        Returns:
            The grant. Revoking it takes the switch away.

        Raises:
            InvalidInput: A number is out of bounds, or the delegate is the patient.
            NoParticipantKey: The delegate has registered no key.
        """
        patient, context = self._patient, self._patient._context
        context.sync()
        case, heir = patient._cases.granting(subject), require_address(delegate)
        waiting, seconds = span_of(silence, "silence"), span_of(notice, "notice")
        if not (waiting and seconds and delegations >= 1):
            raise InvalidInput(
                "Silence and notice are more than nothing, and the delegate passes on once at least.",
                hint="Give them days, so that the patient notices and can give a sign of life.",
            )
        if heir in (case.subject, patient.address):
            raise InvalidInput("Nobody is their own delegate.", hint="Name somebody else.", delegate=heir)
        # The grant first: until its plan stands it can't work. The plan counts as a sign of life after it.
        grant = patient.grant(
            heir,
            classes=classes,
            purposes=purposes,
            until=until,
            records_from=records_from,
            records_until=records_until,
            delegations=delegations,
            condition=context.deployment.guardianship,
            subject=case.subject,
            language=language,
        )
        set_plan(context, case.actor.quiet, leaf_of(grant), waiting, seconds)
        for earlier in self._conditional(case):
            if earlier.id != grant.id:
                patient.revoke(earlier)
        context.sync()
        return grant

    def switches(self) -> builtins.list[Switch]:
        """What opens to whom when the patient gives no sign of life, and who has announced themselves."""
        context = self._patient._context
        context.sync()
        return [one for case in self._patient._cases.used() for one in switches(context, self._conditional(case))]

    def life_sign(self, *, subject: str | None = None) -> TransactionReceipt:
        """Says that the patient is there: closes what a delegate had announced for one address. This is the veto.

        Args:
            subject: Which of the patient's addresses; may be left out while only one has a switch.

        Raises:
            InvalidInput: There is no switch, or there are several and none is named.
        """
        context = self._patient._context
        about = sorted({one.subject for one in self.switches()})
        if subject is None and len(about) != 1:
            raise InvalidInput(
                "Nothing waits for this patient's silence." if not about else "Several addresses have a switch.",
                hint="Name the address (subject=…, --subject); signs for several at once tie them together.",
                subjects=about,
            )
        case = self._patient._cases.require(about[0] if subject is None else subject)
        receipt = give_life_sign(context, case.actor.quiet)
        context.sync()
        return receipt

    def keep_alive(self, subject: str) -> None:
        """Gives a sign of life for an address when one is due, as `Guardians.keep_alive` does for its own.

        It is due while a delegate is announced, or when a quarter of the silence is over. The patient's client calls it
        after acts of that address. An act is not undone because this fails; `switches` shows when the last sign was
        given.
        """
        context = self._patient._context
        plan = context.guardianship.plan_of(subject)
        is_due = context.chain.now() >= plan.last_sign_at + plan.silence // 4
        if not (plan.stands and (plan.announced_at or is_due)):
            return
        case = self._patient._cases.require(subject)
        context.sync()
        if self._conditional(case):  # revoked, nothing waits any more
            with suppress(Refused, NoRelayer, Unavailable):
                give_life_sign(context, case.actor.quiet)

    def _conditional(self, case: Case) -> builtins.list[Grant]:
        return conditional(self._patient._context, [opened.grant for opened in self._patient._opened(case)])


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

    @cached_property
    def _received(self) -> Received:
        return Received(self._context, self.key, self.address)

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

    # ── after silence ──

    def switches(self) -> list[Switch]:
        """What opens to this account when a subject gives no sign of life (`patient.delegates.after_silence`)."""
        self._context.sync()
        return self._switches(None)

    def announce_for(self, subject: str) -> TransactionReceipt:
        """Says that a subject is silent: after the notice the grant that waits for it works, unless they are there.

        Raises:
            UnknownGrant: Nothing of this subject's waits for their silence and opens to this account.
            TooEarly: The subject has not been silent for long enough.
        """
        self._context.sync()
        found = self._switches(subject)
        if not found:
            raise UnknownGrant(
                f"No grant of {subject} to {self.address} waits for a silence.",
                hint="`medrec delegate switches --as viewer` lists those that do.",
                subject=subject,
            )
        receipt = announce(self._context, self._actor, found[0].grant)
        self._context.sync()
        return receipt

    def _switches(self, subject: str | None) -> list[Switch]:
        received = [opened.grant for opened in self._received.grants(subject)]
        return switches(self._context, [grant for grant in received if grant.viewer == self.address])

    def _about(self, subject: str, id: bytes) -> bytes:
        self._context.sync()
        item = self._context.index.grant(id)
        if item is None or item.subject != subject:
            raise UnknownGrant(f"No grant {id.hex()} is about {subject}.", id=id, subject=subject)
        return id
