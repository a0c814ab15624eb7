/** Addresses in the one form that everything here compares: EIP-55. */

import { getAddress, isAddress, keccak256 } from "viem/utils";
import type { Address, Hex } from "../client/api";
import { PageError } from "../errors";

const known = new Map<string, Address>();
const MOST_KNOWN = 1 << 16;

/** The EIP-55 form of 40 digits that are an address for sure. */
export function checksum(address: string): Address {
  const lower = address.toLowerCase();
  let proper = known.get(lower);
  if (!proper) {
    proper = getAddress(lower);
    if (known.size >= MOST_KNOWN) known.clear();
    known.set(lower, proper);
  }
  return proper;
}

/** The EIP-55 form of an address that somebody typed; wrong capitals are a mistyped digit. */
export function requireAddress(text: string): Address {
  const trimmed = text.trim();
  const digits = trimmed.slice(2);
  const isPlain = digits === digits.toLowerCase() || digits === digits.toUpperCase();
  if (!/^0x[0-9a-fA-F]{40}$/.test(trimmed) || (!isPlain && !isAddress(trimmed))) {
    throw new PageError("AddressInvalid", { address: trimmed.slice(0, 80) });
  }
  return checksum(trimmed);
}

/** Keccak-256. */
export function keccak(data: Uint8Array | Hex): Hex {
  return keccak256(data);
}
