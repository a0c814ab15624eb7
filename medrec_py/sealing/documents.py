"""What key bundles say: typed, and as JSON. Reading one trusts nobody: it is read to the letter or refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from medrec_py.crypto.hpke import PublicKey
from medrec_py.crypto.keytree import Node, Path
from medrec_py.crypto.secret import CompartmentKey, ContentKey, MailboxKey, NodeKey
from medrec_py.errors import ContentInvalid, InvalidInput
from medrec_py.sealing.canonical import require_json_object
from medrec_py.sealing.context import BundleContext, BundleKind, Context, encode_compartment
from medrec_py.sealing.custody import CUSTODY_KINDS, CustodyBundle, custody_fields, read_custody
from medrec_py.sealing.fields import DIGEST_BYTES, Fields, read_hex, write_address, write_digest
from medrec_py.types.json_values import JsonObject, JsonValue, canonical, parse


@dataclass(frozen=True, slots=True)
class RelationshipKeys:
    """Nodes of the tree of one relationship.

    Attributes:
        provider: The other side; the subject itself for the patient's own records.
        number: Which relationship of the pair.
        nodes: At least one.
    """

    provider: str
    number: int
    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A parcel that was re-sealed for one grant, and its key.

    Attributes:
        digest: Where it is: the digest of its CID, 32 bytes.
        source: The anchored parcel that its records are from, 32 bytes; the same digest when it is that parcel itself.
        content_key: Opens it.
        author: Who wrote the records in it.
        class_number: Their class.
        period: Their period.
        epoch: The epoch it was sealed for.
    """

    digest: bytes
    source: bytes
    content_key: ContentKey
    author: str
    class_number: int
    period: int
    epoch: int

    def context(self, bundle: BundleContext) -> Context:
        """The context to open it with, from that of the bundle it stands in."""
        return Context(
            bundle.chain_id,
            bundle.contract,
            bundle.subject,
            self.author,
            self.class_number,
            self.period,
            self.epoch,
        )


@dataclass(frozen=True, slots=True)
class RelationshipBundle:
    """What a provider gets when a relationship opens.

    Attributes:
        keys: The nodes under which it seals and reads back: as a rule the whole of epoch 0.
        public_key: The subject's, for parcels sealed while a re-key is pending.
        mailbox_key: Marks those parcels; and the bundles that the subject sends later to this provider.
    """

    keys: RelationshipKeys
    public_key: PublicKey
    mailbox_key: MailboxKey


@dataclass(frozen=True, slots=True)
class GrantBundle:
    """What a viewer gets with a grant.

    Attributes:
        grantor: The subject, or the viewer of the parent grant.
        viewer: Whom it is for.
        terms: The full terms, as JSON; what they mean is not this layer's affair.
        keys: By relationship, the nodes for the compartments that the terms cover wholly.
        excerpts: Parcels re-sealed for what the terms cut out of compartments.
        mailbox_key: Marks the bundles that the subject sends later to this viewer, such as after a re-key.
        public_key: The subject's, so that whoever passes the grant on can seal that to the subject as well.
        ancestors: The grants above a sub-grant, from the subject's own down, as JSON: presented with it when used.
    """

    grantor: str
    viewer: str
    terms: JsonObject
    keys: tuple[RelationshipKeys, ...]
    excerpts: tuple[Excerpt, ...] = ()
    mailbox_key: MailboxKey | None = None
    public_key: PublicKey | None = None
    ancestors: tuple[JsonObject, ...] = ()


@dataclass(frozen=True, slots=True)
class RekeyBundle:
    """New nodes after an epoch was ended, for the provider, or for viewers that keep their access.

    Attributes:
        keys: By relationship, the nodes of the new epochs.
        grants: Ids of the ended grants that a provider's new keys account for, 32 bytes each; none for a viewer.
        excerpts: Keys of single parcels: those sealed to the subject meanwhile, and what a window cuts out.
    """

    keys: tuple[RelationshipKeys, ...]
    grants: tuple[bytes, ...] = ()
    excerpts: tuple[Excerpt, ...] = ()


Bundle: TypeAlias = RelationshipBundle | GrantBundle | RekeyBundle | CustodyBundle

_KINDS = {
    RelationshipBundle: BundleKind.RELATIONSHIP,
    GrantBundle: BundleKind.GRANT,
    RekeyBundle: BundleKind.REKEY,
    **CUSTODY_KINDS,
}


def kind_of(bundle: Bundle) -> BundleKind:
    """Which kind a bundle is."""
    return _KINDS[type(bundle)]


# ── write ──


def write_bundle(bundle: Bundle) -> bytes:
    """A bundle as canonical JSON.

    Raises:
        InvalidInput: It holds no address, digest or compartment where one should be, or terms that are no JSON.
    """
    fields: JsonObject = {"kind": kind_of(bundle).value}
    if isinstance(bundle, RelationshipBundle):
        fields["keys"] = _write_keys(bundle.keys)
        fields["public_key"] = bundle.public_key.data.hex()
        fields["mailbox_key"] = bundle.mailbox_key.reveal().hex()
    elif isinstance(bundle, GrantBundle):
        fields["grantor"] = write_address(bundle.grantor)
        fields["viewer"] = write_address(bundle.viewer)
        fields["terms"] = bundle.terms
        fields["mailbox_key"] = None if bundle.mailbox_key is None else bundle.mailbox_key.reveal().hex()
        fields["public_key"] = None if bundle.public_key is None else bundle.public_key.data.hex()
        fields["ancestors"] = list(bundle.ancestors)
    elif isinstance(bundle, RekeyBundle):
        fields["grants"] = [write_digest(grant) for grant in bundle.grants]
    else:
        fields |= custody_fields(bundle)
    if isinstance(bundle, GrantBundle | RekeyBundle):
        fields["keys"] = [_write_keys(keys) for keys in bundle.keys]
        fields["excerpts"] = [_write_excerpt(excerpt) for excerpt in bundle.excerpts]
    data = canonical(fields)
    require_json_object(fields)
    try:
        read_bundle(data)
    except ContentInvalid as error:
        raise InvalidInput(f"A key bundle that nobody could read: {error.message}") from None
    return data


def _write_keys(keys: RelationshipKeys) -> JsonObject:
    nodes: list[JsonValue] = [[str(node.path), node.key.reveal().hex()] for node in keys.nodes]
    return {"provider": write_address(keys.provider), "number": keys.number, "nodes": nodes}


def _write_excerpt(excerpt: Excerpt) -> JsonObject:
    return {
        "digest": write_digest(excerpt.digest),
        "source": write_digest(excerpt.source),
        "content_key": excerpt.content_key.reveal().hex(),
        "author": write_address(excerpt.author),
        "class": excerpt.class_number,
        "period": excerpt.period,
        "epoch": excerpt.epoch,
    }


# ── read ──


def read_bundle(data: bytes) -> Bundle:
    """What `write_bundle` wrote.

    Raises:
        ContentInvalid: Anything else.
    """
    try:
        fields = Fields.of(parse(data, source="A key bundle"), "a key bundle")
        kind = fields.text("kind")
        bundle: Bundle
        if kind == BundleKind.RELATIONSHIP:
            public_key = PublicKey(fields.hex("public_key", None))
            mailbox_key = MailboxKey(fields.hex("mailbox_key"))
            bundle = RelationshipBundle(_read_keys(fields.take("keys")), public_key, mailbox_key)
        elif kind == BundleKind.GRANT:
            bundle = GrantBundle(
                grantor=fields.address("grantor"),
                viewer=fields.address("viewer"),
                terms=Fields.of(fields.take("terms"), "terms").values,
                mailbox_key=_read_mailbox_key(fields.take("mailbox_key")),
                public_key=_read_public_key(fields.take("public_key")),
                ancestors=tuple(Fields.of(grant, "a grant").values for grant in fields.array("ancestors")),
                keys=tuple(_read_keys(keys) for keys in fields.array("keys")),
                excerpts=tuple(_read_excerpt(excerpt) for excerpt in fields.array("excerpts")),
            )
        elif kind == BundleKind.REKEY:
            bundle = RekeyBundle(
                keys=tuple(_read_keys(keys) for keys in fields.array("keys")),
                grants=tuple(_read_digest(grant) for grant in fields.array("grants")),
                excerpts=tuple(_read_excerpt(excerpt) for excerpt in fields.array("excerpts")),
            )
        else:
            custody = read_custody(kind, fields)
            if custody is None:
                raise ContentInvalid(f"A key bundle is of the unknown kind {kind[:40]!r}.")
            bundle = custody
        fields.done()
    except InvalidInput as error:
        raise ContentInvalid(f"A key bundle can't be read: {error.message}") from None
    return bundle


def _read_keys(value: JsonValue) -> RelationshipKeys:
    fields = Fields.of(value, "a relationship's keys")
    nodes = tuple(_read_node(node) for node in fields.array("nodes"))
    if not nodes or len({node.path for node in nodes}) != len(nodes):
        raise ContentInvalid("A relationship's keys are none, or one stands there twice.")
    keys = RelationshipKeys(fields.address("provider"), fields.integer("number", (1 << 32) - 1), nodes)
    fields.done()
    return keys


def _read_node(value: JsonValue) -> Node:
    if not isinstance(value, list) or len(value) != 2:
        raise ContentInvalid("A key is written as its path and its bytes.")
    text, key = value
    if not isinstance(text, str):
        raise ContentInvalid("The path of a key is a text.")
    path = Path.parse(text)
    if path.epoch is None:
        raise ContentInvalid("A bundle hands over the key of a whole relationship, which never leaves its subject.")
    data = read_hex(key, DIGEST_BYTES)
    return Node(path, CompartmentKey(data) if path.is_compartment else NodeKey(data))


def _read_excerpt(value: JsonValue) -> Excerpt:
    fields = Fields.of(value, "an excerpt")
    excerpt = Excerpt(
        digest=fields.hex("digest"),
        source=fields.hex("source"),
        content_key=ContentKey(fields.hex("content_key")),
        author=fields.address("author"),
        class_number=fields.integer("class", 63),
        period=fields.integer("period", 2155),
        epoch=fields.integer("epoch", (1 << 32) - 1),
    )
    encode_compartment(excerpt.class_number, excerpt.period, excerpt.epoch)
    fields.done()
    return excerpt


def _read_mailbox_key(value: JsonValue) -> MailboxKey | None:
    return None if value is None else MailboxKey(read_hex(value, MailboxKey.SIZE))


def _read_public_key(value: JsonValue) -> PublicKey | None:
    return None if value is None else PublicKey(read_hex(value, None))


def _read_digest(value: JsonValue) -> bytes:
    return read_hex(value, DIGEST_BYTES)
