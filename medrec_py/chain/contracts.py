"""The contracts' functions, typed: acts give a `Call`, views ask the chain.

Names are those of Solidity in snake case, argument order too. Addresses are EIP-55 strings, digests 32 bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from medrec_py.chain.calls import Call, StorageProof
from medrec_py.chain.connection import Chain
from medrec_py.chain.deployment import Deployment
from medrec_py.types.terms import Decision, Domain, GrantStatus, PresentedGrant, Request, Terms


@dataclass(frozen=True, slots=True)
class Relationship:
    """The latest relationship of a pair: how many there were (0: none), opened and closed at (Unix; 0: not)."""

    number: int
    opened_at: int
    closed_at: int

    @property
    def is_open(self) -> bool:
        """Whether it stands."""
        return self.opened_at != 0 and self.closed_at == 0


@dataclass(frozen=True, slots=True)
class GrantState:
    """What one actor last did to a grant; `turn` counts suspensions and resumptions, `changed_at` is Unix time."""

    status: GrantStatus
    agent_revoked: bool
    turn: int
    changed_at: int


@dataclass(frozen=True, slots=True)
class Accreditation:
    """Roles (bit set) and the first second at which they no longer hold; zeros when there is none."""

    roles: int
    expires_at: int


def terms_hash(terms: Terms) -> bytes:
    """EIP-712 struct hash of terms; equals `MedRec.hashTerms`."""
    raise NotImplementedError


def grant_id(subject: str, grantor: str, viewer: str, bundle: bytes, hashed_terms: bytes) -> bytes:
    """Id of a grant; equals `MedRec.grantId`."""
    raise NotImplementedError


def presented_grant_id(subject: str, grant: PresentedGrant) -> bytes:
    """Id of a grant as it is presented."""
    raise NotImplementedError


class MedRecContract:
    """`MedRec` of a deployment. See `contracts/interfaces/` for what each function promises."""

    def __init__(self, deployment: Deployment, chain: Chain) -> None:
        self.deployment = deployment
        self.chain = chain

    @property
    def address(self) -> str:
        """Where it stands."""
        return self.deployment.medrec

    @property
    def domain(self) -> Domain:
        """EIP-712 domain that its acts are signed in."""
        return self.deployment.medrec_domain

    # ── acts: relationships ──────────────────────────────────────────────────────────────────────────────────────────

    def open(
        self,
        subject: str,
        provider: str,
        invitation_expires_at: int,
        bundle: bytes,
        invitation: bytes = b"",
        acceptance: bytes = b"",
    ) -> Call:
        """Opens a relationship that both signed; the sender's own signature may be empty."""
        raise NotImplementedError

    def close(self, subject: str, provider: str) -> Call:
        """Ends the relationship."""
        raise NotImplementedError

    def close_with_sig(self, subject: str, provider: str, by: str, signature: bytes) -> Call:
        """The same by signature (`Closure`)."""
        raise NotImplementedError

    # ── acts: records ────────────────────────────────────────────────────────────────────────────────────────────────

    def anchor(self, subject: str, digests: Sequence[bytes], locators: Sequence[bytes]) -> Call:
        """Adds parcels to the subject's ledger; locators are 16 bytes each."""
        raise NotImplementedError

    def anchor_with_sig(
        self, subject: str, author: str, digests: Sequence[bytes], locators: Sequence[bytes], signature: bytes
    ) -> Call:
        """The same by signature (`Anchor`)."""
        raise NotImplementedError

    def retract(self, subject: str, digest: bytes, replacement: bytes = bytes(32)) -> Call:
        """Marks a parcel as entered in error."""
        raise NotImplementedError

    def retract_with_sig(self, subject: str, author: str, digest: bytes, replacement: bytes, signature: bytes) -> Call:
        """The same by signature (`Retraction`)."""
        raise NotImplementedError

    def anchor_batch(self, root: bytes, manifest: bytes, count: int) -> Call:
        """Anchors a Merkle root over parcels of many subjects."""
        raise NotImplementedError

    # ── acts: grants ─────────────────────────────────────────────────────────────────────────────────────────────────

    def grant(self, subject: str, viewer: str, bundle: bytes, terms_hash: bytes) -> Call:
        """Grants; the sender is the grantor."""
        raise NotImplementedError

    def grant_with_sig(
        self, subject: str, grantor: str, viewer: str, bundle: bytes, terms_hash: bytes, signature: bytes
    ) -> Call:
        """The same by signature (`Grant`)."""
        raise NotImplementedError

    def revoke(self, id: bytes) -> Call:
        """Withdraws a grant for good."""
        raise NotImplementedError

    def revoke_with_sig(self, actor: str, id: bytes, signature: bytes) -> Call:
        """The same by signature (`Revocation`)."""
        raise NotImplementedError

    def renounce(self, subject: str, grantor: str, bundle: bytes, terms_hash: bytes) -> Call:
        """Gives a grant back; the sender is the viewer."""
        raise NotImplementedError

    def renounce_with_sig(
        self, subject: str, grantor: str, viewer: str, bundle: bytes, terms_hash: bytes, signature: bytes
    ) -> Call:
        """The same by signature (`Renunciation`)."""
        raise NotImplementedError

    def suspend(self, id: bytes) -> Call:
        """Pauses a grant."""
        raise NotImplementedError

    def suspend_with_sig(self, grantor: str, id: bytes, signature: bytes) -> Call:
        """The same by signature (`Suspension`)."""
        raise NotImplementedError

    def resume(self, id: bytes) -> Call:
        """Ends the pause."""
        raise NotImplementedError

    def resume_with_sig(self, grantor: str, id: bytes, signature: bytes) -> Call:
        """The same by signature (`Resumption`)."""
        raise NotImplementedError

    def revoke_agent(self, id: bytes) -> Call:
        """Dismisses the agent."""
        raise NotImplementedError

    def revoke_agent_with_sig(self, actor: str, id: bytes, signature: bytes) -> Call:
        """The same by signature (`AgentRevocation`)."""
        raise NotImplementedError

    # ── acts: access log, several at once ────────────────────────────────────────────────────────────────────────────

    def commit_receipts(self, epoch: int, head: bytes, count: int) -> Call:
        """Commits the head of a gateway's receipts."""
        raise NotImplementedError

    def multicall(self, calls: Sequence[Call]) -> Call:
        """Several calls of this contract as one, all or none."""
        raise NotImplementedError

    # ── views ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def relationship_of(self, subject: str, provider: str) -> Relationship:
        """The latest relationship of the pair."""
        raise NotImplementedError

    def is_open(self, subject: str, provider: str) -> bool:
        """Whether the pair's latest relationship is open."""
        raise NotImplementedError

    def ledger_head(self, subject: str, block: int | None = None) -> bytes:
        """Head of the subject's ledger; zeros when nothing was anchored."""
        raise NotImplementedError

    def batch_head(self, author: str, block: int | None = None) -> bytes:
        """Head of the hash chain over the author's batches."""
        raise NotImplementedError

    def batch_anchored_at(self, author: str, root: bytes) -> int:
        """When the author anchored this root; 0 when never."""
        raise NotImplementedError

    def is_in_batch(
        self,
        subject: str,
        author: str,
        digest: bytes,
        locator: bytes,
        blind: bytes,
        root: bytes,
        proof: Sequence[bytes],
    ) -> bool:
        """Whether the parcel is a leaf of an anchored batch that its author made while related to the subject."""
        raise NotImplementedError

    def permits(self, grants: Sequence[PresentedGrant], request: Request) -> bool:
        """Whether the grants, from the subject's own down to the viewer's, permit the request now."""
        raise NotImplementedError

    def evaluate(self, grants: Sequence[PresentedGrant], request: Request) -> Decision:
        """The same with the rule that refuses, and where."""
        raise NotImplementedError

    def grant_state(self, actor: str, id: bytes) -> GrantState:
        """What `actor` last did to the grant."""
        raise NotImplementedError

    def receipts_head(self, gateway: str, epoch: int) -> bytes:
        """The committed head; zeros when there is none."""
        raise NotImplementedError

    def ledger_head_proof(self, subject: str, block: int | None = None) -> StorageProof:
        """The subject's ledger head with its Merkle path from the block's state root."""
        raise NotImplementedError


class RegistrarContract:
    """`Registrar` of a deployment and the AccessManager that administers it."""

    def __init__(self, deployment: Deployment, chain: Chain) -> None:
        self.deployment = deployment
        self.chain = chain

    @property
    def address(self) -> str:
        """Where it stands."""
        return self.deployment.registrar

    @property
    def domain(self) -> Domain:
        """EIP-712 domain that registrations are signed in."""
        return self.deployment.registrar_domain

    def register(self, public_key: bytes, descriptor: bytes) -> Call:
        """Publishes or replaces the sender's key (1,216 bytes)."""
        raise NotImplementedError

    def register_with_sig(self, participant: str, public_key: bytes, descriptor: bytes, signature: bytes) -> Call:
        """The same by signature (`Registration`)."""
        raise NotImplementedError

    def accredit(self, participant: str, roles: int, expires_at: int, credential: bytes) -> Call:
        """Vouches for a registered participant."""
        raise NotImplementedError

    def withdraw_accreditation(self, participant: str) -> Call:
        """Ends an accreditation at once."""
        raise NotImplementedError

    def publish_vocabulary(self, vocabulary: bytes) -> Call:
        """Publishes the hash of a table of classes and purposes."""
        raise NotImplementedError

    def registration_of(self, participant: str) -> bytes:
        """Head of the participant's registrations; zeros when there is none."""
        raise NotImplementedError

    def accreditation_of(self, participant: str) -> Accreditation:
        """The accreditation that stands, running or not."""
        raise NotImplementedError

    def is_accredited(self, participant: str, roles: int) -> bool:
        """Whether a running accreditation covers all of `roles`."""
        raise NotImplementedError

    def is_vocabulary(self, vocabulary: bytes) -> bool:
        """Whether this table was published."""
        raise NotImplementedError

    # ── administration with a delay (OpenZeppelin AccessManager) ─────────────────────────────────────────────────────

    def required_delay(self, caller: str, call: Call) -> int | None:
        """Seconds that `caller` must let pass between `schedule` and `execute`; 0 for at once, None for never."""
        raise NotImplementedError

    def schedule(self, call: Call, when: int = 0) -> Call:
        """Announces an administrative call; it can be executed from `when` (Unix; 0 for as early as may be)."""
        raise NotImplementedError

    def execute(self, call: Call) -> Call:
        """Runs an announced call after its delay."""
        raise NotImplementedError

    def cancel(self, caller: str, call: Call) -> Call:
        """Withdraws an announced call; for `caller` itself, a guardian or the administrator."""
        raise NotImplementedError

    def executable_at(self, caller: str, call: Call) -> int:
        """Unix time from which an announced call can be executed; 0 when there is none, or it lapsed."""
        raise NotImplementedError
