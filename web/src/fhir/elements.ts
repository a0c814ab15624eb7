/**
 * Reading a FHIR resource that may hold anything: every reader answers what is there in the shape asked for, or nothing.
 * Nothing here throws, and nothing is ever treated as markup.
 */

import { JsonNumber } from "../types/jsonValues.ts";

export type Resource = Readonly<Record<string, unknown>>;

export function asObject(value: unknown): Resource | undefined {
  const isObject =
    typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof JsonNumber);
  return isObject ? (value as Resource) : undefined;
}

/** The objects of a list; one object alone counts as a list of itself, because senders mix the two up. */
export function asObjects(value: unknown): Resource[] {
  const list = Array.isArray(value) ? value : [value];
  return list.map(asObject).filter((item) => item !== undefined);
}

export function asText(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** A number, also when it came as a text or as a `JsonNumber`, which keep digits that a number would lose. */
export function asNumber(value: unknown): number | undefined {
  if (value instanceof JsonNumber) return asNumber(value.text);
  const parsed = typeof value === "string" && /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(value) ? Number(value) : value;
  return typeof parsed === "number" && Number.isFinite(parsed) ? parsed : undefined;
}

/** What lies at a path of member names; of a list, what lies in its first element. */
export function at(value: unknown, ...path: string[]): unknown {
  let here: unknown = value;
  for (const name of path) {
    if (Array.isArray(here)) here = here[0];
    const object = asObject(here);
    if (!object || !Object.hasOwn(object, name)) return undefined;
    here = object[name];
  }
  return here;
}

/** What SNOMED CT's fully specified names end with, for those who tell concepts apart; to readers it says nothing. */
const SEMANTIC_TAG =
  / \((?:disorder|finding|situation|event|procedure|regime\/therapy|person|observable entity|morphologic abnormality|body structure|substance|product|medicinal product|clinical drug|physical object|qualifier value|occupation|environment|record artifact|assessment scale|social concept|organism|specimen)\)$/;

/** The words of a CodeableConcept: its text, else the first coding that has a display, else a code. */
export function concept(value: unknown): string | undefined {
  const words = wordsOf(value);
  const codings = asObjects(at(value, "coding"));
  const isSnomed = codings.some((coding) => asText(coding.system) === "http://snomed.info/sct");
  return isSnomed ? words?.replace(SEMANTIC_TAG, "") : words;
}

function wordsOf(value: unknown): string | undefined {
  const found = asObject(Array.isArray(value) ? value[0] : value);
  if (!found) return asText(value);
  const codings = asObjects(found.coding);
  return (
    asText(found.text) ??
    codings.map((coding) => asText(coding.display)).find((display) => display !== undefined) ??
    asText(found.display) ??
    codings.map((coding) => asText(coding.code)).find((code) => code !== undefined) ??
    asText(found.code)
  );
}

export function concepts(value: unknown): string[] {
  return asObjects(value)
    .map(concept)
    .filter((words) => words !== undefined);
}

/** Finds the words for what a reference points at, in other records; see `directory.ts`. */
export type Resolver = (target: string) => string | undefined;

/**
 * The words of a reference: its display, else the words of what it points at, inside `resource` or in other records.
 * A bare address such as `urn:uuid:…` says nothing to anybody.
 */
export function reference(value: unknown, resource?: Resource, resolve?: Resolver): string | undefined {
  const display = asText(at(value, "display"));
  const target = asText(at(value, "reference"));
  if (display !== undefined || target === undefined) return display;
  if (!target.startsWith("#")) return resolve?.(target);
  const contained = asObjects(resource?.contained).find((one) => one.id === target.slice(1));
  return contained && (concept(contained.code) ?? asText(contained.name) ?? humanName(contained.name));
}

/** A quantity with its unit, its digits as they were sent. */
export function quantity(value: unknown): string | undefined {
  const found = asObject(value);
  const size = found && (asNumber(found.value) === undefined ? undefined : String(found.value));
  if (!found || size === undefined) return undefined;
  const comparator = asText(found.comparator);
  const unit = asText(found.unit) ?? asText(found.code);
  return [comparator ? `${comparator} ${size}` : size, unit].filter(Boolean).join(" ");
}

/** Name of a person, from HumanName. */
export function humanName(value: unknown): string | undefined {
  const found = asObject(Array.isArray(value) ? value[0] : value);
  if (!found) return asText(value);
  const words = [found.prefix, found.given, found.family].flat().filter((word) => typeof word === "string");
  return asText(found.text) ?? (words.length ? words.join(" ") : undefined);
}

/** Both ends of a Period, or a moment twice. */
export function period(value: unknown): { start: string | undefined; end: string | undefined } {
  return { start: asText(at(value, "start")), end: asText(at(value, "end")) };
}

/** The first member whose name is `stem` followed by a type, as FHIR's choice elements are: valueQuantity, … */
export function choice(resource: Resource, stem: string): { type: string; value: unknown } | undefined {
  for (const [name, value] of Object.entries(resource)) {
    if (name.length > stem.length && name.startsWith(stem) && /^[A-Z]/.test(name.slice(stem.length))) {
      return { type: name.slice(stem.length), value };
    }
  }
  return undefined;
}

export function resourceType(resource: Resource): string {
  return asText(resource.resourceType) ?? "";
}
