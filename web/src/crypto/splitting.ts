/**
 * Splitting a secret among people: Shamir's scheme as SLIP-39 writes it. One group, no passphrase, the lowest number of
 * iterations: these stretch passphrases, of which there are none.
 *
 * Loaded only where guardians or custodians are appointed, or shares put together: few people do that on one visit.
 */

import Slip39 from "slip39";
import helper from "slip39/src/slip39_helper.js";
import { PageError } from "../errors";
import { KEY_BYTES } from "./secret";

export const MOST_SHARES = 16;

/**
 * Shares of a secret, of which any `threshold` give it back.
 *
 * @throws PageError InvalidInput: no 2 to 16 shares, or a threshold that is not 2 to their number.
 */
export function split(secret: Uint8Array, threshold: number, count: number): string[] {
  if (secret.length !== KEY_BYTES) throw new PageError("InvalidInput", { name: "secret", value: secret.length });
  if (!(2 <= threshold && threshold <= count && count <= MOST_SHARES)) {
    throw new PageError("InvalidInput", { name: "threshold", value: `${threshold}/${count}` });
  }
  const made = Slip39.fromArray([...secret], { passphrase: "", threshold: 1, groups: [[threshold, count, ""]] });
  return made.fromPath("r/0").mnemonics;
}

/** How many shares the secret of this one needs; throws PageError InvalidInput: it is no share. */
export function thresholdOf(words: string): number {
  return Number(headOf(words) & 15n) + 1;
}

/** Which split a share is of: 15 random bits that all shares of one secret have. Throws as `thresholdOf` does. */
export function splitOf(words: string): number {
  return Number(headOf(words) >> 25n);
}

function headOf(words: string): bigint {
  // The fields of the first four words, 10 bits each (SLIP-39, "Format of the share mnemonic"): identifier (15),
  // extendable (1), iterations (4), group (4), group threshold (4), groups (4), member (4), threshold - 1 (4).
  const list = words.trim().split(/\s+/);
  if (!Slip39.validateMnemonic(words)) throw new PageError("InvalidInput", { name: "share", value: list.length });
  const bits = list.slice(0, 4).reduce((all, word) => all * 1024n + BigInt(helper.WORD_LIST.indexOf(word)), 0n);
  if (((bits >> 8n) & 15n) !== 0n) throw new PageError("InvalidInput", { name: "share", value: "groups" });
  return bits;
}

/** The secrets that the shares make, over all choices of `threshold` of them that fit together. Some may be false. */
export function* candidates(shares: Iterable<string>): Generator<Uint8Array> {
  const known = new Map<string, string[]>();
  for (const words of new Set(shares)) {
    try {
      const kind = `${thresholdOf(words)} ${splitOf(words)}`;
      known.set(kind, [...(known.get(kind) ?? []), words]);
    } catch {
      // What is no share is passed over.
    }
  }
  for (const [kind, group] of known) {
    for (const chosen of choices(group.slice(0, MOST_SHARES), Number.parseInt(kind, 10))) {
      try {
        yield Uint8Array.from(Slip39.recoverSecret(chosen, ""));
      } catch {
        // They don't belong together, or one is false.
      }
    }
  }
}

function* choices<T>(items: readonly T[], count: number): Generator<T[]> {
  if (count === 0) yield [];
  for (let at = 0; at <= items.length - count && count > 0; at++) {
    for (const rest of choices(items.slice(at + 1), count - 1)) yield [items[at] as T, ...rest];
  }
}
