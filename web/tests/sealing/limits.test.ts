import type { Address } from "viem";
import { describe, expect, it } from "vitest";
import { CompartmentKey } from "../../src/crypto/secret";
import { MAX_EXPANDED, MAX_VALUES, writeRecords } from "../../src/sealing/canonical";
import type { Context } from "../../src/sealing/context";
import { FetchedParcel } from "../../src/sealing/fetched";
import { openParcel } from "../../src/sealing/parcel";
import { bytes, errorOf, load } from "../vectors";

interface Limits {
  context: Record<"contract" | "subject" | "author", Address> &
    Record<"chain_id" | "class_number" | "period" | "epoch", number>;
  compartment_key: string;
  max_expanded: number;
  max_values: number;
  accepted: Record<"expanded" | "values", string>;
  refused: Record<"expanded" | "values", string>;
}

const limits = load<Limits>("limits");
const { chain_id: chainId, class_number: classNumber, ...rest } = limits.context;
const context: Context = { ...rest, chainId, classNumber };
const DIGEST = `0x${"11".repeat(32)}` as const;

async function open(sealed: string) {
  const fetched = await FetchedParcel.verify(bytes(sealed), DIGEST, async () => DIGEST);
  return openParcel(fetched, context, new CompartmentKey(bytes(limits.compartment_key)));
}

describe("what one parcel holds", () => {
  it("is as much as for every other reader", () => {
    expect([MAX_EXPANDED, MAX_VALUES]).toEqual([limits.max_expanded, limits.max_values]);
  });

  it.each(["expanded", "values"] as const)("may be as large as that: %s", async (name) => {
    const opened = await open(limits.accepted[name]);
    if (opened.kind !== "records") throw new Error("It holds records.");
    expect(opened.resources).toHaveLength(1);
  });

  it.each(["expanded", "values"] as const)("is refused when it is larger, before it is read: %s", async (name) => {
    const error = await errorOf(() => open(limits.refused[name]));
    expect(error.code).toBe("ContentTooLarge");
    expect(error.values.limit).toBe(name === "expanded" ? MAX_EXPANDED : MAX_VALUES);
  });

  it("is not written larger either", async () => {
    for (const resource of [{ a: "a".repeat(MAX_EXPANDED) }, { a: Array.from({ length: MAX_VALUES }, () => 0) }]) {
      const error = await errorOf(() => writeRecords([resource]));
      expect(error.code).toBe("InvalidInput");
    }
  });
});
