/**
 * zstd frames (RFC 8878), written for every reader: repetitions become sequences under the predefined tables, what is
 * left stands as it is. Of records that makes about a sixth, at some 20 MB a second; a full compressor would weigh more
 * than the whole page.
 */

import {
  type FseTable,
  LITERAL_BASE,
  LITERAL_BITS,
  MAGIC,
  MATCH_BASE,
  MATCH_BITS,
  MAX_BLOCK_BYTES,
  PREDEFINED,
} from "./zstdTables";

const HEAD_BYTES = 13;
const SHORTEST_MATCH = 5; // shorter ones cost more than the literals that they replace
const HASH_BITS = 15;
/** Earlier places with the same beginning that are looked at. */
const TRIES = 8;
const LARGEST_OFFSET = 2 ** 27; // the predefined table ends at code 28, and offsets are written as 3 more

interface Sequence {
  readonly literals: number;
  readonly match: number;
  /** The distance and 3; or 1, for the distance of the sequence before. */
  readonly offset: number;
}

/** One zstd frame that says how long its content is. */
export function compress(data: Uint8Array): Uint8Array {
  const out = new Output(data.length + (data.length >> 10) + 64);
  const head = new Uint8Array(HEAD_BYTES);
  const view = new DataView(head.buffer);
  view.setUint32(0, MAGIC, true);
  head[4] = 0xe0; // content size in 8 bytes, a single segment, no checksum, no dictionary
  view.setBigUint64(5, BigInt(data.length), true);
  out.write(head);
  const finder = new MatchFinder(data);
  let start = 0;
  do {
    const end = Math.min(data.length, start + MAX_BLOCK_BYTES);
    const isLast = end === data.length;
    const block = finder.block(start, end);
    const isShorter = block !== null && block.length < end - start;
    const body = isShorter ? block : data.subarray(start, end);
    out.write(littleEndian((body.length << 3) | (isShorter ? 4 : 0) | (isLast ? 1 : 0), 3));
    out.write(body);
    start = end;
  } while (start < data.length);
  return out.taken();
}

/** Finds repetitions by chains of places whose first bytes hash alike. */
class MatchFinder {
  readonly #heads = new Int32Array(1 << HASH_BITS).fill(-1);
  readonly #previous: Int32Array;
  #filled = 0;
  #recent = 0;

  constructor(private readonly data: Uint8Array) {
    this.#previous = new Int32Array(data.length);
  }

  /** A block's compressed body; null when nothing in it repeats, and then no reader's state changes. */
  block(start: number, end: number): Uint8Array | null {
    const { data } = this;
    const sequences: Sequence[] = [];
    const literals = new Output(end - start);
    let anchor = start;
    for (let at = start; at + SHORTEST_MATCH <= end; ) {
      this.#fill(at);
      const { length, distance } = this.#longest(at, end);
      if (length < SHORTEST_MATCH) {
        at++;
        continue;
      }
      const before = at - anchor;
      sequences.push({
        literals: before,
        match: length,
        // The value 1 means the last distance only where literals stand before it.
        offset: before > 0 && distance === this.#recent ? 1 : distance + 3,
      });
      literals.write(data.subarray(anchor, at));
      this.#recent = distance;
      at += length;
      anchor = at;
    }
    if (!sequences.length) return null;
    literals.write(data.subarray(anchor, end));
    const plain = literals.taken();
    const out = new Output(plain.length + 8 * sequences.length + 16);
    out.write(littleEndian((plain.length << 4) | (3 << 2), 3)); // literals as they are, their size in 20 bits
    out.write(plain);
    out.write(sequenceCount(sequences.length));
    out.write(Uint8Array.of(0)); // the predefined tables
    out.write(writeSequences(sequences));
    const body = out.taken();
    // A block that isn't worth it is stored, and readers then never hear of its distances.
    if (body.length >= end - start) this.#recent = 0;
    return body;
  }

  #fill(limit: number): void {
    const last = Math.min(limit, this.data.length - SHORTEST_MATCH + 1);
    for (; this.#filled < last; this.#filled++) {
      const hash = this.#hash(this.#filled);
      this.#previous[this.#filled] = this.#heads[hash] as number;
      this.#heads[hash] = this.#filled;
    }
  }

  #longest(at: number, end: number): { length: number; distance: number } {
    const { data } = this;
    let best = 0;
    let distance = 0;
    let candidate = this.#heads[this.#hash(at)] as number;
    for (let tries = TRIES; tries > 0 && candidate >= 0 && at - candidate <= LARGEST_OFFSET; tries--) {
      if (data[candidate + best] === data[at + best]) {
        let length = 0;
        while (at + length < end && data[candidate + length] === data[at + length]) length++;
        if (length > best) [best, distance] = [length, at - candidate];
        if (at + best >= end) break;
      }
      candidate = this.#previous[candidate] as number;
    }
    return { length: best, distance };
  }

  #hash(at: number): number {
    const { data } = this;
    const word = (data[at] as number) | ((data[at + 1] as number) << 8) | ((data[at + 2] as number) << 16);
    const more = (data[at + 3] as number) | ((data[at + 4] as number) << 8);
    return (Math.imul(word, 0x9e3779b1) ^ Math.imul(more, 0x85ebca6b)) >>> (32 - HASH_BITS);
  }
}

function sequenceCount(count: number): Uint8Array {
  if (count < 128) return Uint8Array.of(count);
  if (count < 0x7f00) return Uint8Array.of(128 + (count >> 8), count & 255);
  return Uint8Array.of(255, (count - 0x7f00) & 255, (count - 0x7f00) >> 8);
}

/** The bits of all sequences. They are read from the end, and so are written from the last sequence to the first. */
function writeSequences(sequences: readonly Sequence[]): Uint8Array {
  const bits = new Bits(8 * sequences.length + 16);
  const literals = new StateWriter(PREDEFINED.literals, bits);
  const matches = new StateWriter(PREDEFINED.matches, bits);
  const offsets = new StateWriter(PREDEFINED.offsets, bits);
  for (const { literals: before, match, offset } of [...sequences].reverse()) {
    const literalCode = codeOf(LITERAL_BASE, before);
    const matchCode = codeOf(MATCH_BASE, match);
    const offsetCode = 31 - Math.clz32(offset);
    offsets.push(offsetCode);
    matches.push(matchCode);
    literals.push(literalCode);
    bits.write(before - (LITERAL_BASE[literalCode] as number), LITERAL_BITS[literalCode] as number);
    bits.write(match - (MATCH_BASE[matchCode] as number), MATCH_BITS[matchCode] as number);
    bits.write(offset - 2 ** offsetCode, offsetCode);
  }
  matches.finish();
  offsets.finish();
  literals.finish();
  return bits.taken();
}

function codeOf(bases: readonly number[], value: number): number {
  let code = bases.length - 1;
  while ((bases[code] as number) > value) code--;
  return code;
}

/** States of one table, found backwards: which state with this symbol leads to the state that comes after it? */
class StateWriter {
  #state = -1;

  constructor(
    private readonly table: FseTable,
    private readonly bits: Bits,
  ) {}

  push(symbol: number): void {
    const { symbols, bits, bases } = this.table;
    for (let state = 0; state < symbols.length; state++) {
      if (symbols[state] !== symbol) continue;
      const rest = this.#state - (bases[state] as number);
      if (this.#state < 0) {
        this.#state = state; // the last sequence: nothing comes after it
        return;
      }
      if (rest >= 0 && rest < 1 << (bits[state] as number)) {
        this.bits.write(rest, bits[state] as number);
        this.#state = state;
        return;
      }
    }
  }

  finish(): void {
    this.bits.write(this.#state, this.table.accuracy);
  }
}

/** Bits, the first in the lowest place; closed by a one, from which a reader starts. */
class Bits {
  readonly #out: Output;
  #word = 0;
  #count = 0;

  constructor(size: number) {
    this.#out = new Output(size);
  }

  write(value: number, count: number): void {
    for (let left = count, rest = value; left > 0; ) {
      const taken = Math.min(left, 16);
      this.#word |= (rest & ((1 << taken) - 1)) << this.#count;
      this.#count += taken;
      for (; this.#count >= 8; this.#count -= 8, this.#word >>>= 8) this.#out.byte(this.#word & 255);
      rest >>>= taken;
      left -= taken;
    }
  }

  taken(): Uint8Array {
    this.write(1, 1);
    if (this.#count) this.#out.byte(this.#word);
    return this.#out.taken();
  }
}

/** Bytes that grow. */
class Output {
  #data: Uint8Array;
  #size = 0;

  constructor(size: number) {
    this.#data = new Uint8Array(size);
  }

  write(data: Uint8Array): void {
    this.#reserve(data.length);
    this.#data.set(data, this.#size);
    this.#size += data.length;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#data[this.#size++] = value;
  }

  taken(): Uint8Array {
    return this.#data.subarray(0, this.#size);
  }

  #reserve(more: number): void {
    if (this.#size + more <= this.#data.length) return;
    const larger = new Uint8Array(Math.max(2 * this.#data.length, this.#size + more));
    larger.set(this.#data.subarray(0, this.#size));
    this.#data = larger;
  }
}

function littleEndian(value: number, size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, at) => (value >> (8 * at)) & 255);
}
