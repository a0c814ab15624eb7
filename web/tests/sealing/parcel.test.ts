import type { Address, Hex } from "viem";
import { beforeAll, describe, expect, it } from "vitest";
import { ParticipantKey } from "../../src/crypto/hpke";
import { CompartmentKey, ContentKey, ParticipantSeed } from "../../src/crypto/secret";
import { readRecords, writeRecords } from "../../src/sealing/canonical";
import type { Context } from "../../src/sealing/context";
import { MAX_HEADER_BYTES, parseHeader, Suite } from "../../src/sealing/envelope";
import { FetchedParcel } from "../../src/sealing/fetched";
import { describe as describeBlob, Kind, wrap } from "../../src/sealing/frame";
import { padme } from "../../src/sealing/padding";
import {
  type OpeningKey,
  openParcel,
  pendingContext,
  type SealingKey,
  sealBlob,
  sealRecords,
} from "../../src/sealing/parcel";
import { compress } from "../../src/sealing/zstdWriter";
import { sha256Of } from "../../src/store/cid";
import { equalBytes, toDigits, toHex, utf8 } from "../../src/types/bytes";
import { JsonNumber } from "../../src/types/jsonValues";
import { bytes, Dice, errorOf, load, survives } from "../vectors";

interface Parcels {
  context: {
    chain_id: number;
    contract: Address;
    subject: Address;
    author: Address;
    class_number: number;
    period: number;
    epoch: number;
  };
  parcels: {
    suite: keyof typeof Suite;
    compartment_key?: string;
    seed?: string;
    content_key: string;
    ndjson?: string;
    content_type?: string;
    name?: string;
    blob?: string;
    object: string;
  }[];
}

const vectors = load<Parcels>("parcel");
const { chain_id: chainId, class_number: classNumber, ...rest } = vectors.context;
const context: Context = { chainId, classNumber, ...rest };
const digestOf = async (data: Uint8Array) => toHex(await sha256Of(data));
const fetched = async (data: Uint8Array) => FetchedParcel.verify(data, await digestOf(data), digestOf);
const resources = [{ resourceType: "Observation", value: new JsonNumber("1.10") }, { text: "\u0000é" }];

let subject: ParticipantKey;
let keys: [SealingKey, OpeningKey, Suite][];
beforeAll(async () => {
  subject = await ParticipantKey.fromSeed(ParticipantSeed.random());
  const compartment = new CompartmentKey(new Uint8Array(32).fill(5));
  const own = ContentKey.random();
  keys = [
    [compartment, compartment, Suite.COMPARTMENT],
    [subject.publicKey, subject, Suite.SUBJECT],
    [own, own, Suite.EXCERPT],
  ];
});

describe("parcels that Python sealed", () => {
  it("open with each key that their suite asks for", async () => {
    expect(new Set(vectors.parcels.map(({ suite }) => suite))).toEqual(new Set(Object.keys(Suite)));
    for (const vector of vectors.parcels) {
      const parcel = await fetched(bytes(vector.object));
      const openers: OpeningKey[] = [new ContentKey(bytes(vector.content_key))];
      if (vector.compartment_key) openers.push(new CompartmentKey(bytes(vector.compartment_key)));
      if (vector.seed) {
        const key = await ParticipantKey.fromSeed(new ParticipantSeed(bytes(vector.seed)));
        openers.push(key);
        expect(await pendingContext(parcel, context, key)).toEqual(context);
      }
      for (const key of openers) {
        const opened = await openParcel(parcel, context, key);
        expect(toDigits(opened.contentKey.reveal())).toBe(vector.content_key);
        if (opened.kind === "records") {
          expect(toDigits(writeRecords(opened.resources))).toBe(vector.ndjson);
          expect(toDigits(utf8(`${opened.lines.join("\n")}\n`))).toBe(vector.ndjson);
        } else {
          expect([opened.contentType, opened.name]).toEqual([vector.content_type, vector.name]);
          expect(toDigits(await opened.read())).toBe(vector.blob);
          expect(toDigits(await opened.read(10, 5))).toBe(vector.blob?.slice(20, 30));
          expect((await opened.read(opened.size - 1, 9)).length).toBe(1);
        }
      }
    }
  });

  it("open in no other context", async () => {
    const vector = vectors.parcels[0] as Parcels["parcels"][number];
    const parcel = await fetched(bytes(vector.object));
    const key = new ContentKey(bytes(vector.content_key));
    const other: Address = `0x${"99".repeat(20)}`;
    const others: Context[] = [
      { ...context, chainId: 1 },
      { ...context, contract: other },
      { ...context, subject: other },
      { ...context, author: other },
      { ...context, classNumber: 4 },
      { ...context, period: 2023 },
      { ...context, epoch: 2 },
    ];
    for (const each of others) expect((await errorOf(() => openParcel(parcel, each, key))).code).toBe("WrongKey");
    expect((await errorOf(() => openParcel(parcel, { ...context, period: 3 }, key))).code).toBe("InvalidInput");
    expect((await errorOf(() => openParcel(parcel, context, ContentKey.random()))).code).toBe("WrongKey");
    expect((await errorOf(() => openParcel(parcel, context, subject))).code).toBe("WrongKey");
  });
});

describe("parcels that the page seals", () => {
  it("come back as they were, in every suite", async () => {
    for (const [sealing, opening, suite] of keys) {
      const sealed = await sealRecords(resources, context, sealing);
      const parcel = await fetched(sealed.data);
      expect(parcel.suite).toBe(suite);
      for (const key of [opening, sealed.contentKey]) {
        const opened = await openParcel(parcel, context, key);
        expect(opened).toMatchObject({ kind: "records", resources });
      }
      const content = new Dice(8).bytes(5000);
      const blob = await sealBlob(content, context, sealing, { contentType: "image/png", name: "ü.png" });
      const opened = await openParcel(await fetched(blob.data), context, opening);
      if (opened.kind !== "blob") throw new Error("It is a blob.");
      expect([opened.contentType, opened.name, opened.size]).toEqual(["image/png", "ü.png", 5000]);
      expect(await opened.read()).toEqual(content);
    }
  });

  it("are read at random from a source that verifies itself", async () => {
    const [sealing, opening] = keys[0] as [SealingKey, OpeningKey, Suite];
    const content = new Dice(9).bytes(2_500_000);
    const { data } = await sealBlob(content, context, sealing, { contentType: "application/dicom" });
    const asked: number[] = [];
    const source = {
      size: data.length,
      read: async (start: number, length: number) => {
        asked.push(length);
        return data.slice(start, start + length);
      },
    };
    const parcel = await FetchedParcel.fromVerifyingSource(source, await digestOf(data));
    const opened = await openParcel(parcel, context, opening);
    if (opened.kind !== "blob") throw new Error("It is a blob.");
    expect(await opened.read(1_200_000, 100)).toEqual(content.slice(1_200_000, 1_200_100));
    expect(asked.length).toBe(4); // the header, the last chunk, the first and the one asked for
    expect(equalBytes(await opened.read(), content)).toBe(true);
  });

  it("have a length that tells little, and hold no more than they are padded to", async () => {
    const [sealing] = keys[0] as [SealingKey, OpeningKey, Suite];
    const lengths = new Set<number>();
    for (let size = 1000; size < 1064; size++) {
      const { data } = await sealRecords([{ text: "x".repeat(size) }], context, sealing);
      lengths.add(data.length);
    }
    expect(lengths.size).toBeLessThan(4);
    expect([9, 1_000, 1_000_000].map(padme)).toEqual([10, 1024, 1015808]);
  });

  it("fail with any byte altered, cut or added, before a byte of plaintext is returned", async () => {
    for (const [sealing, opening] of keys) {
      const { data } = await sealRecords(resources, context, sealing);
      const step = data.length > 1000 ? 37 : 1;
      for (let at = 0; at < data.length; at += step) {
        const altered = data.slice();
        altered[at] = (altered[at] as number) ^ 1;
        expect(await survives(async () => openParcel(await fetched(altered), context, opening))).toBe(false);
        expect(await survives(async () => openParcel(await fetched(data.slice(0, at)), context, opening))).toBe(false);
      }
      const longer = new Uint8Array(data.length + 1);
      longer.set(data);
      expect(await survives(async () => openParcel(await fetched(longer), context, opening))).toBe(false);
    }
  });

  it("count only with the ledger's digest", async () => {
    const { data } = await sealRecords(resources, context, (keys[0] as [SealingKey, OpeningKey, Suite])[0]);
    const wrong: Hex = `0x${"00".repeat(32)}`;
    expect((await errorOf(() => FetchedParcel.verify(data, wrong, digestOf))).code).toBe("ParcelTampered");
  });

  it("are not sealed when nothing could come back", async () => {
    const [key] = keys[0] as [SealingKey, OpeningKey, Suite];
    expect((await errorOf(() => sealRecords([], context, key))).code).toBe("InvalidInput");
    expect((await errorOf(() => sealRecords(["x"] as never, context, key))).code).toBe("InvalidJson");
    expect((await errorOf(() => sealBlob(new Uint8Array(), context, key, { contentType: "" }))).code).toBe(
      "InvalidInput",
    );
  });
});

describe("what an author put into a parcel", () => {
  // Whoever holds the key can seal anything: each of these is authentic and still refused.
  async function sealedFrame(frame: Uint8Array): Promise<() => Promise<unknown>> {
    const key = ContentKey.random();
    const { begin, SALT_BYTES } = await import("../../src/sealing/envelope");
    const { encodeContext } = await import("../../src/sealing/context");
    const bound = encodeContext(context);
    const { header, cipher } = begin(Suite.EXCERPT, new Uint8Array(SALT_BYTES), new Uint8Array(), key, bound);
    const stream = await cipher.encrypt(frame);
    const data = new Uint8Array(header.length + stream.length);
    data.set(header);
    data.set(stream, header.length);
    return async () => {
      const opened = await openParcel(await fetched(data), context, key, 10_000);
      if (opened.kind === "blob") await opened.read();
      return opened;
    };
  }
  const good = wrap(Kind.RECORDS, compress(utf8('{"a":1}\n')));

  it("opens when it is what the format says", async () => {
    expect(await (await sealedFrame(good))()).toMatchObject({ resources: [{ a: 1 }] });
  });

  it("is refused when it isn't", async () => {
    const padded = Array.from({ length: 8 }, (_, size) => compress(utf8(`{"a":"${"x".repeat(size)}"}\n`)))
      .map((body) => ({ body, frame: wrap(Kind.RECORDS, body) }))
      .find(({ body, frame }) => frame.length > body.length + 11);
    if (!padded) throw new Error("One of eight lengths is padded.");
    const hidden = padded.frame.slice();
    hidden[hidden.length - 9] = 1;
    const wider = new Uint8Array(padme(good.length + 100));
    wider.set(good.subarray(0, good.length - 8));
    wider.set(good.subarray(good.length - 8), wider.length - 8);
    const longer = good.slice();
    longer[longer.length - 1] = 255;
    const huge = good.slice();
    huge.fill(255, huge.length - 8);
    const high = good.slice();
    high[high.length - 8] = 1;
    const frames = [
      new Uint8Array(),
      new Uint8Array(3),
      Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
      hidden,
      wider,
      longer,
      huge,
      high,
      wrap(Kind.RECORDS, compress(utf8('{"a":1}\n')), utf8("{}")),
      wrap(Kind.RECORDS, utf8("not compressed")),
      wrap(Kind.BLOB, utf8("x"), utf8("{}")),
      wrap(Kind.BLOB, utf8("x"), utf8('{"name":"","content_type":"a/b"}')),
      ...["[1]\n", '{"a":1}', '{"a":1,"a":1}\n', "\n", '{"a":1}\n\n', '{"a":1}\r\n{'].map((text) =>
        wrap(Kind.RECORDS, compress(utf8(text))),
      ),
    ];
    for (const [at, frame] of frames.entries()) {
      expect((await errorOf(await sealedFrame(frame))).code, String(at)).toBe("ContentInvalid");
    }
  });

  it("is refused when it would expand too far", async () => {
    const { code } = await errorOf(
      await sealedFrame(wrap(Kind.RECORDS, compress(utf8(`{"a":"${"x".repeat(11_000)}"}\n`)))),
    );
    expect(code).toBe("ContentTooLarge");
  });

  it("never crashes whoever opens it", async () => {
    const dice = new Dice(10);
    const blob = wrap(Kind.BLOB, utf8("content"), describeBlob("a/b", "name"));
    for (let round = 0; round < 300; round++) {
      await survives(await sealedFrame(dice.mutated(round % 2 ? good : blob)));
    }
  });
});

describe("headers and records", () => {
  it("of any bytes are read or refused", async () => {
    const dice = new Dice(11);
    const header = bytes(vectors.parcels[0]?.object as string).slice(0, MAX_HEADER_BYTES);
    for (let round = 0; round < 3000; round++) {
      const data = round % 3 ? dice.mutated(header) : dice.bytes(dice.below(100));
      await survives(() => parseHeader(data));
      await survives(() => readRecords(dice.mutated(utf8('{"a":1.10}\n{"b":"é"}\n'))));
    }
  });

  it("keep a byte order mark out of each record, as Python does, and no more than one", async () => {
    const { resources, lines } = readRecords(utf8('\ufeff{"a":1}\n\ufeff{"b":1}\n'));
    expect([resources, lines]).toEqual([
      [{ a: 1 }, { b: 1 }],
      ['{"a":1}', '{"b":1}'],
    ]);
    for (const text of ['\ufeff\ufeff{"a":1}\n', '{"a":1}\ufeff\n', '{"a":1}\n\ufeff\ufeff{"b":1}\n']) {
      expect((await errorOf(() => readRecords(utf8(text)))).code).toBe("ContentInvalid");
    }
  });
});
