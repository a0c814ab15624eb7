/**
 * The public objects that hold the sealed shares of a plan, as canonical JSON.
 *
 *     {"kind": "shares", "shares": [hex, …]}                                          of guardians
 *     {"kind": "custody", "custodians_key": hex, "emergency_key": hex, "public_key": hex, "shares": [hex, …]}
 *
 * A share is a whole key bundle with one recipient. All of one object have the same length and stand in random order:
 * from outside one sees how many there are, and not whose. Among a plan's shares is one bundle that is sealed to its
 * owner.
 */

import { PublicKey } from "../crypto/hpke";
import { randomBytes } from "../crypto/secret";
import { PageError } from "../errors";
import { toDigits } from "../types/bytes";
import { canonical, parse } from "../types/jsonValues";
import { MAX_GUARDIANS } from "./custody";
import { Fields, readBytes } from "./fields";

export const MAX_SHARES = MAX_GUARDIANS + 1;
/** Seventeen bundles of 32 KiB in hexadecimal, and room. */
export const MAX_OBJECT_BYTES = 1 << 21;

/** What an emergency is prepared with. */
export interface Custody {
  /** The subject's, so that whoever declares an emergency can seal to it. */
  readonly publicKey: PublicKey;
  /** To which the patient's grant is sealed; the custodians hold shares of its seed. */
  readonly emergencyKey: PublicKey;
  /** Whose seed every custodian has, so that a reason can be sealed to them without naming them. */
  readonly custodiansKey: PublicKey;
  readonly sealed: readonly Uint8Array[];
}

/** The sealed shares of guardians, as an object. */
export function writeShares(sealed: readonly Uint8Array[]): Uint8Array {
  return canonical({ kind: "shares", shares: sealed.map(toDigits) });
}

/** What `writeShares` wrote; throws PageError ContentInvalid for anything else. */
export function readShares(data: Uint8Array): Uint8Array[] {
  return read(data, "shares", sealedShares);
}

export function writeCustody(custody: Custody): Uint8Array {
  return canonical({
    kind: "custody",
    public_key: toDigits(custody.publicKey.data),
    emergency_key: toDigits(custody.emergencyKey.data),
    custodians_key: toDigits(custody.custodiansKey.data),
    shares: custody.sealed.map(toDigits),
  });
}

/** What `writeCustody` wrote; throws PageError ContentInvalid for anything else. */
export function readCustodyObject(data: Uint8Array): Custody {
  return read(data, "custody", (fields) => ({
    publicKey: new PublicKey(fields.bytes("public_key", null)),
    emergencyKey: new PublicKey(fields.bytes("emergency_key", null)),
    custodiansKey: new PublicKey(fields.bytes("custodians_key", null)),
    sealed: sealedShares(fields),
  }));
}

/**
 * Sealed shares in random order, so that their places tell nothing.
 *
 * @throws PageError InvalidInput: none, too many, or of different lengths.
 */
export function shuffled(sealed: readonly Uint8Array[]): Uint8Array[] {
  if (!areAlike(sealed)) throw new PageError("InvalidInput", { name: "shares", value: sealed.length });
  // Sorted by 16 random bytes each: equal ones, which would favour an order, come once in 2^64.
  return sealed
    .map((one) => ({ one, place: toDigits(randomBytes(16)) }))
    .sort((first, second) => (first.place < second.place ? -1 : 1))
    .map(({ one }) => one);
}

function read<T>(data: Uint8Array, kind: string, members: (fields: Fields) => T): T {
  try {
    if (data.length > MAX_OBJECT_BYTES) throw new PageError("ContentInvalid", { member: "length" });
    const fields = new Fields(parse(data));
    if (fields.text("kind") !== kind) throw new PageError("ContentInvalid", { member: "kind" });
    const value = members(fields);
    fields.done();
    return value;
  } catch (cause) {
    if (cause instanceof PageError && cause.code === "ContentInvalid") throw cause;
    throw new PageError("ContentInvalid", {}, { cause });
  }
}

function sealedShares(fields: Fields): Uint8Array[] {
  const sealed = fields.array("shares").map((one) => readBytes(one, null));
  if (!areAlike(sealed)) throw new PageError("ContentInvalid", { member: "shares" });
  return sealed;
}

function areAlike(sealed: readonly Uint8Array[]): boolean {
  const length = sealed[0]?.length;
  return length !== undefined && sealed.length <= MAX_SHARES && sealed.every((one) => one.length === length);
}
