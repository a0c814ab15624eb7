"""What the contracts emit, one dataclass per Solidity event, and where in the chain it was emitted.

Addresses are EIP-55 checksummed strings, digests and hashes 32 raw bytes, times Unix seconds, as everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias


@dataclass(frozen=True, slots=True)
class Registered:
    """`Registrar.Registered`: a participant published or replaced its key."""

    participant: str
    previous: bytes
    public_key: bytes
    descriptor: bytes


@dataclass(frozen=True, slots=True)
class Accredited:
    """`Registrar.Accredited`: the registrar vouches for a participant."""

    participant: str
    roles: int
    expires_at: int
    credential: bytes


@dataclass(frozen=True, slots=True)
class AccreditationWithdrawn:
    """`Registrar.AccreditationWithdrawn`: the registrar no longer vouches for a participant."""

    participant: str


@dataclass(frozen=True, slots=True)
class VocabularyPublished:
    """`Registrar.VocabularyPublished`: a table of classes and purposes may be named by grants."""

    vocabulary: bytes


@dataclass(frozen=True, slots=True)
class RelationshipOpened:
    """`Relationships.RelationshipOpened`: subject and provider agreed."""

    subject: str
    provider: str
    number: int
    bundle: bytes


@dataclass(frozen=True, slots=True)
class RelationshipClosed:
    """`Relationships.RelationshipClosed`: one of the two ended it."""

    subject: str
    provider: str
    number: int
    by: str


@dataclass(frozen=True, slots=True)
class Anchored:
    """`Records.Anchored`, and `ParcelAnchored` for one alone: parcels joined the subject's ledger, in this order.

    `digests` are 32 bytes each, `locators` 16 bytes each, of equal length.
    """

    subject: str
    author: str
    time: int
    digests: tuple[bytes, ...]
    locators: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Retracted:
    """`Records.Retracted`: a parcel was declared entered in error."""

    subject: str
    author: str
    time: int
    digest: bytes
    replacement: bytes


@dataclass(frozen=True, slots=True)
class BatchAnchored:
    """`Records.BatchAnchored`: a Merkle root over parcels of many subjects."""

    author: str
    time: int
    root: bytes
    manifest: bytes
    count: int


@dataclass(frozen=True, slots=True)
class Granted:
    """`Grants.Granted`: a grant became active."""

    subject: str
    grantor: str
    viewer: str
    id: bytes
    bundle: bytes
    terms_hash: bytes


@dataclass(frozen=True, slots=True)
class GrantRevoked:
    """`Grants.GrantRevoked`: withdrawn for good by `actor`."""

    actor: str
    id: bytes


@dataclass(frozen=True, slots=True)
class GrantRenounced:
    """`Grants.GrantRenounced`: given back for good by its viewer."""

    grantor: str
    id: bytes


@dataclass(frozen=True, slots=True)
class GrantSuspended:
    """`Grants.GrantSuspended`: paused; `turn` counts pauses and ends of pauses."""

    grantor: str
    id: bytes
    turn: int


@dataclass(frozen=True, slots=True)
class GrantResumed:
    """`Grants.GrantResumed`: the pause ended."""

    grantor: str
    id: bytes
    turn: int


@dataclass(frozen=True, slots=True)
class AgentRevoked:
    """`Grants.AgentRevoked`: `actor` dismissed the grant's agent."""

    actor: str
    id: bytes


@dataclass(frozen=True, slots=True)
class DelegateNamed:
    """`Delegates.DelegateNamed`: `delegate` may withdraw in the subject's name; `turn` is for the next signature."""

    subject: str
    delegate: str
    expires_at: int
    turn: int


@dataclass(frozen=True, slots=True)
class DelegateDismissed:
    """`Delegates.DelegateDismissed`: it may no longer, says `by`, one of the two."""

    subject: str
    delegate: str
    by: str
    turn: int


@dataclass(frozen=True, slots=True)
class PlanSet:
    """`Guardianship.PlanSet`: guardians (a Merkle root; zeros: none any more); `shares` is an object's digest."""

    owner: str
    guardians: bytes
    silence: int
    notice: int
    shares: bytes
    turn: int


@dataclass(frozen=True, slots=True)
class LifeSignGiven:
    """`Guardianship.LifeSignGiven`: what was announced until `silence` seconds after `sign_at` does not stand."""

    owner: str
    sign_at: int
    turn: int


@dataclass(frozen=True, slots=True)
class RecoveryAnnounced:
    """`Guardianship.RecoveryAnnounced`: `guardian` says that `heir` takes over, from `opens_at`."""

    owner: str
    heir: str
    guardian: str
    opens_at: int


@dataclass(frozen=True, slots=True)
class ShareReleased:
    """`Guardianship.ShareReleased`: `share` is the digest of an object sealed to the heir's registered key."""

    owner: str
    heir: str
    guardian: str
    share: bytes


@dataclass(frozen=True, slots=True)
class EmergencyPrepared:
    """`Emergency.EmergencyPrepared`: for a grant (zeros: no longer); object `custody` has the custodians' shares."""

    subject: str
    grant: bytes
    custody: bytes
    turn: int


@dataclass(frozen=True, slots=True)
class EmergencyDeclared:
    """`Emergency.EmergencyDeclared`: the provider has the sub-grant `id`; object `reason` says why."""

    subject: str
    provider: str
    id: bytes
    starts_at: int
    expires_at: int
    reason: bytes


@dataclass(frozen=True, slots=True)
class KeyReleased:
    """`Emergency.KeyReleased`: `custodian`, who may be anybody, released object `share` to the provider."""

    subject: str
    provider: str
    custodian: str
    id: bytes
    share: bytes


@dataclass(frozen=True, slots=True)
class ReceiptsCommitted:
    """`AccessLog.ReceiptsCommitted`: a gateway fixed its access receipts of an epoch."""

    gateway: str
    epoch: int
    head: bytes
    count: int


Event: TypeAlias = (
    Registered
    | Accredited
    | AccreditationWithdrawn
    | VocabularyPublished
    | RelationshipOpened
    | RelationshipClosed
    | Anchored
    | Retracted
    | BatchAnchored
    | Granted
    | GrantRevoked
    | GrantRenounced
    | GrantSuspended
    | GrantResumed
    | AgentRevoked
    | ReceiptsCommitted
    | DelegateNamed
    | DelegateDismissed
    | PlanSet
    | LifeSignGiven
    | RecoveryAnnounced
    | ShareReleased
    | EmergencyPrepared
    | EmergencyDeclared
    | KeyReleased
)


CUSTODY_EVENTS: Final[tuple[type[Event], ...]] = (
    DelegateNamed,
    DelegateDismissed,
    PlanSet,
    LifeSignGiven,
    RecoveryAnnounced,
    ShareReleased,
    EmergencyPrepared,
    EmergencyDeclared,
    KeyReleased,
)
"""Events about who may act for somebody else, and when."""


@dataclass(frozen=True, slots=True, order=False)
class LoggedEvent:
    """An event and its place in the chain.

    Attributes:
        block_number: Height of its block.
        block_hash: 32 bytes.
        log_index: Position among the block's logs.
        transaction_hash: 32 bytes.
        contract: Address that emitted it.
        event: What was emitted.
    """

    block_number: int
    block_hash: bytes
    log_index: int
    transaction_hash: bytes
    contract: str
    event: Event

    @property
    def position(self) -> tuple[int, int]:
        """Block number and log index: sorts events in the chain's order."""
        return (self.block_number, self.log_index)
