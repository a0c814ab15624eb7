/**
 * The tree of compartment keys: relationship → epoch → class → 8 binary levels over the years → compartment.
 *
 * Each step down is one HKDF-Expand (RFC 5869); none leads up or sideways. So whoever holds a node holds all below it
 * and nothing else. Epochs count by class: ending an epoch of one class leaves all the others as they are. The years
 * 1900 to 2155 are leaves 0 to 255 (year - 1900, most significant bit first). Records without a date have a leaf of
 * their own beside the years. A class node covers both.
 */

import { expand } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { PageError } from "../errors";
import { concat, utf8 } from "../types/bytes";
import { label, number } from "./encoding";
import { CompartmentKey, KEY_BYTES, kept, MailboxKey, NodeKey } from "./secret";

export const FIRST_YEAR = 1900;
export const LAST_YEAR = 2155;
/** The period of records that have no clinical date. */
export const UNDATED = 0;
export const CLASS_COUNT = 64;
export const EPOCH_COUNT = 2 ** 32;

/** Epochs by class number, or the same for every class. */
export type Epochs = ReadonlyMap<number, Iterable<number>> | Iterable<number>;

const DEPTH = 8;
const UNDATED_PART = "undated";
const YEARS = /^[01]{1,8}$/;
const TEXT = /^\/(?:(0|[1-9][0-9]{0,9})(?:\/(0|[1-9][0-9]?)(?:\/([01]{1,8}|undated))?)?)?$/;

/** Where a node stands. Written `/`, `/0`, `/0/3`, `/0/3/0111`, `/0/3/undated`. */
export class Path {
  /** The relationship itself. */
  static readonly TOP = new Path();

  /**
   * @param epoch 0 to 2^32 - 1; null for the relationship itself.
   * @param classNumber 0 to 63; null for a whole epoch.
   * @param years 1 to 8 characters `0`/`1`, or `undated`; null for a whole class.
   * @throws PageError InvalidInput: out of these bounds, or a part without the one before it.
   */
  constructor(
    readonly epoch: number | null = null,
    readonly classNumber: number | null = null,
    readonly years: string | null = null,
  ) {
    const wellFormed =
      (epoch === null ? classNumber === null : isBelow(epoch, EPOCH_COUNT)) &&
      (classNumber === null ? years === null : isBelow(classNumber, CLASS_COUNT)) &&
      (years === null || years === UNDATED_PART || YEARS.test(years));
    if (!wellFormed) throw new PageError("InvalidInput", { name: "path", value: `${epoch}/${classNumber}/${years}` });
  }

  /** Reads what `toString` writes; throws PageError InvalidInput for anything else. */
  static parse(text: string): Path {
    const found = TEXT.exec(text);
    if (!found) throw new PageError("InvalidInput", { name: "path", value: text.slice(0, 80) });
    const [, epoch, classNumber, years] = found;
    return new Path(
      epoch === undefined ? null : Number(epoch),
      classNumber === undefined ? null : Number(classNumber),
      years ?? null,
    );
  }

  /** The leaf of a compartment; `period` is 1900 to 2155 or `UNDATED`. */
  static ofCompartment(epoch: number, classNumber: number, period: number): Path {
    if (period === UNDATED) return new Path(epoch, classNumber, UNDATED_PART);
    if (!Number.isInteger(period) || period < FIRST_YEAR || period > LAST_YEAR) {
      throw new PageError("InvalidInput", { name: "period", value: String(period) });
    }
    return new Path(epoch, classNumber, (period - FIRST_YEAR).toString(2).padStart(DEPTH, "0"));
  }

  /** Whether it is a leaf. */
  get isCompartment(): boolean {
    return this.years !== null && (this.years === UNDATED_PART || this.years.length === DEPTH);
  }

  /** The period of a leaf; throws PageError InvalidInput when it isn't one. */
  get period(): number {
    if (this.years === null || !this.isCompartment) {
      throw new PageError("InvalidInput", { name: "path", value: this.toString() });
    }
    return this.years === UNDATED_PART ? UNDATED : FIRST_YEAR + Number.parseInt(this.years, 2);
  }

  /** Whether `other` is this path or lies below it. */
  covers(other: Path): boolean {
    if (this.epoch === null) return true;
    if (this.epoch !== other.epoch) return false;
    if (this.classNumber === null) return true;
    if (this.classNumber !== other.classNumber) return false;
    return this.years === null || (other.years?.startsWith(this.years) ?? false);
  }

  toString(): string {
    return `/${[this.epoch, this.classNumber, this.years].filter((part) => part !== null).join("/")}`;
  }
}

/** A node of the tree and its key: a `CompartmentKey` at a leaf, a `NodeKey` anywhere else. */
export interface Node {
  readonly path: Path;
  readonly key: NodeKey | CompartmentKey;
}

/** A leaf: what one key seals and opens. */
export interface Compartment {
  readonly epoch: number;
  readonly classNumber: number;
  readonly period: number;
  readonly key: CompartmentKey;
}

/** A node from its path and bytes. */
export function nodeOf(path: Path, key: Uint8Array): Node {
  return { path, key: path.isCompartment ? new CompartmentKey(key) : new NodeKey(key) };
}

/**
 * The node at `path`, which lies at or below `node`.
 *
 * @throws PageError KeyNotHeld: `node` doesn't cover `path`.
 */
export function derive(node: Node, path: Path): Node {
  if (!node.path.covers(path)) {
    throw new PageError("KeyNotHeld", { held: node.path.toString(), wanted: path.toString() });
  }
  const held = node.key.reveal();
  let key = held;
  const down = (...info: Uint8Array[]): void => {
    const next = step(key, ...info);
    if (key !== held) key.fill(0);
    key = next;
  };
  if (path.epoch !== null && node.path.epoch === null) down(EPOCH, number(path.epoch, 4, "epoch"));
  if (path.classNumber !== null && node.path.classNumber === null) down(CLASS, number(path.classNumber, 1, "class"));
  if (path.years === UNDATED_PART) {
    if (node.path.years === null) down(UNDATED_STEP);
  } else if (path.years !== null) {
    for (const bit of path.years.slice(node.path.years?.length ?? 0)) down(bit === "1" ? LATER : EARLIER);
  }
  const derived = nodeOf(path, key);
  if (key !== held) key.fill(0);
  return derived;
}

/**
 * The fewest nodes, none above a class, that cover exactly the classes, periods and epochs asked for.
 *
 * @param held What to derive from: the relationship's node, or the nodes of a grant that is being passed on.
 * @param options.firstYear First whole year, inclusive; earlier than 1900 counts as 1900.
 * @param options.lastYear Last whole year, inclusive; later than 2155 counts as 2155; before the first: none dated.
 * @param options.epochs The epochs to hand over: by class, or the same for all.
 * @returns Sorted by class, epoch and years.
 * @throws PageError KeyNotHeld: `held` doesn't cover all that is asked for.
 */
export function coveringSet(
  held: Iterable<Node>,
  options: {
    classes: Iterable<number>;
    firstYear: number;
    lastYear: number;
    includeUndated: boolean;
    epochs: Epochs;
  },
): Node[] {
  const nodes = [...held];
  const years = coveringYears(options.firstYear, options.lastYear, options.includeUndated);
  const chosen: Node[] = [];
  for (const [classNumber, epochs] of epochsByClass(options.epochs, options.classes)) {
    for (const epoch of epochs) {
      for (const part of years) {
        const path = new Path(epoch, classNumber, part);
        const source = nodes.find((node) => node.path.covers(path));
        if (!source) throw new PageError("KeyNotHeld", { wanted: path.toString() });
        chosen.push(derive(source, path));
      }
    }
  }
  return chosen;
}

/** The key of a compartment, from whichever node covers it; null when none does. */
export function leafFor(
  nodes: Iterable<Node>,
  epoch: number,
  classNumber: number,
  period: number,
): CompartmentKey | null {
  const path = Path.ofCompartment(epoch, classNumber, period);
  for (const node of nodes) {
    if (node.path.covers(path)) return leafOf(derive(node, path)).key;
  }
  return null;
}

export interface CompartmentFilter {
  /** Only these; all 64 when absent. */
  classes?: Iterable<number>;
  /** Only these; needed for the relationship's own node, which has no end of them. */
  epochs?: Epochs;
  firstYear?: number;
  lastYear?: number;
  /** Whether the undated compartments are wanted; true when absent. */
  includeUndated?: boolean;
}

/**
 * Every compartment that the nodes open and that passes the filters, once; of each node the latest years first.
 *
 * @throws PageError InvalidInput: `nodes` hold a relationship's own node and there is no filter of epochs.
 */
export function* compartments(nodes: Iterable<Node>, filter: CompartmentFilter = {}): Generator<Compartment> {
  const wanted = filter.classes ?? Array.from({ length: CLASS_COUNT }, (_, at) => at);
  const anyEpoch = filter.epochs === undefined;
  const allowed = epochsByClass(filter.epochs ?? [], wanted);
  const held = [...nodes];
  if (anyEpoch && held.some((node) => node.path.epoch === null)) {
    throw new PageError("InvalidInput", { name: "epochs", value: "" });
  }
  const first = filter.firstYear ?? FIRST_YEAR;
  const last = filter.lastYear ?? LAST_YEAR;
  const seen = new Set<string>();
  for (const node of held) {
    for (const classNode of classNodes(node, allowed, anyEpoch)) {
      for (const leaf of leaves(classNode, first, last, filter.includeUndated ?? true)) {
        const place = leaf.path.toString();
        if (seen.has(place)) continue;
        seen.add(place);
        yield leafOf(leaf);
      }
    }
  }
}

/**
 * The key by which the subject finds parcels sealed to its public key; the provider gets it, no viewer does.
 *
 * @throws PageError KeyNotHeld: `relationship` isn't the top of a tree.
 */
export function mailboxKey(relationship: Node): MailboxKey {
  if (relationship.path.epoch !== null) {
    throw new PageError("KeyNotHeld", { held: relationship.path.toString(), wanted: "mailbox" });
  }
  return kept(step(relationship.key.reveal(), MAILBOX), (key) => new MailboxKey(key));
}

// ── steps ──

const EPOCH = label("tree epoch");
const CLASS = label("tree class");
const MAILBOX = label("tree mailbox");
const UNDATED_STEP = label("tree undated");
const EARLIER = concat(label("tree years"), utf8("0"));
const LATER = concat(label("tree years"), utf8("1"));

function step(key: Uint8Array, ...info: Uint8Array[]): Uint8Array {
  return expand(sha256, key, info.length === 1 ? info[0] : concat(...info), KEY_BYTES);
}

function isBelow(value: number, limit: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < limit;
}

function ascending(values: Iterable<number>): number[] {
  return [...new Set(values)].sort((a, b) => a - b);
}

function epochsByClass(epochs: Epochs, classes: Iterable<number>): Map<number, number[]> {
  const same = epochs instanceof Map ? null : ascending(epochs as Iterable<number>);
  return new Map(
    ascending(classes).map((classNumber) => [
      classNumber,
      same ?? ascending((epochs as ReadonlyMap<number, Iterable<number>>).get(classNumber) ?? []),
    ]),
  );
}

/** The fewest subtrees over the years asked for; null is the class node, which covers the undated too. */
function coveringYears(firstYear: number, lastYear: number, includeUndated: boolean): (string | null)[] {
  const first = Math.max(firstYear, FIRST_YEAR);
  const last = Math.min(lastYear, LAST_YEAR);
  if (includeUndated && first === FIRST_YEAR && last === LAST_YEAR) return [null];
  const covering: string[] = [];
  const descend = (prefix: string): void => {
    const { low, high } = span(prefix);
    if (low > last || high < first) return;
    if (prefix && first <= low && high <= last) {
      covering.push(prefix);
    } else {
      descend(`${prefix}0`);
      descend(`${prefix}1`);
    }
  };
  descend("");
  return includeUndated ? [...covering, UNDATED_PART] : covering;
}

function span(prefix: string): { low: number; high: number } {
  const years = 1 << (DEPTH - prefix.length);
  const low = FIRST_YEAR + (prefix ? Number.parseInt(prefix, 2) : 0) * years;
  return { low, high: low + years - 1 };
}

/** `node` itself when it is at or below a class, else the class nodes below it; those that pass the filters. */
function* classNodes(node: Node, allowed: Map<number, number[]>, anyEpoch: boolean): Generator<Node> {
  const { epoch: own, classNumber: ownClass } = node.path;
  for (const [classNumber, epochs] of allowed) {
    if (ownClass !== null && ownClass !== classNumber) continue;
    for (const epoch of own === null ? epochs : [own]) {
      if (!anyEpoch && !epochs.includes(epoch)) continue;
      yield ownClass !== null ? node : derive(node, new Path(epoch, classNumber));
    }
  }
}

function* leaves(node: Node, first: number, last: number, includeUndated: boolean): Generator<Node> {
  const { epoch, classNumber, years } = node.path;
  if (years === UNDATED_PART) {
    if (includeUndated) yield node;
    return;
  }
  const { low, high } = span(years ?? "");
  if (low <= last && high >= first) {
    if (node.path.isCompartment) {
      yield node;
    } else {
      for (const bit of ["1", "0"]) {
        yield* leaves(derive(node, new Path(epoch, classNumber, (years ?? "") + bit)), first, last, false);
      }
    }
  }
  if (years === null && includeUndated) yield derive(node, new Path(epoch, classNumber, UNDATED_PART));
}

function leafOf(node: Node): Compartment {
  const { path, key } = node;
  if (path.epoch === null || path.classNumber === null || !(key instanceof CompartmentKey)) {
    throw new PageError("InvalidInput", { name: "path", value: path.toString() });
  }
  return { epoch: path.epoch, classNumber: path.classNumber, period: path.period, key };
}
