"""What is sealed so that records outlive a wallet: inheritance, shares of keys, succession, plans and reasons.

Each is a key bundle of a kind of its own (`medrec_py.sealing.bundle`); how the shares of one plan lie side by side in a
public object is in `medrec_py.sealing.shares`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeAlias

from eth_utils.crypto import keccak

from medrec_py.crypto.encoding import address
from medrec_py.crypto.secret import ParticipantSeed, RootKey
from medrec_py.errors import ContentInvalid, InvalidInput
from medrec_py.sealing.context import BundleKind
from medrec_py.sealing.fields import Fields, read_hex, write_address, write_digest
from medrec_py.types.json_values import JsonObject, JsonValue

MAX_LABEL: Final = 200
"""Characters of a name or label."""
MAX_REASON: Final = 2000
"""Characters of the reason for an emergency."""
MAX_WORDS: Final = 1000
"""Characters of a share's words; SLIP-39 needs some 250 for 32 bytes."""
MAX_GUARDIANS: Final = 16
"""Members of one group of SLIP-39."""
MAX_SECOND: Final = (1 << 53) - 1
"""Of Unix times in documents: what a JSON number holds in every language."""


class Reason(StrEnum):
    """Why a root is inherited."""

    RECOVERY = "recovery"
    MOVE = "move"
    UNSTEADY = "unsteady"


@dataclass(frozen=True, slots=True)
class InheritanceBundle:
    """The root of another wallet, sealed to the wallet that takes its place.

    Attributes:
        root: From which all addresses and keys of that wallet derive.
        reason: Why it was handed over.
        wallet: That wallet's own address if it was the subject itself (wallet mode), else None.
    """

    root: RootKey
    reason: Reason
    wallet: str | None = None


@dataclass(frozen=True, slots=True)
class ShareBundle:
    """One share of a secret, sealed to whoever keeps it; and again, to whom it is released.

    Attributes:
        owner: Whose secret: a recovery address, or the subject of an emergency plan.
        holder: The guardian or custodian that it was given to.
        label: What the patient calls the matter, for the holder to know it by; empty in a released share.
        words: The share, as SLIP-39 writes it.
        salt: Of the guardian's leaf in the plan, 32 bytes; None for a custodian and in a released share.
        proof: Of that leaf, 32 bytes each.
        seed: Of the key pair that the custodians of a plan have in common; None for a guardian and in a released share.
    """

    owner: str
    holder: str
    label: str
    words: str = field(repr=False)
    salt: bytes | None = None
    proof: tuple[bytes, ...] = ()
    seed: ParticipantSeed | None = None


@dataclass(frozen=True, slots=True)
class SuccessionBundle:
    """Where a relationship goes on: sealed to its provider, in its mailbox.

    Attributes:
        successor: The address that the patient has from now on.
        number: Number of the relationship that the acceptance is for.
        expires_at: Unix second from which invitation and acceptance are void.
        bundle: Digest of the key bundle that opens with it, 32 bytes.
        acceptance: The successor's signature over the EIP-712 message `Acceptance`.
    """

    successor: str
    number: int
    expires_at: int
    bundle: bytes
    acceptance: bytes


@dataclass(frozen=True, slots=True)
class Appointed:
    """A guardian or custodian as the patient named it; the salt blinds a guardian's leaf (32 bytes)."""

    address: str
    name: str
    salt: bytes


@dataclass(frozen=True, slots=True)
class PlanBundle:
    """What the owner of a plan wants to know of it on another device: sealed to the owner alone.

    Attributes:
        threshold: How many shares make the secret.
        wallet: As in `InheritanceBundle`, for whoever recovers.
        guardians: Everybody who holds a share.
    """

    threshold: int
    wallet: str | None
    guardians: tuple[Appointed, ...]


@dataclass(frozen=True, slots=True)
class ReasonBundle:
    """Why a provider declared an emergency: sealed to the subject, the custodians and the provider.

    Attributes:
        provider: Who declared it.
        text: The reason, in the provider's words.
    """

    provider: str
    text: str


CustodyBundle: TypeAlias = InheritanceBundle | ShareBundle | SuccessionBundle | PlanBundle | ReasonBundle

CUSTODY_KINDS: Final = {
    InheritanceBundle: BundleKind.INHERITANCE,
    ShareBundle: BundleKind.SHARE,
    SuccessionBundle: BundleKind.SUCCESSION,
    PlanBundle: BundleKind.PLAN,
    ReasonBundle: BundleKind.REASON,
}


def guardian_leaf(owner: str, guardian: str, salt: bytes) -> bytes:
    """A guardian's leaf in a plan, 32 bytes: keccak256(keccak256(abi.encode(owner, guardian, salt))).

    Raises:
        InvalidInput: No address, or a salt of another length.
    """
    if len(salt) != 32:
        raise InvalidInput(f"The salt of a guardian has 32 bytes, not {len(salt)}.")
    return keccak(keccak(address(owner).rjust(32, b"\0") + address(guardian).rjust(32, b"\0") + salt))


# ── write ──


def custody_fields(bundle: CustodyBundle) -> JsonObject:
    """The members of such a document, but for its kind.

    Raises:
        InvalidInput: It holds no address or digest where one should be.
    """
    if isinstance(bundle, InheritanceBundle):
        return {
            "root": bundle.root.reveal().hex(),
            "reason": str(bundle.reason),
            "wallet": _address_or_null(bundle.wallet),
        }
    if isinstance(bundle, ShareBundle):
        return {
            "owner": write_address(bundle.owner),
            "holder": write_address(bundle.holder),
            "label": bundle.label,
            "words": bundle.words,
            "salt": None if bundle.salt is None else write_digest(bundle.salt),
            "proof": [write_digest(part) for part in bundle.proof],
            "seed": None if bundle.seed is None else bundle.seed.reveal().hex(),
        }
    if isinstance(bundle, SuccessionBundle):
        return {
            "successor": write_address(bundle.successor),
            "number": bundle.number,
            "expires_at": bundle.expires_at,
            "bundle": write_digest(bundle.bundle),
            "acceptance": bundle.acceptance.hex(),
        }
    if isinstance(bundle, PlanBundle):
        return {
            "threshold": bundle.threshold,
            "wallet": _address_or_null(bundle.wallet),
            "guardians": [
                {"address": write_address(one.address), "name": one.name, "salt": write_digest(one.salt)}
                for one in bundle.guardians
            ],
        }
    return {"provider": write_address(bundle.provider), "text": bundle.text}


def _address_or_null(text: str | None) -> str | None:
    return None if text is None else write_address(text)


# ── read ──


def read_custody(kind: str, fields: Fields) -> CustodyBundle | None:
    """The document of which `fields` are the members; None when `kind` is none of these.

    Raises:
        ContentInvalid: A member is missing or of another form.
    """
    if kind == BundleKind.INHERITANCE:
        return InheritanceBundle(RootKey(fields.hex("root")), _read_reason(fields), _read_wallet(fields))
    if kind == BundleKind.SHARE:
        return ShareBundle(
            owner=fields.address("owner"),
            holder=fields.address("holder"),
            label=fields.text("label", MAX_LABEL),
            words=fields.text("words", MAX_WORDS),
            salt=None if fields.is_null("salt") else fields.hex("salt"),
            proof=tuple(read_hex(part) for part in fields.array("proof")),
            seed=None if fields.is_null("seed") else ParticipantSeed(fields.hex("seed")),
        )
    if kind == BundleKind.SUCCESSION:
        return SuccessionBundle(
            successor=fields.address("successor"),
            number=fields.integer("number", (1 << 32) - 1, 1),
            expires_at=fields.integer("expires_at", MAX_SECOND),
            bundle=fields.hex("bundle"),
            acceptance=fields.hex("acceptance", None),
        )
    if kind == BundleKind.PLAN:
        return _read_plan(fields)
    if kind == BundleKind.REASON:
        return ReasonBundle(fields.address("provider"), fields.text("text", MAX_REASON))
    return None


def _read_plan(fields: Fields) -> PlanBundle:
    guardians = tuple(_read_appointed(one) for one in fields.array("guardians"))
    if not 1 <= len(guardians) <= MAX_GUARDIANS:
        raise ContentInvalid(f"A plan names {len(guardians)} guardians.")
    return PlanBundle(fields.integer("threshold", len(guardians), 1), _read_wallet(fields), guardians)


def _read_appointed(value: JsonValue) -> Appointed:
    fields = Fields.of(value, "a guardian")
    appointed = Appointed(fields.address("address"), fields.text("name", MAX_LABEL), fields.hex("salt"))
    fields.done()
    return appointed


def _read_reason(fields: Fields) -> Reason:
    text = fields.text("reason", MAX_LABEL)
    try:
        return Reason(text)
    except ValueError:
        raise ContentInvalid(f"A root is inherited for the unknown reason {text[:40]!r}.") from None


def _read_wallet(fields: Fields) -> str | None:
    return None if fields.is_null("wallet") else fields.address("wallet")
