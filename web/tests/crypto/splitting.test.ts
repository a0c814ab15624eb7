import { describe, expect, it } from "vitest";
import { candidates, split, splitOf, thresholdOf } from "../../src/crypto/splitting";
import { toDigits } from "../../src/types/bytes";
import { bytes, Dice, errorOf, load, survives } from "../vectors";

interface Splitting {
  secret: string;
  sharings: { threshold: number; shares: string[] }[];
}
const { secret, sharings } = load<Splitting>("splitting");
const secretsOf = (shares: string[]) => [...candidates(shares)].map(toDigits);

describe("shares of a secret", () => {
  it("that Python made give it back, any threshold of them and none fewer", () => {
    for (const { threshold, shares } of sharings.slice(0, 3)) {
      expect(shares.map(thresholdOf)).toEqual(shares.map(() => threshold));
      expect(new Set(secretsOf(shares))).toEqual(new Set([secret]));
      expect(secretsOf(shares.slice(-threshold).reverse())).toEqual([secret]);
      expect(secretsOf(shares.slice(1, threshold))).toEqual([]);
    }
    const { threshold, shares } = sharings[3] as Splitting["sharings"][number];
    expect(secretsOf(shares.slice(0, threshold))).toEqual([secret]);
  });

  it("of one split are known by its number, and those of others don't stand in their way", () => {
    const [first, second] = sharings as [Splitting["sharings"][number], Splitting["sharings"][number]];
    expect(new Set(first.shares.map(splitOf)).size).toBe(1);
    expect(splitOf(second.shares[0] as string)).not.toBe(splitOf(first.shares[0] as string));
    const crowd = Array.from({ length: 20 }, () => split(bytes(secret), first.threshold, 2)[0] as string);
    expect(secretsOf([...crowd, ...first.shares])).toContain(secret);
  });

  it("that the page makes give it back as well", () => {
    for (const [threshold, count] of [
      [2, 2],
      [2, 3],
      [3, 5],
    ] as const) {
      const shares = split(bytes(secret), threshold, count);
      expect(shares.length).toBe(count);
      expect(secretsOf(shares.slice(count - threshold))).toEqual([secret]);
      expect(secretsOf(shares.slice(0, threshold - 1))).toEqual([]);
    }
  });

  it("of two sharings don't mix, and false ones are passed over", () => {
    const [first, second] = [split(bytes(secret), 2, 3), split(bytes("11".repeat(32)), 2, 3)];
    expect(secretsOf([first[0] as string, second[1] as string])).toEqual([]);
    const found = secretsOf(["no share", first[0] as string, second[0] as string, second[2] as string, ""]);
    expect(found).toEqual(["11".repeat(32)]);
  });

  it("are refused out of bounds", async () => {
    const wrong = [
      [1, 2],
      [3, 2],
      [2, 17],
    ] as const;
    for (const [threshold, count] of wrong) {
      expect((await errorOf(() => split(bytes(secret), threshold, count))).code).toBe("InvalidInput");
    }
    expect((await errorOf(() => split(new Uint8Array(31), 2, 2))).code).toBe("InvalidInput");
  });

  it("of any words are read or refused", async () => {
    const dice = new Dice(22);
    const [sharing] = sharings as [Splitting["sharings"][number]];
    const words = (sharing.shares[0] as string).split(" ");
    for (let round = 0; round < 300; round++) {
      const changed = words.filter(() => dice.below(20) > 0);
      changed[dice.below(changed.length)] = words[dice.below(words.length)] as string;
      await survives(() => thresholdOf(changed.join(" ")));
    }
    for (const text of ["", " ", "x", "academic", "a".repeat(10_000), words.slice(0, 5).join(" ")]) {
      expect((await errorOf(() => thresholdOf(text))).code).toBe("InvalidInput");
    }
  });
});
