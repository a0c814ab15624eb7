/** What key bundles say: typed, and as JSON. Reading one trusts nobody: it is read to the letter or refused. */

import type { Address, Hex } from "viem";
import { PublicKey } from "../crypto/hpke";
import { type Node, nodeOf, Path } from "../crypto/keytree";
import { ContentKey, MailboxKey, type Secret } from "../crypto/secret";
import { PageError } from "../errors";
import { toDigits } from "../types/bytes";
import { canonical, type JsonObject, type JsonValue, parse } from "../types/jsonValues";
import { type BundleContext, type BundleKind, type Context, encodeCompartment } from "./context";
import { type CustodyBundle, custodyFields, readCustody } from "./custody";
import { Fields, readBytes, readDigest, requireObject, writeAddress, writeDigest } from "./fields";

export type {
  InheritanceBundle,
  PlanBundle,
  ReasonBundle,
  ShareBundle,
  SuccessionBundle,
} from "./custody";

/** Nodes of the tree of one relationship. */
export interface RelationshipKeys {
  /** The other side; the subject itself for the patient's own records. */
  readonly provider: Address;
  /** Which relationship of the pair. */
  readonly number: number;
  /** At least one. */
  readonly nodes: readonly Node[];
}

/** A parcel that was re-sealed for one grant, and its key. */
export interface Excerpt {
  /** Where it is: the digest of its CID. */
  readonly digest: Hex;
  /** The anchored parcel that its records are from; the same digest when it is that parcel itself. */
  readonly source: Hex;
  /** Opens it. */
  readonly contentKey: ContentKey;
  readonly author: Address;
  readonly classNumber: number;
  readonly period: number;
  readonly epoch: number;
}

/** What a provider gets when a relationship opens. */
export interface RelationshipBundle {
  readonly kind: "relationship";
  /** The nodes under which it seals and reads back: as a rule the whole of epoch 0. */
  readonly keys: RelationshipKeys;
  /** The subject's, for parcels sealed while a re-key is pending. */
  readonly publicKey: PublicKey;
  /** Marks those parcels; and the bundles that the subject sends later to this provider. */
  readonly mailboxKey: MailboxKey;
}

/** What a viewer gets with a grant. */
export interface GrantBundle {
  readonly kind: "grant";
  /** The subject, or the viewer of the parent grant. */
  readonly grantor: Address;
  readonly viewer: Address;
  /** The full terms, as JSON; what they mean is not this layer's affair. */
  readonly terms: JsonObject;
  /** By relationship, the nodes for the compartments that the terms cover wholly. */
  readonly keys: readonly RelationshipKeys[];
  /** Parcels re-sealed for what the terms cut out of compartments. */
  readonly excerpts: readonly Excerpt[];
  /** Marks the bundles that the subject sends later to this viewer, such as after a re-key. */
  readonly mailboxKey: MailboxKey | null;
  /** The subject's, so that whoever passes the grant on can seal that to the subject as well. */
  readonly publicKey: PublicKey | null;
  /** The grants above a sub-grant, from the subject's own down, as JSON: presented with it when used. */
  readonly ancestors: readonly JsonObject[];
}

/** New nodes after an epoch was ended, for the provider, or for viewers that keep their access. */
export interface RekeyBundle {
  readonly kind: "rekey";
  /** By relationship, the nodes of the new epochs. */
  readonly keys: readonly RelationshipKeys[];
  /** Ids of the ended grants that a provider's new keys account for; none for a viewer. */
  readonly grants: readonly Hex[];
  /** Keys of single parcels: those sealed to the subject meanwhile, and what a window cuts out. */
  readonly excerpts: readonly Excerpt[];
}

export type Bundle = RelationshipBundle | GrantBundle | RekeyBundle | CustodyBundle;
export type BundleOf<K extends BundleKind> = Extract<Bundle, { kind: K }>;

const LARGEST_NUMBER = 2 ** 32 - 1;

/** The context to open an excerpt with, from that of the bundle it stands in. */
export function excerptContext(excerpt: Excerpt, bundle: BundleContext): Context {
  const { chainId, contract, subject } = bundle;
  const { author, classNumber, period, epoch } = excerpt;
  return { chainId, contract, subject, author, classNumber, period, epoch };
}

// ── write ──

/**
 * A bundle as canonical JSON.
 *
 * @throws PageError InvalidInput: it holds no address, digest or compartment where one should be; InvalidJson: terms
 *   that are no JSON.
 */
export function writeBundle(bundle: Bundle): Uint8Array {
  const data = canonical({ kind: bundle.kind, ...members(bundle) });
  try {
    readBundle(data);
  } catch (cause) {
    throw new PageError("InvalidInput", { name: "bundle", value: bundle.kind }, { cause });
  }
  return data;
}

function members(bundle: Bundle): JsonObject {
  switch (bundle.kind) {
    case "relationship":
      return {
        keys: writeKeys(bundle.keys),
        public_key: toDigits(bundle.publicKey.data),
        mailbox_key: digits(bundle.mailboxKey),
      };
    case "grant":
      return {
        grantor: writeAddress(bundle.grantor),
        viewer: writeAddress(bundle.viewer),
        terms: bundle.terms,
        mailbox_key: bundle.mailboxKey && digits(bundle.mailboxKey),
        public_key: bundle.publicKey && toDigits(bundle.publicKey.data),
        ancestors: [...bundle.ancestors],
        keys: bundle.keys.map(writeKeys),
        excerpts: bundle.excerpts.map(writeExcerpt),
      };
    case "rekey":
      return {
        grants: bundle.grants.map(writeDigest),
        keys: bundle.keys.map(writeKeys),
        excerpts: bundle.excerpts.map(writeExcerpt),
      };
    default:
      return custodyFields(bundle);
  }
}

function writeKeys(keys: RelationshipKeys): JsonObject {
  const nodes = keys.nodes.map((node) => [node.path.toString(), digits(node.key)]);
  return { provider: writeAddress(keys.provider), number: keys.number, nodes };
}

function writeExcerpt(excerpt: Excerpt): JsonObject {
  return {
    digest: writeDigest(excerpt.digest),
    source: writeDigest(excerpt.source),
    content_key: digits(excerpt.contentKey),
    author: writeAddress(excerpt.author),
    class: excerpt.classNumber,
    period: excerpt.period,
    epoch: excerpt.epoch,
  };
}

function digits(secret: Secret): string {
  return toDigits(secret.reveal());
}

// ── read ──

/**
 * What `writeBundle` wrote.
 *
 * @throws PageError ContentInvalid: anything else.
 */
export function readBundle(data: Uint8Array): Bundle {
  try {
    const fields = new Fields(parse(data));
    const bundle = read(fields.text("kind"), fields);
    fields.done();
    return bundle;
  } catch (cause) {
    if (cause instanceof PageError && cause.code === "ContentInvalid") throw cause;
    throw new PageError("ContentInvalid", {}, { cause });
  }
}

function read(kind: string, fields: Fields): Bundle {
  switch (kind) {
    case "relationship":
      return {
        kind,
        keys: readKeys(fields.take("keys")),
        publicKey: new PublicKey(fields.bytes("public_key", null)),
        mailboxKey: new MailboxKey(fields.bytes("mailbox_key")),
      };
    case "grant":
      return {
        kind,
        grantor: fields.address("grantor"),
        viewer: fields.address("viewer"),
        terms: fields.object("terms"),
        keys: fields.array("keys").map(readKeys),
        excerpts: fields.array("excerpts").map(readExcerpt),
        mailboxKey: fields.isNull("mailbox_key") ? null : new MailboxKey(fields.bytes("mailbox_key")),
        publicKey: fields.isNull("public_key") ? null : new PublicKey(fields.bytes("public_key", null)),
        ancestors: fields.array("ancestors").map(requireObject),
      };
    case "rekey":
      return {
        kind,
        keys: fields.array("keys").map(readKeys),
        grants: fields.array("grants").map((grant) => readDigest(grant)),
        excerpts: fields.array("excerpts").map(readExcerpt),
      };
    default:
      return readCustody(kind, fields);
  }
}

function readKeys(value: JsonValue): RelationshipKeys {
  const fields = new Fields(value);
  const nodes = fields.array("nodes").map(readNode);
  if (!nodes.length || new Set(nodes.map((node) => node.path.toString())).size !== nodes.length) {
    throw new PageError("ContentInvalid", { member: "nodes" });
  }
  const keys = { provider: fields.address("provider"), number: fields.integer("number", LARGEST_NUMBER), nodes };
  fields.done();
  return keys;
}

function readNode(value: JsonValue): Node {
  if (!Array.isArray(value) || value.length !== 2 || typeof value[0] !== "string") {
    throw new PageError("ContentInvalid", { member: "node" });
  }
  const path = Path.parse(value[0]);
  // The key of a whole relationship never leaves its subject.
  if (path.epoch === null) throw new PageError("ContentInvalid", { member: "node" });
  return nodeOf(path, readBytes(value[1]));
}

function readExcerpt(value: JsonValue): Excerpt {
  const fields = new Fields(value);
  const excerpt: Excerpt = {
    digest: fields.digest("digest"),
    source: fields.digest("source"),
    contentKey: new ContentKey(fields.bytes("content_key")),
    author: fields.address("author"),
    classNumber: fields.integer("class", 63),
    period: fields.integer("period", 2155),
    epoch: fields.integer("epoch", LARGEST_NUMBER),
  };
  encodeCompartment(excerpt.classNumber, excerpt.period, excerpt.epoch);
  fields.done();
  return excerpt;
}
