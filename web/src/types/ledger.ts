/**
 * The ledger of a subject (and the batches of an author) replayed as `contracts/core/Records.sol` folds them.
 *
 * The chain keeps one word per subject, the head of a hash chain over everything ever anchored. Whoever has the entries
 * replays them and compares with that word: what a node or an index hid, added, altered or reordered does not reach it.
 *
 *     head' = keccak256(abi.encode(head, kind, author, time, digest, detail))
 *
 * where `detail` is the locator (16 bytes, left-aligned), the replacement's digest, or, for a batch,
 * `keccak256(abi.encode(manifest, count))`.
 */

import { keccak_256 } from "@noble/hashes/sha3.js";
import type { Address, Hex } from "viem";
import { PageError } from "../errors";
import { concat, fromHexOf, toHex } from "./bytes";
import type { LoggedEvent } from "./events";

/** Head of a ledger without entries. */
export const EMPTY_HEAD: Hex = `0x${"00".repeat(32)}`;
export const LOCATOR_BYTES = 16;

const LOCATOR_CHARACTERS = 2 + 2 * LOCATOR_BYTES;
const WORD_BYTES = 32;

/** What an entry is, numbered as `Entry` in `contracts/interfaces/IRecords.sol`; part of what is hashed. */
export const EntryKind = { ANCHOR: 0, RETRACT: 1, BATCH: 2 } as const;
export type EntryKind = (typeof EntryKind)[keyof typeof EntryKind];

/** Block number, log index, place inside the event. */
export type Position = readonly [block: number, log: number, place: number];

/** One entry of a hash chain, and where in the chain it was made. */
export interface LedgerEntry {
  readonly kind: EntryKind;
  readonly author: Address;
  /** Unix time of its block, as folded. */
  readonly time: number;
  /** The parcel's digest, or the batch's Merkle root. */
  readonly digest: Hex;
  /** 32 bytes: locator and 16 zero bytes, the replacement's digest (zeros for none), or hash of manifest and count. */
  readonly detail: Hex;
  readonly position: Position;
  /** Not part of what is hashed. */
  readonly transactionHash: Hex;
}

/** The 16-byte locator of an anchored parcel; null for any other entry. */
export function locatorOf(entry: LedgerEntry): Hex | null {
  return entry.kind === EntryKind.ANCHOR ? (entry.detail.slice(0, LOCATOR_CHARACTERS) as Hex) : null;
}

/** The digest that supersedes a retracted parcel; null when nothing does, and for any other entry. */
export function replacementOf(entry: LedgerEntry): Hex | null {
  return entry.kind === EntryKind.RETRACT && entry.detail !== EMPTY_HEAD ? entry.detail : null;
}

/**
 * The entries that one event adds, in the order in which the contract folds them; none for other events.
 *
 * `Anchored` and `Retracted` extend the ledger of their subject, `BatchAnchored` the chain of its author.
 *
 * @throws PageError InvalidInput: not an event that the contract can emit (lengths that don't match).
 */
export function entriesOf(logged: LoggedEvent): LedgerEntry[] {
  const { event, blockNumber: block, logIndex: log, transactionHash } = logged;
  switch (event.event) {
    case "Anchored": {
      const { author, time, digests, locators } = event;
      if (digests.length !== locators.length) {
        throw new PageError("InvalidInput", { name: "locators", value: locators.length });
      }
      return digests.map((digest, place) => {
        const locator = locators[place] as Hex;
        if (locator.length !== LOCATOR_CHARACTERS) {
          throw new PageError("InvalidInput", { name: "locator", value: locator.slice(0, 80) });
        }
        const detail = locator.padEnd(2 + 2 * WORD_BYTES, "0") as Hex;
        return { kind: EntryKind.ANCHOR, author, time, digest, detail, position: [block, log, place], transactionHash };
      });
    }
    case "Retracted": {
      const { author, time, digest, replacement: detail } = event;
      return [{ kind: EntryKind.RETRACT, author, time, digest, detail, position: [block, log, 0], transactionHash }];
    }
    case "BatchAnchored": {
      const { author, time, root: digest } = event;
      const detail = batchDetail(event.manifest, event.count);
      return [{ kind: EntryKind.BATCH, author, time, digest, detail, position: [block, log, 0], transactionHash }];
    }
    default:
      return [];
  }
}

/** What a batch folds in beside its root: `keccak256(abi.encode(manifest, count))`. */
export function batchDetail(manifest: Hex, count: number): Hex {
  return toHex(keccak_256(concat(fromHexOf(manifest, WORD_BYTES, "manifest"), numberWord(count))));
}

/** The head after one more entry. */
export function fold(head: Hex, entry: LedgerEntry): Hex {
  return toHex(folded(fromHexOf(head, WORD_BYTES, "head"), entry));
}

/** The head that the entries lead to, from `head` on; compare it with `ledgerHead` or `batchHead`. */
export function replay(entries: Iterable<LedgerEntry>, head: Hex = EMPTY_HEAD): Hex {
  let word = fromHexOf(head, WORD_BYTES, "head");
  for (const entry of entries) word = folded(word, entry);
  return toHex(word);
}

function folded(head: Uint8Array, entry: LedgerEntry): Uint8Array {
  const data = new Uint8Array(6 * WORD_BYTES);
  data.set(head, 0);
  data.set(numberWord(entry.kind), WORD_BYTES);
  data.set(fromHexOf(entry.author, 20, "author"), 3 * WORD_BYTES - 20);
  data.set(numberWord(entry.time), 3 * WORD_BYTES);
  data.set(fromHexOf(entry.digest, WORD_BYTES, "digest"), 4 * WORD_BYTES);
  data.set(fromHexOf(entry.detail, WORD_BYTES, "detail"), 5 * WORD_BYTES);
  return keccak_256(data);
}

function numberWord(value: number): Uint8Array {
  if (!Number.isSafeInteger(value) || value < 0) throw new PageError("InvalidInput", { name: "number", value });
  const word = new Uint8Array(WORD_BYTES);
  for (let at = WORD_BYTES - 1, rest = value; rest > 0; at--, rest = Math.floor(rest / 256)) word[at] = rest % 256;
  return word;
}
