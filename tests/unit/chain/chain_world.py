"""Roles on a deployed chain, and the typed acts they sign."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

from medrec_py.chain import (
    Account,
    Call,
    Chain,
    EmergencyContract,
    GuardianshipContract,
    MedRecContract,
    RegistrarContract,
    TransactionReceipt,
    deploy,
    generate_account,
    presented_grant_id,
    terms_hash,
)
from medrec_py.types.terms import (
    NO_EXPIRY,
    NO_LAST_DATE,
    ZERO_ADDRESS,
    ZERO_BYTES32,
    Operation,
    PresentedGrant,
    Request,
    Terms,
    grant_message,
    new_salt,
    typed_data,
)
from medrec_py.types.vocabulary import VOCABULARY

ROLE_PROVIDER = 1
ROLE_GATEWAY = 2
ROLE_EMERGENCY = 4


def digest() -> bytes:
    return os.urandom(32)


def locator() -> bytes:
    return os.urandom(16)


@dataclass
class World:
    chain: Chain
    payer: Account
    patient: Account = field(default_factory=generate_account)
    provider: Account = field(default_factory=generate_account)
    viewer: Account = field(default_factory=generate_account)
    stranger: Account = field(default_factory=generate_account)

    def __post_init__(self) -> None:
        self.deployment = deploy(self.chain, self.payer).deployment
        self.medrec = MedRecContract(self.deployment, self.chain)
        self.registrar = RegistrarContract(self.deployment, self.chain)
        self.guardianship = GuardianshipContract(self.deployment, self.chain)
        self.emergency = EmergencyContract(self.deployment, self.chain)

    # ── acts ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def send(self, *calls: Call) -> TransactionReceipt:
        return self.chain.send(self.payer, list(calls))

    def fund(self, *accounts: Account) -> None:
        for account in accounts:
            self.chain.send(self.payer, Call(account.address, b"", "fund", 10**18))

    def sign(self, account: Account, primary_type: str, message: dict[str, Any]) -> bytes:
        domains = {
            "Registration": self.registrar.domain,
            **dict.fromkeys(("Plan", "LifeSign", "Announcement"), self.guardianship.domain),
            "EmergencyPlan": self.emergency.domain,
        }
        domain = domains.get(primary_type, self.medrec.domain)
        return account.sign_typed_data(typed_data(domain, primary_type, message))

    def register(self, account: Account, key: bytes | None = None) -> TransactionReceipt:
        public_key, descriptor = key or os.urandom(1216), digest()
        previous = self.registrar.registration_of(account.address)
        message = {
            "participant": account.address,
            "previous": previous,
            "publicKey": public_key,
            "descriptor": descriptor,
        }
        signature = self.sign(account, "Registration", message)
        return self.send(self.registrar.register_with_sig(account.address, public_key, descriptor, signature))

    def accredit(self, account: Account, roles: int = ROLE_PROVIDER, seconds: int = 10**6) -> TransactionReceipt:
        return self.send(self.registrar.accredit(account.address, roles, self.chain.now() + seconds, digest()))

    def ensure_provider(self) -> None:
        if not self.registrar.is_accredited(self.provider.address, ROLE_PROVIDER):
            self.register(self.provider)
            self.accredit(self.provider, ROLE_PROVIDER | ROLE_GATEWAY)

    def opening(self, expires_at: int | None = None) -> Call:
        subject, provider = self.patient.address, self.provider.address
        number = self.medrec.relationship_of(subject, provider).number + 1
        expires_at = self.chain.now() + 1000 if expires_at is None else expires_at
        bundle = digest()
        invitation = {"provider": provider, "subject": subject, "number": number, "expiresAt": expires_at}
        acceptance = {**invitation, "bundle": bundle}
        return self.medrec.open(
            subject,
            provider,
            expires_at,
            bundle,
            self.sign(self.provider, "Invitation", invitation),
            self.sign(self.patient, "Acceptance", acceptance),
        )

    def ensure_open(self) -> None:
        self.ensure_provider()
        if not self.medrec.is_open(self.patient.address, self.provider.address):
            self.send(self.opening())

    # ── grants ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def terms(self, **changes: Any) -> Terms:
        fields = {
            "agent": ZERO_ADDRESS,
            "classes": 1 << 3,
            "purposes": 1 << 2,
            "operations": Operation.READ,
            "starts_at": 0,
            "expires_at": NO_EXPIRY,
            "records_from": 0,
            "records_until": NO_LAST_DATE,
            "delegations": 0,
            "parent": ZERO_BYTES32,
            "condition": ZERO_ADDRESS,
            "vocabulary": VOCABULARY.hash,
            "statement": "I allow the viewer to read laboratory results.",
            "salt": new_salt(),
        }
        return Terms(**{**fields, **changes})

    def presented(self, **changes: Any) -> PresentedGrant:
        return PresentedGrant(self.patient.address, self.viewer.address, digest(), self.terms(**changes))

    def granting(self, grant: PresentedGrant) -> Call:
        subject = self.patient.address
        signature = self.sign(self.patient, "Grant", grant_message(subject, grant))
        return self.medrec.grant_with_sig(
            subject, grant.grantor, grant.viewer, grant.bundle, terms_hash(grant.terms), signature
        )

    def granted(self, **changes: Any) -> tuple[PresentedGrant, bytes]:
        grant = self.presented(**changes)
        self.send(self.granting(grant))
        return grant, presented_grant_id(self.patient.address, grant)

    def request(self, **changes: Any) -> Request:
        fields = {"subject": self.patient.address, "viewer": self.viewer.address, "record_class": 3, "purpose": 2}
        return Request(**{**fields, **changes})
