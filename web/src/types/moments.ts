/** Moments and days as people write them, into the numbers that terms carry. */

import { PageError } from "../errors";

const DAY = /^(\d{4})-(\d{2})-(\d{2})$/;
const MOMENT = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})?)?$/;
/** The first second of the year 10000: beyond it no calendar of Python's applies, and so none here. */
const END_OF_CALENDAR = 253402300800n;

/**
 * Unix seconds of a moment: of Unix seconds in digits, or of ISO 8601 text. A day means its first second, and text
 * without a zone is in UTC.
 *
 * @throws PageError InvalidInput: not a moment.
 */
export function moment(value: string): number {
  if (/^\d{1,15}$/.test(value)) return Number(value);
  if (MOMENT.test(value) && isDay(value.slice(0, 10))) {
    const zoned = value.length === 10 || /(Z|[+-]\d{2}:\d{2})$/.test(value) ? value : `${value}Z`;
    const milliseconds = Date.parse(zoned);
    if (!Number.isNaN(milliseconds)) return Math.floor(milliseconds / 1000);
  }
  throw new PageError("InvalidInput", { name: "moment", value: value.slice(0, 80) });
}

/**
 * The number YYYYMMDD of a day: of that number in digits, or of ISO text such as `2020-06-15`.
 *
 * @throws PageError InvalidInput: not a day of the calendar.
 */
export function day(value: string): number {
  const text = /^\d{8}$/.test(value) ? `${value.slice(0, 4)}-${value.slice(4, 6)}-${value.slice(6)}` : value;
  if (!isDay(text)) throw new PageError("InvalidInput", { name: "day", value: value.slice(0, 80) });
  return Number(text.replaceAll("-", ""));
}

/** YYYYMMDD as ISO text: 20200615 → `2020-06-15`. */
export function isoDay(number: number): string {
  const parts = [Math.floor(number / 10000), Math.floor(number / 100) % 100, number % 100];
  return parts.map((part, at) => String(part).padStart(at ? 2 : 4, "0")).join("-");
}

/** Unix seconds as people read them: `2027-05-01T00:00:00Z`; beyond the year 9999 the number itself, `@…`. */
export function iso(seconds: number | bigint): string {
  if (BigInt(seconds) >= END_OF_CALENDAR) return `@${seconds}`;
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}Z`;
}

function isDay(text: string): boolean {
  const found = DAY.exec(text);
  if (!found) return false;
  const [year, month, date] = found.slice(1).map(Number) as [number, number, number];
  // A day that its month doesn't have runs over into another month.
  const moved = new Date(0);
  moved.setUTCFullYear(year, month - 1, date);
  return year > 0 && moved.getUTCMonth() === month - 1;
}
