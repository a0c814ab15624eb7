/** Proof that an object is the one that the ledger committed to. */

import type { Hex } from "viem";
import { type RandomAccess, type Source, type StreamCipher, StreamReader } from "../crypto/stream";
import { PageError } from "../errors";
import { type Header, MAX_HEADER_BYTES, parseHeader, type Suite } from "./envelope";

/**
 * An object whose bytes are those that the ledger committed to.
 *
 * Made by `verify` or `fromVerifyingSource` only, so that whoever holds one knows that it was checked.
 */
export class FetchedParcel {
  private constructor(
    private readonly source: Source,
    /** The ledger's digest. */
    readonly digest: Hex,
    /** Its clear header. */
    readonly header: Header,
    /** Bytes of the object. */
    readonly size: number,
  ) {}

  /**
   * Computes the digest of all bytes and compares.
   *
   * @param digestOf How the store computes it: the digest of the object's CID.
   * @throws PageError ParcelTampered: another digest, or no sealed object.
   */
  static async verify(
    data: Uint8Array,
    digest: Hex,
    digestOf: (data: Uint8Array) => Promise<Hex>,
  ): Promise<FetchedParcel> {
    const actual = await digestOf(data);
    if (actual !== digest.toLowerCase()) throw new PageError("ParcelTampered", { expected: digest, actual });
    return FetchedParcel.#checked(data, data, digest);
  }

  /** For bytes whose `read` itself checks every block against `digest`, as the store's objects do. */
  static async fromVerifyingSource(source: RandomAccess, digest: Hex): Promise<FetchedParcel> {
    const beginning = await source.read(0, Math.min(MAX_HEADER_BYTES, source.size));
    return FetchedParcel.#checked(source, beginning, digest);
  }

  static #checked(source: Source, beginning: Uint8Array, digest: Hex): FetchedParcel {
    const size = source instanceof Uint8Array ? source.length : source.size;
    return new FetchedParcel(source, digest, parseHeader(beginning), size);
  }

  /** Which key opens it. */
  get suite(): Suite {
    return this.header.suite;
  }

  /**
   * Its stream, under a cipher that was made for its header.
   *
   * @throws PageError ParcelTampered: the stream was cut, extended or altered at its end.
   */
  reader(cipher: StreamCipher): Promise<StreamReader> {
    return StreamReader.open(cipher, this.source, this.header.size);
  }
}
