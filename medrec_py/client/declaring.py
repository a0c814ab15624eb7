"""Declaring an emergency, and reading what the custodians then open: as an accredited emergency provider."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace

from medrec_py.chain import require_address
from medrec_py.chain.hashing import keccak
from medrec_py.client.context import Context
from medrec_py.client.cutting import measure, window_of
from medrec_py.client.emergencies import (
    PURPOSE,
    Emergency,
    custody_of,
    declared,
    key_releases,
    preparations,
    standing_preparation,
)
from medrec_py.client.grants import OpenedGrant
from medrec_py.client.participant import Participant
from medrec_py.client.received import Received
from medrec_py.client.viewer import Reading
from medrec_py.client.window import Window, window_from
from medrec_py.crypto import ParticipantKey, ParticipantSeed, PublicKey, candidates, threshold_of
from medrec_py.errors import (
    IntegrityError,
    InvalidInput,
    NotDeclared,
    NotPermitted,
    NotPrepared,
    SharesBroken,
    TooFewShares,
)
from medrec_py.sealing import BundleKind, GrantBundle, ReasonBundle, ShareBundle, open_bundle, seal_bundle
from medrec_py.types.events import EmergencyDeclared
from medrec_py.types.moments import DayLike
from medrec_py.types.statement import Language, render
from medrec_py.types.terms import (
    NO_FIRST_DATE,
    NO_LAST_DATE,
    ZERO_ADDRESS,
    Decision,
    Operation,
    PresentedGrant,
    Refusal,
    Request,
    Terms,
    new_salt,
)
from medrec_py.types.vocabulary import EVERY_CLASS, VOCABULARY

MAX_HOURS = 72


class DeclaresEmergencies(Participant):
    """What a provider that is accredited for emergencies can do beside all others."""

    def declare_emergency(
        self, subject: str, *, reason: str, hours: float = 24, language: Language = "en"
    ) -> Emergency:
        """Declares an emergency on chain: the patient sees it at once, with who and why, and may end it.

        Custodians are then asked; once enough of them have released their shares, `emergency_records` reads.

        Args:
            subject: Whose emergency.
            reason: Why, for the patient and the custodians alone.
            hours: How long access lasts, 72 at most.
            language: Language of the grant's sentence.

        Raises:
            NotPrepared: The subject has prepared nothing.
            NotAccredited: This account is not accredited for emergencies.
            InvalidInput: No reason, or it lasts too long.
        """
        context = self._context
        context.sync()
        subject = require_address(subject)
        if not reason.strip():
            raise InvalidInput("An emergency is declared for a reason.", hint="Say why: the patient will read it.")
        if not 0 < hours <= MAX_HOURS:
            raise InvalidInput(f"An emergency does not last {hours} hours.", hint=f"It lasts {MAX_HOURS} at most.")
        prepared = standing_preparation(context, subject)
        if prepared is None:
            raise NotPrepared(f"{subject} has prepared nothing for emergencies.", subject=subject)
        custody = custody_of(context, prepared)
        now = context.chain.now()
        draft = Terms(
            agent=ZERO_ADDRESS,
            classes=EVERY_CLASS,
            purposes=VOCABULARY.purpose_mask(PURPOSE),
            operations=Operation.READ,
            starts_at=now,
            expires_at=now + int(hours * 3600),
            records_from=NO_FIRST_DATE,
            records_until=NO_LAST_DATE,
            delegations=0,
            parent=prepared.grant,
            condition=context.emergency.address,
            vocabulary=VOCABULARY.hash,
            statement="",
            salt=new_salt(),
        )
        terms = draft.with_statement(render(draft, self.address, language))
        place = context.bundle_context(subject)
        # No key goes with it, and no mailbox: keys come from the custodians, and from nobody else.
        bundle = GrantBundle(context.emergency.address, self.address, terms.to_json(), ())
        sealed = seal_bundle(bundle, place, [self.key.public_key, custody.public_key])
        why = seal_bundle(
            ReasonBundle(self.address, reason),
            place,
            [custody.public_key, custody.custodians_key, self.key.public_key],
        )
        digests = [cid.digest for cid in context.store.put_many([sealed, why])]
        call = context.emergency.declare(
            subject, terms.starts_at, terms.expires_at, keccak(terms.statement.encode()), terms.salt, *digests
        )
        context.chain.send(self._account, call)
        context.sync()
        event = next(event for event in declared(context, subject=subject) if event.reason == digests[1])
        return _emergency(context, event, reason)

    def emergencies(self) -> list[Emergency]:
        """The emergencies that this account declared."""
        context = self._context
        context.sync()
        return [_emergency(context, event, None) for event in declared(context, provider=self.address)]

    def emergency_records(
        self,
        subject: str,
        *,
        classes: Iterable[str | int] | str | None = None,
        records_from: DayLike | None = None,
        records_until: DayLike | None = None,
    ) -> Reading:
        """What the patient prepared for an emergency, once enough custodians have released their shares.

        Args:
            subject: Whose emergency, which this account declared.
            classes: Codes or numbers of classes, each of which must be permitted; None for all that are.
            records_from: Only records surely dated this day or later.
            records_until: Only records surely dated this day or earlier.

        Raises:
            NotDeclared: This account declared none that stands.
            TooFewShares: Not enough custodians have released their shares.
            SharesBroken: There are enough, and they do not make the emergency key.
            NotPermitted: The chain permits none of it, or not all that was asked for.
        """
        context = self._context
        context.sync()
        subject = require_address(subject)
        asked = window_from(classes, records_from, records_until)
        events = [
            event
            for event in declared(context, subject=subject, provider=self.address)
            if context.emergency.is_declared(subject, event.id)
        ]
        if not events:
            raise NotDeclared(
                f"{self.address} declared no emergency of {subject} that stands.",
                subject=subject,
                provider=self.address,
            )
        event = events[-1]
        root, received = self._prepared_grant(event)
        sub = self._own_grant(event, root)
        numbers = sorted(asked.classes)
        window = window_of(measure(sub.grant.chain))
        first, last = max(asked.first, window.first), min(asked.last, window.last)
        permitted, refused = self._ask(sub, numbers, first)
        if (refused is not None and classes is not None) or not permitted:
            decision = refused or Decision(Refusal.CLASS, 0)
            raise NotPermitted(
                f"{decision.refusal.sentence} Asked for in the emergency {event.id.hex()} of {subject}.",
                rule=decision.refusal.name,
                position=decision.position,
                subject=subject,
            )
        # What a root grant's holder reads, cut down to what the declaration's own grant is asked for.
        found = received.holdings(root).read(context, Window(frozenset(permitted), first, last))
        return Reading(tuple(found), (sub.grant,), asked, found.faults)

    # ── internals ──

    def _prepared_grant(self, event: EmergencyDeclared) -> tuple[OpenedGrant, Received]:
        """The grant that the patient prepared, opened with the key that the custodians' shares make."""
        context = self._context
        turn = context.emergency.declaration_of(event.subject, event.id).turn
        prepared = next(item for item in preparations(context, event.subject)[event.subject] if item.turn == turn)
        key = combined_key(self._released(event), custody_of(context, prepared).emergency_key)
        received = Received(context, key, context.emergency.address)
        grants = received.grants(event.subject, prepared.grant)
        if not grants:
            raise IntegrityError(
                f"The grant {prepared.grant.hex()}, prepared for emergencies, can't be opened with the emergency key.",
                hint="Its key bundle was lost or altered. Ask the patient, or whoever treats them, directly.",
                grant=prepared.grant,
            )
        return grants[0], received

    def _own_grant(self, event: EmergencyDeclared, root: OpenedGrant) -> OpenedGrant:
        context = self._context
        item = context.index.grant(event.id)
        assert item is not None
        place = context.bundle_context(event.subject)
        bundle = open_bundle(context.store.get(item.bundle), place, self.key, BundleKind.GRANT)
        assert isinstance(bundle, GrantBundle)
        presented = PresentedGrant(item.grantor, item.viewer, item.bundle, Terms.from_json(bundle.terms))
        grant = replace(
            root.grant,
            id=item.id,
            chain=(*root.grant.chain, presented),
            status=item.status,
            state="active",
            granted_at=item.granted.time,
        )
        return OpenedGrant(grant, bundle)

    def _ask(self, sub: OpenedGrant, numbers: list[int], date: int) -> tuple[list[int], Decision | None]:
        """The classes that the chain permits of those asked for, and the first refusal."""
        permitted: list[int] = []
        refused: Decision | None = None
        purpose = VOCABULARY.purpose(PURPOSE).number
        for number in numbers:
            request = Request(sub.grant.subject, self.address, number, purpose, Operation.READ, date)
            decision = self._context.medrec.evaluate(sub.grant.chain, request)
            if decision.permitted:
                permitted.append(number)
            else:
                refused = refused or decision
        return permitted, refused

    def _released(self, event: EmergencyDeclared) -> list[ShareBundle]:
        context = self._context
        found: list[ShareBundle] = []
        for custodian, digest in key_releases(context, event).items():
            # Anybody may release anything: what is no share of this is passed over.
            with suppress(IntegrityError, InvalidInput):
                data = context.store.get(digest, limit=1 << 20)
                share = open_bundle(data, context.bundle_context(event.subject), self.key, BundleKind.SHARE)
                assert isinstance(share, ShareBundle)
                threshold_of(share.words)
                if (share.owner, share.holder) == (event.subject, custodian):
                    found.append(share)
        return found


def combined_key(shares: list[ShareBundle], public_key: PublicKey) -> ParticipantKey:
    """The emergency key pair, out of enough shares; false ones among them do no harm.

    Raises:
        TooFewShares: There are not enough.
        SharesBroken: There are, and no choice of them makes the key pair of this public key.
    """
    for secret in candidates([share.words for share in shares]):
        key = ParticipantKey.from_seed(ParticipantSeed(secret))
        if key.public_key == public_key:
            return key
    thresholds = [threshold_of(share.words) for share in shares]
    needed = max(sorted(thresholds), key=thresholds.count, default=2)
    if len(shares) < needed:
        sentence = f"{len(shares)} of the {needed} shares that it takes have been released."
        raise TooFewShares(sentence, released=len(shares), needed=needed)
    raise SharesBroken(f"{len(shares)} shares were released, and they do not make the emergency key.")


def _emergency(context: Context, event: EmergencyDeclared, reason: str | None) -> Emergency:
    return Emergency(
        event.id,
        event.subject,
        event.provider,
        context.name_of(event.provider),
        reason,
        event.starts_at,
        event.expires_at,
        context.emergency.is_declared(event.subject, event.id),
        tuple(key_releases(context, event)),
    )
