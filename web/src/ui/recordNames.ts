/** Names for what the patient's records refer to, by author. */

import { computed } from "@preact/signals";
import { directory } from "../fhir/directory.ts";
import { records } from "./session.ts";

export const directoryOf = computed(() => directory(records.value));
