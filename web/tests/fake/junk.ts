/** Values of any shape, the same for the same seed. */

import { JsonNumber } from "../../src/types/jsonValues.ts";

export class Dice {
  constructor(private state: number) {}

  /** A number in [0, 1), by the generator mulberry32. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.next() * items.length)] as T;
  }
}

const NAMES = ["coding", "text", "value", "code", "display", "reference", "start", "div", "data", "contentType", "low"];
const LEAVES = [
  new JsonNumber("1.50"),
  null,
  true,
  0,
  -1,
  1e308,
  "",
  "x",
  "\u202e\u0000",
  "<script>",
  "2020-01-01",
  "image/png",
  "1e999",
  [],
  {},
];

export function junk(dice: Dice, depth: number): unknown {
  if (depth === 0 || dice.chance(0.4)) return dice.pick(LEAVES);
  const items = Array.from({ length: Math.floor(dice.next() * 4) }, () => junk(dice, depth - 1));
  return dice.chance(0.4) ? items : Object.fromEntries(items.map((item) => [dice.pick(NAMES), item]));
}
