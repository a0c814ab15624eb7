/** Guardians' plans as the chain and the store have them: for their owners and for heirs. */

import { participantSeed } from "../crypto/derivation";
import { ParticipantKey } from "../crypto/hpke";
import type { RootKey } from "../crypto/secret";
import { PageError } from "../errors";
import { openBundle } from "../sealing/bundle";
import type { PlanBundle } from "../sealing/custody";
import { MAX_OBJECT_BYTES, readShares } from "../sealing/shares";
import type { PlanSet } from "../types/events";
import type { Address, Hex } from "./api";
import type { Context } from "./context";

/** The plan of an owner that stands; null when there is none. */
export function latestPlan(context: Context, owner: Address): PlanSet | null {
  const plan = context.chain.plan(owner)?.event ?? null;
  return plan && !isNone(plan.guardians) ? plan : null;
}

/** The key pair to which a plan's owner seals what concerns nobody else. */
export async function ownerKey(root: RootKey, owner: Address): Promise<ParticipantKey> {
  const seed = participantSeed(root, owner);
  try {
    return await ParticipantKey.fromSeed(seed);
  } finally {
    seed.wipe();
  }
}

/** What the owner wrote down about a plan; null when it can't be had or read. */
export async function ownersCopy(context: Context, plan: PlanSet, key: ParticipantKey): Promise<PlanBundle | null> {
  try {
    for (const sealed of readShares(await context.store.get(plan.shares, MAX_OBJECT_BYTES))) {
      try {
        return await openBundle(sealed, context.bundleContext(plan.owner), key, "plan");
      } catch {
        // A guardian's share.
      }
    }
  } catch (error) {
    // Anybody may set a plan, with whatever object: what can't be read concerns nobody here.
    if (!(error instanceof PageError)) throw error;
  }
  return null;
}

/** Who was announced as heir and by whom, each as it was announced last. */
export function announcedHeirs(context: Context, owner: Address): Map<Address, { guardian: Address; block: number }> {
  const last = new Map<Address, { guardian: Address; block: number }>();
  for (const { event, blockNumber } of context.chain.naming(owner)) {
    if (event.event === "RecoveryAnnounced" && event.owner === owner) {
      last.set(event.heir, { guardian: event.guardian, block: blockNumber });
    }
  }
  return last;
}

/** Every share that was ever released to an heir: a new plan, also a thief's, takes nothing away that was before it. */
export function releases(context: Context, owner: Address, heir: Address): { guardian: Address; share: Hex }[] {
  const found: { guardian: Address; share: Hex }[] = [];
  for (const { event } of context.chain.naming(owner)) {
    if (event.event === "ShareReleased" && event.owner === owner && event.heir === heir) found.push(event);
  }
  return found;
}

/** Every plan that an owner ever set, the last one first; without those that ended one. */
export function plansOf(context: Context, owner: Address): PlanSet[] {
  const found: PlanSet[] = [];
  for (const { event } of context.chain.naming(owner)) {
    if (event.event === "PlanSet" && event.owner === owner && !isNone(event.guardians)) found.unshift(event);
  }
  return found;
}

function isNone(guardians: Hex): boolean {
  return /^0x0+$/.test(guardians);
}
