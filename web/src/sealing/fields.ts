/** The members of sealed JSON documents, written with checks and read to the letter. */

import type { Address, Hex } from "viem";
import { address } from "../crypto/encoding";
import { PageError } from "../errors";
import { fromHex, fromHexOf } from "../types/bytes";
import { isObject, type JsonObject, type JsonValue } from "../types/jsonValues";

export const DIGEST_BYTES = 32;

/** An address as it was given; throws PageError InvalidInput when it is none. */
export function writeAddress(text: Address): string {
  address(text);
  return text;
}

/** 32 bytes in lower-case hexadecimal without `0x`; throws PageError InvalidInput for another length. */
export function writeDigest(digest: Hex): string {
  fromHexOf(digest, DIGEST_BYTES, "digest");
  return digest.toLowerCase().slice(2);
}

/** Bytes from lower-case hexadecimal, `size` of them or, when null, at least one; throws PageError ContentInvalid. */
export function readBytes(value: JsonValue | undefined, size: number | null = DIGEST_BYTES): Uint8Array {
  if (typeof value !== "string" || !/^(?:[0-9a-f]{2})+$/.test(value)) throw invalid("hexadecimal");
  if (size !== null && value.length !== 2 * size) throw invalid("hexadecimal");
  return fromHex(value);
}

/** The same as text with `0x`. */
export function readDigest(value: JsonValue | undefined, size: number | null = DIGEST_BYTES): Hex {
  readBytes(value, size);
  return `0x${value as string}`;
}

/**
 * The members of a JSON object, taken out one by one; what is left at the end is too much.
 *
 * Every reader throws PageError ContentInvalid when the member is missing or of another form.
 */
export class Fields {
  readonly #values: Map<string, JsonValue>;

  constructor(value: JsonValue | undefined) {
    if (!isObject(value)) throw invalid("object");
    this.#values = new Map(Object.entries(value));
  }

  /** A member, whatever it is. */
  take(name: string): JsonValue {
    const value = this.#values.get(name);
    if (value === undefined) throw invalid(name);
    this.#values.delete(name);
    return value;
  }

  /** A text, of `most` characters (code points) at most. */
  text(name: string, most = Number.POSITIVE_INFINITY): string {
    const value = this.take(name);
    if (typeof value !== "string" || (value.length > most && [...value].length > most)) throw invalid(name);
    return value;
  }

  address(name: string): Address {
    const value = this.text(name);
    if (!/^0x[0-9a-fA-F]{40}$/.test(value)) throw invalid(name);
    return value as Address;
  }

  bytes(name: string, size: number | null = DIGEST_BYTES): Uint8Array {
    return readBytes(this.take(name), size);
  }

  digest(name: string, size: number | null = DIGEST_BYTES): Hex {
    return readDigest(this.take(name), size);
  }

  /** A number from `least` to `most`, written as whole numbers are. */
  integer(name: string, most: number, least = 0): number {
    const value = this.take(name);
    if (typeof value !== "number" || !Number.isSafeInteger(value) || value < least || value > most) throw invalid(name);
    return value;
  }

  array(name: string): JsonValue[] {
    const value = this.take(name);
    if (!Array.isArray(value)) throw invalid(name);
    return value;
  }

  object(name: string): JsonObject {
    return requireObject(this.take(name));
  }

  /** Whether a member is null, which is then taken out. */
  isNull(name: string): boolean {
    return this.#values.get(name) === null && this.#values.delete(name);
  }

  /** Makes sure that nothing is left. */
  done(): void {
    for (const name of this.#values.keys()) throw invalid(name);
  }
}

export function requireObject(value: JsonValue | undefined): JsonObject {
  if (!isObject(value)) throw invalid("object");
  return value;
}

function invalid(member: string): PageError {
  return new PageError("ContentInvalid", { member: member.slice(0, 80) });
}
