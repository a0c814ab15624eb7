"""The viewer: finds what was granted to it, reads exactly that, passes it on where it may, gives it back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property, reduce

from medrec_py.chain import TransactionReceipt
from medrec_py.client.cutting import cut, window_of
from medrec_py.client.grants import GrantBook, OpenedGrant, make_terms, seal_grant
from medrec_py.client.holdings import Held, Holdings, Window
from medrec_py.client.participant import Participant
from medrec_py.client.patient import window_from
from medrec_py.client.provider import newest_epochs
from medrec_py.client.results import Grant, ReadRecord
from medrec_py.crypto import Node
from medrec_py.errors import InvalidInput, NotPermitted, UnknownGrant
from medrec_py.sealing import BundleKind, Excerpt, RekeyBundle, match_locators, open_bundle
from medrec_py.types.ledger import EntryKind
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
    Terms,
)
from medrec_py.types.vocabulary import VOCABULARY


@dataclass(frozen=True, slots=True)
class Reading:
    """What a viewer read.

    Attributes:
        records: The records, in the ledger's order.
        grants: The grants that permitted it.
        window: What was asked for.
    """

    records: tuple[ReadRecord, ...]
    grants: tuple[Grant, ...]
    window: Window


class Viewer(Participant):
    """Whoever holds a grant: another provider, a researcher, a relative, an app."""

    @cached_property
    def _book(self) -> GrantBook:
        return GrantBook(self._context, self.key)

    @cached_property
    def _held(self) -> dict[tuple[bytes, ...], Holdings]:
        return {}

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
            decision, chosen = self._decide(whose, mine, asked, number, code, operation, agent)
            if chosen is not None:
                permitted.setdefault(chosen.grant.id, (chosen, set()))[1].add(number)
            elif classes is not None or refused is None:
                refused = decision
            if chosen is None and classes is not None:
                break
        if refused is not None and (classes is not None or not permitted):
            raise self._refusal(refused, whose, asked, numbers, code)
        records: dict[tuple[bytes, str], ReadRecord] = {}
        for opened, allowed in permitted.values():
            window = replace(_intersection(asked, _chain_window(opened.grant)), classes=frozenset(allowed))
            for record in self._holdings(opened).read(context, window):
                records.setdefault((record.digest, record.record.reference), record)
        return Reading(tuple(records.values()), tuple(opened.grant for opened, _ in permitted.values()), asked)

    def can_open(self, digest: bytes, *, subject: str) -> bool:
        """Whether any key that this viewer ever received opens a parcel, whatever the chain's rules say now."""
        self._context.sync()
        return any(
            located.anchor.digest == digest
            for opened in self._opened(subject)
            for located in self._holdings(opened).locate(self._context, Window())
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
        if parent.terms.delegations < 1 + delegations:
            raise NotPermitted(
                f"The grant {parent.id.hex()} may be passed on {parent.terms.delegations} times, "
                f"not {1 + delegations}.",
                rule=Refusal.NOT_DELEGABLE.name,
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
        cutting = cut(context, self._holdings(above), _within(terms, parent.terms))
        draft = PresentedGrant(self.address, viewer, ZERO_BYTES32, terms)
        presented = seal_grant(
            context, parent.subject, (*parent.chain, draft), cutting, above.bundle.public_key, recipients
        )
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
        return self._actor.submit(self._actor.revoke(_id(grant)))

    def suspend(self, grant: Grant | bytes) -> TransactionReceipt:
        """Pauses a sub-grant that this viewer made."""
        return self._actor.submit(self._actor.suspend(_id(grant)))

    def resume(self, grant: Grant | bytes) -> TransactionReceipt:
        """Ends the pause of a sub-grant that this viewer made."""
        return self._actor.submit(self._actor.resume(_id(grant)))

    def revoke_agent(self, grant: Grant | bytes) -> TransactionReceipt:
        """Dismisses the software that acts for this viewer under a grant."""
        return self._actor.submit(self._actor.revoke_agent(_id(grant)))

    # ── internals ──

    def _opened(self, subject: str | None) -> list[OpenedGrant]:
        index = self._context.index
        items = index.grants(subject=subject, viewer=self.address)
        items += [item for item in index.grants(subject=subject, grantor=self.address) if item not in items]
        return self._book.open_all(items)

    def _candidates(self, subject: str | None, grant: Grant | bytes | None) -> list[OpenedGrant]:
        if grant is None:
            return self._opened(subject)
        id = _id(grant)
        if isinstance(grant, Grant) and grant.viewer != self.address:
            # Somebody else's grant, presented all the same: the chain says what it thinks of that.
            return []
        return [item for item in self._opened(subject) if item.grant.id == id]

    def _own(self, grant: Grant | bytes) -> OpenedGrant:
        self._context.sync()
        id = _id(grant)
        for opened in self._opened(None):
            if opened.grant.id == id and opened.grant.viewer == self.address:
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
    ) -> tuple[Decision, OpenedGrant | None]:
        """The chain's answer for one class: the first grant that permits, else the refusal of the most recent one."""
        medrec = self._context.medrec
        refusal: Decision | None = None
        for opened in reversed(grants):
            date = _date_to_ask(asked, _chain_window(opened.grant))
            request = Request(opened.grant.subject, self.address, class_number, purpose, operation, date, agent)
            decision = medrec.evaluate(opened.grant.chain, request)
            if decision.permitted:
                return decision, opened
            refusal = refusal or decision
        if refusal is None:
            refusal = medrec.evaluate((), Request(subject, self.address, class_number, purpose, operation, 0, agent))
        return refusal, None

    def _refusal(
        self, decision: Decision, subject: str, asked: Window, numbers: list[int], purpose: int
    ) -> NotPermitted:
        window = Window(frozenset(numbers), asked.first, asked.last)
        parcels = {
            located.anchor.digest
            for opened in self._opened(subject)
            for located in self._holdings(opened).locate(self._context, window)
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

    def _holdings(self, opened: OpenedGrant) -> Holdings:
        """What came with a grant, and with every re-key since; neither ever changes."""
        rekeys = self._rekey_digests(opened)
        known = (opened.grant.id, *rekeys)
        if known not in self._held:
            self._held[known] = self._open_holdings(opened, rekeys)
        return self._held[known]

    def _open_holdings(self, opened: OpenedGrant, rekeys: list[bytes]) -> Holdings:
        bundle = opened.bundle
        nodes: dict[tuple[str, int], list[Node]] = {}
        for keys in bundle.keys:
            nodes.setdefault((keys.provider, keys.number), []).extend(keys.nodes)
        excerpts: list[Excerpt] = list(bundle.excerpts)
        for rekey in self._rekeys(opened, rekeys):
            for keys in rekey.keys:
                nodes.setdefault((keys.provider, keys.number), []).extend(keys.nodes)
            excerpts += rekey.excerpts
        held = tuple(
            Held(provider, number, tuple(held), newest_epochs(held)) for (provider, number), held in nodes.items()
        )
        return Holdings(opened.grant.subject, held, tuple(excerpts))

    def _rekey_digests(self, opened: OpenedGrant) -> list[bytes]:
        context, grant = self._context, opened.grant
        mailbox = opened.bundle.mailbox_key
        if mailbox is None or grant.viewer != self.address:
            return []
        entries = [
            entry
            for entry in context.ledger(grant.subject)
            if entry.kind is EntryKind.ANCHOR and entry.author == grant.subject
        ]
        found = match_locators([entry.locator for entry in entries], [mailbox])
        return [entries[at].digest for at in sorted(found)]

    def _rekeys(self, opened: OpenedGrant, digests: list[bytes]) -> list[RekeyBundle]:
        context = self._context
        bundle_context = context.bundle_context(opened.grant.subject)
        objects = context.store.get_many(digests)
        opened_bundles = [open_bundle(data, bundle_context, self.key, BundleKind.REKEY) for data in objects]
        return [bundle for bundle in opened_bundles if isinstance(bundle, RekeyBundle)]


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


def _chain_window(grant: Grant) -> Window:
    """What every grant of the chain covers."""
    return reduce(_intersection, (window_of(presented.terms) for presented in grant.chain))


def _intersection(first: Window, second: Window) -> Window:
    return Window(first.classes & second.classes, max(first.first, second.first), min(first.last, second.last))


def _within(terms: Terms, parent: Terms) -> Terms:
    """The terms of a sub-grant cut down to its parent's, as the measure of the keys to hand over."""
    return replace(
        terms,
        classes=terms.classes & parent.classes,
        records_from=max(terms.records_from, parent.records_from),
        records_until=min(terms.records_until, parent.records_until),
        expires_at=min(terms.expires_at, parent.expires_at),
    )


def _bound(last: int) -> int | None:
    return None if last == NO_LAST_DATE else last
