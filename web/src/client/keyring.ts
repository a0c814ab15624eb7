/** The keys of one relationship in the order in which they are likely to be needed, derived no earlier than that. */

import { type Compartment, compartments, type Node } from "../crypto/keytree";
import type { MailboxKey } from "../crypto/secret";
import { PageError } from "../errors";
import type { LocatorKey } from "../sealing/locator";
import { ALL_CLASSES } from "./window";

/** Years in which most records are. The leaves of all the others are derived only while something is still unfound. */
const LIKELY_YEARS = 40;

/**
 * Iterates as often as one likes; each key is derived once.
 *
 * Whoever looks for locators stops when all are found. So a patient with thousands of compartments pays for the few
 * hundred in which there is something.
 */
export class KeyRing implements Iterable<LocatorKey> {
  private readonly cells: Compartment[] = [];
  private readonly source: Iterator<Compartment>;
  private isDry = false;

  /**
   * @param nodes Nodes of the relationship's tree.
   * @param epochs The newest epoch by class, where it is not 0.
   * @param mailbox Marks what is sealed to the subject itself; null for whoever has no business with that.
   */
  constructor(
    nodes: readonly Node[],
    epochs: ReadonlyMap<number, number>,
    readonly mailbox: MailboxKey | null,
  ) {
    this.source = derived(nodes, epochs);
  }

  *[Symbol.iterator](): Generator<LocatorKey> {
    if (this.mailbox) yield this.mailbox;
    for (let at = 0; ; at++) {
      const cell = this.cellAt(at);
      if (!cell) return;
      yield cell.key;
    }
  }

  /** The compartment of a key's place in the iteration; null for the mailbox. */
  cell(position: number): Compartment | null {
    if (this.mailbox && position === 0) return null;
    const cell = this.cellAt(this.mailbox ? position - 1 : position);
    if (!cell) throw new PageError("KeyNotHeld", { wanted: position });
    return cell;
  }

  key(position: number): LocatorKey {
    return this.cell(position)?.key ?? (this.mailbox as MailboxKey);
  }

  /** Overwrites every key that was derived so far; there will be no others. */
  wipe(): void {
    for (const { key } of this.cells) key.wipe();
    this.isDry = true;
  }

  private cellAt(at: number): Compartment | undefined {
    while (this.cells.length <= at && !this.isDry) {
      const next = this.source.next();
      if (next.done) this.isDry = true;
      else this.cells.push(next.value);
    }
    return this.cells[at];
  }
}

function* derived(nodes: readonly Node[], epochs: ReadonlyMap<number, number>): Generator<Compartment> {
  const last = new Date().getUTCFullYear() + 1;
  const first = last - LIKELY_YEARS;
  const filter = {
    classes: ALL_CLASSES,
    epochs: new Map([...ALL_CLASSES].map((number) => [number, upTo(epochs.get(number) ?? 0)])),
  };
  yield* compartments(nodes, { ...filter, firstYear: first, lastYear: last, includeUndated: true });
  yield* compartments(nodes, { ...filter, lastYear: first - 1, includeUndated: false });
  yield* compartments(nodes, { ...filter, firstYear: last + 1, includeUndated: false });
}

function upTo(epoch: number): number[] {
  return Array.from({ length: epoch + 1 }, (_, at) => at);
}
