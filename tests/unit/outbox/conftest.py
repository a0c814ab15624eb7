"""A real chain inside the process and a real folder of objects; people with ether; cuts in the lines between."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from medrec_py.chain import (
    Account,
    Deployment,
    EmbeddedChain,
    MedRecContract,
    RegistrarContract,
    deploy,
    generate_account,
)
from medrec_py.errors import ChainUnavailable, StoreUnavailable
from medrec_py.outbox import Outbox, Parcel, Publication
from medrec_py.storage import Store, open_store
from medrec_py.storage.unixfs import digest_of
from medrec_py.types.events import Anchored
from medrec_py.types.terms import NO_EXPIRY

ETHER = 10**18


class Line:
    """Passes everything on to the real thing, until it is cut: at once, or before some method is next used."""

    def __init__(self, target: object, error: type[Exception]) -> None:
        self.target = target
        self.error = error
        self.cut: set[str] = set()
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> object:
        if "*" in self.cut or name in self.cut:
            raise self.error("The line is cut.")
        value = getattr(self.target, name)
        if callable(value):
            self.calls.append(name)
        return value


@dataclass
class World:
    """One chain with the contracts, one store, one outbox, and who uses them."""

    chain: EmbeddedChain
    deployment: Deployment
    store: Store
    folder: Path
    patient: Account
    provider: Account
    chain_line: Line = field(init=False)
    store_line: Line = field(init=False)

    def __post_init__(self) -> None:
        self.medrec = MedRecContract(self.deployment, self.chain)
        self.registrar = RegistrarContract(self.deployment, self.chain)
        self.chain_line = Line(self.chain, ChainUnavailable)
        self.store_line = Line(self.store, StoreUnavailable)

    def outbox(self, **options) -> Outbox:
        return Outbox(self.folder, self.store_line, self.chain_line, **options)

    def publication(
        self, *sealed: bytes | Path, subject: str | None = None, author: str | None = None, key: str | None = None
    ) -> Publication:
        """Parcels for the ledger of the subject (the patient) by the author (the patient)."""
        author = author or self.patient.address
        subject = subject or author
        parcels = [
            Parcel(content, digest_of(content if isinstance(content, bytes) else content.read_bytes()), os.urandom(16))
            for content in sealed
        ]
        call = self.medrec.anchor(subject, [p.digest for p in parcels], [p.locator for p in parcels])
        return Publication.anchoring(subject, author, parcels, call, key=key)

    def ledger(self, subject: str | None = None) -> list[bytes]:
        """Digests that the chain's log holds for a subject, each as often as it was anchored."""
        subject = subject or self.patient.address
        logged = self.chain.logs(self.deployment.block_number, self.chain.head_number())
        anchored = [event.event for event in logged if isinstance(event.event, Anchored)]
        return [digest for event in anchored if event.subject == subject for digest in event.digests]

    def files(self) -> list[str]:
        return sorted(path.name for path in (self.folder / "sealed").iterdir())

    def relate(self) -> None:
        """Accredits the provider and opens its relationship with the patient."""
        self.chain.send(self.provider, self.registrar.register(bytes(1216), bytes(32)))
        self.chain.send(self.chain.developer, self.registrar.accredit(self.provider.address, 1, NO_EXPIRY, bytes(32)))
        message = {
            "provider": self.provider.address,
            "subject": self.patient.address,
            "number": 1,
            "expiresAt": NO_EXPIRY,
        }
        from medrec_py.types.terms import typed_data

        invitation = self.provider.sign_typed_data(typed_data(self.medrec.domain, "Invitation", message))
        self.chain.send(
            self.patient,
            self.medrec.open(self.patient.address, self.provider.address, NO_EXPIRY, bytes(32), invitation),
        )


@pytest.fixture(scope="module")
def network():
    with EmbeddedChain() as chain:
        yield chain, deploy(chain, chain.developer).deployment


@pytest.fixture
def world(network, tmp_path):
    chain, deployment = network
    patient, provider = generate_account(), generate_account()
    chain.fund(patient.address, ETHER)
    chain.fund(provider.address, ETHER)
    with open_store(tmp_path / "store") as store:
        yield World(chain, deployment, store, tmp_path / "outbox", patient, provider)
