/** The EIP-712 messages that people sign: the type strings equal those that the contracts hash. */

import { type Address, type Hex, hashTypedData } from "viem";
import { PageError } from "../errors";
import type { PresentedGrant } from "./terms";

type Field = readonly [name: string, kind: string];

const TERMS: readonly Field[] = [
  ["agent", "address"],
  ["classes", "uint64"],
  ["purposes", "uint64"],
  ["operations", "uint8"],
  ["startsAt", "uint64"],
  ["expiresAt", "uint64"],
  ["recordsFrom", "uint32"],
  ["recordsUntil", "uint32"],
  ["delegations", "uint8"],
  ["parent", "bytes32"],
  ["condition", "address"],
  ["vocabulary", "bytes32"],
  ["statement", "string"],
  ["salt", "bytes32"],
];

/** Fields of every message that is signed, by EIP-712 type name; the contracts verify all but `Unlock`. */
export const MESSAGE_TYPES = {
  Terms: TERMS,
  Grant: [
    ["subject", "address"],
    ["grantor", "address"],
    ["viewer", "address"],
    ["bundle", "bytes32"],
    ["terms", "Terms"],
  ],
  Revocation: [
    ["actor", "address"],
    ["id", "bytes32"],
  ],
  Renunciation: [
    ["viewer", "address"],
    ["id", "bytes32"],
  ],
  Suspension: [
    ["grantor", "address"],
    ["id", "bytes32"],
    ["turn", "uint32"],
  ],
  Resumption: [
    ["grantor", "address"],
    ["id", "bytes32"],
    ["turn", "uint32"],
  ],
  AgentRevocation: [
    ["actor", "address"],
    ["id", "bytes32"],
  ],
  Invitation: [
    ["provider", "address"],
    ["subject", "address"],
    ["number", "uint32"],
    ["expiresAt", "uint64"],
  ],
  Acceptance: [
    ["subject", "address"],
    ["provider", "address"],
    ["number", "uint32"],
    ["expiresAt", "uint64"],
    ["bundle", "bytes32"],
  ],
  Closure: [
    ["subject", "address"],
    ["provider", "address"],
    ["number", "uint32"],
  ],
  Anchor: [
    ["subject", "address"],
    ["author", "address"],
    ["head", "bytes32"],
    ["digests", "bytes32[]"],
    ["locators", "bytes"],
  ],
  Retraction: [
    ["subject", "address"],
    ["author", "address"],
    ["head", "bytes32"],
    ["digest", "bytes32"],
    ["replacement", "bytes32"],
  ],
  Delegation: [
    ["subject", "address"],
    ["delegate", "address"],
    ["expiresAt", "uint64"],
    ["turn", "uint32"],
  ],
  Dismissal: [
    ["subject", "address"],
    ["delegate", "address"],
    ["turn", "uint32"],
  ],
  Registration: [
    ["participant", "address"],
    ["previous", "bytes32"],
    ["publicKey", "bytes"],
    ["descriptor", "bytes32"],
  ],
  Plan: [
    ["owner", "address"],
    ["guardians", "bytes32"],
    ["silence", "uint32"],
    ["notice", "uint32"],
    ["shares", "bytes32"],
    ["turn", "uint32"],
  ],
  LifeSign: [
    ["owner", "address"],
    ["turn", "uint32"],
  ],
  Announcement: [
    ["owner", "address"],
    ["heir", "address"],
    ["guardian", "address"],
    ["turn", "uint32"],
  ],
  EmergencyPlan: [
    ["subject", "address"],
    ["grant", "bytes32"],
    ["custody", "bytes32"],
    ["turn", "uint32"],
  ],
  Unlock: [
    ["account", "address"],
    ["statement", "string"],
  ],
} as const satisfies Record<string, readonly Field[]>;

export type MessageType = keyof typeof MESSAGE_TYPES;

/** EIP-712 domain of a deployed contract, version 1. */
export interface Domain {
  readonly name: "MedRec" | "MedRec Registrar" | "MedRec Guardianship" | "MedRec Emergency";
  readonly chainId: number;
  readonly contract: Address;
}

/** A document as viem's `signTypedData` and `hashTypedData` take it; `EIP712Domain` among its types. */
export interface TypedData {
  readonly domain: {
    readonly name: string;
    readonly version: "1";
    readonly chainId: number;
    readonly verifyingContract: Address;
  };
  readonly types: Readonly<Record<string, readonly { readonly name: string; readonly type: string }[]>>;
  readonly primaryType: MessageType;
  readonly message: Readonly<Record<string, unknown>>;
}

/**
 * An EIP-712 document.
 *
 * @throws PageError InvalidInput: the message's fields are not those of the type.
 */
export function typedData(
  domain: Domain,
  primaryType: MessageType,
  message: Readonly<Record<string, unknown>>,
): TypedData {
  const expected = MESSAGE_TYPES[primaryType].map(([name]) => name as string);
  const given = Object.keys(message);
  if (given.length !== expected.length || !expected.every((name) => Object.hasOwn(message, name))) {
    throw new PageError("InvalidInput", { name: primaryType, value: given.sort().join(", ").slice(0, 80) });
  }
  const used: MessageType[] = primaryType === "Grant" ? ["Grant", "Terms"] : [primaryType];
  const types = Object.fromEntries(
    used.map((each) => [each, MESSAGE_TYPES[each].map(([name, type]) => ({ name, type }))]),
  );
  return {
    domain: { name: domain.name, version: "1", chainId: domain.chainId, verifyingContract: domain.contract },
    types: { ...types, EIP712Domain: DOMAIN_TYPE },
    primaryType,
    message,
  };
}

/** The message of one link's `Grant`. */
export function grantMessage(subject: Address, grant: PresentedGrant): Record<string, unknown> {
  const { grantor, viewer, bundle, terms } = grant;
  return { subject, grantor, viewer, bundle, terms: { ...terms } };
}

/** The 32 bytes that are signed. */
export function typedDataHash(document: TypedData): Hex {
  const { domain, types, primaryType, message } = document;
  return hashTypedData({ domain, types, primaryType, message } as Parameters<typeof hashTypedData>[0]);
}

/** EIP-712 `encodeType`: the type, then those it refers to. */
export function encodeType(name: MessageType): string {
  const used: MessageType[] = name === "Grant" ? ["Grant", "Terms"] : [name];
  return used
    .map((each) => `${each}(${MESSAGE_TYPES[each].map(([field, kind]) => `${kind} ${field}`).join(",")})`)
    .join("");
}

const DOMAIN_TYPE = [
  { name: "name", type: "string" },
  { name: "version", type: "string" },
  { name: "chainId", type: "uint256" },
  { name: "verifyingContract", type: "address" },
];
