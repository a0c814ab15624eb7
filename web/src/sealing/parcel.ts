/**
 * Parcels: records or a blob, sealed into one object; and what has to be proved before one is opened.
 *
 * A proof is a type here: `openParcel` takes only a `FetchedParcel`, whose bytes are those that the ledger committed
 * to, and gives an `OpenedParcel`, whose content is authentic.
 */

import { ParticipantKey, PublicKey } from "../crypto/hpke";
import { CompartmentKey, ContentKey, randomBytes } from "../crypto/secret";
import type { StreamReader } from "../crypto/stream";
import { PageError } from "../errors";
import { concat } from "../types/bytes";
import type { JsonObject } from "../types/jsonValues";
import { MAX_EXPANDED, type Records, readRecords, writeRecords } from "./canonical";
import { type Context, encodeContext, type Place } from "./context";
import {
  begin,
  contentKey,
  type Header,
  openKeyAsSubject,
  resume,
  SALT_BYTES,
  Suite,
  sealKeyToSubject,
} from "./envelope";
import type { FetchedParcel } from "./fetched";
import { describe, type Frame, Kind, readFrame, requireZeros, wrap } from "./frame";
import { decompress } from "./zstd";
import { compress } from "./zstdWriter";

/** A compartment's key; a fresh `ContentKey` for an excerpt; the subject's public key while a re-key is pending. */
export type SealingKey = CompartmentKey | ContentKey | PublicKey;
/** A compartment's key; the object's own key; the subject's key pair. */
export type OpeningKey = CompartmentKey | ContentKey | ParticipantKey;

// ── seal ──

/** A sealed object, ready for the store. */
export interface SealedParcel {
  readonly data: Uint8Array;
  readonly context: Context;
  /** Opens this object alone (with the context); what a grant hands over for an excerpt. */
  readonly contentKey: ContentKey;
}

/**
 * Seals records of one class and period: canonical NDJSON → zstd frame → padding → AES-256-GCM.
 *
 * @throws PageError InvalidInput: nothing to seal, or no such class, period or epoch; InvalidJson: no JSON objects.
 */
export function sealRecords(
  resources: readonly JsonObject[],
  context: Context,
  key: SealingKey,
): Promise<SealedParcel> {
  return seal(wrap(Kind.RECORDS, compress(writeRecords(resources))), context, key);
}

/** Seals a file of any kind that fits into memory. */
export function sealBlob(
  content: Uint8Array,
  context: Context,
  key: SealingKey,
  description: { contentType: string; name?: string },
): Promise<SealedParcel> {
  const words = describe(description.contentType, description.name ?? "");
  return seal(wrap(Kind.BLOB, content, words), context, key);
}

async function seal(frame: Uint8Array, context: Context, key: SealingKey): Promise<SealedParcel> {
  const salt = randomBytes(SALT_BYTES);
  const bound = encodeContext(context);
  let own: ContentKey;
  let suite: Suite = Suite.EXCERPT;
  let sealedKey: Uint8Array = new Uint8Array();
  if (key instanceof CompartmentKey) {
    [suite, own] = [Suite.COMPARTMENT, contentKey(key, salt, bound)];
  } else if (key instanceof PublicKey) {
    [suite, own] = [Suite.SUBJECT, ContentKey.random()];
    sealedKey = await sealKeyToSubject(own, salt, context, key);
  } else own = key;
  const { header, cipher } = begin(suite, salt, sealedKey, own, bound);
  return { data: concat(header, await cipher.encrypt(frame)), context, contentKey: own };
}

// ── open ──

/** Records, as they were sealed. */
export interface OpenedRecords extends Records {
  readonly kind: "records";
  readonly context: Context;
  /** The key of this object alone. */
  readonly contentKey: ContentKey;
}

/** A blob, read piece by piece: its length is authentic from the start, each piece when it is returned. */
export class OpenedBlob {
  readonly kind = "blob";
  /** Its media type and name, as its author gave them: the name is never a path to be trusted. */
  readonly contentType: string;
  readonly name: string;
  /** Bytes of the blob. */
  readonly size: number;

  constructor(
    readonly context: Context,
    readonly contentKey: ContentKey,
    private readonly frame: Frame,
    private readonly reader: StreamReader,
  ) {
    this.contentType = frame.contentType;
    this.name = frame.name;
    this.size = frame.bodyBytes;
  }

  /**
   * The bytes `start` to `start + length`, cut at the end; only the chunks that hold them are touched.
   *
   * @throws PageError ParcelTampered: one of these chunks isn't authentic; nothing is returned then.
   */
  read(start = 0, length: number = this.size): Promise<Uint8Array> {
    if (!(start >= 0 && length >= 0)) {
      throw new PageError("InvalidInput", { name: "range", value: `${start}, ${length}` });
    }
    const begins = Math.min(start, this.size);
    return this.reader.read(this.frame.bodyStart + begins, Math.min(length, this.size - begins));
  }
}

export type OpenedParcel = OpenedRecords | OpenedBlob;

/**
 * Opens a parcel.
 *
 * @param key The compartment's key, the object's own, or the subject's key pair, as its suite asks for.
 * @param maxExpanded Bytes that records may decompress to.
 * @throws PageError WrongKey: key and context are not those it was sealed with, or its header was altered;
 *   ParcelTampered: bytes were altered, cut, added or moved; ContentInvalid: it is authentic, but its author put
 *   something else than records or a blob into it; ContentTooLarge: its records would expand beyond `maxExpanded`.
 */
export async function openParcel(
  fetched: FetchedParcel,
  context: Context,
  key: OpeningKey,
  maxExpanded: number = MAX_EXPANDED,
): Promise<OpenedParcel> {
  const bound = encodeContext(context);
  const own = await ownKey(fetched.header, context, bound, key);
  const reader = await fetched.reader(resume(fetched.header, own, bound));
  const frame = await readFrame(reader);
  if (frame.kind === Kind.BLOB) return new OpenedBlob(context, own, frame, reader);
  // Records that can't be decompressed within the limit aren't read; compressed ones are hardly ever longer.
  if (frame.bodyBytes > maxExpanded + (maxExpanded >> 8) + 1024) {
    throw new PageError("ContentTooLarge", { announced: frame.bodyBytes, limit: maxExpanded });
  }
  const content = await reader.read();
  const bodyEnd = frame.bodyStart + frame.bodyBytes;
  requireZeros(content.subarray(bodyEnd, content.length - 8));
  const records = readRecords(decompress(content.subarray(frame.bodyStart, bodyEnd), maxExpanded));
  return { kind: "records", context, contentKey: own, ...records };
}

/**
 * The context of a parcel that was sealed to the subject's public key, as its author wrote it in.
 *
 * @throws PageError WrongKey: it is not sealed to this key at this place.
 */
export async function pendingContext(fetched: FetchedParcel, place: Place, key: ParticipantKey): Promise<Context> {
  if (fetched.suite !== Suite.SUBJECT) throw new PageError("WrongKey");
  return (await openKeyAsSubject(fetched.header, place, key)).context;
}

async function ownKey(header: Header, context: Context, bound: Uint8Array, key: OpeningKey): Promise<ContentKey> {
  if (key instanceof ContentKey) return key;
  if (key instanceof CompartmentKey && header.suite === Suite.COMPARTMENT) return contentKey(key, header.salt, bound);
  // The commitment binds the context: a parcel that was sealed for another compartment fails there.
  if (key instanceof ParticipantKey && header.suite === Suite.SUBJECT) {
    return (await openKeyAsSubject(header, context, key)).key;
  }
  throw new PageError("WrongKey");
}
