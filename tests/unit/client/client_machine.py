"""A patient, a hospital and two viewers who do anything in any order, beside a model that says what must follow."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from client_world import ndjson, observation
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from rebuilding import differences

from medrec_py import MedRec
from medrec_py.chain import generate_account
from medrec_py.client import Grant, Provider, Viewer
from medrec_py.errors import NotPermitted, Refused

CLASSES = ("laboratory", "vital-signs")
YEARS = (2019, 2020, 2021)
ENDED = ("revoked", "renounced")


@dataclass
class ModelRecord:
    """A published record.

    Attributes:
        is_pending: Sealed to the patient alone, until the next re-key.
        blind: Addresses of viewers that must not be able to open it.
    """

    id: str
    record_class: str
    year: int
    digest: bytes
    is_pending: bool
    blind: set[str] = field(default_factory=set)


@dataclass
class ModelGrant:
    """A grant as the model sees it."""

    grant: Grant
    classes: frozenset[str]
    first_year: int
    parent: ModelGrant | None = None
    state: str = "active"

    @property
    def chain(self) -> list[ModelGrant]:
        """The grants from the subject's own down to this one."""
        return [self] if self.parent is None else [*self.parent.chain, self]

    @property
    def has_ended(self) -> bool:
        """Whether any grant of the chain was withdrawn."""
        return any(link.state in ENDED for link in self.chain)

    def covers(self, record: ModelRecord) -> bool:
        """Whether every grant of the chain covers a record."""
        return all(record.record_class in link.classes and record.year >= link.first_year for link in self.chain)


def consent_machine(network: MedRec, hospital: Provider, people: list[Viewer], *, examples: int, steps: int) -> None:
    """Runs the machine on a network; fails with the shortest story that breaks the model.

    RevocationIsFinal, AttenuationOnly and RevokedMeansBlind are what it looks for at every step, and at the end
    EventsRebuildState.
    """

    class Consent(RuleBasedStateMachine):
        grants = Bundle("grants")

        def __init__(self) -> None:
            super().__init__()
            self.patient = network.patient(generate_account())
            self.subject = self.patient.next_subject()
            self.patient.accept(hospital.invite(self.subject))
            self.records: list[ModelRecord] = []
            self.model: list[ModelGrant] = []
            self.ended: set[bytes] = set()
            self.accounted: set[bytes] = set()

        # ── what people do ──

        @rule(record_class=st.sampled_from(CLASSES), year=st.sampled_from(YEARS))
        def publish(self, record_class: str, year: int) -> None:
            id = f"r{len(self.records)}"
            published = hospital.publish(self.subject, ndjson(observation(id, f"{year}-05-05", record_class)))
            is_stale = bool(self.ended - self.accounted)
            assert published.pending_rekey == is_stale
            live = {item.grant.viewer for item in self.model if not item.has_ended}
            blind = {viewer.address for viewer in people} - live
            self.records.append(ModelRecord(id, record_class, year, published.digests[0], is_stale, blind))

        @rule(
            target=grants,
            viewer=st.sampled_from(people),
            classes=st.sets(st.sampled_from(CLASSES), min_size=1),
            first_year=st.sampled_from((0, *YEARS)),
        )
        def grant(self, viewer: Viewer, classes: set[str], first_year: int) -> ModelGrant:
            first_day = f"{first_year}-01-01" if first_year else None
            grant = self.patient.grant(
                viewer.address, classes=sorted(classes), records_from=first_day, delegations=1, subject=self.subject
            )
            return self._add(ModelGrant(grant, frozenset(classes), first_year))

        @rule(target=grants, parent=grants, classes=st.sets(st.sampled_from(CLASSES), min_size=1))
        def sub_grant(self, parent: ModelGrant, classes: set[str]) -> ModelGrant:
            if parent.parent is not None:
                return parent
            owner = _viewer(people, parent)
            other = next(viewer for viewer in people if viewer is not owner)
            if parent.state != "active":
                with pytest.raises(NotPermitted):
                    owner.sub_grant(parent.grant, other.address, classes=sorted(classes))
                return parent
            grant = owner.sub_grant(parent.grant, other.address, classes=sorted(classes))
            return self._add(ModelGrant(grant, frozenset(classes), 0, parent))

        @rule(item=grants, rekey=st.booleans())
        def revoke(self, item: ModelGrant, rekey: bool) -> None:
            self.patient.revoke(item.grant, rekey=rekey)
            self._end(item, "revoked")
            if rekey:
                self._rekeyed()

        @rule(item=grants)
        def renounce(self, item: ModelGrant) -> None:
            _viewer(people, item).renounce(item.grant)
            self._end(item, "renounced")

        @rule(item=grants)
        def suspend(self, item: ModelGrant) -> None:
            if item.parent is None and item.state == "active":
                self.patient.suspend(item.grant)
                item.state = "suspended"
            else:
                with pytest.raises(Refused):
                    self.patient.suspend(item.grant)

        @rule(item=grants)
        def resume(self, item: ModelGrant) -> None:
            if item.parent is None and item.state == "suspended":
                self.patient.resume(item.grant)
                item.state = "active"
            else:
                with pytest.raises(Refused):
                    self.patient.resume(item.grant)

        @rule()
        def rekey(self) -> None:
            self.patient.rekey()
            self._rekeyed()

        @rule(item=grants, record_class=st.sampled_from(CLASSES))
        def read(self, item: ModelGrant, record_class: str) -> None:
            viewer = _viewer(people, item)
            is_active = all(link.state == "active" for link in item.chain)
            if not (is_active and all(record_class in link.classes for link in item.chain)):
                with pytest.raises(NotPermitted):
                    viewer.read(grant=item.grant, classes=record_class)
                return
            got = {found.record.id for found in viewer.read(grant=item.grant, classes=record_class).records}
            covered = [r for r in self.records if r.record_class == record_class and item.covers(r)]
            assert got <= {r.id for r in covered}, "AttenuationOnly: never more than the chain of grants covers"
            assert {r.id for r in covered if not r.is_pending} <= got, "never less than what keys were handed over for"

        # ── what must hold ──

        @invariant()
        def revoked_means_blind(self) -> None:
            for record in self.records[-2:]:
                for viewer in people:
                    if viewer.address in record.blind:
                        assert not viewer.can_open(record.digest, subject=self.subject)

        def teardown(self) -> None:
            assert {item.record.id for item in self.patient.records()} == {record.id for record in self.records}
            verification = self.patient.verify()
            assert verification.ok, verification.faults

        # ── the model's own steps ──

        def _add(self, item: ModelGrant) -> ModelGrant:
            self.model.append(item)
            for record in self.records:
                record.blind.discard(item.grant.viewer)
            return item

        def _end(self, item: ModelGrant, state: str) -> None:
            if item.state not in ENDED:
                item.state = state
            self.ended.add(item.grant.id)

        def _rekeyed(self) -> None:
            self.accounted |= self.ended
            for record in self.records:
                record.is_pending = False

    checks = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    run_state_machine_as_test(Consent, settings=checks)  # type: ignore[no-untyped-call]
    assert differences(network.chain) == []


def _viewer(people: list[Viewer], item: ModelGrant) -> Viewer:
    return next(viewer for viewer in people if viewer.address == item.grant.viewer)
