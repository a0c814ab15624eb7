/** How the screens picture the classes of the vocabulary; by code, because numbers say nothing to a reader of this. */

import type { RecordClass } from "../client/api.ts";
import { language, text, textOf } from "../text/catalogue.ts";
import type { IconName } from "./icons.tsx";
import { client } from "./session.ts";

const ICONS: Readonly<Record<string, IconName>> = {
  demographics: "person",
  allergies: "allergy",
  medications: "pill",
  immunizations: "syringe",
  conditions: "heart",
  procedures: "scalpel",
  laboratory: "flask",
  "vital-signs": "pulse",
  imaging: "image",
  examinations: "search",
  encounters: "visit",
  documents: "note",
  "care-plans": "plan",
  devices: "device",
  "family-history": "people",
  insurance: "coin",
  provenance: "origin",
};

/** Classes that the vocabulary sets apart because of what they are about (`sensitive` in `vocabulary.json`). */
export const SENSITIVE: ReadonlySet<string> = new Set([
  "behavioural-health",
  "psychotherapy-notes",
  "substance-use",
  "hiv",
  "sexual-and-reproductive-health",
  "genetics",
  "sickle-cell",
  "violence-and-abuse",
  "restricted",
]);

/** Measurements: these have series that a plot shows. */
export const MEASURED: ReadonlySet<string> = new Set(["laboratory", "vital-signs"]);

export function classOf(number: number): RecordClass | undefined {
  // Names come in the language asked for; reading it makes the caller follow its change.
  void language.value;
  return client.value?.classes.find((known) => known.number === number);
}

export function className(number: number): string {
  return classOf(number)?.name ?? text("classes.unknown", { number });
}

export function classIcon(number: number): IconName {
  const found = classOf(number);
  if (found && SENSITIVE.has(found.code)) return "eyeOff";
  return (found && ICONS[found.code]) ?? "records";
}

/** What a class contains, in a sentence; empty for a class that the catalogue doesn't know. */
export function classHelp(code: string): string {
  return textOf("classHelp", code) ?? "";
}

export function isSensitive(number: number): boolean {
  const found = classOf(number);
  return found !== undefined && SENSITIVE.has(found.code);
}

export function purposeName(code: string): string {
  void language.value;
  return client.value?.purposes.find((known) => known.code === code)?.name ?? code;
}
