/** Emergencies as the chain and the store have them. */

import type { ParticipantKey, PublicKey } from "../crypto/hpke";
import { PageError } from "../errors";
import { openBundle } from "../sealing/bundle";
import type { PlanBundle } from "../sealing/custody";
import { type Custody, MAX_OBJECT_BYTES, readCustodyObject } from "../sealing/shares";
import type { EmergencyDeclared, EmergencyPrepared } from "../types/events";
import { ZERO_BYTES32 } from "../types/terms";
import type { Address, Hex } from "./api";
import type { Context } from "./context";

const REASON_BYTES = 1 << 20;

/** Everything that a subject ever prepared, in order. */
export function preparations(context: Context, subject: Address): EmergencyPrepared[] {
  return context.chain
    .naming(subject)
    .map(({ event }) => event)
    .filter((event) => event.event === "EmergencyPrepared")
    .filter((event) => event.subject === subject);
}

/** The emergencies of a subject, in order. */
export function declared(context: Context, subject: Address): EmergencyDeclared[] {
  return context.chain
    .naming(subject)
    .map(({ event }) => event)
    .filter((event) => event.event === "EmergencyDeclared")
    .filter((event) => event.subject === subject);
}

/** Who released a share of the key for an emergency, whoever that is. */
export function releasing(context: Context, { subject, provider, id }: EmergencyDeclared): Set<Address> {
  const found = new Set<Address>();
  for (const { event } of context.chain.naming(subject)) {
    if (event.event !== "KeyReleased" || event.subject !== subject) continue;
    if (event.provider === provider && event.id === id) found.add(event.custodian);
  }
  return found;
}

/** The object that goes with a preparation; null when it is missing, damaged or something else. */
export async function custodyOf(context: Context, digest: Hex): Promise<Custody | null> {
  try {
    return readCustodyObject(await context.store.get(digest, MAX_OBJECT_BYTES));
  } catch (error) {
    if (error instanceof PageError) return null;
    throw error;
  }
}

/** What the subject wrote down about its custodians; null when it can't be read. */
export async function subjectsCopy(
  context: Context,
  subject: Address,
  custody: Custody,
  key: ParticipantKey,
): Promise<PlanBundle | null> {
  for (const sealed of custody.sealed) {
    try {
      return await openBundle(sealed, context.bundleContext(subject), key, "plan");
    } catch (error) {
      // A custodian's share.
      if (!(error instanceof PageError)) throw error;
    }
  }
  return null;
}

/** Why an emergency was declared; empty when that can't be read. */
export async function reasonOf(context: Context, event: EmergencyDeclared, key: ParticipantKey): Promise<string> {
  try {
    const data = await context.store.get(event.reason, REASON_BYTES);
    const bundle = await openBundle(data, context.bundleContext(event.subject), key, "reason");
    return bundle.provider === event.provider ? bundle.text : "";
  } catch (error) {
    if (error instanceof PageError) return "";
    throw error;
  }
}

/**
 * The emergency key, for new keys of what is prepared; null for a grant that is not it, and once it was used.
 *
 * Whoever declared an emergency may have the seed by now: what is sealed to it after that would be sealed to them.
 */
export async function keyToDeliverTo(context: Context, subject: Address, grant: Hex): Promise<PublicKey | null> {
  let prepared: EmergencyPrepared | null = null;
  for (const { event } of context.chain.naming(subject)) {
    if (event.event === "EmergencyPrepared" && event.subject === subject) prepared = event;
    else if (event.event === "EmergencyDeclared" && event.subject === subject) prepared = null;
  }
  if (prepared?.grant !== grant || grant === ZERO_BYTES32) return null;
  return (await custodyOf(context, prepared.custody))?.emergencyKey ?? null;
}
