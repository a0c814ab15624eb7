/** Everything about a patient as the screens show it: read from chain and store, opened here, verified, named. */

import { type IndexedGrant, isTerminal, ofConsequence } from "../chain/standing";
import { UNDATED } from "../crypto/keytree";
import { PageError } from "../errors";
import type { EmergencyDeclared } from "../types/events";
import { canonicalText } from "../types/jsonValues";
import { isoDay } from "../types/moments";
import {
  NO_EXPIRY,
  NO_FIRST_DATE,
  NO_LAST_DATE,
  Operation,
  type Terms,
  ZERO_ADDRESS,
  ZERO_BYTES32,
} from "../types/terms";
import { bits, classNumbers, purpose } from "../types/vocabulary";
import type { Address, GrantView, OnProgress, RecordView, Relationship, Summary, TimelineCell } from "./api";
import type { Case, Cases, Tree } from "./cases";
import type { Context } from "./context";
import { declared } from "./emergencies";
import { Faults } from "./faults";
import { bareState, GrantBook, type OpenedGrant, presentedOf } from "./grants";
import { history } from "./history";
import { type Located, type Opened, retractions } from "./holdings";
import { Rekeying } from "./rekeying";
import { verify } from "./verification";
import { Window } from "./window";

const ROLE_PROVIDER = 1n;

/** What is known of one address after a reading. */
interface Read {
  readonly one: Case;
  readonly trees: Tree[];
  readonly opened: Opened[];
  readonly grants: OpenedGrant[];
}

/** Reads a patient's addresses; what was read once is kept. */
export class Reading {
  private readonly books = new Map<Case, GrantBook>();
  private list: RecordView[] = [];
  private isForgotten = false;
  /** The fullUrl of a record's key, for exports. */
  readonly fullUrls = new Map<string, string>();

  constructor(
    private readonly context: Context,
    private readonly cases: Cases,
  ) {}

  /** All records that could be opened so far, newest first. */
  records(): readonly RecordView[] {
    return this.list;
  }

  /** Drops every record, also those that a reading under way would still bring. */
  forget(): void {
    this.isForgotten = true;
    this.list = [];
    for (const book of this.books.values()) book.wipe();
    this.books.clear();
    this.fullUrls.clear();
  }

  /** The grants about an address that its key opens. */
  grantsOf(one: Case, faults: Faults = new Faults()): Promise<OpenedGrant[]> {
    let book = this.books.get(one);
    if (!book) {
      book = new GrantBook(this.context, () => one.key());
      this.books.set(one, book);
    }
    return book.openAll(ofConsequence(this.context.chain.grants(one.subject), one.subject), faults);
  }

  async read(onProgress: OnProgress): Promise<Omit<Summary, "guardians" | "emergencies">> {
    const { context } = this;
    await context.log.sync((done, total) => onProgress({ step: "chain", done, total }));
    const found = new Faults();
    const cases = await this.cases.used();
    const subjects = cases.map(({ subject }) => subject);
    const verifying = verify(context, subjects, found);
    const read: Read[] = [];
    for (const [at, one] of cases.entries()) {
      onProgress({ step: "keys", done: at, total: cases.length });
      read.push(await this.readCase(one, found, onProgress));
    }
    onProgress({ step: "ledger", done: 0, total: subjects.length });
    const ledgers = await verifying;
    onProgress({ step: "ledger", done: subjects.length, total: subjects.length });
    const relationships = await this.relationships(subjects);
    const grants = await this.grantViews(read);
    const names = await context.namesOf(read.flatMap(({ opened }) => opened.map(({ context: { author } }) => author)));
    if (this.isForgotten) throw new PageError("Locked");
    this.list = read.flatMap((one) => this.recordViews(one, names)).sort(newestFirst);
    const { number: block, time: blockTime } = context.log.head();
    const faults = found.list();
    return {
      subjects,
      relationships,
      timeline: timelineOf(this.list),
      grants,
      history: await history(context, subjects, [...(await this.cases.owners())]),
      verification: { ok: faults.length === 0, block, blockTime, ledgers, faults },
      delegates: await this.delegates(subjects),
      faults: faults.filter(({ code }) => OF_READING.has(code)),
    };
  }

  private async readCase(one: Case, faults: Faults, onProgress: OnProgress): Promise<Read> {
    const { context } = this;
    const trees = await one.trees(context, faults);
    const holdings = await one.holdings(trees);
    const grants = await this.grantsOf(one, faults);
    holdings.mailboxes = [
      ...trees.map(({ mailbox }) => mailbox),
      ...grants.flatMap(({ bundle: { mailboxKey } }) => (mailboxKey ? [mailboxKey] : [])),
    ];
    const located = await holdings.locate(context, new Window(), faults);
    unknownParcels(context, one.subject, located, faults);
    const opened = await holdings.open(context, located, faults, (done) =>
      onProgress({ step: "objects", done, total: located.length }),
    );
    for (const participant of new Rekeying(context, one, trees).unusable(grants)) {
      faults.add({ code: "unusable_key", values: { participant }, subject: one.subject, digest: null });
    }
    return { one, trees, opened, grants };
  }

  private async relationships(subjects: readonly Address[]): Promise<Relationship[]> {
    const { chain, log } = this.context;
    const items = subjects.flatMap((subject) => chain.relationships(subject));
    await log.learnTimes(items.flatMap(({ opened, closed }) => (closed ? [opened, closed] : [opened])));
    const providers = [...new Set(items.map(({ provider }) => provider))];
    const names = await this.context.namesOf(providers);
    const vouched = await Promise.all(providers.map((one) => this.context.isAccredited(one, ROLE_PROVIDER)));
    const accredited = new Set(providers.filter((_, at) => vouched[at]));
    return items.map(({ subject, provider, number, opened, closed }) => ({
      subject,
      provider,
      providerName: names.get(provider) ?? "",
      number,
      openedAt: log.timeOf(opened),
      closedAt: closed ? log.timeOf(closed) : null,
      isAccredited: accredited.has(provider),
    }));
  }

  private async grantViews(read: readonly Read[]): Promise<GrantView[]> {
    const { chain, log } = this.context;
    const views: GrantView[] = [];
    for (const { one, grants } of read) {
      const opened = new Map(grants.map((grant) => [grant.item.id, grant]));
      const items = ofConsequence(chain.grants(one.subject), one.subject);
      await log.learnTimes(items.map(({ granted }) => granted));
      const names = await this.context.namesOf(items.flatMap(({ grantor, viewer }) => [grantor, viewer]));
      const emergencies = new Map(declared(this.context, one.subject).map((event) => [event.id, event]));
      for (const item of items) {
        const view = this.grantView(item, opened.get(item.id) ?? null, names);
        const event = opened.has(item.id) ? undefined : emergencies.get(item.id);
        views.push(event ? this.asDeclared(view, item, event) : view);
      }
    }
    return views;
  }

  /** An emergency whose provider kept the terms from the patient: the contract took its times into the event. */
  private asDeclared(view: GrantView, item: IndexedGrant, { startsAt, expiresAt }: EmergencyDeclared): GrantView {
    const now = this.context.now();
    const running = now < startsAt ? "not yet valid" : now < expiresAt ? "active" : "expired";
    return { ...view, startsAt, expiresAt, state: isTerminal(item.status) ? view.state : running };
  }

  private grantView(item: IndexedGrant, opened: OpenedGrant | null, names: ReadonlyMap<Address, string>): GrantView {
    const terms = opened ? presentedOf(opened).terms : null;
    const { emergency } = this.context.config.contracts;
    const kind = item.viewer === emergency ? "emergency plan" : item.grantor === emergency ? "emergency" : "grant";
    return {
      id: item.id,
      subject: item.subject,
      grantor: item.grantor,
      grantorName: names.get(item.grantor) ?? "",
      viewer: item.viewer,
      viewerName: names.get(item.viewer) ?? "",
      agent: terms && terms.agent !== ZERO_ADDRESS ? terms.agent : null,
      agentRevoked: item.agentRevoked,
      classes: terms ? classNumbers(terms.classes) : [],
      purposes: terms ? bits(terms.purposes).map((number) => purpose(number).code) : [],
      operations: terms ? operationsOf(terms) : [],
      startsAt: terms ? Number(terms.startsAt) : 0,
      expiresAt: terms && terms.expiresAt !== NO_EXPIRY ? Number(terms.expiresAt) : null,
      recordsFrom: terms && terms.recordsFrom !== NO_FIRST_DATE ? isoDay(terms.recordsFrom) : null,
      recordsUntil: terms && terms.recordsUntil !== NO_LAST_DATE ? isoDay(terms.recordsUntil) : null,
      delegations: terms?.delegations ?? 0,
      condition: terms && terms.condition !== ZERO_ADDRESS ? terms.condition : null,
      parent: terms && terms.parent !== ZERO_BYTES32 ? terms.parent : null,
      statement: terms?.statement ?? "",
      state: opened?.state ?? bareState(item),
      grantedAt: this.context.log.timeOf(item.granted),
      kind,
    };
  }

  private recordViews({ one, opened }: Read, names: ReadonlyMap<Address, string>): RecordView[] {
    const retracted = retractions(this.context.chain.ledger(one.subject));
    return opened.flatMap(({ located: { anchor }, context: parcel, records, lines }) =>
      records.map((record, at): RecordView => {
        const key = `${anchor.digest} ${parcel.author} ${parcel.epoch}/${parcel.classNumber}/${parcel.period} ${at}`;
        if (record.fullUrl !== null) this.fullUrls.set(key, record.fullUrl);
        return {
          key,
          subject: one.subject,
          author: anchor.author,
          authorName: names.get(anchor.author) ?? "",
          class: record.classNumber,
          date: record.first === UNDATED ? null : dateText(record.first, record.last),
          resource: record.resource,
          source: record.document === record.resource ? (lines[at] as string) : canonicalText(record.resource),
          anchoredAt: anchor.time,
          digest: anchor.digest,
          isRetracted: retracted.has(`${anchor.author} ${anchor.digest}`),
          isPatientReported: anchor.author === one.subject,
        };
      }),
    );
  }

  private async delegates(subjects: readonly Address[]): Promise<Summary["delegates"]> {
    const { chain } = this.context;
    const items = subjects.flatMap((subject) => chain.delegates(subject));
    const names = await this.context.namesOf(items.map(({ delegate }) => delegate));
    return items.map(({ subject, delegate, expiresAt, isDismissed }) => ({
      subject,
      delegate,
      name: names.get(delegate) ?? "",
      expiresAt: Number(expiresAt),
      isActive: !isDismissed && BigInt(this.context.now()) < expiresAt,
    }));
  }
}

const OF_READING: ReadonlySet<string> = new Set([
  "missing_object",
  "tampered_object",
  "unavailable_object",
  "unreadable_parcel",
  "unreadable_keys",
  "unreadable_grant",
  "unknown_parcel",
  "batch_unproven",
  "unusable_key",
]);

/** Parcels that others anchored for the subject under a key that it does not have. */
function unknownParcels(context: Context, subject: Address, located: readonly Located[], faults: Faults): void {
  const known = new Set(located.map(({ anchor: { author, digest } }) => `${author} ${digest}`));
  for (const { kind, author, digest } of context.chain.ledger(subject)) {
    if (kind !== 0 || author === subject || known.has(`${author} ${digest}`)) continue;
    faults.add({ code: "unknown_parcel", values: { author }, subject, digest });
  }
}

function operationsOf(terms: Terms): string[] {
  return Object.entries(Operation)
    .filter(([, bit]) => terms.operations & bit)
    .map(([name]) => name);
}

/** A day, month or year as its source gave it. */
function dateText(first: number, last: number): string {
  if (first === last) return isoDay(first);
  return first % 10_000 === 101 && last % 10_000 === 1231 ? isoDay(first).slice(0, 4) : isoDay(first).slice(0, 7);
}

function newestFirst(one: RecordView, other: RecordView): number {
  if (one.date === other.date) return other.anchoredAt - one.anchoredAt;
  if (one.date === null || other.date === null) return one.date === null ? 1 : -1;
  return one.date < other.date ? 1 : -1;
}

function timelineOf(records: readonly RecordView[]): TimelineCell[] {
  const cells = new Map<string, TimelineCell>();
  for (const { class: number, date, isRetracted } of records) {
    if (isRetracted) continue;
    const year = date === null ? null : Number(date.slice(0, 4));
    const name = `${number} ${year}`;
    cells.set(name, { class: number, year, records: (cells.get(name)?.records ?? 0) + 1 });
  }
  return [...cells.values()].sort((one, other) => one.class - other.class || (one.year ?? 0) - (other.year ?? 0));
}
