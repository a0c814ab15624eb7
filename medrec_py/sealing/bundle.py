"""Key bundles: the keys that a relationship, a grant or a re-key hands over, sealed to those who get them.

The digest of a bundle stands in the event that makes it known. It is sealed to the viewer or provider and to the
subject, so that a new device that has nothing but the wallet finds terms and keys again. From outside one sees how many
recipients it has and a size in coarse steps, nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from medrec_py.crypto.hpke import ParticipantKey, PublicKey
from medrec_py.crypto.keytree import Node
from medrec_py.crypto.secret import ContentKey, MailboxKey
from medrec_py.sealing.context import Context, Place
from medrec_py.types.json_values import JsonObject


class BundleKind(StrEnum):
    """What a bundle belongs to."""

    RELATIONSHIP = "relationship"
    GRANT = "grant"
    REKEY = "rekey"


@dataclass(frozen=True, slots=True)
class BundleContext:
    """What a bundle is bound to."""

    chain_id: int
    contract: str
    subject: str


@dataclass(frozen=True, slots=True)
class RelationshipKeys:
    """Nodes of the tree of one relationship."""

    provider: str
    number: int
    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A parcel that was re-sealed for one grant, and its key."""

    digest: bytes
    content_key: ContentKey
    author: str
    class_number: int
    period: int
    epoch: int

    def context(self, bundle: BundleContext) -> Context:
        """The context to open it with."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class RelationshipBundle:
    """What a provider gets when a relationship opens."""

    keys: RelationshipKeys
    public_key: PublicKey
    mailbox_key: MailboxKey


@dataclass(frozen=True, slots=True)
class GrantBundle:
    """What a viewer gets with a grant; `terms` in full, as JSON.

    Attributes:
        ancestors: The grants above a sub-grant, from the subject's own down, each a JSON object (opaque here); the
            viewer presents them together with its own.
    """

    grantor: str
    viewer: str
    terms: JsonObject
    keys: tuple[RelationshipKeys, ...]
    excerpts: tuple[Excerpt, ...] = ()
    ancestors: tuple[JsonObject, ...] = ()


@dataclass(frozen=True, slots=True)
class RekeyBundle:
    """New nodes after an epoch was ended; `keys` for the provider or viewers that keep their access.

    Attributes:
        grants: Ids of the ended grants that this re-key accounts for.
        excerpts: Keys of single parcels: those sealed to the subject meanwhile, and what a window cuts out.
    """

    keys: tuple[RelationshipKeys, ...]
    grants: tuple[bytes, ...] = ()
    excerpts: tuple[Excerpt, ...] = ()


Bundle = RelationshipBundle | GrantBundle | RekeyBundle


def seal_bundle(bundle: Bundle, context: BundleContext, recipients: Sequence[PublicKey]) -> bytes:
    """Seals a bundle to 1 to 255 recipients."""
    raise NotImplementedError


def open_bundle(data: bytes, context: BundleContext, key: ParticipantKey, kind: BundleKind) -> Bundle:
    """Opens a bundle.

    Raises:
        WrongKey: It isn't sealed to this key, or not for this context and kind.
        ParcelTampered: It was altered.
        ContentInvalid: It is authentic but not a bundle.
    """
    raise NotImplementedError
