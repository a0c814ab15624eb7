/**
 * Fixed-width encodings of what keys are bound to.
 *
 * Every variable part that enters a key derivation has a fixed width (numbers big-endian, addresses 20 bytes), so that
 * two different inputs can never be written as the same bytes.
 */

import { PageError } from "../errors";
import { fromHex, utf8 } from "../types/bytes";

export const ADDRESS_BYTES = 20;
/** Begins every label of this version of the protocol. */
export const PROTOCOL = "medrec/1 ";

const ADDRESS = /^0x[0-9a-fA-F]{40}$/;

/** The label of a derivation step: `medrec/1 NAME`, closed by a NUL so that no label begins another. */
export function label(name: string): Uint8Array {
  return utf8(`${PROTOCOL}${name}\0`);
}

/**
 * `value` as `size` bytes (at most 8), big-endian.
 *
 * @throws PageError InvalidInput: it is no whole number, negative, or doesn't fit; the error calls it `name`.
 */
export function number(value: number | bigint, size: number, name: string): Uint8Array {
  const whole = typeof value === "bigint" || Number.isSafeInteger(value);
  if (!whole || value < 0 || BigInt(value) >> BigInt(8 * size)) {
    throw new PageError("InvalidInput", { name, value: String(value) });
  }
  const data = new Uint8Array(size);
  let rest = BigInt(value);
  for (let at = size - 1; at >= 0; at--) {
    data[at] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return data;
}

/**
 * The 20 bytes of an address: `0x` and 40 digits in any mix of cases, since other layers check EIP-55.
 *
 * @throws PageError InvalidInput: anything else.
 */
export function address(text: string): Uint8Array {
  if (typeof text !== "string" || !ADDRESS.test(text)) {
    throw new PageError("InvalidInput", { name: "address", value: String(text).slice(0, 80) });
  }
  return fromHex(text);
}
