/**
 * What a patient holds of one subject's keys, and what can be found and read with it.
 *
 * Authors write what they like, stores lose things: one parcel that can't be read never keeps the others from being
 * read. It is named as a fault beside them.
 */

import type { ParticipantKey } from "../crypto/hpke";
import type { Node } from "../crypto/keytree";
import type { CompartmentKey, ContentKey, MailboxKey } from "../crypto/secret";
import { contextAt, type Context as ParcelContext } from "../sealing/context";
import { FetchedParcel } from "../sealing/fetched";
import { matchLocators, matchLocatorsInTurns } from "../sealing/locator";
import { openParcel, pendingContext } from "../sealing/parcel";
import { EntryKind, type LedgerEntry, replacementOf } from "../types/ledger";
import { type Anchor, batchesOf, inBatches, inLedger } from "./anchors";
import type { Address, Hex } from "./api";
import type { Context } from "./context";
import { type Faults, fetchFault } from "./faults";
import { KeyRing } from "./keyring";
import { type ClinicalRecord, recordOf } from "./records";
import type { Window } from "./window";

/** Keys of one relationship. */
export interface Held {
  /** Who authors its parcels; the subject itself for its own records. */
  readonly provider: Address;
  /** 0 for the subject's own records. */
  readonly number: number;
  readonly nodes: readonly Node[];
  /** Highest epoch by class, where it is not 0. */
  readonly epochs: ReadonlyMap<number, number>;
  /** Highest epoch by class of which it is sure that it has begun: no key of a later one may be handed over. */
  readonly begun: ReadonlyMap<number, number>;
  /** Marks the parcels sealed to the subject itself; null where that is nothing to look for. */
  readonly mailbox: MailboxKey | null;
}

/** A parcel that can be opened. */
export interface Located {
  readonly anchor: Anchor;
  /** Its compartment; null for a parcel that was sealed to the subject: its compartment stands inside. */
  readonly context: ParcelContext | null;
  readonly key: CompartmentKey | ContentKey | ParticipantKey;
  /** Whose keys found it. */
  readonly held: Held;
}

/** A parcel of records, opened. */
export interface Opened {
  readonly located: Located;
  readonly context: ParcelContext;
  readonly contentKey: ContentKey;
  readonly records: readonly ClinicalRecord[];
  /** The canonical text of each, as it was sealed. */
  readonly lines: readonly string[];
}

/** All keys that a patient holds of one subject's records. */
export class Holdings {
  private rings: KeyRing[];
  /**
   * Mailboxes whose letters the subject itself anchored. Without them no key of its own records fits such an entry, and
   * all the thousands would be tried on it.
   */
  mailboxes: readonly MailboxKey[] = [];
  private readonly opened = new Map<string, Opened | null>();

  constructor(
    readonly subject: Address,
    readonly relationships: readonly Held[],
    private readonly subjectKey: ParticipantKey,
  ) {
    this.rings = relationships.map(({ nodes, epochs, mailbox }) => new KeyRing(nodes, epochs, mailbox));
  }

  /** Forgets the keys, and what they opened. */
  wipe(): void {
    for (const ring of this.rings) ring.wipe();
    this.rings = [];
    for (const mailbox of this.mailboxes) mailbox.wipe();
    for (const { nodes, mailbox } of this.relationships) {
      for (const { key } of nodes) key.wipe();
      mailbox?.wipe();
    }
    for (const one of this.opened.values()) one?.contentKey.wipe();
    this.opened.clear();
  }

  /** The parcels that these keys open and the window touches, in the ledger's order. */
  async locate(context: Context, window: Window, faults: Faults): Promise<Located[]> {
    const ledger = context.chain.ledger(this.subject);
    // By author and compartment as well: an author may anchor another's object again, which must not hide that.
    const found = new Map<string, Located>();
    for (const [at, held] of this.relationships.entries()) {
      const anchors = this.withoutLetters(inLedger(ledger, held.provider), held.provider);
      const batches = await batchesOf(context, this.subject, held.provider, held.number, faults);
      if (!anchors.length && !batches.length) continue;
      const keys = this.rings[at] as KeyRing;
      anchors.push(...(await inBatches(context, this.subject, held.number, batches, keys, faults)));
      const locators = anchors.map((anchor) => anchor.locator);
      for (const [place, keyAt] of await matchLocatorsInTurns(locators, keys)) {
        const anchor = anchors[place] as Anchor;
        const cell = keys.cell(keyAt);
        if (cell && !window.touches(cell.classNumber, cell.period)) continue;
        const parcel = cell
          ? contextAt(context.place(this.subject, held.provider), cell.classNumber, cell.period, cell.epoch)
          : null;
        const key = cell ? cell.key : this.subjectKey;
        const name = `${anchor.digest} ${anchor.author} ${cell ? `${cell.epoch}/${cell.classNumber}/${cell.period}` : ""}`;
        if (!found.has(name)) found.set(name, { anchor, context: parcel, key, held });
      }
    }
    return [...found.values()].sort((one, other) => comparePositions(one.anchor, other.anchor));
  }

  private withoutLetters(anchors: Anchor[], author: Address): Anchor[] {
    if (author !== this.subject || !anchors.length) return anchors;
    const locators = anchors.map((anchor) => anchor.locator);
    const letters = matchLocators(locators, this.mailboxes);
    return anchors.filter((_, at) => !letters.has(at));
  }

  /** Fetches, verifies and opens parcels of records, in order; blobs among them are left out. */
  async open(
    context: Context,
    parcels: readonly Located[],
    faults: Faults,
    onOpened: (done: number) => void = () => {},
  ): Promise<Opened[]> {
    let done = 0;
    const opened = await Promise.all(
      parcels.map(async (located) => {
        const parcel = await this.openOne(context, located, faults);
        onOpened(++done);
        return parcel;
      }),
    );
    return opened.filter((parcel) => parcel !== null);
  }

  private async openOne(context: Context, located: Located, faults: Faults): Promise<Opened | null> {
    const { digest, author } = located.anchor;
    const name = `${digest} ${author} ${located.context ? JSON.stringify(located.context) : ""}`;
    const known = this.opened.get(name);
    if (known !== undefined) return known;
    try {
      const data = await context.store.get(digest);
      const source = {
        size: data.length,
        read: async (start: number, size: number) => data.subarray(start, start + size),
      };
      const fetched = await FetchedParcel.fromVerifyingSource(source, digest);
      const place = context.place(this.subject, author);
      const parcel = located.context ?? (await pendingContext(fetched, place, this.subjectKey));
      const content = await openParcel(fetched, parcel, located.key);
      let opened: Opened | null = null;
      if (content.kind === "records") {
        const records: ClinicalRecord[] = [];
        const lines: string[] = [];
        for (const [at, document] of content.resources.entries()) {
          try {
            records.push(recordOf(document, parcel.classNumber));
            lines.push(content.lines[at] as string);
          } catch (error) {
            faults.add(fetchFault(error, "unreadable_parcel", this.subject, digest, { author }));
          }
        }
        opened = { located, context: parcel, contentKey: content.contentKey, records, lines };
      }
      this.opened.set(name, opened);
      return opened;
    } catch (error) {
      // Not remembered: what a store doesn't give today it may give tomorrow.
      faults.add(fetchFault(error, "unreadable_parcel", this.subject, digest, { author }));
      return null;
    }
  }
}

/** Retracted parcels by author and digest, each with what supersedes it. */
export function retractions(ledger: Iterable<LedgerEntry>): Map<string, Hex | null> {
  const found = new Map<string, Hex | null>();
  for (const entry of ledger) {
    if (entry.kind === EntryKind.RETRACT) found.set(`${entry.author} ${entry.digest}`, replacementOf(entry));
  }
  return found;
}

function comparePositions({ position: one }: Anchor, { position: other }: Anchor): number {
  return one[0] - other[0] || one[1] - other[1] || one[2] - other[2];
}
