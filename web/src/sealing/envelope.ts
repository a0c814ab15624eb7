/**
 * The clear header of a sealed object, and the keys that go with it.
 *
 *     magic `MEDREC` (6) ‖ version (1) ‖ suite (1) ‖ salt (32) ‖ [suite 2: sealed key (1,175)] ‖ commitment (32) ‖ stream
 *
 * From the content key, HKDF-Expand draws for this very header and context the stream's key, the prefix of its nonces
 * and the commitment. The commitment ties the object to one key: AES-GCM alone would let an author craft an object that
 * opens to one thing under one key and to another under another (Albertini et al., USENIX Security 2022). It also tells
 * a wrong key from an altered object.
 */

import { expand, hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { label } from "../crypto/encoding";
import { OVERHEAD_BYTES, type ParticipantKey, type PublicKey } from "../crypto/hpke";
import { type CompartmentKey, ContentKey, KEY_BYTES, kept } from "../crypto/secret";
import { PREFIX_BYTES, StreamCipher } from "../crypto/stream";
import { PageError } from "../errors";
import { concat, equalBytes, utf8 } from "../types/bytes";
import {
  COMPARTMENT_BYTES,
  type Context,
  contextAt,
  decodeCompartment,
  encodeCompartment,
  encodePlace,
  type Place,
} from "./context";

export const VERSION = 1;
export const SALT_BYTES = 32;
export const COMMITMENT_BYTES = 32;
export const SEALED_KEY_BYTES = OVERHEAD_BYTES + KEY_BYTES + COMPARTMENT_BYTES;

const MAGIC = utf8("MEDREC");
const FIXED_BYTES = MAGIC.length + 2 + SALT_BYTES;
export const MAX_HEADER_BYTES = FIXED_BYTES + SEALED_KEY_BYTES + COMMITMENT_BYTES;

/** Where an object's content key comes from. */
export const Suite = {
  /** From the compartment key. */
  COMPARTMENT: 1,
  /** Random, sealed in the header to the subject's public key: while a re-key is pending. */
  SUBJECT: 2,
  /** Random, handed over in a key bundle: re-sealed for one grant. */
  EXCERPT: 3,
} as const;
export type Suite = (typeof Suite)[keyof typeof Suite];

const CONTENT = label("content");
const STREAM = { parcel: label("stream parcel"), bundle: label("stream bundle") } as const;
const SUBJECT = label("content to subject");

/** The header of an object, read but not yet believed. */
export interface Header {
  readonly suite: Suite;
  readonly salt: Uint8Array;
  /** Suite 2: content key and compartment, sealed to the subject; else empty. */
  readonly sealedKey: Uint8Array;
  /** All of it up to the commitment. */
  readonly opening: Uint8Array;
  /** 32 bytes that only the right content key in the right context makes. */
  readonly commitment: Uint8Array;
  /** Bytes of the header; the stream begins behind them. */
  readonly size: number;
}

/**
 * Reads the header at the beginning of `data`, of which `MAX_HEADER_BYTES` suffice.
 *
 * @throws PageError ParcelTampered: it is none, or of a version that is unknown here.
 */
export function parseHeader(data: Uint8Array): Header {
  if (data.length < FIXED_BYTES + COMMITMENT_BYTES || !equalBytes(data.subarray(0, MAGIC.length), MAGIC)) {
    throw new PageError("ParcelTampered", { length: data.length });
  }
  const [version, suite] = [data[MAGIC.length] as number, data[MAGIC.length + 1] as number];
  if (version !== VERSION || !Object.values(Suite).includes(suite as Suite)) {
    throw new PageError("ParcelTampered", { version, suite });
  }
  const keyEnd = FIXED_BYTES + (suite === Suite.SUBJECT ? SEALED_KEY_BYTES : 0);
  const size = keyEnd + COMMITMENT_BYTES;
  if (data.length < size) throw new PageError("ParcelTampered", { length: data.length });
  return {
    suite: suite as Suite,
    salt: data.slice(FIXED_BYTES - SALT_BYTES, FIXED_BYTES),
    sealedKey: data.slice(FIXED_BYTES, keyEnd),
    opening: data.slice(0, keyEnd),
    commitment: data.slice(keyEnd, size),
    size,
  };
}

/** Suite 1: HKDF(compartment key, salt, info = context), where `bound` is the context's encoding. */
export function contentKey(compartment: CompartmentKey, salt: Uint8Array, bound: Uint8Array): ContentKey {
  const drawn = hkdf(sha256, compartment.reveal(), salt, concat(CONTENT, bound), KEY_BYTES);
  return kept(drawn, (key) => new ContentKey(key));
}

/** Suite 2: the content key and its compartment, sealed to the subject; 1,175 bytes. */
export function sealKeyToSubject(
  key: ContentKey,
  salt: Uint8Array,
  context: Context,
  recipient: PublicKey,
): Promise<Uint8Array> {
  const compartment = encodeCompartment(context.classNumber, context.period, context.epoch);
  return recipient.seal(concat(key.reveal(), compartment), subjectInfo(salt, context));
}

/**
 * Suite 2: the content key and the context that the author sealed for.
 *
 * @throws PageError WrongKey: not sealed to this key at this place; ContentInvalid: for no compartment that there is.
 */
export async function openKeyAsSubject(
  header: Header,
  place: Place,
  key: ParticipantKey,
): Promise<{ key: ContentKey; context: Context }> {
  const opened = await key.open(header.sealedKey, subjectInfo(header.salt, place));
  const { classNumber, period, epoch } = decodeCompartment(opened.subarray(KEY_BYTES));
  try {
    encodeCompartment(classNumber, period, epoch);
  } catch (cause) {
    throw new PageError("ContentInvalid", {}, { cause });
  }
  const context = contextAt(place, classNumber, period, epoch);
  return { key: new ContentKey(opened.subarray(0, KEY_BYTES)), context };
}

/** The header's bytes and the cipher of a new object; `bound` is its context's encoding. */
export function begin(
  suite: Suite,
  salt: Uint8Array,
  sealedKey: Uint8Array,
  key: ContentKey,
  bound: Uint8Array,
): { header: Uint8Array; cipher: StreamCipher } {
  const opening = concat(MAGIC, Uint8Array.of(VERSION, suite), salt, sealedKey);
  const { cipher, commitment } = schedule(key, "parcel", opening, bound);
  return { header: concat(opening, commitment), cipher };
}

/**
 * The cipher of an object that is to be opened; `bound` is the context's encoding.
 *
 * @throws PageError WrongKey: key, context and header don't belong together.
 */
export function resume(header: Header, key: ContentKey, bound: Uint8Array): StreamCipher {
  const { cipher, commitment } = schedule(key, "parcel", header.opening, bound);
  if (!equalBytes(commitment, header.commitment)) throw new PageError("WrongKey");
  return cipher;
}

/** Cipher and commitment of one object, from its header up to the commitment and the encoding of its context. */
export function schedule(
  key: ContentKey,
  kind: keyof typeof STREAM,
  opening: Uint8Array,
  bound: Uint8Array,
): { cipher: StreamCipher; commitment: Uint8Array } {
  const info = concat(STREAM[kind], sha256(opening), bound);
  const drawn = expand(sha256, key.reveal(), info, KEY_BYTES + PREFIX_BYTES + COMMITMENT_BYTES);
  const prefixEnd = KEY_BYTES + PREFIX_BYTES;
  const cipher = new StreamCipher(drawn.slice(0, KEY_BYTES), drawn.slice(KEY_BYTES, prefixEnd));
  return { cipher, commitment: drawn.slice(prefixEnd) };
}

function subjectInfo(salt: Uint8Array, place: Place): Uint8Array {
  return concat(SUBJECT, salt, encodePlace(place));
}
