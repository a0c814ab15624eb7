/** What the chain says was anchored about a subject: one by one in its ledger, or in an author's batches. */

import { type IndexedBatch, type IndexedRelationship, isBefore } from "../chain/standing";
import { leafHash, Manifest, type ManifestEntry } from "../sealing/batch";
import { batchBlind, matchLocatorsInTurns } from "../sealing/locator";
import { EntryKind, type LedgerEntry, locatorOf, type Position } from "../types/ledger";
import type { Address, Fault, Hex } from "./api";
import type { Context } from "./context";
import { type Faults, fetchFault } from "./faults";
import type { KeyRing } from "./keyring";

/** An anchored parcel as the ledger, or a batch of the author, has it. */
export interface Anchor {
  readonly author: Address;
  readonly digest: Hex;
  readonly locator: Hex;
  readonly time: number;
  readonly position: Position;
}

/** A batch and its manifest, compared with what was anchored. */
export interface Batch {
  readonly indexed: IndexedBatch;
  readonly manifest: Manifest;
}

/** The parcels that an author anchored one by one. */
export function inLedger(ledger: readonly LedgerEntry[], author: Address): Anchor[] {
  const anchors: Anchor[] = [];
  for (const entry of ledger) {
    const locator = entry.author === author && entry.kind === EntryKind.ANCHOR ? locatorOf(entry) : null;
    if (!locator) continue;
    anchors.push({ author, digest: entry.digest, locator, time: entry.time, position: entry.position });
  }
  return anchors;
}

/** Manifests never change: each is read once. */
const manifests = new WeakMap<Context, Map<Hex, Manifest>>();

/** The batches that a provider anchored while a relationship stood: no others can concern the subject. */
export async function batchesOf(
  context: Context,
  subject: Address,
  provider: Address,
  number: number,
  faults: Faults,
): Promise<Batch[]> {
  const relationship = context.chain.relationships(subject, provider).find((item) => item.number === number);
  if (!relationship) return [];
  const known = manifests.get(context) ?? new Map<Hex, Manifest>();
  manifests.set(context, known);
  const concerned = context.chain.batches(provider).filter((batch) => stood(relationship, batch.entry.position));
  const found = await Promise.all(
    concerned.map(async (indexed): Promise<Batch | null> => {
      const { manifest: digest, root, count } = indexed.event;
      try {
        let manifest = known.get(digest);
        if (!manifest) {
          manifest = Manifest.parse(await context.store.get(digest));
          manifest.require(root, count);
          known.set(digest, manifest);
        }
        return { indexed, manifest };
      } catch (error) {
        faults.add(fetchFault(error, "batch_unproven", subject, digest, { author: provider }));
        return null;
      }
    }),
  );
  return found.filter((batch) => batch !== null);
}

/** What the keys of a ring find in manifests: neither ever changes. */
const matched = new WeakMap<KeyRing, Map<Manifest, Map<number, number>>>();

/** By manifest the places of the entries that these keys made, each with the key's place. */
async function matchesIn(batches: readonly Batch[], keys: KeyRing): Promise<Map<Manifest, Map<number, number>>> {
  const known = matched.get(keys) ?? new Map<Manifest, Map<number, number>>();
  matched.set(keys, known);
  const fresh = new Set(batches.map(({ manifest }) => manifest).filter((manifest) => !known.has(manifest)));
  // All at once: most of them are other people's, and each look at thousands of keys takes its time.
  const entries = [...fresh].flatMap((manifest) =>
    manifest.entries.map(({ locator }, place) => ({ manifest, locator, place })),
  );
  const locators = entries.map(({ locator }) => locator);
  const matches = locators.length ? await matchLocatorsInTurns(locators, keys) : [];
  for (const manifest of fresh) known.set(manifest, new Map());
  for (const [at, keyAt] of matches) {
    const { manifest, place } = entries[at] as (typeof entries)[number];
    known.get(manifest)?.set(place, keyAt);
  }
  return known;
}

/** The subject's parcels in batches, each proved to be a leaf of the root that the chain keeps. */
export async function inBatches(
  context: Context,
  subject: Address,
  number: number,
  batches: readonly Batch[],
  keys: KeyRing,
  faults: Faults,
): Promise<Anchor[]> {
  const anchors: Anchor[] = [];
  const matches = await matchesIn(batches, keys);
  for (const { indexed, manifest } of batches) {
    const { author, root, time } = indexed.event;
    const own = matches.get(manifest);
    if (!own?.size) continue;
    const isAnchored = (await context.contracts.batchAnchoredAt(author, root)) > 0;
    for (const [at, keyAt] of own) {
      const { digest, locator, leafHash: listed } = manifest.entries[at] as ManifestEntry;
      const leaf = leafHash({ subject, number, digest, locator, blind: batchBlind(keys.key(keyAt), locator) });
      if (isAnchored && leaf === listed) {
        anchors.push({ author, digest, locator, time, position: indexed.entry.position });
      } else {
        faults.add({ code: "batch_unproven", values: { author }, subject, digest } satisfies Fault);
      }
    }
  }
  return anchors;
}

/** Whether a relationship stood when something was anchored. */
function stood(relationship: IndexedRelationship, [block, log]: Position): boolean {
  const { opened, closed } = relationship;
  const at = { blockNumber: block, logIndex: log } as IndexedRelationship["opened"];
  return isBefore(opened, at) && (closed === null || isBefore(at, closed));
}
