/**
 * The file that keeps the root key of a wallet whose signatures differ each time: a random key under a password, in the
 * Web3 Secret Storage format (version 3, scrypt), the very file that `medrec root new` writes.
 */

import { scryptAsync } from "@noble/hashes/scrypt.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { RootKey, randomBytes } from "../crypto/secret";
import { PageError } from "../errors";
import { concat, equalBytes, fromHex, plain, toDigits, utf8 } from "../types/bytes";

const KIND = "medrec root key";
const KEY_BYTES = 32;
/** 2^18, as the common tools write: half a second of work and 256 MiB for every password that somebody tries. */
const WORK_FACTOR = 1 << 18;
const MOST_MEMORY = 1 << 30;

interface Scrypt {
  n: number;
  r: number;
  p: number;
  dklen: number;
  salt: string;
}

/** Encrypts a root. */
export async function writeRootFile(root: RootKey, password: string, workFactor = WORK_FACTOR): Promise<string> {
  if (!password) throw new PageError("InvalidInput", { name: "password", value: "" });
  const kdf: Scrypt = { n: workFactor, r: 8, p: 1, dklen: KEY_BYTES, salt: toDigits(randomBytes(16)) };
  const iv = randomBytes(16);
  const derived = await stretch(password, kdf);
  const ciphertext = await counter(derived.subarray(0, 16), iv, root.reveal());
  const document = {
    kind: KIND,
    crypto: {
      cipher: "aes-128-ctr",
      cipherparams: { iv: toDigits(iv) },
      ciphertext: toDigits(ciphertext),
      kdf: "scrypt",
      kdfparams: kdf,
      mac: toDigits(keccak_256(concat(derived.subarray(16, 32), ciphertext))),
    },
    id: crypto.randomUUID(),
    version: 3,
  };
  derived.fill(0);
  return JSON.stringify(document, null, 1);
}

/** Opens a root file; throws PageError KeyfileInvalid when it is none, or the password is another. */
export async function readRootFile(text: string, password: string): Promise<RootKey> {
  const { iv, ciphertext, mac, kdf } = parse(text);
  const derived = await stretch(password, kdf);
  const expected = keccak_256(concat(derived.subarray(16, 32), ciphertext));
  if (!equalBytes(expected, mac)) throw new PageError("KeyfileInvalid", { reason: "password" });
  const key = await counter(derived.subarray(0, 16), iv, ciphertext);
  const root = new RootKey(key);
  key.fill(0);
  derived.fill(0);
  return root;
}

function parse(text: string): { iv: Uint8Array; ciphertext: Uint8Array; mac: Uint8Array; kdf: Scrypt } {
  try {
    const { kind, version, crypto: sealed } = JSON.parse(text);
    const { n, r, p, dklen, salt } = sealed.kdfparams;
    const sizes = [n, r, p, dklen].every((size) => Number.isSafeInteger(size) && size > 0);
    const known = kind === KIND && version === 3 && sealed.kdf === "scrypt" && sealed.cipher === "aes-128-ctr";
    if (!known || !sizes || dklen !== KEY_BYTES || 128 * n * r * p > MOST_MEMORY) throw new Error();
    const [iv, ciphertext, mac] = [sealed.cipherparams.iv, sealed.ciphertext, sealed.mac].map((part) => fromHex(part));
    if (iv?.length !== 16 || ciphertext?.length !== KEY_BYTES || mac?.length !== KEY_BYTES) throw new Error();
    return { iv, ciphertext, mac, kdf: { n, r, p, dklen, salt: String(salt) } };
  } catch {
    throw new PageError("KeyfileInvalid", { reason: "form" });
  }
}

function stretch(password: string, { n, r, p, dklen, salt }: Scrypt): Promise<Uint8Array> {
  return scryptAsync(utf8(password), fromHex(salt), { N: n, r, p, dkLen: dklen, maxmem: MOST_MEMORY + (1 << 20) });
}

/** AES-128-CTR, which is its own inverse. */
async function counter(key: Uint8Array, iv: Uint8Array, data: Uint8Array): Promise<Uint8Array> {
  const imported = await crypto.subtle.importKey("raw", plain(key), "AES-CTR", false, ["encrypt"]);
  const algorithm = { name: "AES-CTR", counter: plain(iv), length: 128 };
  return new Uint8Array(await crypto.subtle.encrypt(algorithm, imported, plain(data)));
}
