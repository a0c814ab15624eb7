/**
 * Cutting keys to the measure of a grant: whole compartments as nodes, what a date cuts through as excerpts.
 *
 * A viewer never holds a key that opens more than the terms say. Where a window cuts a year in two, the records inside
 * it are sealed anew for that one grant.
 */

import { coveringSet, type Node } from "../crypto/keytree";
import { ContentKey } from "../crypto/secret";
import type { Excerpt, RelationshipKeys } from "../sealing/documents";
import { sealRecords } from "../sealing/parcel";
import { digestOf } from "../store/fetch";
import type { PresentedGrant, Terms } from "../types/terms";
import type { Address } from "./api";
import type { Context } from "./context";
import { Faults } from "./faults";
import type { Held, Holdings, Located } from "./holdings";
import { Window } from "./window";

/** First second of the year 10000, beyond which calendars here do not reach. */
const LAST_CALENDAR_SECOND = 253402300800n;

/** What a grant hands over. */
export interface Cut {
  readonly keys: RelationshipKeys[];
  readonly excerpts: Excerpt[];
  /** Parcels sealed anew, to be stored; their digests are among the excerpts. */
  readonly objects: Uint8Array[];
}

/** The terms of a grant cut down to those of every grant above it: the measure of the keys to hand over. */
export function measure(chain: readonly PresentedGrant[]): Terms {
  const [last, ...above] = chain.map(({ terms }) => terms).reverse();
  const measured: { -readonly [Name in keyof Terms]: Terms[Name] } = { ...(last as Terms) };
  for (const { classes, recordsFrom, recordsUntil, expiresAt } of above) {
    measured.classes &= classes;
    measured.recordsFrom = Math.max(measured.recordsFrom, recordsFrom);
    measured.recordsUntil = Math.min(measured.recordsUntil, recordsUntil);
    if (expiresAt < measured.expiresAt) measured.expiresAt = expiresAt;
  }
  return measured;
}

/** The last year whose key a grant hands over: none behind the year in which it expires. */
export function lastKeyYear(terms: Terms): number {
  const last = Math.floor(terms.recordsUntil / 10_000);
  if (terms.expiresAt >= LAST_CALENDAR_SECOND) return last;
  return Math.min(last, new Date(Number(terms.expiresAt) * 1000).getUTCFullYear());
}

/** Cuts what is held to the measure of `terms`. */
export async function cut(context: Context, holdings: Holdings, terms: Terms): Promise<Cut> {
  const window = Window.of(terms);
  const lastYear = lastKeyYear(terms);
  const keys = holdings.relationships
    .map((held) => ({ provider: held.provider, number: held.number, nodes: nodesFor(held, window, lastYear) }))
    .filter(({ nodes }) => nodes.length);
  return { keys, ...(await cutExcerpts(context, holdings, terms)) };
}

/**
 * What `terms` cover of parcels that no node opens for the viewer: cut by a date, or sealed to the subject.
 *
 * @param without Parcels ("digest author") that were cut before.
 */
export async function cutExcerpts(
  context: Context,
  holdings: Holdings,
  terms: Terms,
  without: ReadonlySet<string> = new Set(),
): Promise<{ excerpts: Excerpt[]; objects: Uint8Array[] }> {
  const window = Window.of(terms);
  // What can't be read is left out here; the summary names it.
  const faults = new Faults();
  const candidates = (await holdings.locate(context, window, faults)).filter(
    (located) => !without.has(cutName(located.anchor)) && needsExcerpt(located, terms, window),
  );
  const excerpts: Excerpt[] = [];
  const objects: Uint8Array[] = [];
  for (const parcel of await holdings.open(context, candidates, faults)) {
    const covered = parcel.records.filter((record) => window.covers(record)).map((record) => record.document);
    if (!covered.length) continue;
    const { author, classNumber, period, epoch } = parcel.context;
    const source = parcel.located.anchor.digest;
    let digest = source;
    let contentKey = parcel.contentKey;
    // Where all of it is covered, its own key is handed over.
    if (!window.contains(classNumber, period)) {
      const sealed = await sealRecords(covered, parcel.context, ContentKey.random());
      digest = await digestOf(sealed.data);
      contentKey = sealed.contentKey;
      objects.push(sealed.data);
    }
    excerpts.push({ digest, source, contentKey, author, classNumber, period, epoch });
  }
  return { excerpts, objects };
}

export function cutName({ digest, author }: { digest: string; author: Address }): string {
  return `${digest} ${author}`;
}

/** Whether no node that is handed over opens a parcel. */
function needsExcerpt({ context, held }: Located, terms: Terms, window: Window): boolean {
  if (context === null || context.epoch > (held.begun.get(context.classNumber) ?? 0)) return true;
  return context.period > lastKeyYear(terms) || !window.contains(context.classNumber, context.period);
}

/** The fewest nodes for the window's whole years, of all epochs that have begun. */
export function nodesFor(held: Pick<Held, "nodes" | "begun">, window: Window, lastYear: number): Node[] {
  const [firstYear, wholeLast] = window.wholeYears;
  const last = Math.min(wholeLast, lastYear);
  if (last < firstYear && !window.isUnbounded) return [];
  const classes = [...window.classes].sort((one, other) => one - other);
  const epochs = new Map(
    classes.map((number) => [number, Array.from({ length: (held.begun.get(number) ?? 0) + 1 }, (_, at) => at)]),
  );
  return coveringSet(held.nodes, { classes, firstYear, lastYear: last, includeUndated: window.isUnbounded, epochs });
}
