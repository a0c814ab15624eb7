/** Huffman-coded literals of zstd (RFC 8878, section 4.2), and the streams of bits that are read from their end. */

import { PageError } from "../errors";
import { buildTable, readFseTable } from "./zstdTables";

const MAX_BITS = 11;
const MAX_WEIGHT_ACCURACY = 6;

/** A stream of bits, read backwards from the highest bit that is set in its last byte. */
export class BackwardBits {
  /** Bits that are left. */
  #left: number;

  constructor(private readonly data: Uint8Array) {
    const last = data[data.length - 1];
    if (!last) throw damaged();
    this.#left = 8 * (data.length - 1) + (31 - Math.clz32(last));
  }

  /** The next bits, at most 31. */
  read(count: number): number {
    if (count > 16) {
      const high = this.read(count - 16);
      return high * 65536 + this.read(16);
    }
    this.#left -= count;
    if (this.#left < 0) throw damaged();
    return this.#at(this.#left, count);
  }

  /** The next bits, at most 16, without taking them; zeros beyond the end. */
  peek(count: number): number {
    const missing = count - this.#left;
    return missing > 0 ? this.#at(0, this.#left) << missing : this.#at(this.#left - count, count);
  }

  skip(count: number): void {
    this.#left -= count;
    if (this.#left < 0) throw damaged();
  }

  get left(): number {
    return this.#left;
  }

  requireEmpty(): void {
    if (this.#left) throw damaged();
  }

  #at(position: number, count: number): number {
    const at = position >> 3;
    const { data } = this;
    const word = (data[at] ?? 0) | ((data[at + 1] ?? 0) << 8) | ((data[at + 2] ?? 0) << 16);
    return (word >> (position & 7)) & ((1 << count) - 1);
  }
}

/** By the next `bits` bits: the symbol, and how many of them it takes. */
export class HuffmanTable {
  constructor(
    private readonly bits: number,
    private readonly symbols: Uint8Array,
    private readonly lengths: Uint8Array,
  ) {}

  /** Decodes one stream, or four of them behind a table of their sizes, into all of `out`. */
  decode(data: Uint8Array, out: Uint8Array, streams: 1 | 4): void {
    if (streams === 1) {
      this.#decodeOne(data, out);
      return;
    }
    const size = (out.length + 3) >> 2;
    if (data.length < 6 || 3 * size > out.length) throw damaged();
    let start = 6;
    for (let stream = 0; stream < 4; stream++) {
      const length = (data[2 * stream] as number) | ((data[2 * stream + 1] as number) << 8);
      const end = stream === 3 ? data.length : start + length;
      if (end > data.length) throw damaged();
      this.#decodeOne(
        data.subarray(start, end),
        out.subarray(stream * size, stream === 3 ? out.length : (stream + 1) * size),
      );
      start = end;
    }
  }

  #decodeOne(data: Uint8Array, out: Uint8Array): void {
    const bits = new BackwardBits(data);
    for (let at = 0; at < out.length; at++) {
      const code = bits.peek(this.bits);
      out[at] = this.symbols[code] as number;
      bits.skip(this.lengths[code] as number);
    }
    bits.requireEmpty();
  }
}

/** Reads a tree's description; the number is the position behind it. */
export function readHuffmanTable(data: Uint8Array, start: number): [HuffmanTable, number] {
  const head = data[start];
  if (head === undefined) throw damaged();
  const at = start + 1;
  if (head < 128) {
    if (at + head > data.length) throw damaged();
    return [tableOf(compressedWeights(data.subarray(at, at + head))), at + head];
  }
  const count = head - 127;
  const end = at + ((count + 1) >> 1);
  if (end > data.length) throw damaged();
  const weights = Array.from({ length: count }, (_, index) => {
    const byte = data[at + (index >> 1)] as number;
    return index & 1 ? byte & 15 : byte >> 4;
  });
  return [tableOf(weights), end];
}

/** Weights that are themselves compressed, by two states that take turns (section 4.2.1.2). */
function compressedWeights(data: Uint8Array): number[] {
  const { counts, accuracy, end } = readFseTable(data, 0, MAX_WEIGHT_ACCURACY, MAX_BITS + 1);
  const table = buildTable(counts, accuracy);
  const bits = new BackwardBits(data.subarray(end));
  const states = [bits.read(accuracy), bits.read(accuracy)];
  const weights: number[] = [];
  for (let turn = 0; ; turn ^= 1) {
    const state = states[turn] as number;
    weights.push(table.symbols[state] as number);
    // A table of one symbol takes no bits and would go on for ever.
    if (weights.length > 255) throw damaged();
    const taken = table.bits[state] as number;
    if (taken > bits.left) {
      weights.push(table.symbols[states[turn ^ 1] as number] as number);
      return weights;
    }
    states[turn] = (table.bases[state] as number) + bits.read(taken);
  }
}

/** The table of weights, to which the last symbol's is added: what is missing to a power of two (section 4.2.1.3). */
function tableOf(weights: number[]): HuffmanTable {
  let sum = 0;
  for (const weight of weights) {
    if (weight > MAX_BITS) throw damaged();
    if (weight) sum += 1 << (weight - 1);
  }
  if (!sum || weights.length > 255) throw damaged();
  const bits = 32 - Math.clz32(sum);
  const rest = (1 << bits) - sum;
  if (bits > MAX_BITS || rest & (rest - 1)) throw damaged();
  const all = [...weights, 32 - Math.clz32(rest)];
  const symbols = new Uint8Array(1 << bits);
  const lengths = new Uint8Array(1 << bits);
  let at = 0;
  for (let weight = 1; weight <= bits; weight++) {
    for (const [symbol, own] of all.entries()) {
      if (own !== weight) continue;
      const end = at + (1 << (weight - 1));
      symbols.fill(symbol, at, end);
      lengths.fill(bits + 1 - weight, at, end);
      at = end;
    }
  }
  if (at !== 1 << bits) throw damaged();
  return new HuffmanTable(bits, symbols, lengths);
}

function damaged(): PageError {
  return new PageError("ContentInvalid");
}
