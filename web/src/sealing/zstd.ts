/**
 * zstd frames (RFC 8878), read without trusting whoever compressed them. `zstdWriter.ts` writes them.
 *
 * A reader of its own, because what comes in is hostile until proven otherwise and the small libraries for browsers
 * trust it: they loop for ever over a Huffman table of one symbol, copy matches of 64 KiB a hundred thousand times into
 * nothing, and fill up content that is shorter than it says with zeros. Here the content's length is known and allowed
 * before anything is done, never a byte more is written, and so the work is bounded by the lengths of both sides.
 *
 * Exactly one frame, without a dictionary, that says how long its content is: what the Python package writes. The
 * optional checksum is passed over, since AES-GCM has vouched for the bytes already.
 */

import { PageError } from "../errors";
import { BackwardBits, type HuffmanTable, readHuffmanTable } from "./zstdHuffman";
import {
  buildTable,
  type FseTable,
  LITERAL_BASE,
  LITERAL_BITS,
  MAGIC,
  MATCH_BASE,
  MATCH_BITS,
  MAX_BLOCK_BYTES,
  PREDEFINED,
  readFseTable,
  rleTable,
} from "./zstdTables";

const CHECKSUM_BYTES = 4;
const WORTH_DOUBLING = 64;

/**
 * The content of exactly one zstd frame.
 *
 * @param limit Bytes of content that are allowed; not more memory than that is ever asked for.
 * @throws PageError ContentTooLarge: the frame announces more; ContentInvalid: not one frame, empty, damaged, or silent
 *   about its length.
 */
export function decompress(data: Uint8Array, limit: number): Uint8Array {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  if (data.length < 6 || view.getUint32(0, true) !== MAGIC) throw damaged();
  const flags = data[4] as number;
  const isSingle = (flags & 0x20) !== 0;
  const sizeBytes = [isSingle ? 1 : 0, 2, 4, 8][flags >> 6] as number;
  // A dictionary, or bits of a future version; or nobody says how long the content is.
  if (flags & 0x0b || !sizeBytes) throw damaged();
  let at = 5;
  let window = 0;
  if (!isSingle) {
    const descriptor = data[at++] as number;
    const base = 2 ** (10 + (descriptor >> 3));
    window = base + (base / 8) * (descriptor & 7);
  }
  if (at + sizeBytes > data.length) throw damaged();
  const size =
    sizeBytes === 8
      ? Number(view.getBigUint64(at, true))
      : sizeBytes === 4
        ? view.getUint32(at, true)
        : sizeBytes === 2
          ? view.getUint16(at, true) + 256
          : (data[at] as number);
  at += sizeBytes;
  if (!size) throw damaged();
  if (size > limit) throw new PageError("ContentTooLarge", { announced: size, limit });
  // No block makes more than 128 KiB, and none takes less than 3 bytes: so tiny frames can't ask for much memory.
  if (size > Math.ceil(data.length / 3) * MAX_BLOCK_BYTES) throw damaged();

  const decoder = new BlockDecoder(new Uint8Array(size), Math.min(MAX_BLOCK_BYTES, isSingle ? size : window));
  for (let isLast = false; !isLast; ) {
    if (at + 3 > data.length) throw damaged();
    const head = (data[at] as number) | ((data[at + 1] as number) << 8) | ((data[at + 2] as number) << 16);
    isLast = (head & 1) === 1;
    const [type, length] = [(head >> 1) & 3, head >> 3];
    at += 3;
    const taken = type === 1 ? 1 : length;
    if (at + taken > data.length || length > MAX_BLOCK_BYTES) throw damaged();
    const block = data.subarray(at, at + taken);
    if (type === 0) decoder.raw(block);
    else if (type === 1) decoder.repeated(block[0] as number, length);
    else if (type === 2) decoder.compressed(block);
    else throw damaged();
    at += taken;
  }
  if (flags & 4) at += CHECKSUM_BYTES;
  if (at !== data.length) throw damaged();
  return decoder.content();
}

// ── blocks ──

const LITERALS = { largest: 35, accuracy: 9, predefined: PREDEFINED.literals };
const OFFSETS = { largest: 31, accuracy: 8, predefined: PREDEFINED.offsets };
const MATCHES = { largest: 52, accuracy: 9, predefined: PREDEFINED.matches };

class BlockDecoder {
  #at = 0;
  #huffman: HuffmanTable | null = null;
  #literals: FseTable | null = null;
  #offsets: FseTable | null = null;
  #matches: FseTable | null = null;
  readonly #recent: [number, number, number] = [1, 4, 8];

  constructor(
    private readonly out: Uint8Array,
    private readonly blockLimit: number,
  ) {}

  content(): Uint8Array {
    if (this.#at !== this.out.length) throw damaged();
    return this.out;
  }

  raw(block: Uint8Array): void {
    this.#reserve(block.length);
    this.out.set(block, this.#at);
    this.#at += block.length;
  }

  repeated(byte: number, length: number): void {
    this.#reserve(length);
    this.out.fill(byte, this.#at, this.#at + length);
    this.#at += length;
  }

  compressed(block: Uint8Array): void {
    const start = this.#at;
    const { literals, end } = this.#readLiterals(block);
    let at = end;
    let count = byteAt(block, at++);
    if (count === 255) {
      count = byteAt(block, at) + (byteAt(block, at + 1) << 8) + 0x7f00;
      at += 2;
    } else if (count > 127) count = ((count - 128) << 8) + byteAt(block, at++);
    let used = 0;
    if (count) {
      const modes = byteAt(block, at++);
      if (modes & 3) throw damaged();
      [this.#literals, at] = readTable(block, at, modes >> 6, LITERALS, this.#literals);
      [this.#offsets, at] = readTable(block, at, (modes >> 4) & 3, OFFSETS, this.#offsets);
      [this.#matches, at] = readTable(block, at, (modes >> 2) & 3, MATCHES, this.#matches);
      used = this.#sequences(block.subarray(at), count, literals, start);
    } else if (at !== block.length) throw damaged();
    this.raw(literals.subarray(used));
    if (this.#at - start > this.blockLimit) throw damaged();
  }

  /** Carries out the sequences; returns how many literals they took. */
  #sequences(stream: Uint8Array, count: number, literals: Uint8Array, start: number): number {
    const [forLiterals, forOffsets, forMatches] = [this.#literals, this.#offsets, this.#matches];
    if (!forLiterals || !forOffsets || !forMatches) throw damaged();
    const bits = new BackwardBits(stream);
    let literalState = bits.read(forLiterals.accuracy);
    let offsetState = bits.read(forOffsets.accuracy);
    let matchState = bits.read(forMatches.accuracy);
    let used = 0;
    for (let left = count; left > 0; left--) {
      const offsetCode = forOffsets.symbols[offsetState] as number;
      const offsetValue = 2 ** offsetCode + bits.read(offsetCode);
      const matchCode = forMatches.symbols[matchState] as number;
      const matchLength = (MATCH_BASE[matchCode] as number) + bits.read(MATCH_BITS[matchCode] as number);
      const literalCode = forLiterals.symbols[literalState] as number;
      const literalLength = (LITERAL_BASE[literalCode] as number) + bits.read(LITERAL_BITS[literalCode] as number);
      if (left > 1) {
        literalState =
          (forLiterals.bases[literalState] as number) + bits.read(forLiterals.bits[literalState] as number);
        matchState = (forMatches.bases[matchState] as number) + bits.read(forMatches.bits[matchState] as number);
        offsetState = (forOffsets.bases[offsetState] as number) + bits.read(forOffsets.bits[offsetState] as number);
      }
      if (used + literalLength > literals.length) throw damaged();
      this.raw(literals.subarray(used, used + literalLength));
      used += literalLength;
      this.#copy(this.#offset(offsetValue, literalLength), matchLength);
      if (this.#at - start > this.blockLimit) throw damaged();
    }
    bits.requireEmpty();
    return used;
  }

  /** The distance that an offset's value means, which may be one of the last three (section 3.1.1.5). */
  #offset(value: number, literalLength: number): number {
    const recent = this.#recent;
    if (value > 3) {
      recent.unshift(value - 3);
      recent.length = 3;
      return recent[0];
    }
    const which = value - 1 + (literalLength ? 0 : 1);
    if (!which) return recent[0];
    const distance = which === 3 ? recent[0] - 1 : (recent[which] as number);
    if (which > 1) recent[2] = recent[1];
    recent[1] = recent[0];
    recent[0] = distance;
    return distance;
  }

  #copy(distance: number, length: number): void {
    if (distance < 1 || distance > this.#at) throw damaged();
    this.#reserve(length);
    const { out } = this;
    const end = this.#at + length;
    if (distance >= length) out.copyWithin(this.#at, this.#at - distance, end - distance);
    // A match may run into what it writes, and so repeats itself: short ones byte by byte, long ones ever doubled.
    else if (length < WORTH_DOUBLING) for (let at = this.#at; at < end; at++) out[at] = out[at - distance] as number;
    else {
      const from = this.#at - distance;
      for (let at = this.#at; at < end; ) {
        const piece = Math.min(at - from, end - at);
        out.copyWithin(at, from, from + piece);
        at += piece;
      }
    }
    this.#at = end;
  }

  #readLiterals(block: Uint8Array): { literals: Uint8Array; end: number } {
    const first = byteAt(block, 0);
    const [type, format] = [first & 3, (first >> 2) & 3];
    if (type < 2) {
      const headBytes = format & 1 ? (format === 3 ? 3 : 2) : 1;
      const head = first | (headBytes > 1 ? byteAt(block, 1) << 8 : 0) | (headBytes > 2 ? byteAt(block, 2) << 16 : 0);
      const size = head >> (headBytes === 1 ? 3 : 4);
      const end = headBytes + (type ? 1 : size);
      if (size > MAX_BLOCK_BYTES || end > block.length) throw damaged();
      const literals = type ? new Uint8Array(size).fill(byteAt(block, headBytes)) : block.subarray(headBytes, end);
      return { literals, end };
    }
    // Two sizes of 10, 14 or 18 bits each behind four bits of the head.
    const sizeBits = [10, 10, 14, 18][format] as number;
    const headBytes = (4 + 2 * sizeBits) / 8;
    let head = 0n;
    for (let at = headBytes - 1; at >= 0; at--) head = (head << 8n) | BigInt(byteAt(block, at));
    const mask = (1n << BigInt(sizeBits)) - 1n;
    const size = Number((head >> 4n) & mask);
    const end = headBytes + Number((head >> BigInt(4 + sizeBits)) & mask);
    if (size > MAX_BLOCK_BYTES || end > block.length) throw damaged();
    let at = headBytes;
    if (type === 2) [this.#huffman, at] = readHuffmanTable(block.subarray(0, end), at);
    if (!this.#huffman) throw damaged();
    const literals = new Uint8Array(size);
    this.#huffman.decode(block.subarray(at, end), literals, format ? 4 : 1);
    return { literals, end };
  }

  #reserve(length: number): void {
    if (this.#at + length > this.out.length) throw damaged();
  }
}

function readTable(
  block: Uint8Array,
  at: number,
  mode: number,
  kind: { largest: number; accuracy: number; predefined: FseTable },
  previous: FseTable | null,
): [FseTable, number] {
  switch (mode) {
    case 0:
      return [kind.predefined, at];
    case 1: {
      const symbol = byteAt(block, at);
      if (symbol > kind.largest) throw damaged();
      return [rleTable(symbol), at + 1];
    }
    case 2: {
      const { counts, accuracy, end } = readFseTable(block, at, kind.accuracy, kind.largest);
      return [buildTable(counts, accuracy), end];
    }
    default:
      if (!previous) throw damaged();
      return [previous, at];
  }
}

function byteAt(data: Uint8Array, at: number): number {
  const byte = data[at];
  if (byte === undefined) throw damaged();
  return byte;
}

function damaged(): PageError {
  return new PageError("ContentInvalid");
}
