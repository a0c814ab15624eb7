"""What the steps of the demonstration share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from medrec_py.chain import MedRecContract, TransactionReceipt
from medrec_py.client import Grant, Publication, ReadRecord, Viewer
from medrec_py.demo.comparison import Input
from medrec_py.demo.plan import PURPOSE, Plan
from medrec_py.demo.report import RefusedRequest, Step, Telling
from medrec_py.demo.stage import Stage
from medrec_py.errors import NotPermitted
from medrec_py.fhir import ClinicalRecord
from medrec_py.types.terms import Refusal, Request
from medrec_py.types.vocabulary import VOCABULARY

HOSPITAL = "Hospital"
CLINIC = "Clinic"
STRANGER = "Stranger"
PATIENT = "the patient"
REGISTRAR = "the registrar"


class Observer(Protocol):
    """Is told how far the demonstration has come."""

    def begins(self, number: int, title: str) -> None:
        """A step begins."""

    def progresses(self, stage: str, done: int, total: int) -> None:
        """A part of a step has come as far as `done` of `total`."""

    def ends(self, step: Step) -> None:
        """A step has ended."""


class Silence:
    """An observer whom nothing interests."""

    def begins(self, number: int, title: str) -> None:
        """See `Observer`."""

    def progresses(self, stage: str, done: int, total: int) -> None:
        """See `Observer`."""

    def ends(self, step: Step) -> None:
        """See `Observer`."""


@dataclass(slots=True)
class Scene:
    """The state of the story.

    Attributes:
        stage: Network and people.
        source: What the hospital publishes.
        plan: What the patient shares of it.
        observer: Is told how far it has come.
        subject: The patient's address in the relationship with the hospital.
        records: The patient's records as the other device found them, with their parcels.
        grants: The grants that were made, in order.
        later: Records that the hospital published later.
        seen: References of the records that the clinic has read.
    """

    stage: Stage
    source: Input
    plan: Plan
    observer: Observer
    subject: str = ""
    records: list[ReadRecord] = field(default_factory=list)
    grants: list[Grant] = field(default_factory=list)
    later: list[ClinicalRecord] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    # ── costs ──

    def paid(self, telling: Telling, actor: str, receipt: TransactionReceipt) -> None:
        """Notes a transaction that somebody sent, after those relayed before it."""
        self.relayed(telling)
        telling.paid(actor, receipt)

    def published(self, telling: Telling, publication: Publication) -> None:
        """Notes what the hospital published, after the acts relayed before it."""
        self.relayed(telling)
        telling.published(HOSPITAL, publication)

    def relayed(self, telling: Telling) -> None:
        """Notes the patient's acts that were relayed since the last time."""
        for receipt in self.stage.meter.take():
            telling.paid(PATIENT, receipt)

    # ── acts ──

    def expected(self) -> list[ClinicalRecord]:
        """The records that the grants have to cover so far, judged from the input alone."""
        return [record for record in (*self.source.records, *self.later) if self.plan.covers(record)]

    def publish_more(self, telling: Telling, round_number: int) -> Publication:
        """The hospital publishes follow-ups of what it has published."""
        follow_ups = self.plan.follow_ups(self.source.records, round_number)
        publication = self.stage.hospital.publish(self.subject, follow_ups)
        self.published(telling, publication)
        self.later += follow_ups.records
        return publication

    # ── refusals ──

    def parcels_of(self, records: Iterable[ClinicalRecord]) -> set[bytes]:
        """Digests of the parcels that hold these records."""
        wanted = {record.reference for record in records}
        return {item.digest for item in self.records if item.record.reference in wanted}

    def keys_to(self, viewer: Viewer, parcels: Iterable[bytes]) -> int:
        """How many of these parcels a viewer opens with any key that it ever received."""
        return sum(viewer.can_open(digest, subject=self.subject) for digest in parcels)

    def is_refused(
        self,
        telling: Telling,
        asked: str,
        expected: Refusal,
        parcels: set[bytes],
        *,
        who: str = CLINIC,
        record_class: int | None = None,
        purpose: str | None = None,
        before: bool = False,
        needs_no_key: bool = True,
        grant: Grant | None = None,
    ) -> None:
        """Lets somebody ask for what must be refused, and notes why it is.

        Args:
            telling: The step.
            asked: What for, in words.
            expected: The rule that has to refuse it.
            parcels: Digests of the parcels of what is asked for.
            who: `CLINIC` or `STRANGER`.
            record_class: Class asked for; the shared one when None.
            purpose: Purpose asked for; the shared one when None.
            before: Ask for the days before those that are covered.
            needs_no_key: Whether the asker must hold no key to it either.
            grant: Ask by this grant only.
        """
        viewer = self.stage.clinic if who == CLINIC else self.stage.stranger
        code = VOCABULARY.record_class(self.plan.shared if record_class is None else record_class).code
        rule, sentence = Refusal.PERMITTED.name, "It was not refused."
        try:
            viewer.read(
                classes=[code],
                purpose=purpose or PURPOSE,
                records_until=self.plan.day_before if before else None,
                subject=self.subject,
                grant=grant,
            )
        except NotPermitted as error:
            rule = str(error.facts["rule"])
            sentence = Refusal[rule].sentence
        keys = self.keys_to(viewer, parcels)
        telling.refused(RefusedRequest(who, asked, expected.name, rule, keys, len(parcels), needs_no_key, sentence))

    def presents_anothers_grant(self, telling: Telling, grant: Grant) -> None:
        """Lets the stranger present the clinic's grant, and asks the chain."""
        stranger = self.stage.stranger
        purpose = VOCABULARY.purpose(PURPOSE).number
        request = Request(self.subject, stranger.address, self.plan.shared, purpose, date=self.plan.first_day)
        medrec = MedRecContract(self.stage.network.deployment, self.stage.network.chain)
        decision = medrec.evaluate(grant.chain, request)
        parcels = self.parcels_of(self.expected())
        telling.refused(
            RefusedRequest(
                STRANGER,
                "the same, presenting the clinic's grant",
                Refusal.NOT_THE_VIEWER.name,
                decision.refusal.name,
                self.keys_to(stranger, parcels),
                len(parcels),
                True,
                decision.refusal.sentence,
            )
        )
