"""Emergency access as the patient prepares it, takes it back, and sees what was made of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from medrec_py.chain import TransactionReceipt, require_address
from medrec_py.client.cases import Case
from medrec_py.client.context import Context
from medrec_py.client.cutting import cut
from medrec_py.client.emergencies import (
    PURPOSE,
    Emergency,
    declared,
    key_releases,
    preparations,
    reason_of,
    standing_preparation,
    subjects_copy,
)
from medrec_py.client.grants import make_terms, seal_grant, withdrawn_if_declined
from medrec_py.client.results import Grant
from medrec_py.crypto import ParticipantKey, ParticipantSeed, split
from medrec_py.errors import IntegrityError, InvalidInput
from medrec_py.sealing import Appointed, Custody, PlanBundle, ShareBundle, seal_bundle, shuffled
from medrec_py.types.moments import DayLike, MomentLike
from medrec_py.types.statement import Language
from medrec_py.types.terms import ZERO_BYTES32, PresentedGrant, new_salt

if TYPE_CHECKING:
    from medrec_py.client.patient import Patient


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is prepared for one of the patient's addresses.

    Attributes:
        grant: The grant to the emergency contract.
        threshold: How many custodians it takes; 0 when the patient's own copy can't be had.
        custodians: Address and name of each, as the patient gave them.
        is_used: Whether an emergency was declared under it. Whoever declared it may have the key by now: prepare anew.
    """

    grant: Grant
    threshold: int
    custodians: tuple[tuple[str, str], ...]
    is_used: bool

    def to_json(self) -> dict[str, Any]:
        """The preparation as a JSON object."""
        return {
            "grant": self.grant.to_json(),
            "threshold": self.threshold,
            "custodians": [{"address": address, "name": name} for address, name in self.custodians],
            "used": self.is_used,
        }


class EmergencyAccess:
    """A patient's emergency access. As `patient.emergency`.

    Args:
        patient: Whose.
    """

    def __init__(self, patient: Patient) -> None:
        self._patient = patient

    @property
    def _context(self) -> Context:
        return self._patient._context

    def prepare(
        self,
        classes: Iterable[str | int] | str,
        custodians: Mapping[str, str] | Sequence[str],
        *,
        threshold: int = 2,
        label: str = "",
        until: MomentLike | None = None,
        records_from: DayLike | None = None,
        subject: str | None = None,
        language: Language = "en",
    ) -> Grant:
        """Grants what may be seen in an emergency, under a key that custodians hold shares of. Replaces what was.

        Until somebody accredited for it declares an emergency, nobody has that key. Afterwards prepare anew: the key
        may be known by then, and nothing further is handed to it.

        Args:
            classes: Codes or numbers of record classes; `all` for every class.
            custodians: Addresses, by name or without; 2 to 16 registered participants.
            threshold: How many of them it takes; at least 2.
            label: What the custodians know the matter by; sealed to them.
            until: When it ends; None: until it is withdrawn.
            records_from: First day of the records covered.
            subject: Which of the patient's addresses; may be left out while only one has records or relationships.
            language: Language of the sentence that the wallet shows.

        Raises:
            InvalidInput: A number is out of bounds, or a custodian stands there twice.
            NoParticipantKey: A custodian has registered no key.
        """
        context = self._context
        context.sync()
        case = self._patient._cases.granting(subject)
        named = custodians if isinstance(custodians, Mapping) else {"": list(custodians)}
        pairs = [
            (name, require_address(one))
            for name, given in named.items()
            for one in ([given] if isinstance(given, str) else given)
        ]
        addresses = [address for _, address in pairs]
        if len(set(addresses)) != len(addresses) or {case.subject, self._patient.address} & set(addresses):
            raise InvalidInput("A custodian stands there twice, or is the patient.", hint="Name other people.")
        seed, shared = ParticipantSeed.random(), ParticipantSeed.random()
        words = split(seed.reveal(), threshold, len(pairs))
        keys = [context.public_key(address) for address in addresses]
        emergency_key = ParticipantKey.from_seed(seed).public_key
        place = context.bundle_context(case.subject)
        sealed = [
            seal_bundle(ShareBundle(case.subject, address, label, words[at], seed=shared), place, [keys[at]])
            for at, address in enumerate(addresses)
        ]
        copy = PlanBundle(threshold, None, tuple(Appointed(address, name, new_salt()) for name, address in pairs))
        sealed.append(seal_bundle(copy, place, [case.key.public_key]))
        custody = Custody(
            case.key.public_key, emergency_key, ParticipantKey.from_seed(shared).public_key, shuffled(sealed)
        )

        viewer = context.emergency.address
        terms = make_terms(
            viewer,
            classes=classes,
            purposes=PURPOSE,
            starts=None,
            until=until,
            records_from=records_from,
            records_until=None,
            agent=None,
            delegations=1,
            condition=None,
            language=language,
            now=context.chain.now(),
        )
        cutting = cut(context, case.holdings(case.trees(context)), terms)
        draft = PresentedGrant(case.subject, viewer, ZERO_BYTES32, terms)
        presented = seal_grant(context, case.subject, (draft,), cutting, case.key.public_key, [emergency_key])
        with withdrawn_if_declined(context, [*cutting.digests, presented.bundle]):
            case.actor.submit(case.actor.grant(case.subject, presented))
        context.sync()
        made = next(one for one in self._grants(case) if one.presented.bundle == presented.bundle)
        digest = context.store.put(custody.encode()).digest
        with withdrawn_if_declined(context, [digest]):
            self._prepare(case, made.id, digest)
        self._revoke(case, besides=made.id)
        return made

    def withdraw(self, *, subject: str | None = None) -> list[TransactionReceipt]:
        """Takes back what was prepared, ends what was declared under it, and changes the keys handed over by it."""
        context = self._context
        context.sync()
        case = self._patient._cases.granting(subject)
        receipts = []
        if context.emergency.prepared_of(case.subject).stands:
            receipts.append(self._prepare(case, ZERO_BYTES32, ZERO_BYTES32))
        return [*receipts, *self._revoke(case)]

    def plans(self) -> list[Prepared]:
        """What is prepared, for each of the patient's addresses."""
        context = self._context
        context.sync()
        found = []
        for case in self._patient._cases.used():
            prepared = standing_preparation(context, case.subject)
            grant = None if prepared is None else next((g for g in self._grants(case) if g.id == prepared.grant), None)
            if prepared is None or grant is None:
                continue
            copy = self._copy(case, prepared.custody)
            turn = context.emergency.prepared_of(case.subject).turn
            is_used = any(
                context.emergency.declaration_of(case.subject, event.id).turn == turn
                for event in declared(context, subject=case.subject)
            )
            people = () if copy is None else tuple((one.address, one.name) for one in copy.guardians)
            found.append(Prepared(grant, 0 if copy is None else copy.threshold, people, is_used))
        return found

    def declarations(self) -> list[Emergency]:
        """Every emergency that was ever declared: who, when, why, and who released a share of the key."""
        context = self._context
        context.sync()
        found = []
        for case in self._patient._cases.used():
            custodians = self._custodians(case)
            for event in declared(context, subject=case.subject):
                releasing = tuple(one for one in key_releases(context, event) if not custodians or one in custodians)
                found.append(
                    Emergency(
                        event.id,
                        event.subject,
                        event.provider,
                        context.name_of(event.provider),
                        reason_of(context, event, [case.key]),
                        event.starts_at,
                        event.expires_at,
                        context.emergency.is_declared(event.subject, event.id),
                        releasing,
                    )
                )
        return found

    # ── internals ──

    def _grants(self, case: Case) -> list[Grant]:
        """The patient's grants to the emergency contract."""
        viewer = self._context.deployment.emergency
        opened = [item.grant for item in self._patient._opened(case)]
        return [grant for grant in opened if grant.viewer == viewer and grant.grantor == case.subject]

    def _prepare(self, case: Case, grant: bytes, custody: bytes) -> TransactionReceipt:
        emergency = self._context.emergency
        if not case.actor.is_relayed:
            receipt = case.actor.submit(emergency.prepare(grant, custody))
        else:
            turn = emergency.prepared_of(case.subject).turn
            message = {"subject": case.subject, "grant": grant, "custody": custody, "turn": turn}
            signature = case.actor.sign("EmergencyPlan", message, emergency.domain)
            receipt = case.actor.submit(emergency.prepare_with_sig(case.subject, grant, custody, signature))
        self._context.sync()
        return receipt

    def _revoke(self, case: Case, *, besides: bytes = b"") -> list[TransactionReceipt]:
        """Ends every grant to the emergency contract but one: those before it, and what a crash left behind."""
        ended = [grant for grant in self._grants(case) if grant.is_live and grant.id != besides]
        receipts = [case.actor.submit(case.actor.revoke(grant.id)) for grant in ended]
        if receipts:
            self._context.sync()
            receipts += self._patient._update([case])
        return receipts

    def _copy(self, case: Case, digest: bytes) -> PlanBundle | None:
        context = self._context
        try:
            custody = Custody.parse(context.store.get(digest))
        except (IntegrityError, InvalidInput):
            return None
        return subjects_copy(context, case.subject, custody, case.key)

    def _custodians(self, case: Case) -> set[str]:
        """Everybody who was ever a custodian; empty when none is known."""
        events = preparations(self._context, case.subject).get(case.subject, [])
        copies = [self._copy(case, event.custody) for event in events if event.grant != ZERO_BYTES32]
        return {one.address for copy in copies if copy is not None for one in copy.guardians}
