import type { Hex } from "viem";
import { describe, expect, it } from "vitest";
import type { Anchored, ChainEvent, LoggedEvent } from "../../src/types/events";
import {
  batchDetail,
  EMPTY_HEAD,
  entriesOf,
  fold,
  type LedgerEntry,
  locatorOf,
  replacementOf,
  replay,
} from "../../src/types/ledger";
import { errorOf, load } from "../vectors";

const vectors = load<{ events: ChainEvent[]; heads: Hex[] }>("ledger");

function logged(event: ChainEvent, block = 0): LoggedEvent {
  return {
    blockNumber: block,
    blockHash: EMPTY_HEAD,
    logIndex: block,
    transactionHash: EMPTY_HEAD,
    contract: `0x${"33".repeat(20)}`,
    event,
  };
}

const entries = vectors.events.flatMap((event, at) => entriesOf(logged(event, at)));

describe("the ledger", () => {
  it("replays to the head that Python and the contract have after each event", () => {
    let head = EMPTY_HEAD;
    for (const [at, event] of vectors.events.entries()) {
      head = replay(entriesOf(logged(event, at)), head);
      expect(head).toBe(vectors.heads[at]);
    }
    expect(replay(entries)).toBe(head);
    expect(entries.reduce(fold, EMPTY_HEAD)).toBe(head);
  });

  it("is complete: without, beside, for or before any entry it has another head", () => {
    const head = replay(entries);
    const other = "0x1111111111111111111111111111111111111112";
    const changed = (entry: LedgerEntry): LedgerEntry[] => [
      { ...entry, kind: entry.kind === 2 ? 1 : 2 },
      { ...entry, author: other },
      { ...entry, time: entry.time - 1 },
      { ...entry, digest: `0x${"09".repeat(32)}` },
      { ...entry, detail: `0x${"07".repeat(32)}` },
    ];
    for (const [at, entry] of entries.entries()) {
      const [before, behind] = [entries.slice(0, at), entries.slice(at + 1)];
      expect(replay([...before, ...behind])).not.toBe(head);
      expect(replay([...before, entry, entry, ...behind])).not.toBe(head);
      for (const false_ of changed(entry)) expect(replay([...before, false_, ...behind])).not.toBe(head);
      const next = behind[0];
      if (next) expect(replay([...before, next, entry, ...behind.slice(1)])).not.toBe(head);
    }
  });

  it("tells what an entry says", () => {
    const [first, second] = vectors.events as [Anchored, Anchored];
    expect(locatorOf(entries[0] as LedgerEntry)).toBe(first.locators[0]);
    expect(entries[2]?.position).toEqual([1, 1, 1]);
    expect(locatorOf(entries[2] as LedgerEntry)).toBe(second.locators[1]);
    expect([entries[4], entries[5], entries[6]].map((entry) => replacementOf(entry as LedgerEntry))).toEqual([
      null,
      `0x${"02".repeat(32)}`,
      null,
    ]);
    expect(locatorOf(entries[6] as LedgerEntry)).toBeNull();
    const opened = { event: "RelationshipOpened", subject: first.subject, provider: first.author, number: 1 } as const;
    expect(entriesOf(logged({ ...opened, bundle: EMPTY_HEAD }))).toEqual([]);
  });

  it("is not replayed from events that no contract emits", async () => {
    const event = vectors.events[0] as Anchored;
    const wrong: ChainEvent[] = [
      { ...event, locators: [] },
      { ...event, locators: ["0x00"] },
    ];
    for (const each of wrong) expect((await errorOf(() => entriesOf(logged(each)))).code).toBe("InvalidInput");
    const short = { ...event, digests: ["0x00"] as const };
    expect((await errorOf(() => replay(entriesOf(logged(short))))).code).toBe("InvalidInput");
    expect((await errorOf(() => batchDetail("0x", 1))).code).toBe("InvalidInput");
    expect((await errorOf(() => batchDetail(EMPTY_HEAD, -1))).code).toBe("InvalidInput");
  });
});
