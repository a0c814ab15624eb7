/** The vectors that Python and the page share, and what several tests need to speak of bytes. */

import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { PageError } from "../src/errors";
import { fromHex } from "../src/types/bytes";

export const bytes = fromHex;

/** One file of `tests/vectors`; its form is what the test says that it is. */
export function load<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../../tests/vectors/${name}.json`, import.meta.url), "utf8")) as T;
}

/** What an act throws; fails when it is no `PageError`, or nothing. */
export async function errorOf(act: () => unknown): Promise<PageError> {
  try {
    await act();
  } catch (error) {
    expect(error).toBeInstanceOf(PageError);
    return error as PageError;
  }
  throw new Error("It was not refused.");
}

/** Runs an act on bytes that nobody vouches for: it may refuse them, in no other way than by a `PageError`. */
export async function survives(act: () => unknown): Promise<boolean> {
  try {
    await act();
    return true;
  } catch (error) {
    if (!(error instanceof PageError)) throw error;
    return false;
  }
}

/** Pseudorandom numbers from a seed (mulberry32), so that a failure comes again. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** A whole number from 0 to `limit` - 1. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }

  /** The same bytes with a few changed, cut off, put in or doubled. */
  mutated(data: Uint8Array): Uint8Array {
    let out = [...data];
    for (let times = 1 + this.below(3); times > 0; times--) {
      const at = this.below(out.length + 1);
      switch (this.below(5)) {
        case 0:
          out[Math.min(at, Math.max(0, out.length - 1))] = this.below(256);
          break;
        case 1:
          out = out.slice(0, at);
          break;
        case 2:
          out.splice(at, 0, ...this.bytes(1 + this.below(8)));
          break;
        case 3:
          out.splice(at, 1 + this.below(8));
          break;
        default:
          out[Math.min(at, Math.max(0, out.length - 1))] = [0, 1, 127, 128, 255][this.below(5)] as number;
      }
    }
    return Uint8Array.from(out);
  }
}
