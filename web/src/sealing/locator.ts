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
import { concat, fromHex, readNumber, toDigits, toHex } from "../types/bytes";

export const LOCATOR_BYTES = 16;
export const BLIND_BYTES = 32;

/** Of a parcel's compartment; or of the mailbox, for what only its two holders shall find. */
export type LocatorKey = CompartmentKey | MailboxKey;

const NONCE_BYTES = 8;
/** How long a search may keep a page from answering. */
const TURN_MILLISECONDS = 30;
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
      const first = toDigits(tagger.tag(message(nonce, 0)));
      // Equal keys make equal first tags: so parcels of one compartment are counted.
      const count = used.get(first) ?? 0;
      used.set(first, count + 1);
      return `${toHex(nonce)}${count ? toDigits(tagger.tag(message(nonce, count))) : first}` as Hex;
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
  const search = matching(locators, keys);
  for (;;) {
    const { done, value } = search.next();
    if (done) return value;
  }
}

/** The same, with pauses in which the page can be used: for what may take seconds, because most of it is not found. */
export async function matchLocatorsInTurns(
  locators: readonly Hex[],
  keys: Iterable<LocatorKey>,
): Promise<Map<number, number>> {
  const search = matching(locators, keys);
  for (let until = performance.now() + TURN_MILLISECONDS; ; ) {
    const { done, value } = search.next();
    if (done) return value;
    if (performance.now() < until) continue;
    await new Promise((resolve) => setTimeout(resolve));
    until = performance.now() + TURN_MILLISECONDS;
  }
}

/** The search itself; stops for breath after each key. */
function* matching(
  locators: readonly Hex[],
  keys: Iterable<LocatorKey>,
): Generator<undefined, Map<number, number>, undefined> {
  const publications = new Map<string, Publication>();
  for (const [position, locator] of locators.entries()) {
    const digits = requireLocator(locator);
    const name = digits.slice(0, 2 * NONCE_BYTES);
    const publication = publications.get(name) ?? new Publication(fromHex(name));
    publications.set(name, publication);
    publication.add(digits.slice(2 * NONCE_BYTES), position);
  }
  const found: [number, number][] = [];
  let keyPosition = -1;
  for (const key of keys) {
    keyPosition++;
    if (!publications.size) break;
    const tagger = new Tagger(key);
    for (const [name, publication] of publications) {
      for (const position of publication.take(tagger)) found.push([position, keyPosition]);
      if (publication.isEmpty) publications.delete(name);
    }
    yield;
  }
  return new Map(found.sort(([first], [second]) => first - second));
}

/** The 32 bytes that blind a parcel's leaf in a batch: HMAC-SHA256(key, "blind" ‖ locator). */
export function batchBlind(key: LocatorKey, locator: Hex): Hex {
  return toHex(hmac(sha256, key.reveal(), concat(BLIND, fromHex(requireLocator(locator)))));
}

/** What is still to be found of one publication. */
class Publication {
  readonly #first: Uint8Array;
  readonly #positions = new Map<string, number[]>();
  /** The first four bytes of each tag: nearly every key is ruled out by them, before anything is written as text. */
  readonly #beginnings = new Set<number>();

  constructor(private readonly nonce: Uint8Array) {
    this.#first = message(nonce, 0);
  }

  add(tag: string, position: number): void {
    const positions = this.#positions.get(tag);
    if (positions) positions.push(position);
    else this.#positions.set(tag, [position]);
    this.#beginnings.add(Number.parseInt(tag.slice(0, 8), 16));
  }

  /** Takes out the positions of the locators that a key made. */
  take(tagger: Tagger): number[] {
    const taken: number[] = [];
    for (let count = 0; ; count++) {
      const tag = tagger.tag(count ? message(this.nonce, count) : this.#first);
      if (!this.#beginnings.has(readNumber(tag, 0, 4))) return taken;
      const digits = toDigits(tag);
      const positions = this.#positions.get(digits);
      if (!positions) return taken;
      this.#positions.delete(digits);
      for (const position of positions) taken.push(position);
    }
  }

  get isEmpty(): boolean {
    return !this.#positions.size;
  }
}

/** Tags of one key: its padded blocks are hashed once, and one state is used again and again: a third of the time. */
class Tagger {
  readonly #keyed: ReturnType<typeof hmac.create>;
  readonly #scratch: ReturnType<typeof hmac.create>;
  readonly #digest = new Uint8Array(32);

  constructor(key: LocatorKey) {
    this.#keyed = hmac.create(sha256, key.reveal());
    this.#scratch = this.#keyed.clone();
  }

  /** Eight bytes, good until the next tag is asked for. */
  tag(data: Uint8Array): Uint8Array {
    this.#keyed._cloneInto(this.#scratch);
    this.#scratch.update(data).digestInto(this.#digest);
    return this.#digest.subarray(0, LOCATOR_BYTES - NONCE_BYTES);
  }
}

function message(nonce: Uint8Array, count: number): Uint8Array {
  return concat(LOCATOR, nonce, number(count, 4, "count"));
}

function requireLocator(locator: Hex): string {
  const lower = locator.toLowerCase();
  if (!FORM.test(lower)) throw new PageError("InvalidInput", { name: "locator", value: locator.slice(0, 80) });
  return lower.slice(2);
}
