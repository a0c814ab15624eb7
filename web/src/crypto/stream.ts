/**
 * AES-256-GCM in the STREAM construction: objects of any size, read in order or at random, in bounded memory.
 *
 * The plaintext is cut into chunks of 1 MiB; each is encrypted under the nonce `prefix (7 bytes) ‖ counter (4 bytes,
 * from 0) ‖ last (1 byte, 1 for the last chunk, else 0)`. A chunk so opens only at its own place, and the last one only
 * as the last: altering, cutting, extending, reordering and mixing all fail. This is STREAM of Hoang, Reyhanitabar,
 * Rogaway and Vizár (CRYPTO 2015), section 7, with the nonce that age and Tink use. The last chunk is never empty,
 * unless it is the only one.
 */

import { PageError } from "../errors";
import { plain } from "../types/bytes";

export const CHUNK_BYTES = 1 << 20;
export const TAG_BYTES = 16;
export const KEY_BYTES = 32;
export const PREFIX_BYTES = 7;
export const MAX_CHUNKS = 2 ** 32;

/** Bytes that are read piece by piece, such as an object that is fetched while it is shown. */
export interface RandomAccess {
  readonly size: number;
  /** Exactly `length` bytes from `start` on; both lie within `size`. */
  read(start: number, length: number): Promise<Uint8Array>;
}

export type Source = Uint8Array | RandomAccess;

/** Encrypts and decrypts one stream. The pair of key and prefix must never serve for a second plaintext. */
export class StreamCipher {
  readonly #key: Promise<CryptoKey>;
  readonly #prefix: Uint8Array;

  /** @throws PageError InvalidKey: key or prefix of another length. */
  constructor(
    key: Uint8Array,
    prefix: Uint8Array,
    readonly chunkBytes: number = CHUNK_BYTES,
  ) {
    if (key.length !== KEY_BYTES || prefix.length !== PREFIX_BYTES || chunkBytes < 1) {
      throw new PageError("InvalidKey", { length: key.length });
    }
    this.#key = crypto.subtle.importKey("raw", plain(key), "AES-GCM", false, ["encrypt", "decrypt"]);
    this.#prefix = Uint8Array.from(prefix);
  }

  /** Chunks that a plaintext makes, at least 1; throws PageError InvalidInput beyond what the counter can tell apart. */
  chunkCount(plaintextBytes: number): number {
    const count = Math.max(1, Math.ceil(plaintextBytes / this.chunkBytes));
    if (count > MAX_CHUNKS) throw new PageError("InvalidInput", { name: "length", value: plaintextBytes });
    return count;
  }

  /** Bytes of plaintext in a ciphertext; throws PageError ParcelTampered when no stream has this length. */
  plaintextBytes(ciphertextBytes: number): number {
    const step = this.chunkBytes + TAG_BYTES;
    const whole = Math.floor(ciphertextBytes / step);
    const rest = ciphertextBytes % step;
    const isCut = rest > 0 && rest <= TAG_BYTES && (whole > 0 || rest < TAG_BYTES);
    if (isCut || ciphertextBytes <= 0 || whole + (rest > 0 ? 1 : 0) > MAX_CHUNKS) {
      throw new PageError("ParcelTampered", { length: ciphertextBytes });
    }
    return whole * this.chunkBytes + Math.max(0, rest - TAG_BYTES);
  }

  /** The ciphertext of a plaintext. */
  async encrypt(plaintext: Uint8Array): Promise<Uint8Array> {
    const count = this.chunkCount(plaintext.length);
    const out = new Uint8Array(plaintext.length + TAG_BYTES * count);
    const key = await this.#key;
    for (let index = 0; index < count; index++) {
      const start = index * this.chunkBytes;
      const iv = this.#nonce(index, index === count - 1);
      const part = plain(plaintext.subarray(start, start + this.chunkBytes));
      out.set(
        new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, part)),
        start + index * TAG_BYTES,
      );
    }
    return out;
  }

  /** The plaintext of a ciphertext; throws PageError ParcelTampered when any chunk isn't authentic. */
  async decrypt(ciphertext: Source, offset = 0): Promise<Uint8Array> {
    return (await StreamReader.open(this, ciphertext, offset)).read();
  }

  /** One chunk's plaintext; throws PageError ParcelTampered when it isn't authentic at this place. */
  async openChunk(index: number, ciphertext: Uint8Array, isLast: boolean): Promise<Uint8Array> {
    const parameters = { name: "AES-GCM", iv: this.#nonce(index, isLast) };
    try {
      return new Uint8Array(await crypto.subtle.decrypt(parameters, await this.#key, plain(ciphertext)));
    } catch {
      throw new PageError("ParcelTampered", { chunk: index });
    }
  }

  #nonce(index: number, isLast: boolean): Uint8Array<ArrayBuffer> {
    const nonce = new Uint8Array(12);
    nonce.set(this.#prefix, 0);
    new DataView(nonce.buffer).setUint32(PREFIX_BYTES, index);
    nonce[11] = isLast ? 1 : 0;
    return nonce;
  }
}

/**
 * Reads a stream at random, touching only the chunks that hold what is asked for.
 *
 * The last chunk is opened at once, so that `size` is authentic: a stream that was cut or extended fails in `open`.
 */
export class StreamReader {
  /** The last chunk, which holds the lengths, and the one that was read before: what the next read most likely needs. */
  #last: Uint8Array | undefined;
  #cachedIndex = -1;
  #cached: Uint8Array = new Uint8Array();

  private constructor(
    private readonly cipher: StreamCipher,
    private readonly source: Source,
    private readonly offset: number,
    /** Bytes of plaintext. */
    readonly size: number,
    private readonly count: number,
  ) {}

  /** @throws PageError ParcelTampered: the length is no stream's, or the last chunk isn't authentic as the last. */
  static async open(cipher: StreamCipher, source: Source, offset = 0): Promise<StreamReader> {
    const length = source instanceof Uint8Array ? source.length : source.size;
    const size = cipher.plaintextBytes(Math.max(0, length - offset));
    const reader = new StreamReader(cipher, source, offset, size, cipher.chunkCount(size));
    await reader.#chunk(reader.count - 1);
    return reader;
  }

  /**
   * The plaintext from `start` on, `length` bytes or up to the end, cut at the end.
   *
   * @throws PageError InvalidInput: a negative number; ParcelTampered: a chunk that holds some of it isn't authentic.
   */
  async read(start = 0, length: number = this.size): Promise<Uint8Array> {
    if (!(start >= 0 && length >= 0))
      throw new PageError("InvalidInput", { name: "range", value: `${start}, ${length}` });
    const end = Math.min(this.size, start + length);
    const out = new Uint8Array(Math.max(0, end - start));
    for (let position = start; position < end; ) {
      const index = Math.floor(position / this.cipher.chunkBytes);
      const skip = position - index * this.cipher.chunkBytes;
      const chunk = await this.#chunk(index);
      const piece = chunk.subarray(skip, skip + end - position);
      out.set(piece, position - start);
      position += piece.length;
    }
    return out;
  }

  async #chunk(index: number): Promise<Uint8Array> {
    const isLast = index === this.count - 1;
    if (isLast && this.#last) return this.#last;
    if (index === this.#cachedIndex) return this.#cached;
    const start = index * (this.cipher.chunkBytes + TAG_BYTES);
    const length = Math.min(this.cipher.chunkBytes, this.size - index * this.cipher.chunkBytes) + TAG_BYTES;
    const sealed = await this.#sealed(this.offset + start, length);
    if (sealed.length !== length) throw new PageError("ParcelTampered", { chunk: index });
    const chunk = await this.cipher.openChunk(index, sealed, isLast);
    if (isLast) this.#last = chunk;
    else [this.#cached, this.#cachedIndex] = [chunk, index];
    return chunk;
  }

  async #sealed(start: number, length: number): Promise<Uint8Array> {
    return this.source instanceof Uint8Array
      ? this.source.subarray(start, start + length)
      : this.source.read(start, length);
  }
}
