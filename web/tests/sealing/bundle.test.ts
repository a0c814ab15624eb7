import type { Address, Hex } from "viem";
import { beforeAll, describe, expect, it } from "vitest";
import { label } from "../../src/crypto/encoding";
import { ParticipantKey } from "../../src/crypto/hpke";
import { ContentKey, ParticipantSeed } from "../../src/crypto/secret";
import { openBundle, sealBundle } from "../../src/sealing/bundle";
import { BUNDLE_KINDS, type BundleContext, type BundleKind, encodeBundleContext } from "../../src/sealing/context";
import { guardianLeaf } from "../../src/sealing/custody";
import { excerptContext, type GrantBundle, readBundle, writeBundle } from "../../src/sealing/documents";
import { schedule } from "../../src/sealing/envelope";
import { proofIn, treeOver, verifyProof } from "../../src/sealing/merkle";
import { coarseStep } from "../../src/sealing/padding";
import { readCustodyObject, readShares, shuffled, writeCustody, writeShares } from "../../src/sealing/shares";
import { compress } from "../../src/sealing/zstdWriter";
import { concat, toDigits, utf8 } from "../../src/types/bytes";
import { isObject, parse } from "../../src/types/jsonValues";
import { bytes, Dice, errorOf, load, survives } from "../vectors";

interface Bundles {
  context: { chain_id: number; contract: Address; subject: Address };
  seeds: string[];
  bundles: { kind: BundleKind; document: string; object: string }[];
}
interface CustodyVectors {
  shares: string;
  custody: string;
  plan: {
    owner: Address;
    root: string;
    guardians: { guardian: Address; salt: string; leaf: string; proof: string[] }[];
  };
}

const vectors = load<Bundles>("bundle");
const context: BundleContext = {
  chainId: vectors.context.chain_id,
  contract: vectors.context.contract,
  subject: vectors.context.subject,
};
let recipients: ParticipantKey[];
let stranger: ParticipantKey;
beforeAll(async () => {
  recipients = await Promise.all(
    vectors.seeds.map((seed) => ParticipantKey.fromSeed(new ParticipantSeed(bytes(seed)))),
  );
  stranger = await ParticipantKey.fromSeed(ParticipantSeed.random());
});

describe("key bundles", () => {
  it("of every kind open for each recipient and say what Python wrote", async () => {
    expect(vectors.bundles.map(({ kind }) => kind)).toEqual(Object.keys(BUNDLE_KINDS));
    for (const { kind, document, object } of vectors.bundles) {
      for (const key of recipients) {
        const bundle = await openBundle(bytes(object), context, key, kind);
        expect(bundle.kind).toBe(kind);
        expect(new TextDecoder().decode(writeBundle(bundle))).toBe(document);
      }
    }
  });

  it("that the page seals open again, for their recipients alone, here alone and as their kind alone", async () => {
    const bundle = readBundle(utf8(vectors.bundles[1]?.document as string));
    const [first, second] = recipients as [ParticipantKey, ParticipantKey];
    const object = await sealBundle(bundle, context, [first.publicKey, second.publicKey, first.publicKey]);
    expect(object[7]).toBe(2);
    expect(object.length).toBe(8 + 2 * 1168 + 32 + (1 << 14) + 16);
    for (const key of recipients) {
      expect(toDigits(writeBundle(await openBundle(object, context, key, "grant")))).toBe(
        toDigits(writeBundle(bundle)),
      );
    }
    const other: Address = `0x${"99".repeat(20)}`;
    for (const act of [
      () => openBundle(object, context, stranger, "grant"),
      () => openBundle(object, context, first, "rekey"),
      () => openBundle(object, { ...context, chainId: 1 }, first, "grant"),
      () => openBundle(object, { ...context, contract: other }, first, "grant"),
      () => openBundle(object, { ...context, subject: other }, first, "grant"),
    ]) {
      expect((await errorOf(act)).code).toBe("WrongKey");
    }
    expect((await errorOf(() => sealBundle(bundle, context, []))).code).toBe("InvalidInput");
  });

  it("fail when any part of them is altered, cut or extended", async () => {
    const dice = new Dice(12);
    const object = bytes(vectors.bundles[2]?.object as string);
    const key = recipients[0] as ParticipantKey;
    const commitment = 8 + 2 * 1168;
    for (let round = 0; round < 80; round++) {
      const data = object.slice();
      const at = round < 8 ? round : round < 40 ? commitment + round - 8 : dice.below(object.length);
      data[at] = (data[at] as number) ^ (1 << dice.below(8));
      expect(await survives(() => openBundle(data, context, key, "rekey"))).toBe(false);
      expect(await survives(() => openBundle(object.slice(0, at), context, key, "rekey"))).toBe(false);
      expect(await survives(() => openBundle(dice.bytes(dice.below(3000)), context, key, "rekey"))).toBe(false);
    }
  });

  it("show their recipients in an order that tells nothing", async () => {
    const bundle = readBundle(utf8(vectors.bundles[7]?.document as string));
    const keys = [...recipients, stranger].map((key) => key.publicKey);
    const object = await sealBundle(bundle, context, keys);
    const sealed = [0, 1, 2].map((at) => toDigits(object.subarray(8 + at * 1168, 8 + (at + 1) * 1168)));
    expect(sealed).toEqual([...sealed].sort());
  });

  it("that are authentic are still refused when their author put something else into them", async () => {
    const key = recipients[0] as ParticipantKey;
    const document = compress(utf8(vectors.bundles[7]?.document as string));
    const sealContent = async (content: Uint8Array, kind: BundleKind = "reason") => {
      const bound = encodeBundleContext(context, kind);
      const own = ContentKey.random();
      const sealed = await key.publicKey.seal(own.reveal(), concat(label("bundle key"), bound));
      const opening = concat(utf8("MEDKEY"), Uint8Array.of(1, 1), sealed);
      const { cipher, commitment } = schedule(own, "bundle", opening, bound);
      return concat(opening, commitment, await cipher.encrypt(content));
    };
    const padded = (body: Uint8Array, size = 1 << 14, length = body.length) => {
      const content = new Uint8Array(size);
      content.set(body);
      new DataView(content.buffer).setBigUint64(size - 8, BigInt(length));
      return content;
    };
    const good = padded(document);
    expect(await openBundle(await sealContent(good), context, key, "reason")).toMatchObject({ kind: "reason" });
    const hidden = good.slice();
    hidden[hidden.length - 9] = 1;
    const high = good.slice();
    high[high.length - 8] = 1;
    const wrong = [hidden, high, padded(document, 1 << 15), padded(document, 1 << 14, 1 << 14), new Uint8Array(3)];
    for (const content of [...wrong, padded(utf8("not compressed")), padded(compress(utf8("{}")))]) {
      const object = await sealContent(content);
      expect((await errorOf(() => openBundle(object, context, key, "reason"))).code).toBe("ContentInvalid");
    }
    const other = await sealContent(good, "plan");
    expect((await errorOf(() => openBundle(other, context, key, "plan"))).code).toBe("ContentInvalid");
  });

  it("have a size in coarse steps", () => {
    expect([100, 16_384, 16_385, 65_537].map(coarseStep)).toEqual([16_384, 16_384, 32_768, 131_072]);
  });

  it("know where an excerpt was sealed for", () => {
    const { excerpts } = readBundle(utf8(vectors.bundles[1]?.document as string)) as GrantBundle;
    const excerpt = excerpts[0] as GrantBundle["excerpts"][number];
    expect(excerptContext(excerpt, context)).toEqual({
      ...context,
      author: excerpt.author,
      classNumber: 3,
      period: 2023,
      epoch: 1,
    });
  });
});

describe("documents", () => {
  it("are read to the letter: no member may lack, be too much, or have another form", async () => {
    for (const { document } of vectors.bundles) {
      const value = parse(document);
      if (!isObject(value)) throw new Error("It is an object.");
      for (const name of Object.keys(value)) {
        const { [name]: _, ...rest } = value;
        expect((await errorOf(() => readBundle(utf8(JSON.stringify(rest))))).code).toBe("ContentInvalid");
        for (const wrong of [true, 1.5, -1, "x", "0x", [[]], [{}], { a: 1 }, 2 ** 60]) {
          const isFree = ["label", "words", "text"].includes(name) && typeof wrong === "string";
          if (isFree || (name === "terms" && typeof wrong === "object" && !Array.isArray(wrong))) continue;
          if (name === "ancestors" && JSON.stringify(wrong) === "[{}]") continue;
          const data = utf8(JSON.stringify({ ...value, [name]: wrong }));
          expect((await errorOf(() => readBundle(data))).code, `${name} ${JSON.stringify(wrong)}`).toBe(
            "ContentInvalid",
          );
        }
      }
      const more = utf8(JSON.stringify({ ...value, more: 1 }));
      expect((await errorOf(() => readBundle(more))).code).toBe("ContentInvalid");
    }
  });

  it("never hand over the key of a whole relationship, nor one key twice", async () => {
    const document = vectors.bundles[0]?.document as string;
    for (const text of [document.replace('"/0"', '"/"'), document.replace(/\[(\["\/0",.*?\])\]/, "[$1,$1]")]) {
      expect(text).not.toBe(document);
      expect((await errorOf(() => readBundle(utf8(text)))).code).toBe("ContentInvalid");
    }
  });

  it("never crash whoever reads garbage", async () => {
    const dice = new Dice(13);
    for (let round = 0; round < 4000; round++) {
      const { document } = vectors.bundles[round % vectors.bundles.length] as Bundles["bundles"][number];
      const data = dice.mutated(utf8(document));
      if (await survives(() => readBundle(data))) writeBundle(readBundle(data));
    }
  });

  it("that nobody could read aren't written", async () => {
    const bundle = readBundle(utf8(vectors.bundles[2]?.document as string));
    if (bundle.kind !== "rekey") throw new Error("It is a re-key.");
    const wrong = { ...bundle, keys: [{ provider: "0x12" as Hex, number: 1, nodes: [] }] };
    expect((await errorOf(() => writeBundle(wrong))).code).toBe("InvalidInput");
    const none = { ...bundle, keys: [{ provider: context.contract, number: 1, nodes: [] }] };
    expect((await errorOf(() => writeBundle(none))).code).toBe("InvalidInput");
  });
});

describe("shares and the plan of guardians", () => {
  const custody = load<CustodyVectors>("custody");
  const decoder = new TextDecoder();

  it("are read and written as Python's", async () => {
    const sealed = readShares(utf8(custody.shares));
    expect(decoder.decode(writeShares(sealed))).toBe(custody.shares);
    const object = readCustodyObject(utf8(custody.custody));
    expect(decoder.decode(writeCustody(object))).toBe(custody.custody);
    const [viewer, patient] = recipients as [ParticipantKey, ParticipantKey];
    expect(await openBundle(sealed[0] as Uint8Array, context, viewer, "share")).toMatchObject({ label: "a label" });
    expect(await openBundle(sealed[1] as Uint8Array, context, patient, "plan")).toMatchObject({ threshold: 2 });
    for (const data of [custody.custody, custody.shares.replace('"shares":[', '"shares":["00",'), "{}", "[]", ""]) {
      expect((await errorOf(() => readShares(utf8(data)))).code).toBe("ContentInvalid");
    }
    expect((await errorOf(() => readCustodyObject(utf8(custody.shares)))).code).toBe("ContentInvalid");
  });

  it("never crash whoever reads garbage", async () => {
    const dice = new Dice(14);
    const short = utf8(JSON.stringify({ kind: "shares", shares: ["0011", "2233"] }));
    for (let round = 0; round < 2000; round++) await survives(() => readShares(dice.mutated(short)));
    for (let round = 0; round < 20; round++) {
      await survives(() => readCustodyObject(dice.mutated(utf8(custody.custody))));
    }
  });

  it("lie in random order, all of one length", async () => {
    const sealed = Array.from({ length: 8 }, (_, at) => Uint8Array.of(at));
    const orders = new Set(
      Array.from({ length: 20 }, () =>
        shuffled(sealed)
          .map(([at]) => at)
          .join(),
      ),
    );
    expect(orders.size).toBeGreaterThan(15);
    expect(
      shuffled(sealed)
        .map(([at]) => at)
        .sort(),
    ).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    for (const wrong of [[], [new Uint8Array(1), new Uint8Array(2)], Array(18).fill(new Uint8Array(1))]) {
      expect((await errorOf(() => shuffled(wrong))).code).toBe("InvalidInput");
    }
  });

  it("stand in the tree that the contract knows", async () => {
    const { owner, root, guardians } = custody.plan;
    const leaves = guardians.map(({ guardian, salt }) => guardianLeaf(owner, guardian, `0x${salt}`));
    expect(leaves).toEqual(guardians.map(({ leaf }) => `0x${leaf}`));
    const tree = treeOver(leaves);
    expect(tree[0]).toBe(`0x${root}`);
    for (const [at, { proof }] of guardians.entries()) {
      expect(proofIn(tree, at)).toEqual(proof.map((part) => `0x${part}`));
      expect(verifyProof(tree[0] as Hex, leaves[at] as Hex, proofIn(tree, at))).toBe(true);
      expect(verifyProof(tree[0] as Hex, leaves[(at + 1) % 3] as Hex, proofIn(tree, at))).toBe(false);
    }
    expect((await errorOf(() => proofIn(tree, 3))).code).toBe("InvalidInput");
    expect((await errorOf(() => treeOver([]))).code).toBe("InvalidInput");
  });
});
