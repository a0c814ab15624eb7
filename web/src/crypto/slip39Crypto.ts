/** What the library `slip39` asks of Node's `crypto` and `Buffer`, by other libraries: in a browser there is neither. */

import { hmac } from "@noble/hashes/hmac.js";
import { pbkdf2 } from "@noble/hashes/pbkdf2.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { randomBytes as random } from "./secret";

export function randomBytes(size: number): Uint8Array {
  return random(size);
}

export function pbkdf2Sync(password: Uint8Array, salt: Uint8Array, rounds: number, size: number): Uint8Array {
  return pbkdf2(sha256, password, salt, { c: rounds, dkLen: size });
}

export function createHmac(_hash: "sha256", key: Uint8Array): { update(data: Uint8Array): void; digest(): Uint8Array } {
  const code = hmac.create(sha256, key);
  return {
    update: (data) => {
      code.update(data);
    },
    digest: () => code.digest(),
  };
}

/** In place of `Buffer.from`. */
export function bytesFrom(values: ArrayLike<number>): Uint8Array {
  return Uint8Array.from(values);
}
