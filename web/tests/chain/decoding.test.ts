/** Logs are read to the letter: what the contracts can't have emitted is refused, whatever it is. */

import { readFileSync } from "node:fs";
import { encodeAbiParameters, encodeEventTopics, parseAbi, parseAbiItem, toEventSelector } from "viem";
import { describe, expect, test } from "vitest";
import { decodeLog, type RawLog, SIGNATURES } from "../../src/chain/decoding";
import { PageError } from "../../src/errors";

const ONE = "0x1111111111111111111111111111111111111111";
const TWO = "0x2222222222222222222222222222222222222222";
const WORD = `0x${"ab".repeat(32)}` as const;
const ANCHORED = parseAbi([
  "event Anchored(address indexed subject, address indexed author, uint64 time, bytes32[] digests, bytes locators)",
]);

function log(topics: unknown, data: unknown): RawLog {
  return {
    address: ONE,
    topics,
    data,
    blockNumber: "0x10",
    blockHash: WORD,
    logIndex: "0x1",
    transactionHash: WORD,
  };
}

function anchored(count: number): RawLog {
  const digests = Array.from({ length: count }, (_, at) => `0x${(at + 1).toString(16).padStart(64, "0")}` as const);
  const locators = `0x${"cd".repeat(16 * count)}` as const;
  const topics = encodeEventTopics({ abi: ANCHORED, eventName: "Anchored", args: { subject: ONE, author: TWO } });
  const data = encodeAbiParameters(
    [{ type: "uint64" }, { type: "bytes32[]" }, { type: "bytes" }],
    [1_700_000_000n, digests, locators],
  );
  return log(topics, data);
}

/** A small generator that repeats itself, so that a failure can be looked at again. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state % below;
  };
}

describe("decoding", () => {
  test("knows every event of the shipped contracts, and no other", () => {
    const emitted = new Set<string>();
    for (const name of ["MedRec", "Registrar", "Guardianship", "Emergency"]) {
      const path = new URL(`../../../medrec_py/chain/artifacts/${name}.json`, import.meta.url);
      const { abi } = JSON.parse(readFileSync(path, "utf8"));
      for (const item of abi)
        if (item.type === "event")
          emitted.add(`${item.name}(${item.inputs.map((one: { type: string }) => one.type).join(",")})`);
    }
    expect([...SIGNATURES].sort()).toEqual([...emitted].sort());
  });

  test("reads which fields are indexed as the contracts say", () => {
    for (const name of ["MedRec", "Registrar", "Guardianship", "Emergency"]) {
      const path = new URL(`../../../medrec_py/chain/artifacts/${name}.json`, import.meta.url);
      const { abi } = JSON.parse(readFileSync(path, "utf8"));
      for (const item of abi) {
        if (item.type !== "event" || ["AuthorityUpdated", "EIP712DomainChanged"].includes(item.name)) continue;
        if (["Anchored", "Registered"].includes(item.name)) continue;
        const indexed = item.inputs.filter((one: { indexed: boolean }) => one.indexed);
        const plain = item.inputs.filter((one: { indexed: boolean }) => !one.indexed);
        const value = (type: string) =>
          type === "address" ? ONE : type.startsWith("bytes") ? `0x${"01".repeat(Number(type.slice(5)))}` : 1;
        const topics = [
          toEventSelector(item),
          ...indexed.map((one: { type: string }) => encodeAbiParameters([{ type: one.type }], [value(one.type)])),
        ];
        const data = encodeAbiParameters(
          plain,
          plain.map((one: { type: string }) => value(one.type)),
        );
        const decoded = decodeLog(log(topics, data));
        expect(decoded?.event.event).toBe(item.name === "ParcelAnchored" ? "Anchored" : item.name);
        if (item.name === "ParcelAnchored" || item.name === "LifeSignGiven") continue;
        expect(Object.keys(decoded?.event ?? {}).sort()).toEqual(
          ["event", ...item.inputs.map((one: { name: string }) => one.name)].sort(),
        );
      }
    }
  });

  test("reads anchorings of any number of parcels", () => {
    for (const count of [1, 2, 3, 100]) {
      const event = decodeLog(anchored(count))?.event;
      expect(event).toMatchObject({ event: "Anchored", subject: ONE, author: TWO, time: 1_700_000_000 });
      expect(event?.event === "Anchored" && event.digests.length).toBe(count);
      expect(event?.event === "Anchored" && event.locators.every((one) => one === `0x${"cd".repeat(16)}`)).toBe(true);
    }
  });

  test("refuses whatever was altered in form, and never throws anything else", () => {
    const next = generator(7);
    const whole = anchored(2);
    const data = whole.data as string;
    for (let round = 0; round < 3000; round++) {
      const at = 2 + next(data.length - 2);
      const other = "0123456789abcdefXZ "[next(19)] as string;
      const changed = next(3) ? data.slice(0, at) + other + data.slice(at + 1) : data.slice(0, at);
      try {
        const decoded = decodeLog({ ...whole, data: changed })?.event;
        // A digest, a time or a locator may be any: then it is another entry, which the ledger's head tells.
        expect(decoded?.event).toBe("Anchored");
        expect(changed.length).toBe(data.length);
      } catch (error) {
        expect(error).toBeInstanceOf(PageError);
        expect((error as PageError).code).toBe("ChainInconsistent");
      }
    }
  });

  test("refuses what is no log at all", () => {
    const none = [
      {},
      log(null, "0x"),
      log([], "0x"),
      log([WORD], "0x"),
      log([toEventSelector(parseAbiItem("event VocabularyPublished(bytes32 vocabulary)"))], "0x"),
      log([toEventSelector(parseAbiItem("event VocabularyPublished(bytes32 vocabulary)")), WORD], "0x00"),
      { ...anchored(1), blockNumber: "latest" },
      { ...anchored(1), blockHash: "0x12" },
      { ...anchored(1), address: "0x12" },
      { ...anchored(1), data: 7 },
    ];
    for (const raw of none) expect(() => decodeLog(raw)).toThrow(PageError);
  });
});
