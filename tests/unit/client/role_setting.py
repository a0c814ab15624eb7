"""One patient's setting, in which anybody can try any verb of the SDK: who treats whom, who granted what to whom."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NoReturn

from client_world import ndjson, observation

from medrec_py import MedRec
from medrec_py.chain import Account, as_account, generate_account
from medrec_py.client import Grant, Patient, Provider, Registrar, Relayer, Viewer
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
"""Who tries: the patient; another one of the same hospital; the patient's hospital; an accredited one that the patient
never met; a viewer; the viewer of a sub-grant; the software that acts for the viewer; the registrar; somebody else."""

ROLES: dict[str, type] = {
    "patient": Patient,
    "provider": Provider,
    "viewer": Viewer,
    "registrar": Registrar,
    "relayer": Relayer,
}


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
        for name in ("hospital", "other hospital"):
            registrar.accredit(accounts[name].address)
        town = cls(network, accounts)
        neighbour = network.patient(accounts["other patient"], wallet_mode=True)
        neighbour.accept(town.role("provider", "hospital").invite(neighbour.address))
        return town

    def role(self, role: str, person: str) -> Any:
        """A person who uses the SDK in some role; nobody is kept from trying."""
        account = self.accounts[person]
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


def new_account() -> Account:
    """Somebody whom nobody knows."""
    return as_account(generate_account())
