"""The viewer: finds what was granted to it, reads exactly that, passes it on where it may, gives it back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from medrec_py.chain import TransactionReceipt
from medrec_py.client.cutting import cut, measure, window_of
from medrec_py.client.delegates import ActsForOthers
from medrec_py.client.grants import OpenedGrant, make_terms, seal_grant, withdrawn_if_declined
from medrec_py.client.holdings import Holdings
from medrec_py.client.results import Fault, Grant, ReadRecord
from medrec_py.client.window import Window, window_from
from medrec_py.errors import InvalidInput, NotPermitted, UnknownGrant
from medrec_py.types.moments import DayLike, MomentLike
from medrec_py.types.statement import Language
from medrec_py.types.terms import (
    NO_LAST_DATE,
    ZERO_ADDRESS,
    ZERO_BYTES32,
    Decision,
    Operation,
    PresentedGrant,
    Refusal,
    Request,
)
from medrec_py.types.vocabulary import VOCABULARY


@dataclass(frozen=True, slots=True)
class Reading:
    """What a viewer read.

    Attributes:
        records: The records, in the ledger's order.
        grants: The grants that permitted it.
        window: What was asked for.
        faults: What the grants cover and can't be read: whoever shows the records says so too.
    """

    records: tuple[ReadRecord, ...]
    grants: tuple[Grant, ...]
    window: Window
    faults: tuple[Fault, ...] = ()


class Viewer(ActsForOthers):
    """Whoever holds a grant: another provider, a researcher, a relative, an app."""

    def grants(self, *, subject: str | None = None) -> list[Grant]:
        """The grants to this viewer, ended ones included, and the sub-grants that it made."""
        self._context.sync()
        return [opened.grant for opened in self._opened(subject)]

    # ── reading ──

    def read(
        self,
        *,
        classes: Iterable[str | int] | str | None = None,
        purpose: str | int = "TREAT",
        operation: Operation = Operation.READ,
        records_from: DayLike | None = None,
        records_until: DayLike | None = None,
        subject: str | None = None,
        grant: Grant | bytes | None = None,
        agent: str = ZERO_ADDRESS,
    ) -> Reading:
        """The records that the grants permit for this purpose, now: asked of the chain before anything is opened.

        Args:
            classes: Codes or numbers of classes, each of which must be permitted; None for all that are.
            purpose: What for.
            operation: What is done with them.
            records_from: Only records surely dated this day or later; None for as far back as a grant covers.
            records_until: Only records surely dated this day or earlier; None likewise.
            subject: Whose records; may be left out when `grant` names one, or all grants are about one subject.
            grant: Use this grant only.
            agent: Address of the software that asks for the viewer.

        Raises:
            NotPermitted: A rule refuses; the facts name the rule, and whether a key is held all the same.
        """
        context = self._context
        context.sync()
        asked = window_from(classes, records_from, records_until)
        if not asked.classes:
            raise InvalidInput("No class of records was named.", hint="Name at least one, or leave it out for all.")
        code = VOCABULARY.purpose(purpose).number
        mine = [item for item in self._candidates(subject, grant) if item.grant.viewer == self.address]
        about = {item.grant.subject for item in mine}
        if subject is None and len(about) > 1:
            raise InvalidInput(
                "The grants are about several subjects, and none was named.",
                hint="Name one (subject=…, --subject).",
                subjects=sorted(about),
            )
        whose = subject or next(iter(about), ZERO_ADDRESS)
        numbers = sorted(asked.classes) if classes is not None else _granted_classes(mine)
        permitted: dict[bytes, tuple[OpenedGrant, set[int]]] = {}
        refused: Decision | None = None
        for number in numbers or [0]:
            decision, permitting = self._decide(whose, mine, asked, number, code, operation, agent)
            for opened in permitting:
                permitted.setdefault(opened.grant.id, (opened, set()))[1].add(number)
            if not permitting:
                refused = refused or decision
                if classes is not None:
                    break
        if refused is not None and (classes is not None or not permitted):
            raise self._refusal(refused, whose, asked, numbers, code)
        records: dict[tuple[str, bytes, str], ReadRecord] = {}
        faults: dict[Fault, None] = {}
        for opened, allowed in permitted.values():
            window = replace(_intersection(asked, window_of(measure(opened.grant.chain))), classes=frozenset(allowed))
            found = self._holdings(opened).read(context, window)
            faults |= dict.fromkeys(found.faults)
            for record in self._by_condition(opened, found, code, operation, agent):
                which = (record.author, record.digest, record.record.reference)
                if which not in records or records[which].is_excerpt:
                    records[which] = record
        return Reading(
            tuple(sorted(records.values(), key=lambda record: record.anchored_at)),
            tuple(opened.grant for opened, _ in permitted.values()),
            asked,
            tuple(faults),
        )

    def can_open(self, digest: bytes, *, subject: str) -> bool:
        """Whether any key that this viewer ever received opens a parcel, whatever the chain's rules say now."""
        self._context.sync()
        return any(
            located.digest == digest
            for opened in self._opened(subject)
            for located in self._holdings(opened).locate(self._context, Window()).parcels
        )

    # ── passing on, giving back ──

    def sub_grant(
        self,
        grant: Grant | bytes,
        viewer: str,
        *,
        classes: Iterable[str | int] | str,
        purposes: Iterable[str | int] | str = "TREAT",
        operations: Operation = Operation.READ,
        starts: MomentLike | None = None,
        until: MomentLike | None = None,
        records_from: DayLike | None = None,
        records_until: DayLike | None = None,
        agent: str | None = None,
        delegations: int = 0,
        condition: str | None = None,
        language: Language = "en",
    ) -> Grant:
        """Passes on part of a grant; whatever the sub-grant says, it permits no more than the grants above it.

        Args:
            grant: The grant to pass on, which must allow it (`delegations`).
            viewer: Whom to.
            classes: As in `Patient.grant`, like all that follow; dates default to those of the grant.
            purposes: Purposes of use.
            operations: Operations.
            starts: From when.
            until: Until when; the end of the grant above when None.
            records_from: First day covered.
            records_until: Last day covered.
            agent: Software that may act for the viewer.
            delegations: How often it may be passed on further.
            condition: A condition contract.
            language: Language of the sentence.

        Raises:
            NotPermitted: The grant may not be passed on this far.
        """
        context = self._context
        context.sync()
        above = self._own(grant)
        parent = above.grant
        # Each grant above counts the hands from itself on, those between included.
        left = min(presented.terms.delegations - between for between, presented in enumerate(reversed(parent.chain)))
        if left < 1 + delegations:
            raise NotPermitted(
                f"The grant {parent.id.hex()} may be passed on {max(left, 0)} times, not {1 + delegations}.",
                rule=Refusal.NOT_DELEGABLE.name,
                grant=parent.id,
            )
        if parent.state not in ("active", "not yet valid"):
            raise NotPermitted(
                f"The grant {parent.id.hex()} is {parent.state}; what it covers is not passed on.",
                rule=parent.state.upper(),
                grant=parent.id,
            )
        terms = make_terms(
            viewer,
            classes=classes,
            purposes=purposes,
            operations=operations,
            starts=starts,
            until=parent.terms.expires_at if until is None else until,
            records_from=parent.terms.records_from or None if records_from is None else records_from,
            records_until=_bound(parent.terms.records_until) if records_until is None else records_until,
            agent=agent,
            delegations=delegations,
            condition=condition,
            parent=parent.id,
            language=language,
            now=context.chain.now(),
        )
        if above.bundle.public_key is None:
            raise NotPermitted(
                f"The grant {parent.id.hex()} came without the subject's key, to which each is sealed as well.",
                grant=parent.id,
            )
        recipients = [context.public_key(viewer), self.key.public_key]
        draft = PresentedGrant(self.address, viewer, ZERO_BYTES32, terms)
        cutting = cut(context, self._holdings(above), measure((*parent.chain, draft)))
        presented = seal_grant(
            context, parent.subject, (*parent.chain, draft), cutting, above.bundle.public_key, recipients
        )
        with withdrawn_if_declined(context, [*cutting.digests, presented.bundle]):
            self._actor.submit(self._actor.grant(parent.subject, presented))
        context.sync()
        return next(
            opened.grant for opened in self._opened(parent.subject) if opened.grant.presented.bundle == presented.bundle
        )

    def renounce(self, grant: Grant | bytes) -> TransactionReceipt:
        """Gives a grant back for good."""
        opened = self._own(grant)
        return self._actor.submit(self._actor.renounce(opened.grant.subject, opened.grant.presented, opened.grant.id))

    def revoke(self, grant: Grant | bytes) -> TransactionReceipt:
        """Withdraws a sub-grant that this viewer made."""
        return self._actor.submit(self._actor.revoke(self._made(grant, "subject")))

    def suspend(self, grant: Grant | bytes) -> TransactionReceipt:
        """Pauses a sub-grant that this viewer made."""
        return self._actor.submit(self._actor.suspend(self._made(grant)))

    def resume(self, grant: Grant | bytes) -> TransactionReceipt:
        """Ends the pause of a sub-grant that this viewer made."""
        return self._actor.submit(self._actor.resume(self._made(grant)))

    def revoke_agent(self, grant: Grant | bytes) -> TransactionReceipt:
        """Dismisses the software that acts for this viewer, or for whom it passed a grant on to."""
        return self._actor.submit(self._actor.revoke_agent(self._made(grant, "viewer")))

    # ── internals ──

    def _opened(self, subject: str | None, id: bytes | None = None) -> list[OpenedGrant]:
        return self._received.grants(subject, id)

    def _holdings(self, opened: OpenedGrant) -> Holdings:
        return self._received.holdings(opened)

    def _candidates(self, subject: str | None, grant: Grant | bytes | None) -> list[OpenedGrant]:
        if grant is None:
            return self._opened(subject)
        if isinstance(grant, Grant) and grant.viewer != self.address:
            # Somebody else's grant, presented all the same: the chain says what it thinks of that.
            return []
        return [item for item in self._opened(None, _id(grant)) if subject in (None, item.grant.subject)]

    def _made(self, grant: Grant | bytes, heard: Literal["grantor", "subject", "viewer"] = "grantor") -> bytes:
        """The id of a grant that this account made, or whose `heard` it is: what it says of others has no effect."""
        self._context.sync()
        id = _id(grant)
        item = self._context.index.grant(id)
        if item is None or self.address not in (item.grantor, getattr(item, heard)):
            raise UnknownGrant(
                f"No grant {id.hex()} was made by {self.address}.",
                hint="`medrec grants` lists those that were. A grant that was received is given back (renounce).",
                id=id,
            )
        return id

    def _own(self, grant: Grant | bytes) -> OpenedGrant:
        self._context.sync()
        id = _id(grant)
        for opened in self._opened(None, id):
            if opened.grant.viewer == self.address:
                return opened
        raise UnknownGrant(f"No grant {id.hex()} was made to {self.address}.", id=id)

    def _decide(
        self,
        subject: str,
        grants: list[OpenedGrant],
        asked: Window,
        class_number: int,
        purpose: int,
        operation: Operation,
        agent: str,
    ) -> tuple[Decision, list[OpenedGrant]]:
        """The chain's answer for one class: all grants that permit, or the refusal of the most recent one."""
        medrec = self._context.medrec
        permitting: list[OpenedGrant] = []
        refusal: Decision | None = None
        for opened in reversed(grants):
            date = _date_to_ask(asked, window_of(measure(opened.grant.chain)))
            request = Request(opened.grant.subject, self.address, class_number, purpose, operation, date, agent)
            decision = medrec.evaluate(opened.grant.chain, request)
            if decision.permitted:
                permitting.append(opened)
            else:
                refusal = refusal or decision
        if refusal is None or permitting:
            none = Request(subject, self.address, class_number, purpose, operation, 0, agent)
            refusal = Decision(Refusal.PERMITTED, 0) if permitting else medrec.evaluate((), none)
        return refusal, permitting

    def _by_condition(
        self, opened: OpenedGrant, records: list[ReadRecord], purpose: int, operation: Operation, agent: str
    ) -> list[ReadRecord]:
        """The records that a grant's conditions hold for: one may look at the record's date, so each date is asked."""
        grant = opened.grant
        if all(presented.terms.condition == ZERO_ADDRESS for presented in grant.chain):
            return records
        asked: dict[tuple[int, int], bool] = {}
        firsts = {(item.record.record_class, item.record.date_first) for item in records}
        lasts = {(item.record.record_class, item.record.date_last) for item in records}
        for number, date in firsts | lasts:
            request = Request(grant.subject, self.address, number, purpose, operation, date, agent)
            asked[number, date] = self._context.medrec.evaluate(grant.chain, request).permitted
        return [
            item
            for item in records
            if asked[item.record.record_class, item.record.date_first]
            and asked[item.record.record_class, item.record.date_last]
        ]

    def _refusal(
        self, decision: Decision, subject: str, asked: Window, numbers: list[int], purpose: int
    ) -> NotPermitted:
        window = Window(frozenset(numbers), asked.first, asked.last)
        parcels = {
            located.anchor.digest
            for opened in self._opened(subject)
            for located in self._holdings(opened).locate(self._context, window).parcels
        }
        classes = ", ".join(VOCABULARY.record_class(number).code for number in numbers)
        keys = f"keys for {len(parcels)} parcels of it are held" if parcels else "no key for it is held"
        return NotPermitted(
            f"{decision.refusal.sentence} Asked for: {classes} of {subject}, "
            f"for {VOCABULARY.purpose(purpose).code}; {keys}.",
            rule=decision.refusal.name,
            position=decision.position,
            subject=subject,
            classes=classes,
            purpose=VOCABULARY.purpose(purpose).code,
            parcels_with_key=len(parcels),
        )


def _id(grant: Grant | bytes) -> bytes:
    return grant if isinstance(grant, bytes) else grant.id


def _granted_classes(grants: list[OpenedGrant]) -> list[int]:
    mask = 0
    for opened in grants:
        mask |= opened.grant.terms.classes
    return [number for number in range(64) if mask >> number & 1]


def _date_to_ask(asked: Window, granted: Window) -> int:
    """The day to ask the chain about: one that both windows cover if there is one, else the asker's own first day."""
    if asked.is_unbounded:
        return 0 if granted.is_unbounded else granted.first or granted.last
    first = max(asked.first, granted.first)
    if first and first <= min(asked.last, granted.last):
        return first
    return asked.first or min(asked.last, granted.last)


def _intersection(first: Window, second: Window) -> Window:
    return Window(first.classes & second.classes, max(first.first, second.first), min(first.last, second.last))


def _bound(last: int) -> int | None:
    return None if last == NO_LAST_DATE else last
