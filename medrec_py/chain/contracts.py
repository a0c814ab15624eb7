"""The contracts' functions, typed: acts give a `Call`, views ask the chain.

Names are those of Solidity in snake case, argument order too. Addresses are EIP-55 strings, digests 32 bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from medrec_py.chain.abi import artifact
from medrec_py.chain.calls import Call, StorageProof
from medrec_py.chain.connection import Chain
from medrec_py.chain.decoding import LOCATOR_BYTES
from medrec_py.chain.deployment import Deployment
from medrec_py.chain.hashing import keccak
from medrec_py.chain.structs import presented_tuple, request_tuple
from medrec_py.errors import InvalidInput
from medrec_py.types.terms import Decision, Domain, GrantStatus, PresentedGrant, Refusal, Request


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
class Delegation:
    """What is between a subject and a delegate: until when it may act (Unix; 0: not), what the next signature names."""

    expires_at: int
    turn: int


@dataclass(frozen=True, slots=True)
class Accreditation:
    """Roles (bit set) and the first second at which they no longer hold; zeros when there is none."""

    roles: int
    expires_at: int


def delegated(delegate: str, signature: bytes) -> bytes:
    """A delegate's signature over an act of the subject's, as the `…WithSig` acts that withdraw take it."""
    return bytes.fromhex(delegate[2:]) + signature


def ledger_head_slot(subject: str) -> int:
    """Storage slot of MedRec that holds the head of a subject's ledger."""
    # Solidity keeps the value of a mapping under keccak256(key ‖ the mapping's own slot).
    mapping = artifact("MedRec").storage["_ledgerHeads"]
    key = bytes.fromhex(subject[2:]).rjust(32, b"\0") + mapping.to_bytes(32, "big")
    return int.from_bytes(keccak(key), "big")


class MedRecContract:
    """`MedRec` of a deployment. See `contracts/interfaces/` for what each function promises."""

    def __init__(self, deployment: Deployment, chain: Chain) -> None:
        self.deployment = deployment
        self.chain = chain

    def _call(self, name: str, *arguments: object) -> Call:
        return Call(self.address, artifact("MedRec").functions[name].encode(*arguments), name)

    def _ask(self, name: str, *arguments: object, block: int | None = None) -> tuple[Any, ...]:
        return _ask(self.chain, "MedRec", self.address, name, arguments, block)

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
        return self._call("open", subject, provider, invitation_expires_at, bundle, invitation, acceptance)

    def close(self, subject: str, provider: str) -> Call:
        """Ends the relationship."""
        return self._call("close", subject, provider)

    def close_with_sig(self, subject: str, provider: str, by: str, signature: bytes) -> Call:
        """The same by signature (`Closure`)."""
        return self._call("closeWithSig", subject, provider, by, signature)

    # ── acts: records ────────────────────────────────────────────────────────────────────────────────────────────────

    def anchor(self, subject: str, digests: Sequence[bytes], locators: Sequence[bytes]) -> Call:
        """Adds parcels to the subject's ledger; locators are 16 bytes each."""
        return self._call("anchor", subject, list(digests), _joined(locators))

    def anchor_parcel(self, subject: str, digest: bytes, locator: bytes) -> Call:
        """Adds one parcel, at less gas than `anchor`."""
        return self._call("anchorParcel", subject, digest, locator)

    def anchor_with_sig(
        self, subject: str, author: str, digests: Sequence[bytes], locators: Sequence[bytes], signature: bytes
    ) -> Call:
        """The same by signature (`Anchor`)."""
        return self._call("anchorWithSig", subject, author, list(digests), _joined(locators), signature)

    def retract(self, subject: str, digest: bytes, replacement: bytes = bytes(32)) -> Call:
        """Marks a parcel as entered in error."""
        return self._call("retract", subject, digest, replacement)

    def retract_with_sig(self, subject: str, author: str, digest: bytes, replacement: bytes, signature: bytes) -> Call:
        """The same by signature (`Retraction`)."""
        return self._call("retractWithSig", subject, author, digest, replacement, signature)

    def anchor_batch(self, root: bytes, manifest: bytes, count: int) -> Call:
        """Anchors a Merkle root over parcels of many subjects."""
        return self._call("anchorBatch", root, manifest, count)

    # ── acts: grants ─────────────────────────────────────────────────────────────────────────────────────────────────

    def grant(self, subject: str, viewer: str, bundle: bytes, terms_hash: bytes) -> Call:
        """Grants; the sender is the grantor."""
        return self._call("grant", subject, viewer, bundle, terms_hash)

    def grant_with_sig(
        self, subject: str, grantor: str, viewer: str, bundle: bytes, terms_hash: bytes, signature: bytes
    ) -> Call:
        """The same by signature (`Grant`)."""
        return self._call("grantWithSig", subject, grantor, viewer, bundle, terms_hash, signature)

    def revoke(self, id: bytes) -> Call:
        """Withdraws a grant for good."""
        return self._call("revoke", id)

    def revoke_with_sig(self, actor: str, id: bytes, signature: bytes) -> Call:
        """The same by signature (`Revocation`)."""
        return self._call("revokeWithSig", actor, id, signature)

    def renounce(self, subject: str, grantor: str, bundle: bytes, terms_hash: bytes) -> Call:
        """Gives a grant back; the sender is the viewer."""
        return self._call("renounce", subject, grantor, bundle, terms_hash)

    def renounce_with_sig(
        self, subject: str, grantor: str, viewer: str, bundle: bytes, terms_hash: bytes, signature: bytes
    ) -> Call:
        """The same by signature (`Renunciation`)."""
        return self._call("renounceWithSig", subject, grantor, viewer, bundle, terms_hash, signature)

    def suspend(self, id: bytes) -> Call:
        """Pauses a grant."""
        return self._call("suspend", id)

    def suspend_with_sig(self, grantor: str, id: bytes, signature: bytes) -> Call:
        """The same by signature (`Suspension`)."""
        return self._call("suspendWithSig", grantor, id, signature)

    def resume(self, id: bytes) -> Call:
        """Ends the pause."""
        return self._call("resume", id)

    def resume_with_sig(self, grantor: str, id: bytes, signature: bytes) -> Call:
        """The same by signature (`Resumption`)."""
        return self._call("resumeWithSig", grantor, id, signature)

    def revoke_agent(self, id: bytes) -> Call:
        """Dismisses the agent."""
        return self._call("revokeAgent", id)

    def revoke_agent_with_sig(self, actor: str, id: bytes, signature: bytes) -> Call:
        """The same by signature (`AgentRevocation`)."""
        return self._call("revokeAgentWithSig", actor, id, signature)

    # ── acts: delegates ──────────────────────────────────────────────────────────────────────────────────────────────

    def name_delegate(self, delegate: str, expires_at: int) -> Call:
        """Lets somebody withdraw in the sender's name until `expires_at` (Unix), which everybody can read."""
        return self._call("nameDelegate", delegate, expires_at)

    def name_delegate_with_sig(self, subject: str, delegate: str, expires_at: int, signature: bytes) -> Call:
        """The same by signature (`Delegation`)."""
        return self._call("nameDelegateWithSig", subject, delegate, expires_at, signature)

    def dismiss_delegate(self, subject: str, delegate: str) -> Call:
        """Ends the delegation; the sender is one of the two."""
        return self._call("dismissDelegate", subject, delegate)

    def dismiss_delegate_with_sig(self, subject: str, delegate: str, by: str, signature: bytes) -> Call:
        """The same by signature (`Dismissal`)."""
        return self._call("dismissDelegateWithSig", subject, delegate, by, signature)

    # ── acts: access log, several at once ────────────────────────────────────────────────────────────────────────────

    def commit_receipts(self, epoch: int, head: bytes, count: int) -> Call:
        """Commits the head of a gateway's receipts."""
        return self._call("commitReceipts", epoch, head, count)

    def multicall(self, calls: Sequence[Call]) -> Call:
        """Several calls of this contract as one, all or none."""
        if any(call.to != self.address for call in calls):
            raise InvalidInput("Only calls of MedRec can be made together.", to=[call.to for call in calls])
        data = artifact("MedRec").functions["multicall"].encode([call.data for call in calls])
        return Call(self.address, data, "+".join(call.name for call in calls))

    # ── views ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def relationship_of(self, subject: str, provider: str) -> Relationship:
        """The latest relationship of the pair."""
        return Relationship(*self._ask("relationshipOf", subject, provider)[0])

    def is_open(self, subject: str, provider: str) -> bool:
        """Whether the pair's latest relationship is open."""
        return bool(self._ask("isOpen", subject, provider)[0])

    def ledger_head(self, subject: str, block: int | None = None) -> bytes:
        """Head of the subject's ledger; zeros when nothing was anchored."""
        return bytes(self._ask("ledgerHead", subject, block=block)[0])

    def batch_head(self, author: str, block: int | None = None) -> bytes:
        """Head of the hash chain over the author's batches."""
        return bytes(self._ask("batchHead", author, block=block)[0])

    def batch_anchored_at(self, author: str, root: bytes) -> int:
        """When the author anchored this root; 0 when never."""
        return int(self._ask("batchAnchoredAt", author, root)[0])

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
        return bool(self._ask("isInBatch", subject, author, digest, locator, blind, root, list(proof))[0])

    def permits(self, grants: Sequence[PresentedGrant], request: Request) -> bool:
        """Whether the grants, from the subject's own down to the viewer's, permit the request now."""
        return bool(self._ask("permits", *_question(grants, request))[0])

    def evaluate(self, grants: Sequence[PresentedGrant], request: Request) -> Decision:
        """The same with the rule that refuses, and where."""
        refusal, position = self._ask("evaluate", *_question(grants, request))
        return Decision(Refusal(refusal), int(position))

    def grant_state(self, actor: str, id: bytes) -> GrantState:
        """What `actor` last did to the grant."""
        status, agent_revoked, turn, changed_at = self._ask("grantState", actor, id)[0]
        return GrantState(GrantStatus(status), agent_revoked, turn, changed_at)

    def delegation_of(self, subject: str, delegate: str) -> Delegation:
        """What is between the two, running or not."""
        return Delegation(*self._ask("delegationOf", subject, delegate)[0])

    def is_delegate(self, subject: str, delegate: str) -> bool:
        """Whether `delegate` may withdraw in the subject's name now."""
        return bool(self._ask("isDelegate", subject, delegate)[0])

    def receipts_head(self, gateway: str, epoch: int) -> bytes:
        """The committed head; zeros when there is none."""
        return bytes(self._ask("receiptsHead", gateway, epoch)[0])

    def ledger_head_proof(self, subject: str, block: int | None = None) -> StorageProof:
        """The subject's ledger head with its Merkle path from the block's state root."""
        return self.chain.storage_proof(self.address, [ledger_head_slot(subject)], block)


class RegistrarContract:
    """`Registrar` of a deployment and the AccessManager that administers it."""

    def __init__(self, deployment: Deployment, chain: Chain) -> None:
        self.deployment = deployment
        self.chain = chain

    def _call(self, name: str, *arguments: object) -> Call:
        return Call(self.address, artifact("Registrar").functions[name].encode(*arguments), name)

    def _ask(self, name: str, *arguments: object) -> tuple[Any, ...]:
        return _ask(self.chain, "Registrar", self.address, name, arguments)

    def _authority_call(self, name: str, *arguments: object) -> Call:
        return Call(self.deployment.authority, artifact("Authority").functions[name].encode(*arguments), name)

    def _ask_authority(self, name: str, *arguments: object) -> tuple[Any, ...]:
        return _ask(self.chain, "Authority", self.deployment.authority, name, arguments)

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
        return self._call("register", public_key, descriptor)

    def register_with_sig(self, participant: str, public_key: bytes, descriptor: bytes, signature: bytes) -> Call:
        """The same by signature (`Registration`)."""
        return self._call("registerWithSig", participant, public_key, descriptor, signature)

    def accredit(self, participant: str, roles: int, expires_at: int, credential: bytes) -> Call:
        """Vouches for a registered participant."""
        return self._call("accredit", participant, roles, expires_at, credential)

    def withdraw_accreditation(self, participant: str) -> Call:
        """Ends an accreditation at once."""
        return self._call("withdrawAccreditation", participant)

    def publish_vocabulary(self, vocabulary: bytes) -> Call:
        """Publishes the hash of a table of classes and purposes."""
        return self._call("publishVocabulary", vocabulary)

    def registration_of(self, participant: str) -> bytes:
        """Head of the participant's registrations; zeros when there is none."""
        return bytes(self._ask("registrationOf", participant)[0])

    def accreditation_of(self, participant: str) -> Accreditation:
        """The accreditation that stands, running or not."""
        return Accreditation(*self._ask("accreditationOf", participant))

    def is_accredited(self, participant: str, roles: int) -> bool:
        """Whether a running accreditation covers all of `roles`."""
        return bool(self._ask("isAccredited", participant, roles)[0])

    def is_vocabulary(self, vocabulary: bytes) -> bool:
        """Whether this table was published."""
        return bool(self._ask("isVocabulary", vocabulary)[0])

    # ── administration with a delay (OpenZeppelin AccessManager) ─────────────────────────────────────────────────────

    def required_delay(self, caller: str, call: Call) -> int | None:
        """Seconds that `caller` must let pass between `schedule` and `execute`; 0 for at once, None for never."""
        immediate, delay = self._ask_authority("canCall", caller, call.to, call.data[:4])
        return 0 if immediate else int(delay) or None

    def next_step(self, caller: str, call: Call) -> Call:
        """What `caller` sends to get an administrative call done: itself, its announcement, or its execution."""
        if not self.required_delay(caller, call):
            return call
        return self.execute(call) if self.executable_at(caller, call) else self.schedule(call)

    def schedule(self, call: Call, when: int = 0) -> Call:
        """Announces an administrative call; it can be executed from `when` (Unix; 0 for as early as may be)."""
        return self._authority_call("schedule", call.to, call.data, when)

    def execute(self, call: Call) -> Call:
        """Runs an announced call after its delay."""
        return self._authority_call("execute", call.to, call.data)

    def cancel(self, caller: str, call: Call) -> Call:
        """Withdraws an announced call; for `caller` itself, a guardian or the administrator."""
        return self._authority_call("cancel", caller, call.to, call.data)

    def executable_at(self, caller: str, call: Call) -> int:
        """Unix time from which an announced call can be executed; 0 when there is none, or it lapsed."""
        operation = self._ask_authority("hashOperation", caller, call.to, call.data)[0]
        return int(self._ask_authority("getSchedule", operation)[0])


def _ask(
    chain: Chain, contract: str, address: str, name: str, arguments: Sequence[object], block: int | None = None
) -> tuple[Any, ...]:
    function = artifact(contract).functions[name]
    return function.decode(chain.call(Call(address, function.encode(*arguments), name), block=block))


def _question(grants: Sequence[PresentedGrant], request: Request) -> tuple[object, object]:
    return [presented_tuple(grant) for grant in grants], request_tuple(request)


def _joined(locators: Sequence[bytes]) -> bytes:
    # Joined, a short and a long one would pass for two of the right length.
    for locator in locators:
        if len(locator) != LOCATOR_BYTES:
            raise InvalidInput(f"A locator has {len(locator)} bytes, not {LOCATOR_BYTES}.", length=len(locator))
    return b"".join(locators)
