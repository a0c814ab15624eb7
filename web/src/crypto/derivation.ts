/**
 * From one wallet signature to every other key of a person, by HKDF (RFC 5869) with SHA-256.
 *
 * The root comes by HKDF-Extract and -Expand from the signature, which isn't uniform; all below it by HKDF-Expand alone,
 * since the root is (RFC 5869, section 3.3). Each step has a label of its own, and every variable part a fixed width.
 * Everything here is synchronous: one step costs some microseconds, less than a promise of WebCrypto's.
 */

import { expand, hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { PageError } from "../errors";
import { concat, toDigits } from "../types/bytes";
import { address, label, number } from "./encoding";
import { type Node, Path } from "./keytree";
import { CaseKey, KEY_BYTES, kept, NodeKey, ParticipantSeed, RootKey } from "./secret";

/** Order n of secp256k1 (SEC 2, version 2, section 2.4.1). */
export const SECP256K1_ORDER = 0xffffffff_ffffffff_ffffffff_fffffffe_baaedce6_af48a03b_bfd25e8c_d0364141n;

const SCALAR_BYTES = 48; // 128 bits beyond the order: the remainder is uniform to within 2^-128
const SIGNATURE_BYTES = 65;
const SHORTEST_SIGNATURE = 64; // less can't hold 256 bits of unpredictability

/**
 * The root, from the wallet's signature over the deployment's unlocking message.
 *
 * Of a 65-byte ECDSA signature only r and the lower of the two possible s count, because wallets write v as 0/1 or
 * 27/28, and s either way, for the same signature.
 *
 * @throws PageError InvalidInput: fewer than 64 bytes.
 */
export function rootFromSignature(signature: Uint8Array): RootKey {
  if (signature.length < SHORTEST_SIGNATURE) {
    throw new PageError("InvalidInput", { name: "signature", value: signature.length });
  }
  let material = signature;
  if (signature.length === SIGNATURE_BYTES) {
    const s = bigint(signature.subarray(32, 64)) % SECP256K1_ORDER;
    const lower = s < SECP256K1_ORDER - s ? s : SECP256K1_ORDER - s;
    material = concat(signature.subarray(0, 32), wide(lower));
  }
  return kept(hkdf(sha256, material, label("root"), label("root key"), KEY_BYTES), (key) => new RootKey(key));
}

/**
 * The root, if two signatures over the same message agree.
 *
 * @throws PageError UnsteadyWallet: the wallet signs differently each time; use `RootKey.random()` and keep a backup.
 */
export function rootFromSignatures(first: Uint8Array, second: Uint8Array): RootKey {
  const root = rootFromSignature(first);
  if (!root.equals(rootFromSignature(second))) throw new PageError("UnsteadyWallet");
  return root;
}

/**
 * Case key `index` (0 to 2^32 - 1): a secp256k1 private key in [1, n - 1].
 *
 * 48 bytes of HKDF output modulo n - 1, plus 1: "extra random bits" of FIPS 186-5, A.2.1, with the expansion length of
 * RFC 9380, section 5.3 (128 bits beyond the order).
 */
export function caseKey(root: RootKey, index: number): CaseKey {
  return scalar(root, concat(label("case"), number(index, 4, "index")));
}

/**
 * The secp256k1 private key of the recovery address, made as case keys are.
 *
 * Guardians know a patient by this address, which is nothing else: so guardianship ties no case to another.
 */
export function recoveryKey(root: RootKey): CaseKey {
  return scalar(root, label("recovery"));
}

/** Seed of the X-Wing key with which the address `participant` receives; one for each address, so that none link. */
export function participantSeed(root: RootKey, participant: string): ParticipantSeed {
  const info = concat(label("participant"), address(participant));
  return kept(drawn(root, info, KEY_BYTES), (seed) => new ParticipantSeed(seed));
}

/**
 * The top of the key tree of one relationship.
 *
 * @param subject The address that stands for the patient.
 * @param provider The other side; the subject itself for the patient's own records.
 * @param count Which relationship of the pair, 0 to 2^32 - 1; 0 for the patient's own records.
 */
export function relationshipNode(root: RootKey, subject: string, provider: string, count: number): Node {
  const info = concat(label("relationship"), address(subject), address(provider), number(count, 4, "number"));
  return kept(drawn(root, info, KEY_BYTES), (key) => ({ path: Path.TOP, key: new NodeKey(key) }));
}

function scalar(root: RootKey, info: Uint8Array): CaseKey {
  const number = kept(drawn(root, info, SCALAR_BYTES), bigint);
  return kept(wide((number % (SECP256K1_ORDER - 1n)) + 1n), (key) => new CaseKey(key));
}

function drawn(root: RootKey, info: Uint8Array, length: number): Uint8Array {
  return expand(sha256, root.reveal(), info, length);
}

function bigint(data: Uint8Array): bigint {
  return BigInt(`0x${toDigits(data)}`);
}

function wide(value: bigint): Uint8Array {
  const data = new Uint8Array(KEY_BYTES);
  for (let at = KEY_BYTES - 1, rest = value; at >= 0; at--, rest >>= 8n) data[at] = Number(rest & 0xffn);
  return data;
}
