/** Dates, times, spans and numbers, as the reader's language writes them. */

import { language } from "./catalogue.ts";

type Fields = Intl.DateTimeFormatOptions;

const formats = new Map<string, Intl.DateTimeFormat>();

/** Making a format costs more than using it a hundred times; a list of 3,000 dates notices. */
function format(fields: Fields): Intl.DateTimeFormat {
  const key = `${language.value} ${JSON.stringify(fields)}`;
  let found = formats.get(key);
  if (!found) {
    found = new Intl.DateTimeFormat(language.value === "zh" ? "zh-CN" : "en-GB", fields);
    formats.set(key, found);
  }
  return found;
}

/** A moment, given in seconds since 1970, as a day in the reader's time zone. */
export function day(seconds: number): string {
  return safely(seconds * 1000, { year: "numeric", month: "short", day: "numeric" }, String(seconds));
}

/** A moment, given in seconds since 1970, with its time of day in the reader's time zone. */
export function moment(seconds: number): string {
  const fields: Fields = { year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" };
  return safely(seconds * 1000, fields, String(seconds));
}

/**
 * A FHIR date (year, month, day or instant) with as much as it says. A date without a time is nobody's time zone's,
 * and must not become the day before in the west of Greenwich.
 */
export function clinicalDate(value: string): string {
  const [, year, month, date, time] = /^(\d{4})(?:-(\d\d)(?:-(\d\d)(T.+)?)?)?$/.exec(value) ?? [];
  if (!year) return value;
  if (!month) return year;
  const at = Date.UTC(Number(year), Number(month) - 1, Number(date ?? 1));
  if (!date) return safely(at, { year: "numeric", month: "short", timeZone: "UTC" }, value);
  // The day as the author wrote it, in the author's own zone: that is the day the patient remembers.
  void time;
  return safely(at, { year: "numeric", month: "short", day: "numeric", timeZone: "UTC" }, value);
}

/** How far away a moment is from now, in the largest unit that fits: "in 3 days", "2 hours ago". */
export function distance(seconds: number, now: number): string {
  const away = seconds - now;
  const [unit, size] = unitOf(Math.abs(away));
  return new Intl.RelativeTimeFormat(language.value, { numeric: "auto" }).format(Math.round(away / size), unit);
}

/** A span of seconds in its largest unit: "30 days". */
export function span(seconds: number): string {
  const [unit, size] = unitOf(seconds);
  const value = Math.round((seconds / size) * 10) / 10;
  return new Intl.NumberFormat(language.value, { style: "unit", unit, unitDisplay: "long" }).format(value);
}

export function number(value: number): string {
  return new Intl.NumberFormat(language.value, { maximumFractionDigits: 20 }).format(value);
}

const UNITS: readonly (readonly ["year" | "day" | "hour" | "minute" | "second", number])[] = [
  ["year", 365.25 * 86400],
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
];

function unitOf(seconds: number): readonly ["year" | "day" | "hour" | "minute" | "second", number] {
  return UNITS.find(([, size]) => seconds >= 2 * size || (size < 86400 && seconds >= size)) ?? ["second", 1];
}

function safely(milliseconds: number, fields: Fields, otherwise: string): string {
  const moment = new Date(milliseconds);
  return Number.isNaN(moment.getTime()) ? otherwise : format(fields).format(moment);
}
