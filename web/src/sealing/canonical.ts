/**
 * Records as bytes: canonical NDJSON, in a zstd frame; and back, without trusting whoever wrote them.
 *
 * Each resource is one line of canonical JSON. The line itself is handed out beside the value, so that nothing of a
 * record is lost on the screen, not even how its numbers were written.
 */

import { PageError } from "../errors";
import { utf8 } from "../types/bytes";
import { canonicalText, decode, isObject, type JsonObject, parse } from "../types/jsonValues";

export interface Records {
  readonly resources: JsonObject[];
  /** The canonical text of each, as it was sealed. */
  readonly lines: string[];
}

/**
 * The NDJSON of resources, in their order.
 *
 * @throws PageError InvalidInput: no resource; InvalidJson: something that isn't a JSON object.
 */
export function writeRecords(resources: readonly JsonObject[]): Uint8Array {
  if (!resources.length) throw new PageError("InvalidInput", { name: "resources", value: 0 });
  return utf8(
    resources
      .map((resource) => {
        if (!isObject(resource)) throw new PageError("InvalidJson", { at: 0 });
        return `${canonicalText(resource)}\n`;
      })
      .join(""),
  );
}

/**
 * What `writeRecords` wrote.
 *
 * @throws PageError ContentInvalid: anything that `writeRecords` would not have written.
 */
export function readRecords(data: Uint8Array): Records {
  try {
    const lines = decode(data).split("\n");
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
