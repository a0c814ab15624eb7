/**
 * Batches: one Merkle root over parcels of many subjects, and the manifest from which each finds its own.
 *
 * Leaves are those of `IRecords.isInBatch`: keccak-256 twice over (subject, number, digest, locator, blind). A manifest
 * is `MEDLST ‖ version (1) ‖ entries`, each entry `locator (16) ‖ digest (32) ‖ leaf (32)`, ascending by locator. Since
 * tags are random to all but their key's holder, that order is a shuffle that nobody chose. With the leaves in it, a
 * subject makes its own proof and sees that the manifest is the one that was anchored.
 */

import { keccak_256 } from "@noble/hashes/sha3.js";
import type { Address, Hex } from "viem";
import { address, number } from "../crypto/encoding";
import { PageError } from "../errors";
import { concat, equalBytes, fromHex, fromHexOf, toHex, utf8 } from "../types/bytes";
import { LOCATOR_BYTES } from "./locator";
import { proofIn, treeOver } from "./merkle";

export const VERSION = 1;
export const HASH_BYTES = 32;

const OPENING = concat(utf8("MEDLST"), Uint8Array.of(VERSION));
const ENTRY_BYTES = LOCATOR_BYTES + 2 * HASH_BYTES;

/** A parcel in a batch. */
export interface BatchLeaf {
  readonly subject: Address;
  /** Number of the relationship between subject and author. */
  readonly number: number;
  readonly digest: Hex;
  readonly locator: Hex;
  /** See `batchBlind`. */
  readonly blind: Hex;
}

/** A line of a manifest: what finds a parcel, what fetches it, and its leaf. */
export interface ManifestEntry {
  readonly locator: Hex;
  readonly digest: Hex;
  readonly leafHash: Hex;
}

/** keccak256(keccak256(abi.encode(subject, number, digest, locator, blind))). */
export function leafHash(leaf: BatchLeaf): Hex {
  const words = concat(
    new Uint8Array(12),
    address(leaf.subject),
    new Uint8Array(28),
    number(leaf.number, 4, "number"),
    fromHexOf(leaf.digest, HASH_BYTES, "digest"),
    fromHexOf(leaf.locator, LOCATOR_BYTES, "locator"),
    new Uint8Array(HASH_BYTES - LOCATOR_BYTES),
    fromHexOf(leaf.blind, HASH_BYTES, "blind"),
  );
  return toHex(keccak_256(keccak_256(words)));
}

/** All entries of a batch, ascending by locator, and the tree over their leaves. */
export class Manifest {
  readonly #tree: readonly Hex[];

  private constructor(readonly entries: readonly ManifestEntry[]) {
    this.#tree = treeOver(entries.map((entry) => entry.leafHash));
  }

  /** Sorts the entries and builds the tree; throws PageError InvalidInput: none at all, or two with one locator. */
  static of(entries: readonly ManifestEntry[]): Manifest {
    const ordered = [...entries].sort((first, second) => (first.locator < second.locator ? -1 : 1));
    if (!isAscending(ordered)) throw new PageError("InvalidInput", { name: "locators", value: entries.length });
    return new Manifest(ordered);
  }

  /** Reads a manifest; throws PageError ContentInvalid: not a manifest. */
  static parse(data: Uint8Array): Manifest {
    const size = data.length - OPENING.length;
    if (size <= 0 || size % ENTRY_BYTES || !equalBytes(data.subarray(0, OPENING.length), OPENING)) {
      throw new PageError("ContentInvalid", { length: data.length });
    }
    const entries: ManifestEntry[] = [];
    for (let start = OPENING.length; start < data.length; start += ENTRY_BYTES) {
      const part = (from: number, to: number) => toHex(data.subarray(start + from, start + to));
      entries.push({
        locator: part(0, LOCATOR_BYTES),
        digest: part(LOCATOR_BYTES, LOCATOR_BYTES + HASH_BYTES),
        leafHash: part(LOCATOR_BYTES + HASH_BYTES, ENTRY_BYTES),
      });
    }
    if (!isAscending(entries)) throw new PageError("ContentInvalid", { length: data.length });
    return new Manifest(entries);
  }

  /** What `parse` reads. */
  encode(): Uint8Array {
    const lines = this.entries.flatMap((entry) => [entry.locator, entry.digest, entry.leafHash].map(fromHex));
    return concat(OPENING, ...lines);
  }

  /** The Merkle root, to be compared with the anchored one. */
  get root(): Hex {
    return this.#tree[0] as Hex;
  }

  /** The proof for `IRecords.isInBatch` of the entry at `position`; throws PageError InvalidInput: no such. */
  proof(position: number): Hex[] {
    return proofIn(this.#tree, position);
  }

  /**
   * Makes sure that this is the manifest of an anchored batch: root and number of leaves are those of its event.
   *
   * @throws PageError ParcelTampered: it isn't.
   */
  require(root: Hex, count: number): void {
    if (this.root !== root.toLowerCase() || this.entries.length !== count) {
      throw new PageError("ParcelTampered", { expected: root, actual: this.root });
    }
  }
}

/** The manifest over the parcels of a batch. */
export function makeManifest(leaves: readonly BatchLeaf[]): Manifest {
  return Manifest.of(leaves.map((leaf) => ({ locator: leaf.locator, digest: leaf.digest, leafHash: leafHash(leaf) })));
}

function isAscending(entries: readonly ManifestEntry[]): boolean {
  return entries.length > 0 && entries.every((entry, at) => !at || (entries[at - 1]?.locator as Hex) < entry.locator);
}
