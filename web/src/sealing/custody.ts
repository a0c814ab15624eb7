/**
 * What is sealed so that records outlive a wallet: inheritance, shares of keys, succession, plans and reasons.
 *
 * Each is a key bundle of a kind of its own; how the shares of one plan lie side by side in a public object is in
 * `shares.ts`.
 */

import { keccak_256 } from "@noble/hashes/sha3.js";
import type { Address, Hex } from "viem";
import { address } from "../crypto/encoding";
import { ParticipantSeed, RootKey } from "../crypto/secret";
import { PageError } from "../errors";
import { concat, fromHexOf, toDigits, toHex } from "../types/bytes";
import type { JsonObject, JsonValue } from "../types/jsonValues";
import { Fields, readDigest, writeAddress, writeDigest } from "./fields";

/** Characters of a name or label, of the reason for an emergency, of a share's words. */
export const MAX_LABEL = 200;
export const MAX_REASON = 2000;
export const MAX_WORDS = 1000;
/** Members of one group of SLIP-39. */
export const MAX_GUARDIANS = 16;

const LARGEST_NUMBER = 2 ** 32 - 1;
const PADDING = new Uint8Array(12);

/** Why a root is inherited. */
export const REASONS = ["recovery", "move", "unsteady"] as const;
export type Reason = (typeof REASONS)[number];

/** The root of another wallet, sealed to the wallet that takes its place. */
export interface InheritanceBundle {
  readonly kind: "inheritance";
  /** From which all addresses and keys of that wallet derive. */
  readonly root: RootKey;
  readonly reason: Reason;
  /** That wallet's own address if it was the subject itself (wallet mode), else null. */
  readonly wallet: Address | null;
}

/** One share of a secret, sealed to whoever keeps it; and again, to whom it is released. */
export interface ShareBundle {
  readonly kind: "share";
  /** Whose secret: a recovery address, or the subject of an emergency plan. */
  readonly owner: Address;
  /** The guardian or custodian that it was given to. */
  readonly holder: Address;
  /** What the patient calls the matter, for the holder to know it by; empty in a released share. */
  readonly label: string;
  /** The share, as SLIP-39 writes it. */
  readonly words: string;
  /** Of the guardian's leaf in the plan; null for a custodian and in a released share. */
  readonly salt: Hex | null;
  /** Of that leaf. */
  readonly proof: readonly Hex[];
  /** Of the key pair that the custodians of a plan have in common; null for a guardian and in a released share. */
  readonly seed: ParticipantSeed | null;
}

/** Where a relationship goes on: sealed to its provider, in its mailbox. */
export interface SuccessionBundle {
  readonly kind: "succession";
  /** The address that the patient has from now on. */
  readonly successor: Address;
  /** Number of the relationship that the acceptance is for. */
  readonly number: number;
  /** Unix second from which invitation and acceptance are void. */
  readonly expiresAt: number;
  /** Digest of the key bundle that opens with it. */
  readonly bundle: Hex;
  /** The successor's signature over the EIP-712 message `Acceptance`. */
  readonly acceptance: Hex;
}

/** A guardian or custodian as the patient named it; the salt blinds a guardian's leaf. */
export interface Appointed {
  readonly address: Address;
  readonly name: string;
  readonly salt: Hex;
}

/** What the owner of a plan wants to know of it on another device: sealed to the owner alone. */
export interface PlanBundle {
  readonly kind: "plan";
  /** How many shares make the secret. */
  readonly threshold: number;
  /** As in `InheritanceBundle`, for whoever recovers. */
  readonly wallet: Address | null;
  /** Everybody who holds a share. */
  readonly guardians: readonly Appointed[];
}

/** Why a provider declared an emergency: sealed to the subject, the custodians and the provider. */
export interface ReasonBundle {
  readonly kind: "reason";
  readonly provider: Address;
  /** In the provider's words. */
  readonly text: string;
}

export type CustodyBundle = InheritanceBundle | ShareBundle | SuccessionBundle | PlanBundle | ReasonBundle;

/** A guardian's leaf in a plan: keccak256(keccak256(abi.encode(owner, guardian, salt))). */
export function guardianLeaf(owner: Address, guardian: Address, salt: Hex): Hex {
  const words = concat(PADDING, address(owner), PADDING, address(guardian), fromHexOf(salt, 32, "salt"));
  return toHex(keccak_256(keccak_256(words)));
}

// ── write ──

/** The members of such a document, but for its kind; throws PageError InvalidInput: no address or digest. */
export function custodyFields(bundle: CustodyBundle): JsonObject {
  switch (bundle.kind) {
    case "inheritance":
      return {
        root: toDigits(bundle.root.reveal()),
        reason: bundle.reason,
        wallet: bundle.wallet && writeAddress(bundle.wallet),
      };
    case "share":
      return {
        owner: writeAddress(bundle.owner),
        holder: writeAddress(bundle.holder),
        label: bundle.label,
        words: bundle.words,
        salt: bundle.salt && writeDigest(bundle.salt),
        proof: bundle.proof.map(writeDigest),
        seed: bundle.seed && toDigits(bundle.seed.reveal()),
      };
    case "succession":
      return {
        successor: writeAddress(bundle.successor),
        number: bundle.number,
        expires_at: bundle.expiresAt,
        bundle: writeDigest(bundle.bundle),
        acceptance: bundle.acceptance.toLowerCase().slice(2),
      };
    case "plan":
      return {
        threshold: bundle.threshold,
        wallet: bundle.wallet && writeAddress(bundle.wallet),
        guardians: bundle.guardians.map(({ address: who, name, salt }) => ({
          address: writeAddress(who),
          name,
          salt: writeDigest(salt),
        })),
      };
    case "reason":
      return { provider: writeAddress(bundle.provider), text: bundle.text };
  }
}

// ── read ──

/** The document of which `fields` are the members; throws PageError ContentInvalid: of no such kind or form. */
export function readCustody(kind: string, fields: Fields): CustodyBundle {
  switch (kind) {
    case "inheritance":
      return {
        kind,
        root: new RootKey(fields.bytes("root")),
        reason: readReason(fields.text("reason", MAX_LABEL)),
        wallet: readWallet(fields),
      };
    case "share":
      return {
        kind,
        owner: fields.address("owner"),
        holder: fields.address("holder"),
        label: fields.text("label", MAX_LABEL),
        words: fields.text("words", MAX_WORDS),
        salt: fields.isNull("salt") ? null : fields.digest("salt"),
        proof: fields.array("proof").map((part) => readDigest(part)),
        seed: fields.isNull("seed") ? null : new ParticipantSeed(fields.bytes("seed")),
      };
    case "succession":
      return {
        kind,
        successor: fields.address("successor"),
        number: fields.integer("number", LARGEST_NUMBER, 1),
        expiresAt: fields.integer("expires_at", Number.MAX_SAFE_INTEGER),
        bundle: fields.digest("bundle"),
        acceptance: fields.digest("acceptance", null),
      };
    case "plan":
      return readPlan(fields);
    case "reason":
      return { kind, provider: fields.address("provider"), text: fields.text("text", MAX_REASON) };
    default:
      throw new PageError("ContentInvalid", { member: "kind" });
  }
}

function readPlan(fields: Fields): PlanBundle {
  const guardians = fields.array("guardians").map(readAppointed);
  if (!guardians.length || guardians.length > MAX_GUARDIANS) {
    throw new PageError("ContentInvalid", { member: "guardians" });
  }
  const threshold = fields.integer("threshold", guardians.length, 1);
  return { kind: "plan", threshold, wallet: readWallet(fields), guardians };
}

function readAppointed(value: JsonValue): Appointed {
  const fields = new Fields(value);
  const appointed = {
    address: fields.address("address"),
    name: fields.text("name", MAX_LABEL),
    salt: fields.digest("salt"),
  };
  fields.done();
  return appointed;
}

function readReason(text: string): Reason {
  const reason = REASONS.find((each) => each === text);
  if (!reason) throw new PageError("ContentInvalid", { member: "reason" });
  return reason;
}

function readWallet(fields: Fields): Address | null {
  return fields.isNull("wallet") ? null : fields.address("wallet");
}
