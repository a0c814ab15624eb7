/** Measurements: what was measured, its value, its reference range, and series of the same measurement. */

import { asNumber, asObject, asObjects, asText, at, choice, concept, quantity, type Resource } from "./elements.ts";

export interface Range {
  low: number | undefined;
  high: number | undefined;
  text: string | undefined;
}

/** One measured value. `code` is its LOINC code or, where it has none, its words. */
export interface Measurement {
  code: string;
  name: string;
  /** As it is to be read, with unit. */
  words: string | undefined;
  value: number | undefined;
  unit: string | undefined;
  range: Range | undefined;
  /** Whether the value lies outside its range, by the sender's word or by the numbers. */
  flag: "low" | "high" | "abnormal" | undefined;
  date: string | null;
  /** When it was measured, as the sender wrote it, with the time of day where that is known. */
  moment: string | undefined;
  /** The record it comes from. */
  key: string;
}

/** The same measurement through time, oldest first. */
export interface Series {
  code: string;
  name: string;
  unit: string | undefined;
  points: Measurement[];
}

const LOINC = "http://loinc.org";
const FLAGS: Readonly<Record<string, Measurement["flag"]>> = {
  L: "low",
  LL: "low",
  LU: "low",
  "<": "low",
  H: "high",
  HH: "high",
  HU: "high",
  ">": "high",
  A: "abnormal",
  AA: "abnormal",
};

/** The measurements of an Observation: its own value, and each of its components. */
export function measurements(resource: Resource, key: string, date: string | null): Measurement[] {
  if (resource.resourceType !== "Observation") return [];
  const found: Measurement[] = [];
  const moment = asText(resource.effectiveDateTime) ?? asText(resource.effectiveInstant);
  for (const part of [resource, ...asObjects(resource.component)]) {
    const measured = measurement(part, key, date);
    if (measured) found.push({ ...measured, moment });
  }
  return found;
}

/**
 * Series by code, those with the newest measurement first; only what has a number makes a series. The same value of the
 * same instant is one point, in how many records it may stand: a system that sends it twice measured it once.
 */
export function series(all: readonly Measurement[]): Series[] {
  const byCode = new Map<string, Series>();
  for (const measured of all) {
    if (measured.value === undefined) continue;
    // A value in another unit is another series: one axis can't show both.
    const id = `${measured.code} ${measured.unit ?? ""}`;
    const found = byCode.get(id);
    if (found) found.points.push(measured);
    else byCode.set(id, { code: measured.code, name: measured.name, unit: measured.unit, points: [measured] });
  }
  const sorted = [...byCode.values()];
  for (const one of sorted) {
    one.points.sort((a, b) => compare(a.date, b.date) || compare(a.moment, b.moment));
    one.points = one.points.filter((point, index) => !isSame(point, one.points[index - 1]));
  }
  return sorted.sort((a, b) => compare(b.points.at(-1)?.date ?? null, a.points.at(-1)?.date ?? null));
}

/** The range in words; undefined where there is none. */
export function rangeWords(range: Range | undefined): string | undefined {
  if (!range) return undefined;
  if (range.text) return range.text;
  if (range.low !== undefined && range.high !== undefined) return `${range.low} – ${range.high}`;
  if (range.low !== undefined) return `≥ ${range.low}`;
  return range.high === undefined ? undefined : `≤ ${range.high}`;
}

function measurement(part: Resource, key: string, date: string | null): Omit<Measurement, "moment"> | undefined {
  const chosen = choice(part, "value");
  if (!chosen) return undefined;
  const codings = asObjects(at(part, "code", "coding"));
  const loinc = codings.find((coding) => coding.system === LOINC);
  const name = concept(part.code) ?? asText(loinc?.code);
  if (name === undefined) return undefined;
  const amount = chosen.type === "Quantity" ? asObject(chosen.value) : undefined;
  const bare = chosen.type === "Integer" || chosen.type === "Decimal" ? chosen.value : undefined;
  const value = asNumber(amount?.value ?? bare);
  const range = rangeOf(part);
  return {
    code: asText(loinc?.code) ?? name,
    name,
    words: valueWords(chosen.type, chosen.value),
    value,
    unit: asText(amount?.unit) ?? asText(amount?.code),
    range,
    flag: flagOf(part, value, range),
    date,
    key,
  };
}

/** A FHIR `value[x]` in words. */
export function valueWords(type: string, value: unknown): string | undefined {
  if (type === "Quantity") return quantity(value);
  if (type === "CodeableConcept") return concept(value);
  if (type === "Range") return [quantity(at(value, "low")), quantity(at(value, "high"))].filter(Boolean).join(" – ");
  if (type === "Ratio") {
    return [quantity(at(value, "numerator")), quantity(at(value, "denominator"))].filter(Boolean).join(" : ");
  }
  if (typeof value === "boolean") return value ? "✓" : "✗";
  return asNumber(value) === undefined ? asText(value) : String(value);
}

function rangeOf(part: Resource): Range | undefined {
  const found = asObjects(part.referenceRange)[0];
  if (!found) return undefined;
  const range = {
    low: asNumber(at(found, "low", "value")),
    high: asNumber(at(found, "high", "value")),
    text: asText(found.text),
  };
  return range.low === undefined && range.high === undefined && range.text === undefined ? undefined : range;
}

function flagOf(part: Resource, value: number | undefined, range: Range | undefined): Measurement["flag"] {
  for (const found of asObjects(part.interpretation)) {
    for (const coding of asObjects(found.coding)) {
      const flag = FLAGS[asText(coding.code) ?? ""];
      if (flag) return flag;
    }
  }
  if (value === undefined || !range) return undefined;
  if (range.low !== undefined && value < range.low) return "low";
  return range.high !== undefined && value > range.high ? "high" : undefined;
}

function isSame(one: Measurement, other: Measurement | undefined): boolean {
  // A day alone proves nothing: the same value may have been measured twice on it.
  return Boolean(one.moment?.includes("T")) && one.moment === other?.moment && one.words === other?.words;
}

function compare(a: string | null | undefined, b: string | null | undefined): number {
  return (a ?? "").localeCompare(b ?? "");
}
