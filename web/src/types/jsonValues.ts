/**
 * JSON values, read and written so that nothing of them changes on the way.
 *
 * FHIR gives meaning to how a number is written (1.10 is not 1.1: its precision is clinical). So a number whose text
 * JavaScript would write otherwise is read as a `JsonNumber`, which keeps its text; every other one is a `number`.
 * What JSON leaves undefined is refused rather than guessed at: a member named twice, surrogates without their partner,
 * text that is not UTF-8.
 */

import { PageError } from "../errors";
import { utf8 } from "./bytes";

/** A JSON number whose text says more than its value. */
export class JsonNumber {
  constructor(readonly text: string) {}
  valueOf(): number {
    return Number(this.text);
  }
  toString(): string {
    return this.text;
  }
}

export type JsonValue = null | boolean | number | string | JsonNumber | JsonValue[] | JsonObject;
export interface JsonObject {
  [name: string]: JsonValue;
}

/** Levels of nesting that are read: HL7's own examples need 14. */
export const MAX_DEPTH = 128;

const LONE_SURROGATE = /\p{Surrogate}/u;
const ANY_SURROGATE = /[\ud800-\udfff]/;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const BLANK = /[ \t\n\r]*/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids them in strings, so they end this match
const PLAIN = /[^"\\\u0000-\u001f]*/y;
/** Beyond it decimal arithmetic ends, and Python refuses the number as well. */
const MAX_EXPONENT_DIGITS = 18;
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

/**
 * Reads one JSON document: text, or UTF-8 bytes with or without a byte order mark.
 *
 * @throws PageError InvalidJson: not one JSON document; `at` is where.
 */
export function parse(data: Uint8Array | string): JsonValue {
  const text = typeof data === "string" ? data : decode(data);
  const quick = parseQuickly(text);
  return quick === undefined ? new Parser(text).document() : quick;
}

/** UTF-8 as text, without a byte order mark; throws PageError InvalidJson when it isn't UTF-8. */
export function decode(data: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(data);
  } catch {
    throw new PageError("InvalidJson", { at: 0 });
  }
}

/** The one way to write a JSON value: `canonicalText` in UTF-8. */
export function canonical(value: JsonValue): Uint8Array {
  return utf8(canonicalText(value));
}

/**
 * Members sorted by code point, no white space, numbers as they were read; escaped are only the quotation mark, the
 * backslash and characters below U+0020. Unlike RFC 8785 it keeps the text of numbers, because FHIR gives it meaning.
 *
 * @throws PageError InvalidJson: something in it is no JSON value (undefined, NaN, half of a surrogate pair), or it is
 *   nested too deeply or contains itself.
 */
export function canonicalText(value: JsonValue): string {
  return write(value, 0);
}

/** Whether a JSON value is an object. */
export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof JsonNumber);
}

/**
 * Whoever wrote canonical text left nothing to lose: when JavaScript writes back the very text, then no number was
 * rounded and no member was named twice. That is the browser's own parser's speed for nearly every record.
 */
function parseQuickly(text: string): JsonValue | undefined {
  if (text.includes("\\u") || isDeep(text)) return undefined;
  try {
    const value = JSON.parse(text) as JsonValue;
    return JSON.stringify(value) === text ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Whether brackets, also those in strings, nest too deep for the quick way. */
function isDeep(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at) | 0x20; // brackets and braces differ in this bit
    if (code === 0x7b) {
      if (++depth > MAX_DEPTH) return true;
    } else if (code === 0x7d) depth--;
  }
  return false;
}

class Parser {
  #at = 0;

  constructor(readonly text: string) {}

  document(): JsonValue {
    const value = this.#value(0);
    this.#skip();
    if (this.#at !== this.text.length) this.#fail();
    return value;
  }

  #value(depth: number): JsonValue {
    this.#skip();
    switch (this.text[this.#at]) {
      case "{":
        return this.#object(depth + 1);
      case "[":
        return this.#array(depth + 1);
      case '"':
        return this.#string();
      case "t":
        return this.#word("true", true);
      case "f":
        return this.#word("false", false);
      case "n":
        return this.#word("null", null);
      default:
        return this.#number();
    }
  }

  #object(depth: number): JsonObject {
    if (depth > MAX_DEPTH) this.#fail();
    const value: JsonObject = {};
    this.#at++;
    for (let isFirst = true; ; isFirst = false) {
      this.#skip();
      if (isFirst && this.#take("}")) return value;
      if (this.text[this.#at] !== '"') this.#fail();
      const name = this.#string();
      if (Object.hasOwn(value, name)) this.#fail();
      this.#skip();
      if (!this.#take(":")) this.#fail();
      const member = this.#value(depth);
      // Plain assignment to `__proto__` would set the prototype instead.
      if (name === "__proto__") {
        Object.defineProperty(value, name, { value: member, enumerable: true, configurable: true, writable: true });
      } else value[name] = member;
      this.#skip();
      if (this.#take("}")) return value;
      if (!this.#take(",")) this.#fail();
    }
  }

  #array(depth: number): JsonValue[] {
    if (depth > MAX_DEPTH) this.#fail();
    const value: JsonValue[] = [];
    this.#at++;
    this.#skip();
    if (this.#take("]")) return value;
    for (;;) {
      value.push(this.#value(depth));
      this.#skip();
      if (this.#take("]")) return value;
      if (!this.#take(",")) this.#fail();
    }
  }

  #string(): string {
    const start = this.#at;
    this.#at++;
    let value = "";
    for (;;) {
      value += this.#match(PLAIN);
      if (this.#take('"')) break;
      if (!this.#take("\\")) this.#fail();
      const letter = this.text[this.#at++] ?? "";
      if (letter === "u") {
        const digits = this.text.slice(this.#at, this.#at + 4);
        if (!/^[0-9a-fA-F]{4}$/.test(digits)) this.#fail();
        value += String.fromCharCode(Number.parseInt(digits, 16));
        this.#at += 4;
      } else if (Object.hasOwn(ESCAPES, letter)) value += ESCAPES[letter];
      else this.#fail();
    }
    if (hasLoneSurrogate(value)) {
      this.#at = start;
      this.#fail();
    }
    return value;
  }

  #number(): number | JsonNumber {
    const text = this.#match(NUMBER);
    if (!text) this.#fail();
    const exponent = /[eE][+-]?0*([0-9]*)$/.exec(text);
    if (exponent && (exponent[1] as string).length > MAX_EXPONENT_DIGITS) this.#fail();
    const value = Number(text);
    return String(value) === text ? value : new JsonNumber(text);
  }

  #word<T extends JsonValue>(word: string, value: T): T {
    if (!this.text.startsWith(word, this.#at)) this.#fail();
    this.#at += word.length;
    return value;
  }

  #skip(): void {
    this.#match(BLANK);
  }

  #take(character: string): boolean {
    if (this.text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.text)?.[0] ?? "";
    this.#at += found.length;
    return found;
  }

  #fail(): never {
    throw new PageError("InvalidJson", { at: this.#at });
  }
}

function write(value: JsonValue, depth: number): string {
  switch (typeof value) {
    case "string":
      return quote(value);
    case "number":
      if (!Number.isFinite(value)) throw new PageError("InvalidJson", { at: 0 });
      return String(value);
    case "boolean":
      return String(value);
    case "object":
      if (value === null) return "null";
      if (value instanceof JsonNumber) return value.text;
      if (depth >= MAX_DEPTH) throw new PageError("InvalidJson", { at: 0 });
      if (Array.isArray(value)) return `[${value.map((item) => write(item, depth + 1)).join(",")}]`;
      return `{${sortedNames(value)
        .map((name) => `${quote(name)}:${write(value[name] as JsonValue, depth + 1)}`)
        .join(",")}}`;
    default:
      throw new PageError("InvalidJson", { at: 0 });
  }
}

function quote(text: string): string {
  if (hasLoneSurrogate(text)) throw new PageError("InvalidJson", { at: 0 });
  return JSON.stringify(text);
}

function hasLoneSurrogate(text: string): boolean {
  return ANY_SURROGATE.test(text) && LONE_SURROGATE.test(text);
}

function sortedNames(value: JsonObject): string[] {
  const names = Object.keys(value);
  // JavaScript sorts by UTF-16 units, which differs from code points only where there are surrogates.
  return names.some((name) => ANY_SURROGATE.test(name)) ? names.sort(byCodePoint) : names.sort();
}

function byCodePoint(first: string, second: string): number {
  const [a, b] = [[...first], [...second]];
  for (let at = 0; at < a.length && at < b.length; at++) {
    const difference = ((a[at] as string).codePointAt(0) ?? 0) - ((b[at] as string).codePointAt(0) ?? 0);
    if (difference) return difference;
  }
  return a.length - b.length;
}
