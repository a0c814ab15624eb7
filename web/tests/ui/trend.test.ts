import { expect, test } from "vitest";
import { ticks } from "../../src/ui/trend.tsx";

test("a scale is marked with round numbers inside it", () => {
  expect(ticks(-24, 224)).toEqual([0, 100, 200]);
  expect(ticks(3.9, 6.4)).toEqual([4, 5, 6]);
  expect(ticks(0.12, 0.47)).toEqual([0.2, 0.3, 0.4]);
  expect(ticks(98.6, 98.9)).toEqual([98.7, 98.8]);
});

test("a scale of nothing, or of what is no number, has no marks and does not hang", () => {
  for (const [low, high] of [
    [1, 1],
    [2, 1],
    [Number.NaN, 1],
    [0, Number.POSITIVE_INFINITY],
    [-1e300, 1e300],
    [0, Number.MIN_VALUE],
  ] as const) {
    expect(ticks(low, high).length).toBeLessThan(9);
  }
});
