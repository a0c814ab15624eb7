/** Terms of a grant, and the hashes by which the chain knows them. */

import { keccak_256 } from "@noble/hashes/sha3.js";
import type { Address, Hex } from "viem";
import { PageError } from "../errors";
import { concat, fromHex, fromHexOf, toHex, utf8 } from "./bytes";
import type { JsonObject, JsonValue } from "./jsonValues";
import { encodeType } from "./typedData";

export const ZERO_ADDRESS: Address = `0x${"00".repeat(20)}`;
export const ZERO_BYTES32: Hex = `0x${"00".repeat(32)}`;
/** `expiresAt` of a grant that does not end by itself. */
export const NO_EXPIRY = 2n ** 64n - 1n;
/** `recordsFrom` of a grant without a lower bound. */
export const NO_FIRST_DATE = 0;
/** `recordsUntil` of a grant without an upper bound. */
export const NO_LAST_DATE = 99991231;

/** What a viewer may do with records: the operation bits of ERC-8356 (draft). */
export const Operation = { READ: 1, QUERY: 2, DERIVE: 4, EXPORT: 8, TRAIN: 16 } as const;

/** State of a grant on chain, numbered as in `contracts/types/Terms.sol`. */
export const GrantStatus = { NONE: 0, ACTIVE: 1, SUSPENDED: 2, REVOKED: 3, RENOUNCED: 4 } as const;
export type GrantStatus = (typeof GrantStatus)[keyof typeof GrantStatus];

/** Everything that a grant says; see `contracts/types/Terms.sol` for each field. */
export interface Terms {
  /** The software that may act for the viewer; `ZERO_ADDRESS` for none. */
  readonly agent: Address;
  /** Bit sets, by vocabulary number 0 to 63. */
  readonly classes: bigint;
  readonly purposes: bigint;
  /** Bit set of `Operation`. */
  readonly operations: number;
  /** First Unix second at which the grant permits anything. */
  readonly startsAt: bigint;
  /** First Unix second at which it no longer does; `NO_EXPIRY` for none. */
  readonly expiresAt: bigint;
  /** First and last clinical date covered, YYYYMMDD. */
  readonly recordsFrom: number;
  readonly recordsUntil: number;
  /** How many further levels of sub-grants the viewer may open. */
  readonly delegations: number;
  /** Id of the parent grant; zeros when the subject grants. */
  readonly parent: Hex;
  /** A condition contract; `ZERO_ADDRESS` for none. */
  readonly condition: Address;
  /** Hash of the table that numbers classes and purposes. */
  readonly vocabulary: Hex;
  /** The plain sentence for these fields, as `statement.render` makes it. */
  readonly statement: string;
  readonly salt: Hex;
}

/** One link of a chain of grants: who granted, to whom, with which key bundle (its digest), on which terms. */
export interface PresentedGrant {
  readonly grantor: Address;
  readonly viewer: Address;
  readonly bundle: Hex;
  readonly terms: Terms;
}

const UINT_BITS = {
  classes: 64,
  purposes: 64,
  operations: 8,
  startsAt: 64,
  expiresAt: 64,
  recordsFrom: 32,
  recordsUntil: 32,
  delegations: 8,
} as const;
type UintName = keyof typeof UINT_BITS;
const UINTS = Object.keys(UINT_BITS) as UintName[];

const JSON_NAMES: Readonly<Record<keyof Terms, string>> = {
  agent: "agent",
  classes: "classes",
  purposes: "purposes",
  operations: "operations",
  startsAt: "starts_at",
  expiresAt: "expires_at",
  recordsFrom: "records_from",
  recordsUntil: "records_until",
  delegations: "delegations",
  parent: "parent",
  condition: "condition",
  vocabulary: "vocabulary",
  statement: "statement",
  salt: "salt",
};
const NAMES = Object.keys(JSON_NAMES) as (keyof Terms)[];
const ADDRESS = /^0x[0-9a-fA-F]{40}$/;

/**
 * The same terms, checked field by field.
 *
 * @throws PageError InvalidInput: a number doesn't fit its type, or a hash has not 32 bytes.
 */
export function checkTerms(terms: Terms): Terms {
  for (const name of UINTS) {
    const value = terms[name];
    if (
      (typeof value === "number" && !Number.isInteger(value)) ||
      value < 0 ||
      BigInt(value) >> BigInt(UINT_BITS[name])
    ) {
      throw invalid(name, value);
    }
  }
  for (const name of ["parent", "vocabulary", "salt"] as const) fromHexOf(terms[name], 32, name);
  return terms;
}

/** A JSON object with the fields by their Python names; numbers of more than 32 bits as decimal strings. */
export function termsToJson(terms: Terms): JsonObject {
  const document: JsonObject = {};
  for (const name of NAMES) {
    const value = terms[name];
    document[JSON_NAMES[name]] = typeof value === "bigint" ? String(value) : value;
  }
  return document;
}

/**
 * The terms of a JSON object made by `termsToJson` or by `Terms.to_json` of the Python package.
 *
 * @throws PageError InvalidInput: a field is missing, unknown, or of the wrong form; names it.
 */
export function termsFromJson(document: JsonValue): Terms {
  if (typeof document !== "object" || document === null || Array.isArray(document)) throw invalid("terms", "");
  const members = document as JsonObject;
  const unknown = Object.keys(members).find((name) => !Object.values(JSON_NAMES).includes(name));
  if (unknown !== undefined) throw invalid(unknown, "");
  const fields: Partial<Record<keyof Terms, string | number | bigint>> = {};
  for (const name of NAMES) {
    if (!Object.hasOwn(members, JSON_NAMES[name])) throw invalid(name, "");
    fields[name] = fieldFromJson(name, members[JSON_NAMES[name]] as JsonValue);
  }
  return checkTerms(fields as unknown as Terms);
}

/** EIP-712 struct hash of terms; equals `MedRec.hashTerms`. */
export function termsHash(terms: Terms): Hex {
  checkTerms(terms);
  return toHex(
    keccak_256(
      concat(
        TERMS_TYPEHASH,
        ...NAMES.map((name) => {
          const value = terms[name];
          return name === "statement" ? keccak_256(utf8(terms.statement)) : word(value);
        }),
      ),
    ),
  );
}

/** Id of a grant; equals `MedRec.grantId`. */
export function grantId(subject: Address, grantor: Address, viewer: Address, bundle: Hex, hashedTerms: Hex): Hex {
  const words = [subject, grantor, viewer, bundle, hashedTerms].map(word);
  return toHex(keccak_256(concat(GRANT_TYPEHASH, ...words)));
}

/** Id of a grant as it is presented. */
export function presentedGrantId(subject: Address, grant: PresentedGrant): Hex {
  return grantId(subject, grant.grantor, grant.viewer, grant.bundle, termsHash(grant.terms));
}

const TERMS_TYPEHASH = keccak_256(utf8(encodeType("Terms")));
const GRANT_TYPEHASH = keccak_256(utf8(encodeType("Grant")));

function fieldFromJson(name: keyof Terms, value: JsonValue): string | number | bigint {
  if (name in UINT_BITS) {
    const isWhole = typeof value === "number" ? Number.isSafeInteger(value) : typeof value === "string";
    if (!isWhole || !/^[0-9]{1,20}$/.test(String(value))) throw invalid(name, "");
    return UINT_BITS[name as UintName] > 32 ? BigInt(value as string) : Number(value);
  }
  if (typeof value !== "string") throw invalid(name, "");
  if ((name === "agent" || name === "condition") && !ADDRESS.test(value)) throw invalid(name, value);
  if (name === "parent" || name === "vocabulary" || name === "salt") {
    if (!value.startsWith("0x")) throw invalid(name, value);
    return toHex(fromHexOf(value, 32, name));
  }
  return value;
}

function word(value: string | number | bigint): Uint8Array {
  const data = typeof value === "string" ? fromHex(value) : fromHex(BigInt(value).toString(16).padStart(64, "0"));
  if (data.length === 32) return data;
  const padded = new Uint8Array(32);
  padded.set(data, 32 - data.length);
  return padded;
}

function invalid(name: string, value: string | number | bigint): PageError {
  return new PageError("InvalidInput", { name: name.slice(0, 40), value: String(value).slice(0, 80) });
}
