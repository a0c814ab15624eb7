/**
 * Secrets as types of their own: they don't print, don't go into JSON, and can be wiped.
 *
 * The bytes leave a secret by one method, `reveal`, so that every place that handles raw key bytes can be found by
 * searching for that word. JavaScript may have copied bytes before they are wiped: this shortens their life and guards
 * against accidents (logs, screens, storage), not against somebody who reads the process's memory.
 */

import { PageError } from "../errors";
import { equalBytes } from "../types/bytes";

export const KEY_BYTES = 32;

export abstract class Secret {
  /** What sort of secret it is: two sorts are two types, also to the compiler. */
  abstract readonly sort: string;
  readonly #value: Uint8Array;
  #wiped = false;

  /**
   * @param value 32 bytes; copied, so that wiping one secret never empties another.
   * @throws PageError InvalidKey: another length. The error never holds the value.
   */
  constructor(value: Uint8Array) {
    if (!(value instanceof Uint8Array) || value.length !== KEY_BYTES) {
      throw new PageError("InvalidKey", { length: value instanceof Uint8Array ? value.length : 0 });
    }
    this.#value = Uint8Array.from(value);
  }

  /**
   * The bytes themselves; the only way out.
   *
   * @throws PageError Locked: the secret was wiped.
   */
  reveal(): Uint8Array {
    if (this.#wiped) throw new PageError("Locked");
    return this.#value;
  }

  /** Overwrites the bytes; whoever asks for them afterwards gets an error and never zeros. */
  wipe(): void {
    this.#value.fill(0);
    this.#wiped = true;
  }

  /** Compares in constant time; a secret equals only one of the very same sort. */
  equals(other: Secret): boolean {
    return other.sort === this.sort && equalBytes(this.reveal(), other.reveal());
  }

  toString(): string {
    return `<${this.sort}: secret>`;
  }

  toJSON(): string {
    return this.toString();
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}

/** What is made of key bytes that nobody needs afterwards: they are overwritten, a secret has its own copy. */
export function kept<T>(key: Uint8Array, make: (key: Uint8Array) => T): T {
  try {
    return make(key);
  } finally {
    key.fill(0);
  }
}

/** Fresh bytes from the browser's generator. */
export function randomBytes(size: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(size));
}

/** What a wallet's signature unlocks; everything else of one person derives from it. */
export class RootKey extends Secret {
  readonly sort = "RootKey";
  static random(): RootKey {
    return kept(randomBytes(KEY_BYTES), (key) => new RootKey(key));
  }
}

/** A secp256k1 private key, 32 bytes big-endian, in [1, n - 1]. */
export class CaseKey extends Secret {
  readonly sort = "CaseKey";
}

/** The seed of an X-Wing key pair. */
export class ParticipantSeed extends Secret {
  readonly sort = "ParticipantSeed";
  static random(): ParticipantSeed {
    return kept(randomBytes(KEY_BYTES), (key) => new ParticipantSeed(key));
  }
}

/** The key of an inner node of a key tree: opens nothing itself, all below it derives from it. */
export class NodeKey extends Secret {
  readonly sort = "NodeKey";
}

/** The key of a leaf of a key tree: seals and opens one class and period of one relationship and epoch. */
export class CompartmentKey extends Secret {
  readonly sort = "CompartmentKey";
}

/** Marks the parcels that a provider sealed to the subject itself, for the subject alone to find them. */
export class MailboxKey extends Secret {
  readonly sort = "MailboxKey";
}

/** The key of one sealed object. */
export class ContentKey extends Secret {
  readonly sort = "ContentKey";
  static random(): ContentKey {
    return kept(randomBytes(KEY_BYTES), (key) => new ContentKey(key));
  }
}
