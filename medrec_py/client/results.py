"""What the roles give back: plain, frozen, and JSON for whoever asks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from medrec_py.chain import TransactionReceipt
from medrec_py.crypto import ContentKey
from medrec_py.errors import (
    IntegrityError,
    InvitationInvalid,
    MedRecError,
    ObjectMalformed,
    ObjectMissing,
    ObjectTampered,
)
from medrec_py.fhir import ClinicalRecord, Notice
from medrec_py.types.moments import iso
from medrec_py.types.terms import NO_EXPIRY, GrantStatus, PresentedGrant, Terms
from medrec_py.types.vocabulary import VOCABULARY


@dataclass(frozen=True, slots=True)
class Invitation:
    """A provider's signed offer of a relationship to one subject; travels as JSON, a link or a QR code.

    Attributes:
        provider: Who invites.
        subject: Who is invited.
        number: Which relationship of the pair it would be, from 1.
        expires_at: Unix second from which it is void.
        signature: The provider's, over the EIP-712 message `Invitation`.
    """

    provider: str
    subject: str
    number: int
    expires_at: int
    signature: bytes

    def to_json(self) -> dict[str, Any]:
        """The invitation as a JSON object."""
        return {
            "provider": self.provider,
            "subject": self.subject,
            "number": self.number,
            "expires_at": self.expires_at,
            "signature": "0x" + self.signature.hex(),
        }

    @classmethod
    def from_json(cls, document: object) -> Invitation:
        """Reads what `to_json` writes.

        Raises:
            InvitationInvalid: A field is missing or of the wrong form; names it.
        """
        if not isinstance(document, dict):
            raise InvitationInvalid("An invitation is a JSON object.")
        kinds = {"provider": str, "subject": str, "number": int, "expires_at": int, "signature": str}
        for name, kind in kinds.items():
            value = document.get(name)
            if not isinstance(value, kind) or isinstance(value, bool):
                raise InvitationInvalid(f"The invitation's {name} is {value!r}.", field=name)
        try:
            signature = bytes.fromhex(document["signature"].removeprefix("0x"))
        except ValueError as error:
            raise InvitationInvalid("The invitation's signature is not hexadecimal.", field="signature") from error
        return cls(document["provider"], document["subject"], document["number"], document["expires_at"], signature)


@dataclass(frozen=True, slots=True)
class Relationship:
    """A relationship of a patient, seen by either side.

    Attributes:
        subject: The patient's address in it.
        provider: The provider's address.
        number: Counts the relationships of the pair, from 1.
        opened_at: Unix time, None when unknown.
        closed_at: Unix time; None while it is open.
        is_open: Whether it stands.
        provider_name: From the provider's descriptor; empty when it has none.
    """

    subject: str
    provider: str
    number: int
    opened_at: int | None
    closed_at: int | None
    is_open: bool
    provider_name: str = ""

    def to_json(self) -> dict[str, Any]:
        """The relationship as a JSON object."""
        return {
            "subject": self.subject,
            "provider": self.provider,
            "provider_name": self.provider_name,
            "number": self.number,
            "opened_at": self.opened_at,
            "closed_at": self.closed_at,
            "open": self.is_open,
        }


@dataclass(frozen=True, slots=True)
class Grant:
    """A grant with its terms in the clear, as its grantor, its viewer and its subject see it.

    Attributes:
        id: 32 bytes.
        subject: Whose records.
        chain: The grants to present, from the subject's own down to this one.
        status: What the chain says; `EXPIRED` is not among them, see `state`.
        state: `active`, `suspended`, `revoked`, `renounced`, `expired` or `not yet valid`.
        agent_revoked: Whether the agent was dismissed.
        granted_at: Unix time, None when unknown.
    """

    id: bytes
    subject: str
    chain: tuple[PresentedGrant, ...]
    status: GrantStatus
    state: str
    agent_revoked: bool
    granted_at: int | None

    @property
    def presented(self) -> PresentedGrant:
        """This grant itself."""
        return self.chain[-1]

    @property
    def grantor(self) -> str:
        """Who granted."""
        return self.presented.grantor

    @property
    def viewer(self) -> str:
        """Who may look."""
        return self.presented.viewer

    @property
    def terms(self) -> Terms:
        """What it says."""
        return self.presented.terms

    @property
    def is_live(self) -> bool:
        """Whether nothing has ended it: active, suspended or not yet valid."""
        return self.state in ("active", "suspended", "not yet valid")

    def to_json(self) -> dict[str, Any]:
        """The grant as a JSON object, in the words of the vocabulary."""
        terms = self.terms
        return {
            "id": "0x" + self.id.hex(),
            "subject": self.subject,
            "grantor": self.grantor,
            "viewer": self.viewer,
            "state": self.state,
            "classes": list(VOCABULARY.class_names(terms.classes)),
            "purposes": list(VOCABULARY.purpose_names(terms.purposes)),
            "operations": [operation.name for operation in terms.operations],
            "starts_at": iso(terms.starts_at),
            "expires_at": None if terms.expires_at == NO_EXPIRY else iso(terms.expires_at),
            "records_from": terms.records_from,
            "records_until": terms.records_until,
            "agent": terms.agent,
            "agent_revoked": self.agent_revoked,
            "condition": terms.condition,
            "delegations": terms.delegations,
            "parent": "0x" + terms.parent.hex() if any(terms.parent) else None,
            "statement": terms.statement,
            "granted_at": self.granted_at,
        }


@dataclass(frozen=True, slots=True)
class ReadRecord:
    """A record that was read, and where it comes from.

    Attributes:
        record: The clinical record.
        author: Address of who anchored it.
        digest: Digest of the anchored parcel it is from, 32 bytes.
        anchored_at: Unix time.
        retracted: Whether its author declared it entered in error.
        replacement: Digest of the parcel that supersedes it; None for none.
        content_key: Key of the object that it was read from.
        is_excerpt: Whether that object was sealed anew for a grant, because its dates cut through the parcel: then it
            is the grantor's word, and not the ledger's digest, that the author wrote it so.
    """

    record: ClinicalRecord = field(repr=False)
    author: str
    digest: bytes
    anchored_at: int
    retracted: bool
    replacement: bytes | None
    content_key: ContentKey
    is_excerpt: bool = False

    def to_json(self) -> dict[str, Any]:
        """Resource and provenance as a JSON object."""
        return {
            "resource": self.record.resource,
            "full_url": self.record.full_url,
            "class": VOCABULARY.record_class(self.record.record_class).code,
            "date": self.record.date_first,
            "author": self.author,
            "parcel": self.digest.hex(),
            "anchored_at": self.anchored_at,
            "retracted": self.retracted,
            "excerpt": self.is_excerpt,
        }


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that does not verify, or can't be read.

    Attributes:
        kind: `missing object`, `tampered object`, `unpinned object`, `unavailable object`, `unreadable parcel`,
            `unknown parcel`, `unreadable keys`, `unusable key`, `ledger`, `relationship`, `grant`, `registration`,
            `batch`.
        where: The digest, id, address or ledger place that it concerns.
        sentence: The fault in words.
    """

    kind: str
    where: str
    sentence: str

    @classmethod
    def of(cls, kind: str, digest: bytes, error: MedRecError) -> Fault:
        """The fault that an object's error stands for; missing and tampered objects are called that."""
        if isinstance(error, ObjectMissing):
            kind = "missing object"
        elif isinstance(error, ObjectTampered | ObjectMalformed):
            kind = "tampered object"
        # The messages of parsers may quote what they read; a fault may end in a log.
        sentence = error.message if isinstance(error, IntegrityError) else "It holds something else than it should."
        return cls(kind, digest.hex(), sentence)

    def to_json(self) -> dict[str, Any]:
        """The fault as a JSON object."""
        return {"kind": self.kind, "where": self.where, "sentence": self.sentence}


class Records(list[ReadRecord]):
    """Records that were read, in the ledger's order, and what could not be.

    Attributes:
        faults: What should be among the records and is not: whoever shows them says so too.
    """

    def __init__(self, records: Iterable[ReadRecord] = (), faults: Iterable[Fault] = ()) -> None:
        super().__init__(records)
        self.faults = tuple(faults)


class Rekeyed(list[TransactionReceipt]):
    """The receipts of a change of keys, and who could not be handed any.

    Attributes:
        faults: Participants of the patient whose registered key is none.
    """

    def __init__(self, receipts: Iterable[TransactionReceipt] = (), faults: Iterable[Fault] = ()) -> None:
        super().__init__(receipts)
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class Publication:
    """What a publication put where.

    Attributes:
        subject: Whose records.
        records: How many.
        parcels: In how many sealed objects.
        by_class: Records by class code.
        plain_bytes: Bytes of the records as canonical JSON.
        sealed_bytes: Bytes of the sealed objects.
        pending_rekey: Whether they were sealed to the subject itself, since a withdrawn grant's keys were still in use.
        gas_used: Gas of the transaction.
        calldata_bytes: Length of its calldata.
        transaction_hash: 32 bytes.
        digests: The objects' digests.
        notices: What the input's owner should know.
    """

    subject: str
    records: int
    parcels: int
    by_class: dict[str, int]
    plain_bytes: int
    sealed_bytes: int
    pending_rekey: bool
    gas_used: int
    calldata_bytes: int
    transaction_hash: bytes
    digests: tuple[bytes, ...]
    notices: tuple[Notice, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The publication as a JSON object."""
        return {
            "subject": self.subject,
            "records": self.records,
            "parcels": self.parcels,
            "by_class": self.by_class,
            "plain_bytes": self.plain_bytes,
            "sealed_bytes": self.sealed_bytes,
            "pending_rekey": self.pending_rekey,
            "gas_used": self.gas_used,
            "calldata_bytes": self.calldata_bytes,
            "transaction": "0x" + self.transaction_hash.hex(),
            "digests": [digest.hex() for digest in self.digests],
            "notices": [{"code": n.code, "where": n.where, "message": n.message} for n in self.notices],
        }


@dataclass(frozen=True, slots=True)
class Verification:
    """What was compared with the chain, and what does not agree.

    Attributes:
        subjects: Whose ledgers.
        entries: Ledger entries replayed.
        objects: Objects fetched and hashed.
        grants: Grants whose state was compared.
        faults: Everything that does not verify; empty: all does.
        heads: The ledger heads reached, by subject.
    """

    subjects: tuple[str, ...]
    entries: int
    objects: int
    grants: int
    faults: tuple[Fault, ...]
    heads: dict[str, bytes]

    @property
    def ok(self) -> bool:
        """Whether everything verifies."""
        return not self.faults

    def to_json(self) -> dict[str, Any]:
        """The verification as a JSON object."""
        return {
            "ok": self.ok,
            "subjects": list(self.subjects),
            "entries": self.entries,
            "objects": self.objects,
            "grants": self.grants,
            "faults": [fault.to_json() for fault in self.faults],
            "heads": {subject: "0x" + head.hex() for subject, head in self.heads.items()},
        }


@dataclass(frozen=True, slots=True)
class AuditItem:
    """One act on chain that concerns a patient.

    Attributes:
        time: Unix time, None when unknown.
        block_number: Height of its block.
        act: Name of the event, such as `Granted`.
        subject: The patient's address it concerns.
        actor: Who acted.
        actor_name: From the actor's descriptor; empty when it has none.
        sentence: What happened, in words.
        transaction_hash: 32 bytes.
    """

    time: int | None
    block_number: int
    act: str
    subject: str
    actor: str
    actor_name: str
    sentence: str
    transaction_hash: bytes

    def to_json(self) -> dict[str, Any]:
        """The item as a JSON object."""
        return {
            "time": self.time,
            "block_number": self.block_number,
            "act": self.act,
            "subject": self.subject,
            "actor": self.actor,
            "actor_name": self.actor_name,
            "sentence": self.sentence,
            "transaction": "0x" + self.transaction_hash.hex(),
        }


def records_by_class(records: Sequence[ClinicalRecord]) -> dict[str, int]:
    """How many records there are of each class, by class code."""
    counts: dict[int, int] = {}
    for record in records:
        counts[record.record_class] = counts.get(record.record_class, 0) + 1
    return {VOCABULARY.record_class(number).code: counts[number] for number in sorted(counts)}
