/**
 * The one table of record classes, purposes of use and operations, whose hash is pinned on chain.
 *
 * It is the very file that the Python package ships, taken in when the page is built. A number, once given, keeps its
 * meaning, because grants name numbers; and grants name the table's hash, so a reader who has another table notices.
 */

import { keccak_256 } from "@noble/hashes/sha3.js";
import type { Hex } from "viem";
import table from "../../../medrec_py/types/vocabulary.json";
import { PageError } from "../errors";
import { toHex } from "./bytes";
import { canonical, type JsonValue } from "./jsonValues";

export type Language = "en" | "zh";

/** One row: `number` is its bit position in a mask, 0 to 63, for a class or purpose; the bit itself for an operation. */
export interface Term {
  readonly number: number;
  readonly code: string;
  readonly display: Readonly<Record<Language, string>>;
  readonly definition: string;
}

/** A kind of record that a patient can share or withhold on its own. */
export interface RecordClass extends Term {
  /** Whether its records are set apart because of what they are about. */
  readonly isSensitive: boolean;
  /** FHIR resource types that belong to it. */
  readonly types: readonly string[];
  /** Codes of an element `category` that put a resource into it. */
  readonly categories: readonly { readonly system: string; readonly codes: readonly string[] }[];
  /** HL7 security labels that put a resource into it, by `act` or `confidentiality`. */
  readonly labels: Readonly<Record<string, readonly string[]>>;
}

/** A purpose of use; a grant for the wider `parent` does not cover it. */
export interface Purpose extends Term {
  readonly parent: string | null;
}

export const CLASSES: readonly RecordClass[] = table.classes.map(({ sensitive, ...row }) => ({
  ...row,
  isSensitive: sensitive,
  labels: row.labels as Record<string, string[]>,
}));
export const PURPOSES: readonly Purpose[] = table.purposes;
export const OPERATIONS: readonly Term[] = table.operations;
/** URIs that stand for `act`, `confidentiality` and `purpose`, today's first. */
export const SYSTEMS: Readonly<Record<"act" | "confidentiality" | "purpose", readonly string[]>> = table.systems;
/** Older URIs of code systems, each with today's. */
export const ALIASES: Readonly<Record<string, string>> = table.aliases;

let hash: Hex | undefined;

/** keccak256 of the table's canonical JSON; what `Terms.vocabulary` names. */
export function vocabularyHash(): Hex {
  hash ??= toHex(keccak_256(canonical(table as unknown as JsonValue)));
  return hash;
}

/** The class of a code (in any case) or number; throws PageError UnknownCode. */
export function recordClass(key: string | number): RecordClass {
  return find(CLASSES, key);
}

/** The purpose of a code (in any case) or number; throws PageError UnknownCode. */
export function purpose(key: string | number): Purpose {
  return find(PURPOSES, key);
}

/** The operation of a code (in any case) or bit; throws PageError UnknownCode. */
export function operation(key: string | number): Term {
  return find(OPERATIONS, key);
}

/** Bit set of classes; `all` stands for every class, `ordinary` for every class that is not sensitive. */
export function classMask(keys: Iterable<string | number>): bigint {
  return mask(
    keys,
    CLASSES,
    (term) => 1n << BigInt(term.number),
    (term) => !term.isSensitive,
  );
}

/** Bit set of purposes; `all` stands for every purpose. */
export function purposeMask(keys: Iterable<string | number>): bigint {
  return mask(keys, PURPOSES, (term) => 1n << BigInt(term.number));
}

/** Bit set of operations; `all` stands for every operation. */
export function operationMask(keys: Iterable<string | number>): number {
  return Number(mask(keys, OPERATIONS, (term) => BigInt(term.number)));
}

/** The bit set that stands for every class there is, whatever the table: as in the grants that emergencies make. */
export const EVERY_CLASS = (1n << 64n) - 1n;

/** Numbers of the classes in a bit set: of the whole table for `EVERY_CLASS`. */
export function classNumbers(bitSet: bigint): number[] {
  return bitSet === EVERY_CLASS ? CLASSES.map(({ number }) => number) : bits(bitSet);
}

/** Names of the classes in a bit set, by number; throws PageError UnknownCode for a bit without a class. */
export function classNames(bitSet: bigint, language: Language): string[] {
  return classNumbers(bitSet).map((number) => recordClass(number).display[language]);
}

/** Names of the purposes in a bit set, by number; throws PageError UnknownCode for a bit without a purpose. */
export function purposeNames(bitSet: bigint, language: Language): string[] {
  return bits(bitSet).map((number) => purpose(number).display[language]);
}

/** Names of the operations in a bit set, by bit; throws PageError UnknownCode for a bit without an operation. */
export function operationNames(bitSet: number, language: Language): string[] {
  return bits(BigInt(bitSet)).map((position) => operation(2 ** position).display[language]);
}

/** Positions of the bits that are set, lowest first. */
export function bits(bitSet: bigint): number[] {
  if (bitSet < 0n) throw new PageError("UnknownCode", { key: String(bitSet) });
  const positions: number[] = [];
  for (let rest = bitSet, at = 0; rest; rest >>= 1n, at++) if (rest & 1n) positions.push(at);
  return positions;
}

function find<T extends Term>(terms: readonly T[], key: string | number): T {
  const wanted = typeof key === "number" ? key : spelling(key);
  const term = terms.find((each) => (typeof wanted === "number" ? each.number : spelling(each.code)) === wanted);
  if (!term) throw new PageError("UnknownCode", { key: String(key).slice(0, 80) });
  return term;
}

function mask<T extends Term>(
  keys: Iterable<string | number>,
  terms: readonly T[],
  bit: (term: T) => bigint,
  isOrdinary?: (term: T) => boolean,
): bigint {
  let all = 0n;
  for (const key of typeof keys === "string" ? [keys] : keys) {
    const chosen =
      key === "all" ? terms : key === "ordinary" && isOrdinary ? terms.filter(isOrdinary) : [find(terms, key)];
    for (const term of chosen) all |= bit(term);
  }
  return all;
}

function spelling(code: string): string {
  return code.trim().toLowerCase().replaceAll("_", "-").replaceAll(" ", "-");
}
