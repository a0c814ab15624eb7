/** What reader and writer of zstd share; above all its tables of finite state entropy (RFC 8878, section 4.1). */

import { PageError } from "../errors";

export const MAGIC = 0xfd2fb528;
export const MAX_BLOCK_BYTES = 1 << 17;

/** Bits that follow a length's code, and what they are added to (section 3.1.1.3.2.1.1). */
export const LITERAL_BITS: readonly number[] = [
  ...Array<number>(16).fill(0),
  ...[1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
];
export const MATCH_BITS: readonly number[] = [
  ...Array<number>(32).fill(0),
  ...[1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
];
export const LITERAL_BASE = bases(LITERAL_BITS, 0);
export const MATCH_BASE = bases(MATCH_BITS, 3);

/** By state: the symbol, how many bits follow, and what they are added to for the next state. */
export interface FseTable {
  readonly accuracy: number;
  readonly symbols: Uint8Array;
  readonly bits: Uint8Array;
  readonly bases: Uint16Array;
}

/** A table of one symbol, which takes no bits. */
export function rleTable(symbol: number): FseTable {
  return { accuracy: 0, symbols: Uint8Array.of(symbol), bits: new Uint8Array(1), bases: new Uint16Array(1) };
}

/**
 * Reads how often each symbol occurs; -1 stands for "less than once".
 *
 * @returns `end` is the position behind the table's last byte.
 */
export function readFseTable(
  data: Uint8Array,
  start: number,
  maxAccuracy: number,
  largest: number,
): { counts: number[]; accuracy: number; end: number } {
  let position = 8 * start;
  const peek = (bits: number): number => {
    const at = position >> 3;
    const word = (data[at] ?? 0) | ((data[at + 1] ?? 0) << 8) | ((data[at + 2] ?? 0) << 16);
    return (word >> (position & 7)) & ((1 << bits) - 1);
  };
  const accuracy = peek(4) + 5;
  position += 4;
  if (accuracy > maxAccuracy) throw damaged();
  const counts: number[] = [];
  let remaining = 1 << accuracy;
  while (remaining > 0) {
    if (counts.length > largest || position > 8 * data.length) throw damaged();
    const bits = 32 - Math.clz32(remaining + 1);
    const lowMask = (1 << (bits - 1)) - 1;
    const threshold = (1 << bits) - 1 - (remaining + 1);
    let value = peek(bits);
    if ((value & lowMask) < threshold) {
      value &= lowMask;
      position += bits - 1;
    } else {
      if (value > lowMask) value -= threshold;
      position += bits;
    }
    const count = value - 1;
    remaining -= Math.abs(count);
    counts.push(count);
    if (!count) {
      for (let repeat = 3; repeat === 3; ) {
        repeat = peek(2);
        position += 2;
        for (let more = repeat; more > 0; more--) counts.push(0);
        if (counts.length > largest + 1) throw damaged();
      }
    }
  }
  const end = (position + 7) >> 3;
  if (remaining || counts.length > largest + 1 || end > data.length) throw damaged();
  return { counts, accuracy, end };
}

/** The decoding table of a distribution whose counts sum up to 2^accuracy. */
export function buildTable(counts: readonly number[], accuracy: number): FseTable {
  const size = 1 << accuracy;
  const symbols = new Uint8Array(size);
  const next = new Uint16Array(counts.length);
  let high = size;
  for (const [symbol, count] of counts.entries()) {
    if (count === -1) {
      symbols[--high] = symbol;
      next[symbol] = 1;
    } else next[symbol] = count;
  }
  const step = (size >> 1) + (size >> 3) + 3;
  let position = 0;
  for (const [symbol, count] of counts.entries()) {
    for (let left = count; left > 0; left--) {
      symbols[position] = symbol;
      do position = (position + step) & (size - 1);
      while (position >= high);
    }
  }
  if (position) throw damaged();
  const bits = new Uint8Array(size);
  const bases = new Uint16Array(size);
  for (let state = 0; state < size; state++) {
    const symbol = symbols[state] as number;
    const value = next[symbol] as number;
    next[symbol] = value + 1;
    const taken = accuracy - (31 - Math.clz32(value));
    bits[state] = taken;
    bases[state] = (value << taken) - size;
  }
  return { accuracy, symbols, bits, bases };
}

/** The distributions that need no description (section 3.1.1.3.2.2). */
export const PREDEFINED = {
  literals: buildTable(
    [4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1],
    6,
  ),
  matches: buildTable(
    [
      1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
      1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1,
    ],
    6,
  ),
  offsets: buildTable([1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1], 5),
} as const;

function bases(bits: readonly number[], first: number): readonly number[] {
  let next = first;
  return bits.map((count) => {
    const base = next;
    next += 2 ** count;
    return base;
  });
}

function damaged(): PageError {
  return new PageError("ContentInvalid");
}
