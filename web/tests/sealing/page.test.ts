/**
 * What the page sealed once: it must open for ever, here and with the Python package (`tests/vectors/test_vectors.py`).
 * After a format was changed on purpose: `WRITE_VECTORS=1 npx vitest run tests/sealing/page.test.ts`.
 */

import { readFileSync, writeFileSync } from "node:fs";
import type { Address } from "viem";
import { describe, expect, it } from "vitest";
import { ParticipantKey } from "../../src/crypto/hpke";
import { CompartmentKey, ContentKey, ParticipantSeed } from "../../src/crypto/secret";
import { openBundle, sealBundle } from "../../src/sealing/bundle";
import type { BundleKind, Context } from "../../src/sealing/context";
import { readBundle, writeBundle } from "../../src/sealing/documents";
import { FetchedParcel } from "../../src/sealing/fetched";
import { openParcel, sealBlob, sealRecords } from "../../src/sealing/parcel";
import { decompress } from "../../src/sealing/zstd";
import { compress } from "../../src/sealing/zstdWriter";
import { equalBytes, toDigits, utf8 } from "../../src/types/bytes";
import { isObject, type JsonObject, parse } from "../../src/types/jsonValues";
import { bytes, Dice, load } from "../vectors";

interface Bundles {
  context: { chain_id: number; contract: Address; subject: Address };
  seeds: string[];
  bundles: { kind: BundleKind; document: string }[];
}
interface Parcels {
  context: { chain_id: number; contract: Address; subject: Address; author: Address } & {
    class_number: number;
    period: number;
    epoch: number;
  };
}
interface Page {
  compartment_key: string;
  seed: string;
  content_key: string;
  records: string;
  blob: string;
  parcels: { suite: string; records: string; blob: string }[];
  bundles: { kind: BundleKind; document: string; object: string }[];
  frames: { content: string; frame: string }[];
}

const bundles = load<Bundles>("bundle");
const bundleContext = { ...bundles.context, chainId: bundles.context.chain_id };
const { chain_id: chainId, class_number: classNumber, ...rest } = load<Parcels>("parcel").context;
const context: Context = { ...rest, chainId, classNumber };
const records = '{"resourceType":"Observation","value":1.10}\n{"text":"a\\u0000é"}\n';
const secrets = { compartment_key: "05".repeat(32), seed: "06".repeat(32), content_key: "07".repeat(32) };

function contents(): Uint8Array[] {
  const dice = new Dice(19);
  const words = Array.from({ length: 300 }, () => toDigits(dice.bytes(1 + dice.below(9))));
  const text = Array.from({ length: 40_000 }, () => words[dice.below(dice.below(300) + 1)]).join(" ");
  const mixed = [dice.bytes(140_000), utf8(text.slice(0, 90_000)), dice.bytes(50_000), new Uint8Array(300_000)];
  return [utf8("a"), utf8("abcde".repeat(60)), utf8(text), Uint8Array.from(mixed.flatMap((part) => [...part]))];
}

async function seal(): Promise<Page> {
  const key = await ParticipantKey.fromSeed(new ParticipantSeed(bytes(secrets.seed)));
  const keys = {
    COMPARTMENT: new CompartmentKey(bytes(secrets.compartment_key)),
    SUBJECT: key.publicKey,
    EXCERPT: new ContentKey(bytes(secrets.content_key)),
  };
  const resources = records
    .trim()
    .split("\n")
    .map((line) => parse(line) as JsonObject);
  const blob = new Dice(20).bytes(3000);
  const parcels = [];
  for (const [suite, sealing] of Object.entries(keys)) {
    const sealedRecords = await sealRecords(resources, context, sealing);
    const sealedBlob = await sealBlob(blob, context, sealing, { contentType: "image/png", name: "scan.png" });
    parcels.push({ suite, records: toDigits(sealedRecords.data), blob: toDigits(sealedBlob.data) });
  }
  const recipients = await Promise.all(
    bundles.seeds.map(async (seed) => (await ParticipantKey.fromSeed(new ParticipantSeed(bytes(seed)))).publicKey),
  );
  const sealed = [];
  for (const { kind, document } of bundles.bundles) {
    const object = await sealBundle(readBundle(utf8(document)), bundleContext, recipients);
    sealed.push({ kind, document, object: toDigits(object) });
  }
  const frames = contents()
    .slice(0, 3)
    .map((content) => ({
      content: toDigits(content.slice(0, 100)) + content.length,
      frame: Buffer.from(compress(content)).toString("base64"),
    }));
  return { ...secrets, records, blob: toDigits(blob), parcels, bundles: sealed, frames };
}

const file = new URL("../../../tests/vectors/page.json", import.meta.url);
if (process.env.WRITE_VECTORS) writeFileSync(file, `${JSON.stringify(await seal(), null, 1)}\n`);
const page = JSON.parse(readFileSync(file, "utf8")) as Page;

describe("what the page sealed once", () => {
  it("still opens: parcels", async () => {
    const openers = {
      COMPARTMENT: new CompartmentKey(bytes(page.compartment_key)),
      SUBJECT: await ParticipantKey.fromSeed(new ParticipantSeed(bytes(page.seed))),
      EXCERPT: new ContentKey(bytes(page.content_key)),
    };
    expect(page.parcels.map(({ suite }) => suite)).toEqual(Object.keys(openers));
    for (const { suite, ...objects } of page.parcels) {
      const open = async (object: string) => {
        const fetched = await FetchedParcel.verify(bytes(object), "0x", async () => "0x");
        return openParcel(fetched, context, openers[suite as keyof typeof openers]);
      };
      const opened = await open(objects.records);
      if (opened.kind !== "records") throw new Error("It holds records.");
      expect(`${opened.lines.join("\n")}\n`).toBe(page.records);
      const blob = await open(objects.blob);
      if (blob.kind !== "blob") throw new Error("It holds a blob.");
      expect(toDigits(await blob.read())).toBe(page.blob);
    }
  });

  it("still opens: bundles of every kind", async () => {
    expect(page.bundles.map(({ kind }) => kind)).toEqual(bundles.bundles.map(({ kind }) => kind));
    const key = await ParticipantKey.fromSeed(new ParticipantSeed(bytes(bundles.seeds[0] as string)));
    for (const { kind, document, object } of page.bundles) {
      const bundle = await openBundle(bytes(object), bundleContext, key, kind);
      expect(new TextDecoder().decode(writeBundle(bundle))).toBe(document);
      expect(isObject(parse(document))).toBe(true);
    }
  });

  it("is still compressed as it was", () => {
    for (const [at, { frame }] of page.frames.entries()) {
      expect(Buffer.from(compress(contents()[at] as Uint8Array)).toString("base64")).toBe(frame);
    }
  });
});

describe("the compressor", () => {
  it("gives back whatever it is given, and makes what repeats itself short", () => {
    const [, repeated, text, mixed] = contents() as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
    for (const content of contents()) {
      const frame = compress(content);
      expect(equalBytes(decompress(frame, content.length), content)).toBe(true);
    }
    expect(compress(repeated).length).toBeLessThan(60);
    expect(compress(text).length).toBeLessThan(text.length / 3);
    expect(compress(mixed).length).toBeLessThan(230_000);
    const dice = new Dice(21);
    for (let round = 0; round < 300; round++) {
      const alphabet = 1 + dice.below(6);
      const content = Uint8Array.from({ length: 1 + dice.below(3000) }, () => dice.below(alphabet));
      expect(equalBytes(decompress(compress(content), content.length), content)).toBe(true);
    }
  });

  it("says distances as a reader knows them that never saw those of a block that was stored", () => {
    const block = 1 << 17;
    const content = new Uint8Array(3 * block);
    const random = new Dice(24).bytes(block);
    content.set(random, block);
    content.set(random.subarray(1000, 1006), 2 * block - 6); // one match, at a distance that block 3 repeats
    const distance = block - 6 - 1000;
    content[2 * block] = 77;
    for (let at = 2 * block + 1; at < 2 * block + 40; at++) content[at] = content[at - distance] as number;
    const frame = compress(content);
    expect(frame.length).toBeGreaterThan(block);
    expect(equalBytes(decompress(frame, content.length), content)).toBe(true);
  });
});
