/** Words of other people: shown, never obeyed. Every text that isn't from the catalogue passes through here. */

import { useState } from "preact/hooks";
import type { Address as AddressType } from "../client/api.ts";
import { counted, text } from "../text/catalogue.ts";
import { Icon } from "./icons.tsx";
import { isOwn } from "./session.ts";

/**
 * Characters that can make a text look like another: they reorder it, hide in it, or control a terminal. As ranges of
 * code points; line breaks and tabs are not among them.
 */
const TRICKY_RANGES: readonly (readonly [number, number])[] = [
  [0x00, 0x08],
  [0x0b, 0x0c],
  [0x0e, 0x1f],
  [0x7f, 0x9f],
  [0xad, 0xad],
  [0x34f, 0x34f],
  [0x61c, 0x61c],
  [0x115f, 0x1160],
  [0x17b4, 0x17b5],
  [0x180b, 0x180e],
  [0x200b, 0x200f],
  [0x2028, 0x202e],
  [0x2060, 0x206f],
  [0x3164, 0x3164],
  [0xfeff, 0xfeff],
  [0xffa0, 0xffa0],
  [0xfff9, 0xfffb],
  [0xe0000, 0xe007f],
];
const point = (code: number) => `\\u{${code.toString(16)}}`;
const CLASS = `[${TRICKY_RANGES.map(([first, last]) => `${point(first)}-${point(last)}`).join("")}]`;
const TRICKY = new RegExp(CLASS, "u");
const SPLIT = new RegExp(`(${CLASS})`, "u");

/** More than a screen ever shows at once; the rest comes on demand, a piece at a time. */
const PIECE = 20_000;

export interface ForeignProps {
  value: string;
  /** Longest text shown in full; the rest is cut with an ellipsis (for one-line places). */
  limit?: number;
}

/** A short foreign text in its own bidirectional isolate, with tricky characters made visible. */
export function Foreign({ value, limit = 300 }: ForeignProps) {
  const shown = value.length > limit ? `${cut(value, limit)}…` : value;
  return <bdi class="foreign">{marked(shown)}</bdi>;
}

/** A long foreign text with its line breaks; a very long one a piece at a time. */
export function ForeignText({ value }: { value: string }) {
  const [pieces, setPieces] = useState(1);
  const end = pieces * PIECE;
  const rest = value.length - end;
  return (
    <div class="foreign-text">
      <bdi dir="auto">{marked(cut(value, end))}</bdi>
      {rest > 0 && (
        <p class="more">
          <span>{counted("foreign.left", rest)}</span>{" "}
          <button type="button" class="button quiet" onClick={() => setPieces(pieces + 1)}>
            {text("foreign.more")}
          </button>
        </p>
      )}
    </div>
  );
}

/** Cuts without tearing a surrogate pair apart. */
function cut(value: string, length: number): string {
  const code = value.charCodeAt(length - 1);
  return value.slice(0, code >= 0xd800 && code < 0xdc00 ? length - 1 : length);
}

function marked(value: string) {
  if (!TRICKY.test(value)) return value;
  return value.split(SPLIT).map((part) => {
    if (!TRICKY.test(part) || [...part].length !== 1) return part;
    const code = `U+${(part.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
    return (
      <span class="tricky" title={text("foreign.tricky", { code })}>
        {code}
      </span>
    );
  });
}

const ALPHABETS = ["Latin", "Cyrillic", "Greek", "Armenian", "Cherokee", "Hebrew", "Arabic"].map(
  (name) => new RegExp(`\\p{Script=${name}}`, "u"),
);

/** Whether a word mixes alphabets whose letters look alike, as names made to deceive do. */
export function mixesAlphabets(value: string): boolean {
  return value
    .slice(0, 500)
    .split(/[\s\-.,;:()/]+/u)
    .some((word) => ALPHABETS.filter((letters) => letters.test(word)).length > 1);
}

/** An address, short but comparable: its picture, first and last digits; the whole one for screen readers and copying. */
export function Address({ value, isWhole = false }: { value: AddressType; isWhole?: boolean }) {
  return (
    <span class={isWhole ? "address whole" : "address"} title={value}>
      <Seal value={value} />
      {isWhole ? <code>{value}</code> : <code>{`${value.slice(0, 8)}…${value.slice(-6)}`}</code>}
    </span>
  );
}

/** A name that a participant gave itself, never without its address, and with a warning when it may deceive. */
export function Party({ name, address }: { name: string; address: AddressType }) {
  if (isOwn(address)) return <strong class="party-name">{text("party.you")}</strong>;
  return (
    <span class="party">
      {name ? (
        <strong class="party-name">
          <Foreign value={name} limit={80} />
        </strong>
      ) : (
        <span class="party-name unnamed">{text("party.unnamed")}</span>
      )}
      {mixesAlphabets(name) && (
        <span class="tag warning">
          <Icon name="warning" />
          {text("party.mixed")}
        </span>
      )}
      <Address value={address} />
    </span>
  );
}

/** A small picture of an address: two addresses whose digits look alike have pictures that don't. */
function Seal({ value }: { value: string }) {
  const digits = value.slice(2).toLowerCase().padEnd(40, "0");
  const hue = Number.parseInt(digits.slice(0, 4), 16) % 360 || 0;
  const cells = [];
  for (let index = 0; index < 15; index++) {
    const digit = Number.parseInt(digits[39 - index] ?? "0", 16) ^ Number.parseInt(digits[4 + index] ?? "0", 16);
    if (digit % 2) continue;
    const [x, y] = [index % 3, Math.floor(index / 3)];
    cells.push(<rect key={`${x}-${y}`} x={x} y={y} width={1.02} height={1.02} />);
    if (x < 2) cells.push(<rect key={`${4 - x}-${y}`} x={4 - x} y={y} width={1.02} height={1.02} />);
  }
  return (
    <svg class="seal" viewBox="-0.5 -0.5 6 6" aria-hidden="true" focusable="false" fill={`hsl(${hue} 45% 45%)`}>
      {cells}
    </svg>
  );
}
