"""`Guardianship` and `Emergency`, typed: acts give a `Call`, views ask the chain; see `contracts/interfaces/`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from medrec_py.chain.abi import artifact
from medrec_py.chain.calls import Call
from medrec_py.chain.connection import Chain
from medrec_py.chain.deployment import Deployment
from medrec_py.chain.hashing import require_address
from medrec_py.types.terms import ZERO_ADDRESS, ZERO_BYTES32, Domain


@dataclass(frozen=True, slots=True)
class GuardianPlan:
    """The plan of one owner.

    Attributes:
        guardians: Merkle root over the guardians, 32 bytes; zeros when there is no plan.
        silence: Seconds without a sign of life before anybody can be announced.
        notice: Seconds between the announcement and the opening.
        turn: What the next signature names.
        last_sign_at: Unix time of the last sign of life.
        announced_at: Unix time of the last announcement; 0 when none stands.
    """

    guardians: bytes
    silence: int
    notice: int
    turn: int
    last_sign_at: int
    announced_at: int

    @property
    def stands(self) -> bool:
        """Whether there is a plan."""
        return self.guardians != ZERO_BYTES32

    @property
    def silent_at(self) -> int:
        """First Unix second at which an heir can be announced."""
        return self.last_sign_at + self.silence + 1


@dataclass(frozen=True, slots=True)
class Preparation:
    """What a subject prepared for emergencies: the grant's id (zeros: nothing), and what the next signature names."""

    grant: bytes
    turn: int

    @property
    def stands(self) -> bool:
        """Whether something is prepared."""
        return self.grant != ZERO_BYTES32


@dataclass(frozen=True, slots=True)
class Declaration:
    """An emergency as declared: by whom (zero address: never), until when, and the subject's `turn` at that time."""

    provider: str
    expires_at: int
    turn: int

    @property
    def exists(self) -> bool:
        """Whether it was ever declared."""
        return self.provider != ZERO_ADDRESS


class _Contract:
    name: ClassVar[str]

    def __init__(self, deployment: Deployment, chain: Chain) -> None:
        self.deployment = deployment
        self.chain = chain

    @property
    def address(self) -> str:
        """Where it stands."""
        return self.deployment.addresses[self.name]

    def _call(self, name: str, *arguments: object) -> Call:
        return Call(self.address, artifact(self.name).functions[name].encode(*arguments), name)

    def _ask(self, name: str, *arguments: object) -> tuple[Any, ...]:
        function = artifact(self.name).functions[name]
        return function.decode(self.chain.call(Call(self.address, function.encode(*arguments), name)))


class GuardianshipContract(_Contract):
    """`Guardianship` of a deployment: who may step in when somebody gives no sign of life."""

    name = "Guardianship"

    @property
    def domain(self) -> Domain:
        """EIP-712 domain that its acts are signed in."""
        return self.deployment.guardianship_domain

    def set_plan(self, guardians: bytes, silence: int, notice: int, shares: bytes) -> Call:
        """Chooses the sender's guardians (Merkle root), changes the plan, or ends it (zeros); times in seconds."""
        return self._call("setPlan", guardians, silence, notice, shares)

    def set_plan_with_sig(
        self, owner: str, guardians: bytes, silence: int, notice: int, shares: bytes, signature: bytes
    ) -> Call:
        """The same by signature (`Plan`)."""
        return self._call("setPlanWithSig", owner, guardians, silence, notice, shares, signature)

    def give_life_sign(self) -> Call:
        """Gives the sender's sign of life, which ends every announcement."""
        return self._call("giveLifeSign")

    def give_life_sign_with_sig(self, owner: str, signature: bytes) -> Call:
        """The same by signature (`LifeSign`)."""
        return self._call("giveLifeSignWithSig", owner, signature)

    def prove_life(self, owner: str, id: bytes) -> Call:
        """Shows a grant that the owner made or resumed since the last sign of life, and that stands."""
        return self._call("proveLife", owner, id)

    def announce(
        self, owner: str, heir: str, guardian: str, salt: bytes, proof: Sequence[bytes], signature: bytes = b""
    ) -> Call:
        """Announces an heir (`Announcement`); the signature may be empty when the guardian sends it."""
        return self._call("announce", owner, heir, guardian, salt, list(proof), signature)

    def release(self, owner: str, heir: str, salt: bytes, proof: Sequence[bytes], share: bytes) -> Call:
        """Releases a share (digest of the sealed object) to an heir to whom it is open; the sender is a guardian."""
        return self._call("release", owner, heir, salt, list(proof), share)

    def plan_of(self, owner: str) -> GuardianPlan:
        """The plan that stands."""
        return GuardianPlan(*self._ask("planOf", owner)[0])

    def opens_at(self, owner: str, heir: str) -> int:
        """Unix time from which the plan is open to the heir; 0 when no announcement stands."""
        return int(self._ask("opensAt", owner, heir)[0])

    def is_open(self, owner: str, heir: str) -> bool:
        """Whether the plan is open to the heir now."""
        return bool(self._ask("isOpen", owner, heir)[0])


class EmergencyContract(_Contract):
    """`Emergency` of a deployment: what a patient prepares and an accredited emergency provider declares."""

    name = "Emergency"

    @property
    def domain(self) -> Domain:
        """EIP-712 domain that its acts are signed in."""
        return self.deployment.emergency_domain

    def prepare(self, grant: bytes, custody: bytes) -> Call:
        """Says which of the sender's grants is for emergencies (zeros: none), and where the custodians' shares are."""
        return self._call("prepare", grant, custody)

    def prepare_with_sig(self, subject: str, grant: bytes, custody: bytes, signature: bytes) -> Call:
        """The same by signature (`EmergencyPlan`)."""
        return self._call("prepareWithSig", subject, grant, custody, signature)

    def declare(
        self,
        subject: str,
        starts_at: int,
        expires_at: int,
        statement_hash: bytes,
        salt: bytes,
        bundle: bytes,
        reason: bytes,
    ) -> Call:
        """Declares an emergency, which makes the sub-grant to the sender; see `IEmergency.declare` for its terms."""
        return self._call("declare", subject, starts_at, expires_at, statement_hash, salt, bundle, reason)

    def release(self, subject: str, provider: str, id: bytes, share: bytes) -> Call:
        """Releases a share (digest of the sealed object) of the emergency key; the sender is a custodian."""
        return self._call("release", subject, provider, id, share)

    def prepared_of(self, subject: str) -> Preparation:
        """What the subject has prepared."""
        return Preparation(*self._ask("preparedOf", subject)[0])

    def declaration_of(self, subject: str, id: bytes) -> Declaration:
        """What was declared, standing or not."""
        provider, expires_at, turn = self._ask("declarationOf", subject, id)[0]
        return Declaration(require_address(provider), expires_at, turn)

    def is_declared(self, subject: str, id: bytes) -> bool:
        """Whether the declaration stands: not ended by time, by the patient, or with the accreditation."""
        return bool(self._ask("isDeclared", subject, id)[0])
