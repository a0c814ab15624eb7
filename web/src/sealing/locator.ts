/**
 * Locators: 16 bytes beside each anchored parcel, by which the holder of its key finds it; to all others random.
 *
 * A locator is `nonce (8 random bytes) ‖ tag`. The tag is the first 8 bytes of HMAC-SHA256(key, "locator" ‖ nonce ‖
 * count), where count (4 bytes) tells apart the parcels of one compartment in one publication. All locators of one
 * publication share the nonce, so that a key holder computes one HMAC for each key and publication.
 */

import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import type { Hex } from "viem";
import { label, number } from "../crypto/encoding";
import { type CompartmentKey, type MailboxKey, randomBytes } from "../crypto/secret";
import { PageError } from "../errors";
import { concat, fromHex, toDigits, toHex } from "../types/bytes";

export const LOCATOR_BYTES = 16;
export const BLIND_BYTES = 32;

/** Of a parcel's compartment; or of the mailbox, for what only its two holders shall find. */
export type LocatorKey = CompartmentKey | MailboxKey;

const NONCE_BYTES = 8;
const LOCATOR = label("locator");
const BLIND = label("blind");
const FORM = /^0x[0-9a-f]{32}$/;

/**
 * One locator for each parcel of a publication.
 *
 * @param keys For each parcel its compartment's key; the relationship's mailbox key for one sealed to the subject.
 */
export function makeLocators(keys: readonly LocatorKey[]): Hex[] {
  for (;;) {
    const nonce = randomBytes(NONCE_BYTES);
    const used = new Map<string, number>();
    const locators = keys.map((key) => {
      const tagger = new Tagger(key);
      const first = tagger.tag(nonce, 0);
      // Equal keys make equal first tags: so parcels of one compartment are counted.
      const count = used.get(first) ?? 0;
      used.set(first, count + 1);
      return `${toHex(nonce)}${count ? tagger.tag(nonce, count) : first}` as Hex;
    });
    if (new Set(locators).size === locators.length) return locators;
  }
}

/**
 * Which locators belong to which keys.
 *
 * One HMAC for each key and publication of which something is still to be found, and one more for each match: so the
 * likeliest keys come best first. A tag fits by chance once in 2^64 trials; the object then doesn't open.
 *
 * @returns Position of the locator → position of the key, for those that match, in the locators' order.
 * @throws PageError InvalidInput: a locator has not 16 bytes.
 */
export function matchLocators(locators: readonly Hex[], keys: Iterable<LocatorKey>): Map<number, number> {
  const publications = new Map<string, { nonce: Uint8Array; tags: Map<string, number[]> }>();
  for (const [position, locator] of locators.entries()) {
    const digits = requireLocator(locator);
    const [nonce, tag] = [digits.slice(0, 2 * NONCE_BYTES), digits.slice(2 * NONCE_BYTES)];
    const publication = publications.get(nonce) ?? { nonce: fromHex(nonce), tags: new Map<string, number[]>() };
    publications.set(nonce, publication);
    const positions = publication.tags.get(tag);
    if (positions) positions.push(position);
    else publication.tags.set(tag, [position]);
  }
  const found: [number, number][] = [];
  let keyPosition = -1;
  for (const key of keys) {
    keyPosition++;
    if (!publications.size) break;
    const tagger = new Tagger(key);
    for (const [name, { nonce, tags }] of publications) {
      for (let count = 0; ; count++) {
        const tag = tagger.tag(nonce, count);
        const positions = tags.get(tag);
        if (!positions) break;
        tags.delete(tag);
        for (const position of positions) found.push([position, keyPosition]);
      }
      if (!tags.size) publications.delete(name);
    }
  }
  return new Map(found.sort(([first], [second]) => first - second));
}

/** The 32 bytes that blind a parcel's leaf in a batch: HMAC-SHA256(key, "blind" ‖ locator). */
export function batchBlind(key: LocatorKey, locator: Hex): Hex {
  return toHex(hmac(sha256, key.reveal(), concat(BLIND, fromHex(requireLocator(locator)))));
}

/** Tags of one key: its padded blocks are hashed once, which halves the work of every tag. */
class Tagger {
  readonly #keyed: ReturnType<typeof hmac.create>;

  constructor(key: LocatorKey) {
    this.#keyed = hmac.create(sha256, key.reveal());
  }

  tag(nonce: Uint8Array, count: number): string {
    const digest = this.#keyed
      .clone()
      .update(LOCATOR)
      .update(nonce)
      .update(number(count, 4, "count"))
      .digest();
    return toDigits(digest.subarray(0, LOCATOR_BYTES - NONCE_BYTES));
  }
}

function requireLocator(locator: Hex): string {
  const lower = locator.toLowerCase();
  if (!FORM.test(lower)) throw new PageError("InvalidInput", { name: "locator", value: locator.slice(0, 80) });
  return lower.slice(2);
}
