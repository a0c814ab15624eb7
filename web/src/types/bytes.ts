/** Bytes and their hexadecimal text. Digests, ids and locators are `Hex` throughout; keys and sealed data are bytes. */

import type { Hex } from "viem";
import { PageError } from "../errors";

const DIGITS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
const encoder = new TextEncoder();

/** Lower-case digits without `0x`. */
export function toDigits(data: Uint8Array): string {
  let text = "";
  for (const byte of data) text += DIGITS[byte];
  return text;
}

/** `0x` and lower-case digits. */
export function toHex(data: Uint8Array): Hex {
  return `0x${toDigits(data)}`;
}

/**
 * The bytes of hexadecimal text, with or without `0x`.
 *
 * @throws PageError InvalidInput: an odd number of digits, or something that is no digit.
 */
export function fromHex(text: string): Uint8Array {
  const start = text.startsWith("0x") ? 2 : 0;
  const size = (text.length - start) / 2;
  if (!Number.isInteger(size)) throw notHex(text);
  const data = new Uint8Array(size);
  for (let at = 0; at < size; at++) {
    const high = digit(text.charCodeAt(start + 2 * at));
    const low = digit(text.charCodeAt(start + 2 * at + 1));
    if (high < 0 || low < 0) throw notHex(text);
    data[at] = 16 * high + low;
  }
  return data;
}

/** Exactly `size` bytes of hexadecimal text; `name` is what an error calls them. */
export function fromHexOf(text: string, size: number, name: string): Uint8Array {
  const data = fromHex(text);
  if (data.length !== size) {
    throw new PageError("InvalidInput", { name, value: text.slice(0, 80) });
  }
  return data;
}

export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  let size = 0;
  for (const part of parts) size += part.length;
  const data = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    data.set(part, at);
    at += part.length;
  }
  return data;
}

/** Whether two byte strings are equal, in a time that depends on nothing but their lengths. */
export function equalBytes(first: Uint8Array, second: Uint8Array): boolean {
  if (first.length !== second.length) return false;
  let differing = 0;
  for (let at = 0; at < first.length; at++) differing |= (first[at] as number) ^ (second[at] as number);
  return differing === 0;
}

/** Orders byte strings as Python does: byte by byte, a beginning before what goes on. */
export function compareBytes(first: Uint8Array, second: Uint8Array): number {
  const shared = Math.min(first.length, second.length);
  for (let at = 0; at < shared; at++) {
    const difference = (first[at] as number) - (second[at] as number);
    if (difference) return difference;
  }
  return first.length - second.length;
}

/** A big-endian number of up to six bytes. */
export function readNumber(data: Uint8Array, start: number, end: number): number {
  let value = 0;
  for (let at = start; at < end; at++) value = value * 256 + (data[at] as number);
  return value;
}

/** What WebCrypto takes: it refuses shared memory, which nothing here is. */
export function plain(data: Uint8Array): Uint8Array<ArrayBuffer> {
  return data as Uint8Array<ArrayBuffer>;
}

function digit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  if (code >= 97 && code <= 102) return code - 87;
  return code >= 65 && code <= 70 ? code - 55 : -1;
}

function notHex(text: string): PageError {
  return new PageError("InvalidInput", { name: "hex", value: text.slice(0, 80) });
}
