"""One patient's setting, in which anybody can try any verb of the SDK: who treats whom, who granted what to whom."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NoReturn

from client_world import ndjson, observation

from medrec_py import MedRec
from medrec_py.chain import Account, EmbeddedChain, as_account, generate_account
from medrec_py.client import (
    Custodian,
    Delegates,
    Emergency,
    EmergencyAccess,
    Grant,
    Guardian,
    Guardians,
    Move,
    Moving,
    Patient,
    Provider,
    Registrar,
    Relayer,
    Viewer,
)
from medrec_py.errors import PublicationPending
from medrec_py.types.terms import GrantStatus, Request
from medrec_py.types.vocabulary import VOCABULARY

PEOPLE = (
    "patient",
    "other patient",
    "hospital",
    "other hospital",
    "clinic",
    "partner",
    "agent",
    "registrar",
    "stranger",
)
"""Who tries: the patient; another one of the same hospital, who is the patient's delegate; the patient's hospital; one
that the patient never met, accredited for emergencies too; a viewer, and the viewer of a sub-grant, who are guardians
and custodians of the patient; the software that acts for the viewer; the registrar; somebody else, named as heir."""

ROLES: dict[str, type] = {
    "patient": Patient,
    "provider": Provider,
    "viewer": Viewer,
    "registrar": Registrar,
    "relayer": Relayer,
    "guardian": Guardian,
    "custodian": Custodian,
    "delegates": Delegates,
    "guardians": Guardians,
    "emergency": EmergencyAccess,
    "moving": Moving,
}
PARTS = ("delegates", "guardians", "emergency", "moving")
"""Those of them that a patient has under their name."""


@dataclass(frozen=True)
class Town:
    """A network and the accounts of everybody but the patient, all registered."""

    network: MedRec
    accounts: dict[str, Account]

    @classmethod
    def of(cls, network: MedRec) -> Town:
        """Moves everybody in."""
        accounts = {name: generate_account() for name in PEOPLE if name not in ("patient", "registrar")}
        registrar = network.registrar()
        accounts["registrar"] = registrar._account
        for name, account in accounts.items():
            network.viewer(account).register(name=name)
        registrar.accredit(accounts["hospital"].address)
        registrar.accredit(accounts["other hospital"].address, ("provider", "emergency"))
        town = cls(network, accounts)
        neighbour = network.patient(accounts["other patient"], wallet_mode=True)
        neighbour.accept(town.role("provider", "hospital").invite(neighbour.address))
        return town

    def role(self, role: str, person: str) -> Any:
        """A person who uses the SDK in some role; nobody is kept from trying."""
        account = self.accounts[person]
        if role in PARTS:
            return getattr(self.role("patient", person), role)
        if role == "patient":
            return self.network.patient(account, wallet_mode=True)
        return getattr(self.network, role)(account)


class Setting:
    """A patient whom the hospital treats, who granted the clinic, who passed it on to the partner.

    Args:
        town: Everybody else.
        related: Whether the relationship stands, with a record, a grant and a sub-grant.
    """

    def __init__(self, town: Town, *, related: bool = True) -> None:
        self.town = town
        self.network = town.network
        account = generate_account()
        self.patient = self.network.patient(account, wallet_mode=True)
        self.subject = self.patient.address
        self._people = Town(town.network, {**town.accounts, "patient": account})
        self.waiting = ""
        self.heir: Patient | None = None
        self.switch: Grant
        self.address = {name: who.address for name, who in self._people.accounts.items()}
        if not related:
            self.patient.register(name="patient")
            return
        self.hospital: Provider = self.role("provider", "hospital")
        self.clinic: Viewer = self.role("viewer", "clinic")
        self.patient.accept(self.hospital.invite(self.subject))
        self.digest = self.hospital.publish(self.subject, self.document("first")).digests[0]
        self.grant = self.patient.grant(
            self.address["clinic"], classes="laboratory", delegations=2, agent=self.address["agent"]
        )
        self.sub_grant = self.clinic.sub_grant(self.grant, self.address["partner"], classes="laboratory")

    def role(self, role: str, person: str) -> Any:
        """See `Town.role`."""
        return self._people.role(role, person)

    @staticmethod
    def document(id: str) -> bytes:
        """A record to publish."""
        return ndjson(observation(id, "2024-01-01"))

    # ── what stands, asked of the chain alone ──

    @property
    def head(self) -> bytes:
        """Head of the patient's ledger."""
        return self.patient._context.medrec.ledger_head(self.subject)

    def batch_head(self, person: str) -> bytes:
        """Head of somebody's batches."""
        return self.patient._context.medrec.batch_head(self.address[person])

    def is_open(self, provider: str) -> bool:
        """Whether the patient has a relationship with a provider."""
        return self.patient._context.medrec.is_open(self.subject, self.address[provider])

    def permits(self, grant: Grant, *, agent: bool = False) -> bool:
        """Whether the chain lets a grant's viewer read laboratory results, itself or through the agent."""
        number, purpose = VOCABULARY.record_class("laboratory").number, VOCABULARY.purpose("TREAT").number
        request = Request(self.subject, grant.viewer, number, purpose)
        if agent:
            request = Request(self.subject, grant.viewer, number, purpose, agent=self.address["agent"])
        return self.patient._context.medrec.permits(grant.chain, request)

    def status(self, grant: Grant) -> GrantStatus:
        """What the grantor's acts, or the viewer's giving back, have left a grant in."""
        return self.patient._context.medrec.grant_state(grant.presented.grantor, grant.id).status

    @property
    def turn(self) -> int:
        """Of the patient's plan of guardians."""
        return self.patient._context.guardianship.plan_of(self.patient.guardians.owner).turn

    def registration(self, person: str) -> bytes:
        """Head of somebody's registrations."""
        return self.patient._context.registrar.registration_of(self.address[person])

    # ── further steps ──

    def have_a_publication_wait(self, publisher: str = "hospital", *, refused: bool = False) -> str:
        """A publication of the hospital's or the patient's is accepted by the outbox and then interrupted, or refused.

        Returns:
            Its id, the same each time.
        """
        if self.waiting:
            return self.waiting
        outbox, store = self.network.outbox, self.network.store

        def interrupted(publication: Any, account: Account) -> NoReturn:
            self.waiting = outbox.accept(publication, account.address)
            if refused:
                store.put_many([parcel.sealed for parcel in publication.parcels])
                outbox._journal.failed(self.waiting, "The contract said no.")
            raise PublicationPending("Interrupted.")

        outbox.submit = interrupted  # type: ignore[method-assign]
        with suppress(PublicationPending):
            if publisher == "hospital":
                self.hospital.publish(self.subject, self.document("waiting"))
            else:
                self.patient.publish(self.document("waiting"))
        del outbox.submit  # type: ignore[method-assign]
        return self.waiting

    def have_delegate(self) -> None:
        """The other patient may withdraw in this one's name."""
        if not self.is_delegate:
            self.patient.delegates.name(self.address["other patient"], until="2090-01-01")

    @property
    def is_delegate(self) -> bool:
        """Whether that is so."""
        return self.patient._context.medrec.is_delegate(self.subject, self.address["other patient"])

    def have_switch(self, *, announced: bool = False) -> Grant:
        """The other patient may see laboratory results when this one is silent for a minute, after another one.

        Returns:
            The grant; with `announced` the notice is over.
        """
        guardianship, delegate = self.patient._context.guardianship, self.address["other patient"]
        if not guardianship.plan_of(self.subject).stands:
            self.switch = self.patient.delegates.after_silence(delegate, silence=60, notice=60, classes="laboratory")
        if announced and not guardianship.opens_at(self.subject, delegate):
            self.pass_time(62)
            self.role("viewer", "other patient").announce_for(self.subject)
            self.pass_time(61)
        return self.switch

    def have_guardians(self, *, announced: bool = False, released: bool = False) -> str:
        """Clinic and partner are guardians; the stranger is announced and the notice over; both have released.

        Returns:
            The recovery address.
        """
        guardianship, owner = self.patient._context.guardianship, self.patient.guardians.owner
        if not guardianship.plan_of(owner).stands:
            people = [self.address["clinic"], self.address["partner"]]
            self.patient.guardians.appoint(people, threshold=2, notice=60)
            self.pass_time(2)
        if (announced or released) and not guardianship.opens_at(owner, self.address["stranger"]):
            self.role("guardian", "clinic").announce(owner, self.address["stranger"])
            self.pass_time(61)
        if released:
            for guardian in ("clinic", "partner"):
                self.role("guardian", guardian).release(owner, self.address["stranger"])
        return owner

    def have_prepared(self) -> None:
        """Laboratory results may be seen in an emergency, if clinic and partner agree."""
        if not self.patient._context.emergency.prepared_of(self.subject).stands:
            self.patient.emergency.prepare("laboratory", [self.address["clinic"], self.address["partner"]])

    def have_emergency(self) -> Emergency:
        """The other hospital has declared one."""
        self.have_prepared()
        ward: Provider = self.role("provider", "other hospital")
        declared = [item for item in ward.emergencies() if item.subject == self.subject]
        return declared[-1] if declared else ward.declare_emergency(self.subject, reason="unconscious")

    def have_moved(self) -> Move:
        """The patient has told the hospital of another wallet."""
        if self.heir is None:
            self.heir = self.network.patient(wallet_mode=True)
        return self.patient.moving.to(self.heir)

    def pass_time(self, seconds: int) -> None:
        """The chain's clock goes on."""
        chain = self.network.chain
        assert isinstance(chain, EmbeddedChain)
        chain.set_time(chain.now() + seconds)


def new_account() -> Account:
    """Somebody whom nobody knows."""
    return as_account(generate_account())
