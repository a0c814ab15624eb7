/**
 * What a wallet shows of a message by an ERC-7730 descriptor (version 2): its intent as one sentence, and a line a field.
 *
 * A wallet brings a renderer of its own; this one reads the same files by the same rules, so that it can be proven that
 * a wallet and the page say the same about what is signed. Source: https://eips.ethereum.org/EIPS/eip-7730
 */

import { getAddress } from "viem";
import type { Address } from "../client/api";
import { PageError } from "../errors";
import { iso } from "../types/moments";
import type { Descriptor, Field, Format } from "./descriptor";
import { type Leaf, leavesOf, typeKey } from "./typeKey";

export interface Line {
  /** Path of the field in the message. */
  path: string;
  label: string;
  value: string;
}

export interface Rendering {
  /** Whose contract it is, as the descriptor says. */
  owner: string;
  /** Two or three words. */
  intent: string;
  /** The same with the values in it. */
  sentence: string;
  /** Every field that a wallet must show, and below them those that it may. */
  lines: Line[];
  optional: Line[];
}

/** A document as a wallet gets it (`eth_signTypedData_v4`). */
export interface Signable {
  readonly domain: Readonly<Record<string, unknown>>;
  readonly types: Readonly<Record<string, readonly { readonly name: string; readonly type: string }[]>>;
  readonly primaryType: string;
  readonly message: Readonly<Record<string, unknown>>;
}

/**
 * A message as a wallet shows it.
 *
 * @param called What to call an address that the wallet knows; empty for one that it doesn't.
 * @throws PageError InvalidInput: the descriptor isn't for this domain, contract or type; a wallet then shows raw data.
 */
export function render(
  descriptor: Descriptor,
  document: Signable,
  called: (address: Address) => string = () => "",
): Rendering {
  requireContext(descriptor, document.domain);
  const key = typeKey(document.types, document.primaryType);
  const format = descriptor.formats.get(key);
  if (!format) throw refusal("type", key);
  const kinds = new Map(leavesOf(key).map((leaf) => [leaf.path, leaf]));
  const shown = new Map<string, { field: Field; values: string[]; hidden: boolean }>();
  for (const field of format.fields) {
    const leaf = kinds.get(field.path) as Leaf;
    const values = valuesAt(document.message, leaf).map((value) => formatted(field, leaf, value, called));
    shown.set(field.path, { field, values, hidden: isHidden(field, document.message, leaf) });
  }
  const lines: Line[] = [];
  const optional: Line[] = [];
  for (const { field, values, hidden } of shown.values()) {
    if (hidden) continue;
    const target = field.visible === "optional" ? optional : lines;
    target.push(...values.map((value) => ({ path: field.path, label: field.label, value })));
  }
  return { owner: descriptor.owner, intent: format.intent, sentence: interpolated(format, shown), lines, optional };
}

/** The sentence; no value can bring braces of its own into it, because it is read once from left to right. */
function interpolated(format: Format, shown: ReadonlyMap<string, { values: string[] }>): string {
  return format.interpolatedIntent.replace(/\{([^{}]+)\}/g, (_, path: string) =>
    (shown.get(path)?.values ?? []).join(", "),
  );
}

function requireContext(descriptor: Descriptor, domain: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(descriptor.domain)) {
    if (domain[name] !== value) throw refusal(`domain.${name}`, domain[name]);
  }
  const here = descriptor.deployments.some(
    ({ chainId, address }) =>
      chainId === Number(domain.chainId) && address.toLowerCase() === String(domain.verifyingContract).toLowerCase(),
  );
  if (!here) throw refusal("verifyingContract", `${domain.chainId}:${domain.verifyingContract}`);
}

function valuesAt(message: Readonly<Record<string, unknown>>, leaf: Leaf): unknown[] {
  let value: unknown = message;
  for (const name of leaf.path.replace(/\.\[\]$/, "").split(".")) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) throw refusal(leaf.path, "");
    value = (value as Record<string, unknown>)[name];
  }
  if (!leaf.isArray) return [value];
  if (!Array.isArray(value)) throw refusal(leaf.path, value);
  return value;
}

function isHidden(field: Field, message: Readonly<Record<string, unknown>>, leaf: Leaf): boolean {
  if (typeof field.visible === "string") return false;
  const values = valuesAt(message, leaf).map((value) => String(value).toLowerCase());
  return values.every((value) => (field.visible as { ifNotIn: string[] }).ifNotIn.includes(value));
}

function formatted(field: Field, leaf: Leaf, value: unknown, called: (address: Address) => string): string {
  switch (field.format) {
    case "addressName": {
      if (typeof value !== "string" || !/^0x[0-9a-fA-F]{40}$/.test(value)) throw refusal(field.path, value);
      const address = getAddress(value.toLowerCase() as Address);
      return called(address) || address;
    }
    case "date":
      return iso(whole(field, value));
    case "duration":
      return hours(whole(field, value));
    case "raw":
      if (leaf.kind === "string") return visible(String(value));
      return leaf.kind.startsWith("uint") ? String(whole(field, value)) : String(value);
  }
}

function whole(field: Field, value: unknown): bigint {
  const isWhole = typeof value === "bigint" || (typeof value === "number" && Number.isSafeInteger(value));
  if (!isWhole && !(typeof value === "string" && /^[0-9]{1,78}$/.test(value))) throw refusal(field.path, value);
  const number = BigInt(value as bigint | number | string);
  if (number < 0n) throw refusal(field.path, value);
  return number;
}

/** Seconds as `HH:MM:SS`. */
function hours(seconds: bigint): string {
  return [seconds / 3600n, (seconds / 60n) % 60n, seconds % 60n].map((part) => String(part).padStart(2, "0")).join(":");
}

/** A text with everything in it that can't be seen, or turns the direction of what follows, written out. */
function visible(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${(character.codePointAt(0) as number).toString(16)}}`,
  );
}

function refusal(name: string, value: unknown): PageError {
  return new PageError("InvalidInput", { name, value: String(value).slice(0, 80) });
}
