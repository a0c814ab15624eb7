/**
 * Records as bytes: canonical NDJSON, in a zstd frame; and back, without trusting whoever wrote them.
 *
 * Each resource is one line of canonical JSON. The line itself is handed out beside the value, so that nothing of a
 * record is lost on the screen, not even how its numbers were written.
 */

import { PageError } from "../errors";
import { utf8 } from "../types/bytes";
import { canonicalText, isObject, type JsonObject, parse } from "../types/jsonValues";

/** Bytes of records in one parcel: `medrec_py.sealing.canonical` says why so many. */
export const MAX_EXPANDED = 1 << 26;

/**
 * Commas and opening brackets in the records of one parcel, of which every JSON value but the first has one before it:
 * what is read takes far more memory than what it was read from.
 */
export const MAX_VALUES = 1 << 21;

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export interface Records {
  readonly resources: JsonObject[];
  /** The canonical text of each, as it was sealed. */
  readonly lines: string[];
}

/**
 * The NDJSON of resources, in their order.
 *
 * @throws PageError InvalidInput: no resource, or more bytes or values than readers take from one parcel; InvalidJson:
 *   something that isn't a JSON object.
 */
export function writeRecords(resources: readonly JsonObject[]): Uint8Array {
  if (!resources.length) throw new PageError("InvalidInput", { name: "resources", value: 0 });
  const data = utf8(
    resources
      .map((resource) => {
        if (!isObject(resource)) throw new PageError("InvalidJson", { at: 0 });
        return `${canonicalText(resource)}\n`;
      })
      .join(""),
  );
  if (data.length > MAX_EXPANDED || countValues(data) > MAX_VALUES) {
    throw new PageError("InvalidInput", { name: "resources", value: data.length });
  }
  return data;
}

/** The most JSON values that NDJSON can hold, found without reading it; commas in texts count along. */
function countValues(data: Uint8Array): number {
  if (data.length <= MAX_VALUES) return 0; // it can't hold too many
  let count = 0;
  for (const byte of data) if (byte === 0x2c || byte === 0x5b || byte === 0x7b) count++;
  return count;
}

/**
 * What `writeRecords` wrote.
 *
 * @throws PageError ContentInvalid: anything that `writeRecords` would not have written; ContentTooLarge: more values
 *   than it would have written, and nothing of it was read.
 */
export function readRecords(data: Uint8Array): Records {
  const values = countValues(data);
  if (values > MAX_VALUES) throw new PageError("ContentTooLarge", { announced: values, limit: MAX_VALUES });
  try {
    // A byte order mark may begin each line, as for Python, where each is a document of its own.
    const lines = UTF8.decode(data)
      .split("\n")
      .map((line) => (line.startsWith("\ufeff") ? line.slice(1) : line));
    if (lines.pop() !== "") throw new PageError("ContentInvalid");
    const resources = lines.map((line) => {
      const resource = parse(line);
      if (!isObject(resource)) throw new PageError("ContentInvalid");
      return resource;
    });
    return { resources, lines };
  } catch (cause) {
    throw new PageError("ContentInvalid", {}, { cause });
  }
}
