/**
 * Content identifiers: CIDv1, sha2-256, codec raw or dag-pb, written in base32.
 *
 * A CID is four varints and a digest (https://github.com/multiformats/cid): version 1, content codec, hash function
 * 0x12 (sha2-256), digest length 32. All four are below 0x80, so each is one byte and a CID is always 36 bytes. The
 * chain keeps only the 32-byte digest; which codec belongs to it is found from the block itself (`unixfs.codecOf`).
 */

import type { Hex } from "viem";
import { PageError } from "../errors";
import { fromHex, plain, toHex } from "../types/bytes";

/** Plain bytes: an object of at most one chunk, or a leaf. */
export const RAW = 0x55;
/** A node of a larger object. */
export const DAG_PB = 0x70;
export type Codec = typeof RAW | typeof DAG_PB;

export const DIGEST_BYTES = 32;
export const CID_BYTES = 36;

const SHA2_256 = 0x12;
const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"; // base32 of RFC 4648, section 6, in lower case
const TEXT = /^b[a-z2-7]{58}$/;
const SPARE_BITS = 2; // 58 characters of 5 bits hold 36 bytes and two bits more, which are zero

export interface Cid {
  readonly codec: Codec;
  readonly digest: Hex;
}

/** The 36 bytes of the binary form; throws PageError CidInvalid: a digest of another length. */
export function cidBytes(codec: Codec, digest: Uint8Array): Uint8Array {
  if (digest.length !== DIGEST_BYTES) throw invalid(toHex(digest));
  const data = new Uint8Array(CID_BYTES);
  data.set([1, codec, SHA2_256, DIGEST_BYTES]);
  data.set(digest, 4);
  return data;
}

/** Reads a CID from its 36 bytes; throws PageError CidInvalid: other length, version, codec or hash function. */
export function cidFromBytes(data: Uint8Array): Cid {
  const codec = data[1];
  const isKnown =
    data.length === CID_BYTES &&
    data[0] === 1 &&
    (codec === RAW || codec === DAG_PB) &&
    data[2] === SHA2_256 &&
    data[3] === DIGEST_BYTES;
  if (!isKnown) throw invalid(toHex(data.subarray(0, 64)));
  return { codec: codec as Codec, digest: toHex(data.subarray(4)) };
}

/** The text: multibase `b`, then lower-case base32 without padding. */
export function cidText(codec: Codec, digest: Uint8Array | Hex): string {
  const data = cidBytes(codec, typeof digest === "string" ? fromHex(digest) : digest);
  let text = "b";
  let [word, bits] = [0, 0];
  for (const byte of data) {
    word = (word << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += ALPHABET[(word >> bits) & 31];
    }
    word &= (1 << bits) - 1;
  }
  return text + ALPHABET[(word << (5 - bits)) & 31];
}

/**
 * Reads a CID from its text; a leading `/ipfs/` is dropped.
 *
 * @throws PageError CidInvalid: anything else, a CIDv0, another hash function or other spare bits included.
 */
export function parseCid(text: string): Cid {
  const bare = text.startsWith("/ipfs/") ? text.slice(6) : text;
  if (!TEXT.test(bare)) throw invalid(text);
  const data = new Uint8Array(CID_BYTES);
  let [word, bits, at] = [0, 0, 0];
  for (const letter of bare.slice(1)) {
    word = (word << 5) | ALPHABET.indexOf(letter);
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      data[at++] = word >> bits;
      word &= (1 << bits) - 1;
    }
  }
  if (bits !== SPARE_BITS || word) throw invalid(text);
  return cidFromBytes(data);
}

/** The digest in a CID's text, whatever its codec; throws PageError CidInvalid. */
export function digestOfCid(text: string): Hex {
  return parseCid(text).digest;
}

/** SHA-256 of a block: what its CID holds. */
export async function sha256Of(block: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", plain(block)));
}

function invalid(text: string): PageError {
  return new PageError("CidInvalid", { cid: text.slice(0, 100) });
}
