import { createHash } from "node:crypto";
import type { Hex } from "viem";
import { describe, expect, it } from "vitest";
import { cidFromBytes, cidText, DAG_PB, digestOfCid, parseCid, RAW, sha256Of } from "../../src/store/cid";
import { addFile, CHUNK_BYTES, codecOf, encodeNode, type Link, parseNode } from "../../src/store/unixfs";
import { toDigits, toHex } from "../../src/types/bytes";
import { bytes, Dice, errorOf, load, survives } from "../vectors";

const { objects } = load<{ objects: { size: number; cid: string; nodes: string[]; blocks: number }[] }>("objects");

/** SHA-256 of a counter, block by block: the generator's own. */
function content(size: number): Uint8Array {
  const data = new Uint8Array(32 * Math.ceil(size / 32));
  const counter = Buffer.alloc(8);
  for (let at = 0; at < data.length; at += 32) {
    counter.writeBigUInt64BE(BigInt(at / 32));
    data.set(createHash("sha256").update(counter).digest(), at);
  }
  return data.subarray(0, size);
}

describe("objects as blocks", () => {
  it("have the CIDs and the nodes that Python and Kubo give them", async () => {
    for (const { size, cid, nodes, blocks } of objects) {
      const emitted: [number, Hex, Uint8Array][] = [];
      const built = await addFile(content(size), (codec, digest, block) => emitted.push([codec, digest, block]));
      expect(cidText(built.codec, built.digest)).toBe(cid);
      expect([built.size, built.blocks, emitted.length]).toEqual([size, blocks, blocks]);
      expect(emitted.filter(([codec]) => codec === DAG_PB).map(([, , block]) => toDigits(block))).toEqual(nodes);
      for (const [, digest, block] of emitted) expect(toHex(await sha256Of(block))).toBe(digest);
      for (const node of nodes) {
        expect(codecOf(bytes(node))).toBe(DAG_PB);
        expect(parseNode(bytes(node)).size).toBe(size);
        expect(toDigits(encodeNode(parseNode(bytes(node)).links))).toBe(node);
      }
    }
  });

  it("that are themselves a node are refused, since their digest would name another object", async () => {
    const node = bytes(objects.at(-1)?.nodes[0] as string);
    expect((await errorOf(() => addFile(node))).code).toBe("InvalidInput");
    expect((await addFile(node.slice(1))).codec).toBe(RAW);
  });

  it("grow by levels of 1024 links", () => {
    const leaf: Link = { codec: RAW, digest: `0x${"11".repeat(32)}`, size: CHUNK_BYTES, total: CHUNK_BYTES };
    const node = parseNode(encodeNode(Array(1024).fill(leaf)));
    expect([node.links.length, node.size]).toEqual([1024, 2 ** 30]);
  });
});

describe("nodes", () => {
  const node = bytes(objects.at(-1)?.nodes[0] as string);

  it("with any byte altered, cut or added are another file's, or none", async () => {
    for (let at = 0; at < node.length; at++) {
      const altered = node.slice();
      altered[at] = (altered[at] as number) ^ 1;
      if (await survives(() => parseNode(altered))) {
        expect(toDigits(encodeNode(parseNode(altered).links))).toBe(toDigits(altered));
      }
      expect((await errorOf(() => parseNode(node.slice(0, at)))).code).toBe("ObjectMalformed");
    }
    expect((await errorOf(() => parseNode(Uint8Array.of(...node, 0)))).code).toBe("ObjectMalformed");
  });

  it("whose sizes can't be, or aren't written in the shortest way, are none", async () => {
    const digest: Hex = `0x${"11".repeat(32)}`;
    const wrong: Link[] = [
      { codec: RAW, digest, size: 5, total: 6 },
      { codec: RAW, digest, size: 3 << 20, total: 3 << 20 },
      { codec: DAG_PB, digest, size: 6, total: 5 },
      { codec: DAG_PB, digest, size: 0, total: 5 },
    ];
    for (const link of wrong) expect((await errorOf(() => parseNode(encodeNode([link])))).code).toBe("ObjectMalformed");
    expect(parseNode(encodeNode([{ codec: DAG_PB, digest, size: 5, total: 50 }])).size).toBe(5);
    // The first link's Tsize, three bytes at 43, as four.
    const longer = Uint8Array.of(...node.slice(0, 45), 0xc0, 0, ...node.slice(46));
    longer[1] = 45;
    expect([node[1], ...node.slice(43, 46)]).toEqual([44, 0x80, 0x80, 0x40]);
    expect((await errorOf(() => parseNode(longer))).code).toBe("ObjectMalformed");
  });

  it("are read in their canonical form alone, whatever comes", async () => {
    const dice = new Dice(17);
    for (let round = 0; round < 20_000; round++) {
      const data = dice.mutated(node);
      if (await survives(() => parseNode(data)))
        expect(toDigits(encodeNode(parseNode(data).links))).toBe(toDigits(data));
    }
    expect((await errorOf(() => parseNode(new Uint8Array((2 << 20) + 1)))).code).toBe("ObjectMalformed");
  });
});

describe("CIDs", () => {
  it("have one text each", async () => {
    const { cid } = objects[4] as (typeof objects)[number];
    expect(parseCid(`/ipfs/${cid}`)).toEqual(parseCid(cid));
    expect(cidText(parseCid(cid).codec, digestOfCid(cid))).toBe(cid);
    const wrong = [
      "",
      "b",
      cid.toUpperCase(),
      `${cid}a`,
      cid.slice(1),
      `z${cid.slice(1)}`,
      cid.replace(/.$/, "b"),
      "QmYwAPJzv5CZsnA",
    ];
    for (const text of [...wrong, `b${"a".repeat(58)}`, `b${"1".repeat(58)}`]) {
      expect((await errorOf(() => parseCid(text))).code).toBe("CidInvalid");
    }
    expect((await errorOf(() => cidFromBytes(new Uint8Array(36)))).code).toBe("CidInvalid");
    expect((await errorOf(() => cidText(RAW, new Uint8Array(31)))).code).toBe("CidInvalid");
  });

  it("of any text or bytes are read or refused", async () => {
    const dice = new Dice(18);
    const { cid } = objects[0] as (typeof objects)[number];
    for (let round = 0; round < 5000; round++) {
      const text = new TextDecoder().decode(dice.mutated(new TextEncoder().encode(cid)));
      if (await survives(() => parseCid(text))) {
        expect(cidText(parseCid(text).codec, parseCid(text).digest)).toBe(text);
      }
    }
  });
});
