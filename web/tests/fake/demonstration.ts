/** The resources of the demonstration's patient, as the Python package ships them. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

export function demonstrationPatient(): Record<string, unknown>[] {
  const file = join(import.meta.dirname, "../../../medrec_py/demo/patient.json.gz");
  const bundle = JSON.parse(gunzipSync(readFileSync(file)).toString()) as {
    entry: { resource: Record<string, unknown> }[];
  };
  return bundle.entry.map((entry) => entry.resource);
}
