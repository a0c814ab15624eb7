/** What a subject left in a mailbox: re-keys, successions, inherited roots. Which is which shows when it is opened. */

import type { ParticipantKey } from "../crypto/hpke";
import { PageError } from "../errors";
import { openBundle } from "../sealing/bundle";
import type { BundleContext, BundleKind } from "../sealing/context";
import type { BundleOf, InheritanceBundle, RekeyBundle, SuccessionBundle } from "../sealing/documents";

/** The kinds that a mailbox may hold. */
const LETTERS = ["rekey", "succession", "inheritance"] as const satisfies readonly BundleKind[];
export type Letter = BundleOf<(typeof LETTERS)[number]>;

/** What is in one mailbox, in the ledger's order. */
export class Mail {
  constructor(
    readonly letters: readonly Letter[],
    /** How many could not be had or opened, whatever they were. */
    readonly lost: number,
  ) {}

  get rekeys(): RekeyBundle[] {
    return this.letters.filter((letter): letter is RekeyBundle => letter.kind === "rekey");
  }

  get successions(): SuccessionBundle[] {
    return this.letters.filter((letter): letter is SuccessionBundle => letter.kind === "succession");
  }

  get inheritances(): InheritanceBundle[] {
    return this.letters.filter((letter): letter is InheritanceBundle => letter.kind === "inheritance");
  }
}

/** Opens a bundle whose kind is not known beforehand. */
export async function openLetter(data: Uint8Array, context: BundleContext, key: ParticipantKey): Promise<Letter> {
  for (const kind of LETTERS.slice(0, -1)) {
    try {
      return await openBundle(data, context, key, kind);
    } catch (error) {
      if (!(error instanceof PageError) || error.code !== "WrongKey") throw error;
    }
  }
  return openBundle(data, context, key, LETTERS[LETTERS.length - 1] as Letter["kind"]);
}
