/** What a sealed object is bound to. Nothing of it stands in the object: opening it elsewhere simply fails. */

import type { Address } from "viem";
import { address, number } from "../crypto/encoding";
import { Path } from "../crypto/keytree";
import { concat, readNumber } from "../types/bytes";

export const COMPARTMENT_BYTES = 7;

/** Which ledger, and whose entry: all that the chain itself says about a parcel. */
export interface Place {
  /** EIP-155 number of the chain. */
  readonly chainId: number;
  /** The MedRec contract. */
  readonly contract: Address;
  /** Whose ledger. */
  readonly subject: Address;
  /** Who wrote the records; for a parcel re-sealed for a grant, the author of the original. */
  readonly author: Address;
}

/** Place and compartment: what the content key of a parcel is derived for. */
export interface Context extends Place {
  readonly classNumber: number;
  /** 1900 to 2155, or `UNDATED`. */
  readonly period: number;
  readonly epoch: number;
}

/** What a key bundle is bound to, beside its kind. */
export interface BundleContext {
  readonly chainId: number;
  readonly contract: Address;
  /** Whose keys it hands over. */
  readonly subject: Address;
}

/** What a key bundle belongs to. Numbers are part of the format: a new kind goes to the end. */
export const BUNDLE_KINDS = {
  relationship: 1,
  grant: 2,
  rekey: 3,
  inheritance: 4,
  share: 5,
  succession: 6,
  plan: 7,
  reason: 8,
} as const;
export type BundleKind = keyof typeof BUNDLE_KINDS;

/** 68 bytes: chain id (8), contract, subject, author (20 each). */
export function encodePlace(place: Place): Uint8Array {
  const { chainId, contract, subject, author } = place;
  return concat(number(chainId, 8, "chain id"), address(contract), address(subject), address(author));
}

/** 75 bytes: the place (68), class (1), period (2), epoch (4); throws PageError InvalidInput out of bounds. */
export function encodeContext(context: Context): Uint8Array {
  return concat(encodePlace(context), encodeCompartment(context.classNumber, context.period, context.epoch));
}

/** 49 bytes: chain id (8), contract, subject (20 each), kind (1). */
export function encodeBundleContext(context: BundleContext, kind: BundleKind): Uint8Array {
  const { chainId, contract, subject } = context;
  return concat(
    number(chainId, 8, "chain id"),
    address(contract),
    address(subject),
    number(BUNDLE_KINDS[kind], 1, "kind"),
  );
}

/** 7 bytes: class (1), period (2), epoch (4); throws PageError InvalidInput when there is no such compartment. */
export function encodeCompartment(classNumber: number, period: number, epoch: number): Uint8Array {
  Path.ofCompartment(epoch, classNumber, period);
  return concat(number(classNumber, 1, "class"), number(period, 2, "period"), number(epoch, 4, "epoch"));
}

/** Class, period and epoch from 7 bytes, not checked against their bounds. */
export function decodeCompartment(data: Uint8Array): { classNumber: number; period: number; epoch: number } {
  return { classNumber: readNumber(data, 0, 1), period: readNumber(data, 1, 3), epoch: readNumber(data, 3, 7) };
}

/** The context of one compartment at a place. */
export function contextAt(place: Place, classNumber: number, period: number, epoch: number): Context {
  const { chainId, contract, subject, author } = place;
  return { chainId, contract, subject, author, classNumber, period, epoch };
}
