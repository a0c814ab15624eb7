/** Days as date inputs hold them (`2026-03-09`), in the reader's time zone. */

import { now } from "./session.ts";

export function today(): string {
  return written(new Date(now() * 1000));
}

export function dayAfter(day: string, days: number): string {
  const [year = 0, month = 1, date = 1] = day.split("-").map(Number);
  return written(new Date(year, month - 1, date + days));
}

/** The first second of a day, in seconds since 1970. */
export function secondsOf(day: string): number {
  const [year = 0, month = 1, date = 1] = day.split("-").map(Number);
  return Math.floor(new Date(year, month - 1, date).getTime() / 1000);
}

function written(day: Date): string {
  const parts = [day.getFullYear(), day.getMonth() + 1, day.getDate()];
  return parts.map((part, index) => String(part).padStart(index ? 2 : 4, "0")).join("-");
}
