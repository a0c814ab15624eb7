/**
 * Raw logs as events, by the fixed layouts that Solidity gives them.
 *
 * Solidity encodes every event in one canonical way, so lengths, offsets and padding are checked to be just that, and
 * anything else is refused: it did not come from the contracts that this page is made for.
 */

import { keccak_256 } from "@noble/hashes/sha3.js";
import type { Address, Hex } from "../client/api";
import { toHex, utf8 } from "../types/bytes";
import type { ChainEvent, LoggedEvent } from "../types/events";
import { checksum } from "./addresses";
import { malformed, quantity } from "./rpc";

/** A log as `eth_getLogs` gives it. */
export interface RawLog {
  address?: unknown;
  topics?: unknown;
  data?: unknown;
  blockNumber?: unknown;
  blockHash?: unknown;
  logIndex?: unknown;
  transactionHash?: unknown;
  /** Newer servers say it; older ones are asked for the block. */
  blockTimestamp?: unknown;
}

const WORD = 64;
const LOCATOR = 32;
const HASH = /^0x[0-9a-f]{64}$/;
const DIGITS = /^0x([0-9a-f]{2})*$/;

/**
 * Each event's name and fields, in Solidity's order. An asterisk marks an indexed field; every type has 32 bytes, but
 * for `bytes` and `bytes32[]`, which end the data of the only two events that have them.
 */
const LAYOUTS: readonly string[] = [
  "Registered(address participant*,bytes32 previous,bytes publicKey,bytes32 descriptor)",
  "Accredited(address participant*,uint64 roles,uint64 expiresAt,bytes32 credential)",
  "AccreditationWithdrawn(address participant*)",
  "VocabularyPublished(bytes32 vocabulary*)",
  "RelationshipOpened(address subject*,address provider*,uint32 number,bytes32 bundle)",
  "RelationshipClosed(address subject*,address provider*,uint32 number,address by)",
  "Anchored(address subject*,address author*,uint64 time,bytes32[] digests,bytes locators)",
  "ParcelAnchored(address subject*,address author*,uint64 time,bytes32 digest,bytes16 locator)",
  "Retracted(address subject*,address author*,uint64 time,bytes32 digest*,bytes32 replacement)",
  "BatchAnchored(address author*,uint64 time,bytes32 root,bytes32 manifest,uint32 count)",
  "Granted(address subject*,address grantor*,address viewer*,bytes32 id,bytes32 bundle,bytes32 termsHash)",
  "GrantRevoked(address actor*,bytes32 id*)",
  "GrantRenounced(address grantor*,bytes32 id*)",
  "GrantSuspended(address grantor*,bytes32 id*,uint32 turn)",
  "GrantResumed(address grantor*,bytes32 id*,uint32 turn)",
  "AgentRevoked(address actor*,bytes32 id*)",
  "ReceiptsCommitted(address gateway*,uint64 epoch*,bytes32 head,uint32 count)",
  "DelegateNamed(address subject*,address delegate*,uint64 expiresAt,uint32 turn)",
  "DelegateDismissed(address subject*,address delegate*,address by,uint32 turn)",
  "PlanSet(address owner*,bytes32 guardians,uint32 silence,uint32 notice,bytes32 shares,uint32 turn)",
  "LifeSignGiven(address owner*,uint64 at,uint32 turn)",
  "RecoveryAnnounced(address owner*,address heir*,address guardian*,uint64 opensAt)",
  "ShareReleased(address owner*,address heir*,address guardian*,bytes32 share)",
  "EmergencyPrepared(address subject*,bytes32 grant,bytes32 custody,uint32 turn)",
  "EmergencyDeclared(address subject*,address provider*,bytes32 id,uint64 startsAt,uint64 expiresAt,bytes32 reason)",
  "KeyReleased(address subject*,address provider*,address custodian*,bytes32 id,bytes32 share)",
];

/** OpenZeppelin's; they change no record, grant or relationship. */
const SILENT = ["AuthorityUpdated(address)", "EIP712DomainChanged()"];

/** Whose values can exceed what a JavaScript number holds, or mean "never" by their largest value. */
const BIG = new Set([
  "Accredited.roles",
  "Accredited.expiresAt",
  "DelegateNamed.expiresAt",
  // Gateways number their epochs as they like.
  "ReceiptsCommitted.epoch",
]);

interface Field {
  name: string;
  type: string;
  isIndexed: boolean;
  isBig: boolean;
}

interface Layout {
  name: string;
  indexed: Field[];
  plain: Field[];
}

const BY_TOPIC = new Map<string, Layout | null>();
for (const text of LAYOUTS) {
  const [, name, inner] = /^(\w+)\((.*)\)$/.exec(text) as unknown as [string, string, string];
  const fields = inner.split(",").map((part): Field => {
    const [type, label] = part.split(" ") as [string, string];
    const field = label.replace("*", "");
    return { type, name: field, isIndexed: label.endsWith("*"), isBig: BIG.has(`${name}.${field}`) };
  });
  const layout = {
    name,
    indexed: fields.filter((one) => one.isIndexed),
    plain: fields.filter((one) => !one.isIndexed),
  };
  BY_TOPIC.set(topicOf(`${name}(${fields.map((one) => one.type).join(",")})`), layout);
}
for (const signature of SILENT) BY_TOPIC.set(topicOf(signature), null);

/** Signatures of all events that are read, for a comparison with the contracts' own. */
export const SIGNATURES: readonly string[] = [...LAYOUTS.map((text) => text.replace(/ \w+\*?/g, "")), ...SILENT];

/** What one log says; null for the few that say nothing about patients. Throws `PageError` for any other. */
export function decodeLog(log: RawLog): LoggedEvent | null {
  const topics = log.topics;
  if (!Array.isArray(topics) || !topics.every((topic) => typeof topic === "string" && HASH.test(topic)))
    throw malformed();
  const layout = BY_TOPIC.get(topics[0] as string);
  if (layout === null) return null;
  if (layout === undefined) throw malformed();
  return {
    blockNumber: quantity(log.blockNumber),
    blockHash: hash(log.blockHash),
    logIndex: quantity(log.logIndex),
    transactionHash: hash(log.transactionHash),
    contract: addressIn(log.address, 2),
    event: eventOf(layout, topics.slice(1) as string[], digits(log.data)),
  };
}

function eventOf(layout: Layout, topics: string[], data: string): ChainEvent {
  if (topics.length !== layout.indexed.length) throw malformed();
  const values: Record<string, unknown> = {};
  layout.indexed.forEach((field, at) => {
    values[field.name] = fieldOf(field, (topics[at] as string).slice(2));
  });
  if (layout.name === "Registered") readRegistered(values, data);
  else if (layout.name === "Anchored") readAnchored(values, data);
  else {
    if (data.length !== layout.plain.length * WORD) throw malformed();
    layout.plain.forEach((field, at) => {
      values[field.name] = fieldOf(field, data.slice(at * WORD, (at + 1) * WORD));
    });
  }
  if (layout.name === "ParcelAnchored") {
    const { digest, locator, ...rest } = values;
    return { event: "Anchored", ...rest, digests: [digest], locators: [locator] } as unknown as ChainEvent;
  }
  return { event: layout.name, ...values } as unknown as ChainEvent;
}

function readRegistered(values: Record<string, unknown>, data: string): void {
  if (numberIn(data.slice(WORD, 2 * WORD)) !== 96) throw malformed();
  values.previous = `0x${data.slice(0, WORD)}`;
  values.descriptor = `0x${data.slice(2 * WORD, 3 * WORD)}`;
  values.publicKey = `0x${tail(data, 3 * WORD)}`;
}

function readAnchored(values: Record<string, unknown>, data: string): void {
  const count = numberIn(data.slice(3 * WORD, 4 * WORD));
  const end = (4 + count) * WORD;
  const offsets = [numberIn(data.slice(WORD, 2 * WORD)), numberIn(data.slice(2 * WORD, 3 * WORD))];
  if (offsets[0] !== 96 || offsets[1] !== 128 + 32 * count || data.length < end + WORD) throw malformed();
  const locators = tail(data, end);
  if (locators.length !== count * LOCATOR) throw malformed();
  values.time = numberIn(data.slice(0, WORD));
  values.digests = Array.from({ length: count }, (_, at) => `0x${data.slice((4 + at) * WORD, (5 + at) * WORD)}`);
  values.locators = Array.from({ length: count }, (_, at) => `0x${locators.slice(at * LOCATOR, (at + 1) * LOCATOR)}`);
}

/** A `bytes` value whose length stands at `at` and which ends the data, padded with zeros to whole words. */
function tail(data: string, at: number): string {
  const length = 2 * numberIn(data.slice(at, at + WORD));
  const end = at + WORD + length;
  if (data.length !== at + WORD + Math.ceil(length / WORD) * WORD || /[^0]/.test(data.slice(end))) throw malformed();
  return data.slice(at + WORD, end);
}

function fieldOf(field: Field, word: string): unknown {
  switch (field.type) {
    case "address":
      return addressIn(`0x${word}`, 26);
    case "bytes32":
      return `0x${word}`;
    case "bytes16":
      if (/[^0]/.test(word.slice(LOCATOR))) throw malformed();
      return `0x${word.slice(0, LOCATOR)}`;
    case "uint64": {
      if (/[^0]/.test(word.slice(0, WORD - 16))) throw malformed();
      return field.isBig ? BigInt(`0x${word}`) : numberIn(word);
    }
    default:
      if (/[^0]/.test(word.slice(0, WORD - 8))) throw malformed();
      return numberIn(word);
  }
}

function numberIn(word: string): number {
  const value = Number.parseInt(word, 16);
  if (word.length !== WORD || !Number.isSafeInteger(value)) throw malformed();
  return value;
}

function addressIn(text: unknown, digitsFrom: number): Address {
  if (typeof text !== "string") throw malformed();
  const padding = text.slice(2, digitsFrom);
  const address = text.slice(digitsFrom);
  if (/[^0]/.test(padding) || !/^[0-9a-fA-F]{40}$/.test(address)) throw malformed();
  return checksum(`0x${address}`);
}

function hash(value: unknown): Hex {
  if (typeof value !== "string" || !HASH.test(value)) throw malformed();
  return value as Hex;
}

function digits(value: unknown): string {
  if (typeof value !== "string" || !DIGITS.test(value)) throw malformed();
  return value.slice(2);
}

function topicOf(signature: string): string {
  return toHex(keccak_256(utf8(signature)));
}
