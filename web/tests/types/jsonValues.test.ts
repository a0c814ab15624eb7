import { describe, expect, it } from "vitest";
import { concat, utf8 } from "../../src/types/bytes";
import {
  canonical,
  canonicalText,
  JsonNumber,
  type JsonObject,
  type JsonValue,
  parse,
} from "../../src/types/jsonValues";
import { Dice, errorOf, load, survives } from "../vectors";

const { documents } = load<{ documents: { text: string; canonical: string | null }[] }>("texts");

describe("JSON", () => {
  it("is read and written again, or refused, as Python does", async () => {
    for (const { text, canonical: expected } of documents) {
      const read = () => canonicalText(parse(utf8(text)));
      if (expected === null) expect((await errorOf(() => parse(utf8(text)))).code, text).toBe("InvalidJson");
      else {
        expect(read(), text).toBe(expected);
        // What is canonical stays what it is: both ways of reading agree.
        expect(canonicalText(parse(utf8(expected)))).toBe(expected);
      }
    }
  });

  it("keeps the digits of a number that JavaScript would write otherwise", () => {
    const value = parse('{"value":1.10,"other":1.1}') as JsonObject;
    expect(value.value).toBeInstanceOf(JsonNumber);
    expect(`${value.value}`).toBe("1.10");
    expect(Number(value.value)).toBe(1.1);
    expect(value.other).toBe(1.1);
  });

  it("never touches the prototype of what it makes", () => {
    const value = parse('{"__proto__":{"polluted":1.10}}') as JsonObject;
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.keys(value)).toEqual(["__proto__"]);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it("that isn't UTF-8, or no JSON value, is refused", async () => {
    for (const data of [[0xff], [0x22, 0xed, 0xa0, 0x80, 0x22], [0x22, 0xc0, 0x80, 0x22], [0xfe, 0xff, 0, 0x31]]) {
      expect((await errorOf(() => parse(Uint8Array.from(data)))).code).toBe("InvalidJson");
    }
    const wrong: unknown[] = [
      undefined,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      1n,
      () => 1,
      "\ud800",
      { "\udc00": 1 },
      [undefined],
    ];
    for (const value of wrong) expect((await errorOf(() => canonical(value as JsonValue))).code).toBe("InvalidJson");
    const endless: JsonValue[] = [];
    endless.push(endless);
    expect((await errorOf(() => canonical(endless))).code).toBe("InvalidJson");
  });

  it("has one canonical text, whatever the order of members and white space", () => {
    expect(canonicalText(parse('{"b": [1, 2.50], "a": {"d": null, "c": true}}'))).toBe(
      '{"a":{"c":true,"d":null},"b":[1,2.50]}',
    );
  });

  it("never crashes whoever reads garbage, and means the same after a round trip", async () => {
    const dice = new Dice(7);
    const samples = documents.map(({ text }) => utf8(text.slice(0, 200)));
    for (let round = 0; round < 20_000; round++) {
      const sample = samples[dice.below(samples.length)] as Uint8Array;
      const data = round % 5 ? dice.mutated(sample) : concat(sample, utf8(","), sample);
      let text = "";
      if (await survives(() => (text = canonicalText(parse(data))))) expect(canonicalText(parse(text))).toBe(text);
    }
  });
});
