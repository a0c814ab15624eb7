/** Which records are meant: classes and days, as compartments lie in them. */

import { FIRST_YEAR, LAST_YEAR, UNDATED } from "../crypto/keytree";
import { NO_FIRST_DATE, NO_LAST_DATE, type Terms } from "../types/terms";
import { bits, CLASSES } from "../types/vocabulary";
import type { ClinicalRecord } from "./records";

/** Every class that the vocabulary knows: no record is of another. */
export const ALL_CLASSES: ReadonlySet<number> = new Set(CLASSES.map(({ number }) => number));

/** Which records are meant: classes, and days from `first` to `last` (YYYYMMDD, as in `Terms`). */
export class Window {
  constructor(
    readonly classes: ReadonlySet<number> = ALL_CLASSES,
    readonly first: number = NO_FIRST_DATE,
    readonly last: number = NO_LAST_DATE,
  ) {}

  /** The records that terms cover. */
  static of(terms: Terms): Window {
    return new Window(new Set(bits(terms.classes)), terms.recordsFrom, terms.recordsUntil);
  }

  /** Whether it covers records of every date, undated ones included. */
  get isUnbounded(): boolean {
    return this.first === NO_FIRST_DATE && this.last === NO_LAST_DATE;
  }

  /** First and last year that it touches, within those that have compartments of their own. */
  get years(): readonly [number, number] {
    return [Math.max(yearOf(this.first), FIRST_YEAR), Math.min(yearOf(this.last), LAST_YEAR)];
  }

  /** First and last year that lie in it altogether; the first is the later one when none does. */
  get wholeYears(): readonly [number, number] {
    const [first, last] = [yearOf(this.first), yearOf(this.last)];
    return [
      Math.max(this.first % 10_000 <= 101 ? first : first + 1, FIRST_YEAR),
      Math.min(this.last % 10_000 >= 1231 ? last : last - 1, LAST_YEAR),
    ];
  }

  /** Whether the record's class is one of these and its date surely lies in the window. */
  covers(record: ClinicalRecord): boolean {
    if (!this.classes.has(record.classNumber)) return false;
    if (record.first === UNDATED) return this.isUnbounded;
    return this.first <= record.first && record.last <= this.last;
  }

  /** Whether a compartment can hold a record that it covers. */
  touches(classNumber: number, period: number): boolean {
    return this.classes.has(classNumber) && this.holds(period, this.years);
  }

  /** Whether it covers a compartment altogether. */
  contains(classNumber: number, period: number): boolean {
    return this.classes.has(classNumber) && this.holds(period, this.wholeYears);
  }

  private holds(period: number, [first, last]: readonly [number, number]): boolean {
    return period === UNDATED ? this.isUnbounded : first <= period && period <= last;
  }
}

function yearOf(date: number): number {
  return Math.floor(date / 10_000);
}
