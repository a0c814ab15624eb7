/** A provider's batches are mostly other people's: looking through them must not cost a patient minutes. */

import { expect, test } from "vitest";
import type { IndexedBatch } from "../../src/chain/standing";
import { inBatches } from "../../src/client/anchors";
import type { Address, Hex } from "../../src/client/api";
import type { Context } from "../../src/client/context";
import { Faults } from "../../src/client/faults";
import { KeyRing } from "../../src/client/keyring";
import { Path } from "../../src/crypto/keytree";
import { CompartmentKey, MailboxKey, NodeKey, randomBytes } from "../../src/crypto/secret";
import { makeManifest } from "../../src/sealing/batch";
import { batchBlind, makeLocators } from "../../src/sealing/locator";
import { toHex } from "../../src/types/bytes";

const SUBJECT: Address = "0x1111111111111111111111111111111111111111";
const AUTHOR: Address = "0x2222222222222222222222222222222222222222";

/** A batch over parcels of others, and of the subject where a key of its own is given. */
function batch(at: number, own: CompartmentKey | null) {
  const keys = Array.from({ length: 20 }, () => new CompartmentKey(randomBytes(32)));
  if (own) keys[7] = own;
  const leaves = makeLocators(keys).map((locator, place) => ({
    subject: place === 7 ? SUBJECT : AUTHOR,
    number: 1,
    digest: toHex(randomBytes(32)),
    locator,
    blind: batchBlind(keys[place] as CompartmentKey, locator),
  }));
  const manifest = makeManifest(leaves);
  const event = {
    event: "BatchAnchored",
    author: AUTHOR,
    time: at,
    root: manifest.root,
    manifest: manifest.root,
    count: 20,
  };
  const indexed = { event, entry: { position: [at, 0, 0] } } as unknown as IndexedBatch;
  return { batch: { indexed, manifest }, digest: leaves[7]?.digest as Hex };
}

function ring(): KeyRing {
  return new KeyRing(
    [{ path: Path.TOP, key: new NodeKey(randomBytes(32)) }],
    new Map(),
    new MailboxKey(randomBytes(32)),
  );
}

const context = { contracts: { batchAnchoredAt: async () => 1 } } as unknown as Context;

test("two hundred batches cost one look at each key, the second time none, and each own parcel is found", async () => {
  const keys = ring();
  const own = keys.cell(3)?.key as CompartmentKey;
  const made = Array.from({ length: 200 }, (_, at) => batch(at, at % 100 === 5 ? own : null));
  const batches = made.map((one) => one.batch);
  let looks = 0;
  const iterate = keys[Symbol.iterator].bind(keys);
  keys[Symbol.iterator] = function* () {
    looks++;
    yield* iterate();
  };
  const faults = new Faults();
  // The page answers meanwhile: a timer goes off many times.
  let turns = 0;
  const timer = setInterval(() => turns++);
  const found = await inBatches(context, SUBJECT, 1, batches, keys, faults);
  clearInterval(timer);
  expect(turns).toBeGreaterThan(5);
  expect(found.map((anchor) => anchor.digest)).toEqual([made[5]?.digest, made[105]?.digest]);
  expect(found.map((anchor) => anchor.time)).toEqual([5, 105]);
  expect(faults.list()).toEqual([]);
  expect(looks).toBe(1);
  expect(await inBatches(context, SUBJECT, 1, batches, keys, faults)).toEqual(found);
  expect(looks).toBe(1);
  const later = batch(300, own);
  const all = await inBatches(context, SUBJECT, 1, [...batches, later.batch], keys, faults);
  expect(all.map((anchor) => anchor.digest)).toEqual([made[5]?.digest, made[105]?.digest, later.digest]);
}, 120_000);
