/**
 * What is inside a sealed object, once it is open.
 *
 *     kind (1) ‖ description's length (2) ‖ description ‖ body ‖ zeros up to a Padmé length ‖ body's length (8)
 */

import { number } from "../crypto/encoding";
import type { StreamReader } from "../crypto/stream";
import { PageError } from "../errors";
import { concat, equalBytes, readNumber, utf8 } from "../types/bytes";
import { canonical, isObject, parse } from "../types/jsonValues";
import { padme } from "./padding";

export const MAX_CONTENT_TYPE_BYTES = 255;
export const MAX_NAME_BYTES = 1024;

const HEAD_BYTES = 3;
const LENGTH_BYTES = 8;

/** What a parcel holds. */
export const Kind = { RECORDS: 1, BLOB: 2 } as const;
export type Kind = (typeof Kind)[keyof typeof Kind];

/** Where things are in an open object; all of it checked. */
export interface Frame {
  readonly kind: Kind;
  /** Of a blob: its media type, and what to call it. */
  readonly contentType: string;
  readonly name: string;
  readonly bodyStart: number;
  readonly bodyBytes: number;
}

/** A whole frame in memory. */
export function wrap(kind: Kind, body: Uint8Array, description: Uint8Array = new Uint8Array()): Uint8Array {
  const head = concat(Uint8Array.of(kind), number(description.length, 2, "description"), description);
  const least = head.length + body.length + LENGTH_BYTES;
  const frame = new Uint8Array(padme(least));
  frame.set(head, 0);
  frame.set(body, head.length);
  frame.set(number(body.length, LENGTH_BYTES, "length"), frame.length - LENGTH_BYTES);
  return frame;
}

/** The description of a blob; throws PageError InvalidInput: no content type, or one of the two is too long. */
export function describe(contentType: string, name: string): Uint8Array {
  if (!contentType || utf8(contentType).length > MAX_CONTENT_TYPE_BYTES) {
    throw new PageError("InvalidInput", { name: "content type", value: contentType.slice(0, 40) });
  }
  if (utf8(name).length > MAX_NAME_BYTES)
    throw new PageError("InvalidInput", { name: "name", value: name.slice(0, 40) });
  return canonical({ content_type: contentType, name });
}

/**
 * Reads head and tail of an open object.
 *
 * @throws PageError ParcelTampered: the chunks that hold them aren't authentic; ContentInvalid: not a frame.
 */
export async function readFrame(reader: StreamReader): Promise<Frame> {
  const opening = await reader.read(0, HEAD_BYTES);
  const kind = opening[0];
  if (opening.length < HEAD_BYTES || (kind !== Kind.RECORDS && kind !== Kind.BLOB)) throw invalid();
  const descriptionBytes = readNumber(opening, 1, HEAD_BYTES);
  const bodyStart = HEAD_BYTES + descriptionBytes;
  const lengthStart = reader.size - LENGTH_BYTES;
  if (bodyStart > lengthStart) throw invalid();
  const tail = await reader.read(lengthStart, LENGTH_BYTES);
  // Six bytes are more than any object has; what doesn't fit into them is no length.
  if (tail[0] || tail[1]) throw invalid();
  const bodyBytes = readNumber(tail, 2, LENGTH_BYTES);
  if (padme(bodyStart + bodyBytes + LENGTH_BYTES) !== reader.size) throw invalid();
  if (kind === Kind.RECORDS) {
    if (descriptionBytes) throw invalid();
    return { kind, contentType: "", name: "", bodyStart, bodyBytes };
  }
  const description = readDescription(await reader.read(HEAD_BYTES, descriptionBytes));
  return { kind, ...description, bodyStart, bodyBytes };
}

/** Refuses padding that hides something: PageError ContentInvalid. */
export function requireZeros(padding: Uint8Array): void {
  for (const byte of padding) if (byte) throw invalid();
}

function readDescription(data: Uint8Array): { contentType: string; name: string } {
  try {
    const value = parse(data);
    if (!isObject(value)) throw invalid();
    const { content_type: contentType, name } = value;
    if (typeof contentType !== "string" || typeof name !== "string") throw invalid();
    if (!equalBytes(describe(contentType, name), data)) throw invalid();
    return { contentType, name };
  } catch (cause) {
    throw new PageError("ContentInvalid", {}, { cause });
  }
}

function invalid(): PageError {
  return new PageError("ContentInvalid");
}
