/**
 * Key bundles: the keys that a relationship, a grant or a re-key hands over, sealed to those who get them.
 *
 *     magic `MEDKEY` (6) ‖ version (1) ‖ recipients n (1) ‖ n × sealed key (1,168) ‖ commitment (32) ‖ stream
 *
 * From outside one sees how many recipients it has and a size in powers of two from 16 KiB on: not who they are (a
 * sealed key shows no public key, and they stand in random order), and not how much is granted.
 */

import { label, number } from "../crypto/encoding";
import { OVERHEAD_BYTES, type ParticipantKey, type PublicKey } from "../crypto/hpke";
import { ContentKey, KEY_BYTES } from "../crypto/secret";
import { StreamReader } from "../crypto/stream";
import { PageError } from "../errors";
import { compareBytes, concat, equalBytes, readNumber, toDigits, utf8 } from "../types/bytes";
import { type BundleContext, type BundleKind, encodeBundleContext } from "./context";
import { type Bundle, type BundleOf, readBundle, writeBundle } from "./documents";
import { COMMITMENT_BYTES, schedule } from "./envelope";
import { requireZeros } from "./frame";
import { coarseStep } from "./padding";
import { decompress } from "./zstd";
import { compress } from "./zstdWriter";

export const VERSION = 1;
export const MAX_RECIPIENTS = 255;
/** Bytes of JSON in a bundle: room for half a million keys. */
export const MAX_EXPANDED = 1 << 26;

const MAGIC = utf8("MEDKEY");
const SEALED_KEY_BYTES = OVERHEAD_BYTES + KEY_BYTES;
const FIXED_BYTES = MAGIC.length + 2;
const LENGTH_BYTES = 8;
const KEY = label("bundle key");

/**
 * Seals a bundle.
 *
 * @param recipients 1 to 255 public keys, in any order; who stands there twice counts once.
 * @throws PageError InvalidInput: no recipient, too many, or a bundle that couldn't be read again.
 */
export async function sealBundle(
  bundle: Bundle,
  context: BundleContext,
  recipients: readonly PublicKey[],
): Promise<Uint8Array> {
  const distinct = [...new Map(recipients.map((recipient) => [toDigits(recipient.data), recipient])).values()];
  if (!distinct.length || distinct.length > MAX_RECIPIENTS) {
    throw new PageError("InvalidInput", { name: "recipients", value: distinct.length });
  }
  const bound = encodeBundleContext(context, bundle.kind);
  const document = compress(writeBundle(bundle));
  const content = new Uint8Array(coarseStep(document.length + LENGTH_BYTES));
  content.set(document, 0);
  content.set(number(document.length, LENGTH_BYTES, "length"), content.length - LENGTH_BYTES);

  const key = ContentKey.random();
  const info = concat(KEY, bound);
  // To whoever can't open them, sealed keys are random bytes: sorted, their order tells nothing.
  const sealed = await Promise.all(distinct.map((recipient) => recipient.seal(key.reveal(), info)));
  sealed.sort(compareBytes);
  const opening = concat(MAGIC, Uint8Array.of(VERSION, sealed.length), ...sealed);
  const { cipher, commitment } = schedule(key, "bundle", opening, bound);
  return concat(opening, commitment, await cipher.encrypt(content));
}

/**
 * Opens a bundle.
 *
 * @param data The object, whose digest was compared with the event's.
 * @param kind What it should belong to.
 * @throws PageError WrongKey: it isn't sealed to this key, or not for this context and kind, or its header was altered;
 *   ParcelTampered: it was altered, cut or extended, or is no bundle at all; ContentInvalid: it is authentic, but its
 *   author put something else into it.
 */
export async function openBundle<K extends BundleKind>(
  data: Uint8Array,
  context: BundleContext,
  key: ParticipantKey,
  kind: K,
): Promise<BundleOf<K>> {
  const bound = encodeBundleContext(context, kind);
  const { opening, commitment, sealed } = parse(data);
  const { cipher, commitment: expected } = schedule(await unseal(sealed, bound, key), "bundle", opening, bound);
  if (!equalBytes(expected, commitment)) throw new PageError("WrongKey");
  const content = await (await StreamReader.open(cipher, data, opening.length + COMMITMENT_BYTES)).read();

  const lengthStart = content.length - LENGTH_BYTES;
  if (lengthStart < 0 || content[lengthStart] || content[lengthStart + 1]) throw new PageError("ContentInvalid");
  const length = readNumber(content, lengthStart + 2, content.length);
  if (content.length !== coarseStep(length + LENGTH_BYTES)) throw new PageError("ContentInvalid");
  requireZeros(content.subarray(length, lengthStart));
  const bundle = readBundle(decompress(content.subarray(0, length), MAX_EXPANDED));
  if (bundle.kind !== kind) throw new PageError("ContentInvalid");
  return bundle as BundleOf<K>;
}

function parse(data: Uint8Array): { opening: Uint8Array; commitment: Uint8Array; sealed: Uint8Array[] } {
  if (data.length < FIXED_BYTES || !equalBytes(data.subarray(0, MAGIC.length), MAGIC)) {
    throw new PageError("ParcelTampered", { length: data.length });
  }
  const [version, count] = [data[MAGIC.length] as number, data[MAGIC.length + 1] as number];
  const openingBytes = FIXED_BYTES + count * SEALED_KEY_BYTES;
  if (version !== VERSION || !count || data.length <= openingBytes + COMMITMENT_BYTES) {
    throw new PageError("ParcelTampered", { version });
  }
  const sealed = Array.from({ length: count }, (_, at) => {
    const start = FIXED_BYTES + at * SEALED_KEY_BYTES;
    return data.subarray(start, start + SEALED_KEY_BYTES);
  });
  return {
    opening: data.subarray(0, openingBytes),
    commitment: data.subarray(openingBytes, openingBytes + COMMITMENT_BYTES),
    sealed,
  };
}

async function unseal(sealed: readonly Uint8Array[], bound: Uint8Array, key: ParticipantKey): Promise<ContentKey> {
  const info = concat(KEY, bound);
  for (const one of sealed) {
    try {
      return new ContentKey(await key.open(one, info));
    } catch (error) {
      if (!(error instanceof PageError && error.code === "WrongKey")) throw error;
    }
  }
  throw new PageError("WrongKey");
}
