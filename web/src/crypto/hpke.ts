/**
 * Sealing to a participant: HKDF-SHA256, AES-256-GCM and X-Wing in HPKE (RFC 9180, base mode, single shot).
 *
 * X-Wing (draft-connolly-cfrg-xwing-kem) joins ML-KEM-768 and X25519: what is sealed today stays sealed as long as
 * either of the two holds. A sealed message is `encapsulation (1,120 bytes) ‖ ciphertext ‖ tag (16 bytes)`. A 32-byte
 * seed expands as SHAKE256(seed, 96 bytes) = ML-KEM seed (64) ‖ X25519 key (32), section 5.2 of that draft.
 */

import { Aes256Gcm, CipherSuite, HkdfSha256 } from "@hpke/core";
import { XWing } from "@hpke/hybridkem-x-wing";
import { PageError } from "../errors";
import { concat, plain, toDigits } from "../types/bytes";
import type { ParticipantSeed } from "./secret";

export const PUBLIC_KEY_BYTES = 1216;
export const ENCAPSULATION_BYTES = 1120;
export const OVERHEAD_BYTES = ENCAPSULATION_BYTES + 16;

const MLKEM_PUBLIC_BYTES = 1184;
const MLKEM_COEFFICIENT_BYTES = 1152; // the rest is the seed of the matrix, any 32 bytes
const MLKEM_MODULUS = 3329;

const kem = new XWing();
const suite = new CipherSuite({ kem, kdf: new HkdfSha256(), aead: new Aes256Gcm() });

/** An X-Wing public key: ML-KEM-768 public key (1,184 bytes) ‖ X25519 public key (32 bytes). */
export class PublicKey {
  readonly data: Uint8Array;

  /** @throws PageError InvalidKey: another length, an encoding that ML-KEM refuses, or an X25519 point of low order. */
  constructor(data: Uint8Array) {
    if (data.length !== PUBLIC_KEY_BYTES || !isMlKemKey(data) || hasLowOrder(data.subarray(MLKEM_PUBLIC_BYTES))) {
      throw new PageError("InvalidKey", { length: data.length });
    }
    this.data = Uint8Array.from(data);
  }

  /** Seals `plaintext` so that only the private key opens it, and only under the same `info`. */
  async seal(plaintext: Uint8Array, info: Uint8Array): Promise<Uint8Array> {
    const recipientPublicKey = await kem.importKey("raw", buffer(this.data), true);
    const sender = await suite.createSenderContext({ recipientPublicKey, info: buffer(info) });
    const ciphertext = await sender.seal(buffer(plaintext));
    return concat(new Uint8Array(sender.enc), new Uint8Array(ciphertext));
  }

  equals(other: PublicKey): boolean {
    return toDigits(this.data) === toDigits(other.data);
  }
}

/** An X-Wing key pair; like a `Secret` it doesn't print. */
export class ParticipantKey {
  readonly #private: CryptoKey;

  private constructor(
    privateKey: CryptoKey,
    /** The half to publish. */
    readonly publicKey: PublicKey,
  ) {
    this.#private = privateKey;
  }

  /** The pair of a 32-byte seed. */
  static async fromSeed(seed: ParticipantSeed): Promise<ParticipantKey> {
    const { privateKey, publicKey } = await kem.generateKeyPairDerand(Uint8Array.from(seed.reveal()));
    return new ParticipantKey(privateKey, new PublicKey(new Uint8Array(await kem.serializePublicKey(publicKey))));
  }

  /**
   * The plaintext.
   *
   * @throws PageError WrongKey: sealed to another key, under another `info`, or altered (HPKE can't tell these apart).
   */
  async open(sealed: Uint8Array, info: Uint8Array): Promise<Uint8Array> {
    if (sealed.length < OVERHEAD_BYTES) throw new PageError("WrongKey");
    try {
      const recipient = await suite.createRecipientContext({
        recipientKey: this.#private,
        enc: buffer(sealed.subarray(0, ENCAPSULATION_BYTES)),
        info: buffer(info),
      });
      return new Uint8Array(await recipient.open(buffer(sealed.subarray(ENCAPSULATION_BYTES))));
    } catch {
      throw new PageError("WrongKey");
    }
  }

  toString(): string {
    return "<ParticipantKey: secret>";
  }

  toJSON(): string {
    return this.toString();
  }
}

/** The library takes whole buffers, and would read beyond a view. */
function buffer(data: Uint8Array): ArrayBuffer {
  return plain(Uint8Array.from(data)).buffer;
}

/** Whether every coefficient, 12 bits each in little-endian pairs, is below the modulus (FIPS 203, section 7.2). */
function isMlKemKey(data: Uint8Array): boolean {
  for (let at = 0; at < MLKEM_COEFFICIENT_BYTES; at += 3) {
    const [low, middle, high] = [data[at] as number, data[at + 1] as number, data[at + 2] as number];
    if (low + ((middle & 15) << 8) >= MLKEM_MODULUS || (middle >> 4) + (high << 4) >= MLKEM_MODULUS) return false;
  }
  return true;
}

/**
 * Points with which every exchange of X25519 ends in zeros: little-endian u of order 1, 2, 4 and 8 on the curve and its
 * twist, and the same beyond the prime (RFC 7748, section 6.1; the list is that of libsodium's `has_small_order`).
 */
const LOW_ORDER = new Set([
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
  "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]);

function hasLowOrder(point: Uint8Array): boolean {
  const masked = Uint8Array.from(point);
  masked[31] = (masked[31] as number) & 0x7f; // X25519 ignores the highest bit
  return LOW_ORDER.has(toDigits(masked));
}
