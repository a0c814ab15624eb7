import type { Address, Hex } from "viem";
import { describe, expect, it } from "vitest";
import { CompartmentKey, MailboxKey } from "../../src/crypto/secret";
import { leafHash, Manifest, makeManifest } from "../../src/sealing/batch";
import { batchBlind, makeLocators, matchLocators } from "../../src/sealing/locator";
import { verifyProof } from "../../src/sealing/merkle";
import { toDigits } from "../../src/types/bytes";
import { bytes, Dice, errorOf, load, survives } from "../vectors";

interface Batches {
  batches: {
    leaves: { subject: Address; number: number; digest: string; locator: string; blind: string; hash: string }[];
    manifest: string;
    root: string;
    proofs: string[][];
  }[];
}
interface Locators {
  keys: [string, string];
  locators: { locator: string; key: number; count: number; blind: string }[];
  strangers: string[];
}
const hex = (digits: string): Hex => `0x${digits}`;

describe("batches", () => {
  const { batches } = load<Batches>("batch");

  it("are built as Python builds them", () => {
    for (const { leaves, manifest, root, proofs } of batches) {
      const made = makeManifest(
        leaves.map((leaf) => ({
          subject: leaf.subject,
          number: leaf.number,
          digest: hex(leaf.digest),
          locator: hex(leaf.locator),
          blind: hex(leaf.blind),
        })),
      );
      expect([toDigits(made.encode()), made.root]).toEqual([manifest, hex(root)]);
      for (const [at, proof] of proofs.entries()) {
        expect(made.proof(at)).toEqual(proof.map(hex));
        expect(verifyProof(made.root, made.entries[at]?.leafHash as Hex, made.proof(at))).toBe(true);
      }
      const read = Manifest.parse(bytes(manifest));
      expect(read.entries).toEqual(made.entries);
      read.require(hex(root), leaves.length);
    }
  });

  it("whose manifest is not the anchored one are refused", async () => {
    const { manifest, root, leaves } = batches[2] as Batches["batches"][number];
    const read = Manifest.parse(bytes(manifest));
    expect((await errorOf(() => read.require(hex(root), leaves.length + 1))).code).toBe("ParcelTampered");
    expect((await errorOf(() => read.require(hex("00".repeat(32)), leaves.length))).code).toBe("ParcelTampered");
    const [first] = read.entries;
    const swapped = bytes(manifest);
    swapped.set(bytes(manifest).subarray(87, 167), 7);
    swapped.set(bytes(manifest).subarray(7, 87), 87);
    const twice = bytes(manifest);
    twice.set(twice.subarray(7, 87), 87);
    for (const data of [swapped, twice])
      expect((await errorOf(() => Manifest.parse(data))).code).toBe("ContentInvalid");
    expect((await errorOf(() => Manifest.of([first, first] as never))).code).toBe("InvalidInput");
    expect((await errorOf(() => Manifest.of([]))).code).toBe("InvalidInput");
    const leaf = {
      ...(leaves[0] as (typeof leaves)[number]),
      digest: "0x00" as Hex,
      locator: "0x00" as Hex,
      blind: "0x" as Hex,
    };
    expect((await errorOf(() => leafHash(leaf))).code).toBe("InvalidInput");
  });

  it("never crash whoever reads garbage, and mean what they say when they are read", async () => {
    const dice = new Dice(15);
    const manifest = bytes(batches[3]?.manifest as string);
    for (let round = 0; round < 2000; round++) {
      const data = dice.mutated(manifest);
      if (await survives(() => Manifest.parse(data))) {
        expect(toDigits(Manifest.parse(data).encode())).toBe(toDigits(data));
      }
    }
  });
});

describe("locators", () => {
  const vectors = load<Locators>("locator");
  const keys = [new CompartmentKey(bytes(vectors.keys[0])), new MailboxKey(bytes(vectors.keys[1]))];

  it("of Python's are found by whoever holds their keys", () => {
    const all = [...vectors.locators.map(({ locator }) => locator), ...vectors.strangers].map(hex);
    expect([...matchLocators(all, keys)]).toEqual(vectors.locators.map(({ key }, at) => [at, key]));
    for (const { locator, key, blind } of vectors.locators) {
      expect(batchBlind(keys[key] as CompartmentKey, hex(locator))).toBe(hex(blind));
    }
  });

  it("that the page makes share a nonce, differ, and are found again", () => {
    const order = [0, 0, 1, 0, 1].map((at) => keys[at] as CompartmentKey);
    const locators = makeLocators(order);
    expect(new Set(locators.map((locator) => locator.slice(0, 18))).size).toBe(1);
    expect(new Set(locators).size).toBe(5);
    expect([...matchLocators(locators, keys).values()]).toEqual([0, 0, 1, 0, 1]);
    expect([...matchLocators(locators, [...keys, ...keys]).values()]).toEqual([0, 0, 1, 0, 1]);
    expect(matchLocators(locators, [new CompartmentKey(new Uint8Array(32))]).size).toBe(0);
  });

  it("have 16 bytes", async () => {
    for (const locator of ["0x", "0x00", hex("00".repeat(17)), hex("zz".repeat(16))] as Hex[]) {
      expect((await errorOf(() => matchLocators([locator], keys))).code).toBe("InvalidInput");
      expect((await errorOf(() => batchBlind(keys[0] as CompartmentKey, locator))).code).toBe("InvalidInput");
    }
  });
});
