/** A gateway may withhold, send other bytes, or send without end: it is never believed. */

import { describe, expect, test } from "vitest";
import type { Fetch } from "../../src/chain/rpc";
import { cidText, DAG_PB, RAW } from "../../src/store/cid";
import { digestOf, Gateway } from "../../src/store/fetch";
import { addFile, encodeNode } from "../../src/store/unixfs";
import { fromHex, toHex } from "../../src/types/bytes";

const URL_OF = "https://gateway.invalid/ipfs/";

/** A gateway that holds these files, as blocks by their text. */
async function holding(
  ...files: Uint8Array[]
): Promise<{ blocks: Map<string, Uint8Array>; fetch: Fetch; asked: string[] }> {
  const blocks = new Map<string, Uint8Array>();
  const asked: string[] = [];
  for (const file of files) {
    await addFile(file, (codec, digest, block) => blocks.set(cidText(codec, fromHex(digest)), Uint8Array.from(block)));
  }
  const fetch: Fetch = async (url) => {
    asked.push(url);
    const name = url.slice(URL_OF.length).split("?")[0] as string;
    const block = blocks.get(name);
    return block ? new Response(Uint8Array.from(block)) : new Response("not here", { status: 404 });
  };
  return { blocks, fetch, asked };
}

function filled(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, at) => (at * 31 + (at >> 8) + (at >> 20)) & 0xff);
}

describe("a gateway", () => {
  test("gives small and large objects whole", async () => {
    for (const size of [0, 1, 1000, 1 << 20, (1 << 20) + 1, 3 * (1 << 20) + 17]) {
      const data = filled(size);
      const { fetch } = await holding(data);
      const got = await new Gateway(URL_OF, null, fetch).get(await digestOf(data));
      expect(got.length).toBe(size);
      expect(Buffer.compare(got, data)).toBe(0);
    }
  });

  test("that lost an object is told from one that sends other bytes, and from one that is down", async () => {
    const data = filled(5000);
    const digest = await digestOf(data);
    const { fetch, blocks } = await holding(data);
    const gateway = new Gateway(URL_OF, null, fetch);
    const name = [...blocks.keys()][0] as string;
    blocks.set(name, filled(5001));
    await expect(gateway.get(digest)).rejects.toMatchObject({ code: "ObjectTampered", values: { digest } });
    blocks.delete(name);
    await expect(gateway.get(digest)).rejects.toMatchObject({ code: "ObjectMissing" });
    const down = new Gateway(URL_OF, null, async () => new Response("", { status: 503 }));
    await expect(down.get(digest)).rejects.toMatchObject({ code: "StoreUnavailable" });
    const away = new Gateway(URL_OF, null, () => Promise.reject(new TypeError("fetch failed")));
    await expect(away.get(digest)).rejects.toMatchObject({ code: "StoreUnavailable" });
  });

  test("that alters any byte of any block of a large object is caught", async () => {
    const data = filled(2 * (1 << 20) + 99);
    const digest = await digestOf(data);
    for (const which of [0, 1, 2, 3]) {
      const { fetch, blocks } = await holding(data);
      const name = [...blocks.keys()][which] as string;
      const block = blocks.get(name) as Uint8Array;
      block[Math.floor(block.length / 2)] = (block[Math.floor(block.length / 2)] as number) ^ 1;
      await expect(new Gateway(URL_OF, null, fetch).get(digest)).rejects.toMatchObject({ code: "ObjectTampered" });
    }
  });

  test("that sends without end is cut off", async () => {
    let sent = 0;
    const endless: Fetch = async () =>
      new Response(
        new ReadableStream({
          pull(controller) {
            sent += 1 << 16;
            controller.enqueue(new Uint8Array(1 << 16));
          },
        }),
      );
    await expect(new Gateway(URL_OF, null, endless).get(toHex(filled(32)))).rejects.toMatchObject({
      code: "ObjectTooLarge",
    });
    expect(sent).toBeLessThan(4 << 20);
  });

  test("an object that says it is larger than the limit is refused before it is fetched", async () => {
    const data = filled(3 << 20);
    const { fetch, asked } = await holding(data);
    await expect(new Gateway(URL_OF, null, fetch).get(await digestOf(data), 2 << 20)).rejects.toMatchObject({
      code: "ObjectTooLarge",
    });
    expect(asked).toHaveLength(2);
  });

  test("a node that lies about the sizes below it is malformed", async () => {
    const { fetch, blocks } = await holding(filled(100));
    const [name] = [...blocks.keys()];
    const leaf = blocks.get(name as string) as Uint8Array;
    const digest = toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", Uint8Array.from(leaf))));
    const links = [
      { codec: RAW, digest, size: 99, total: 99 } as const,
      { codec: RAW, digest, size: 99, total: 99 } as const,
    ];
    const lying = encodeNode(links);
    const root = new Uint8Array(await crypto.subtle.digest("SHA-256", Uint8Array.from(lying)));
    blocks.set(cidText(DAG_PB, root), lying);
    await expect(new Gateway(URL_OF, null, fetch).get(toHex(root))).rejects.toSatisfy((error) =>
      ["ObjectMalformed", "ObjectTooLarge"].includes((error as { code: string }).code),
    );
  });

  test("a store that names another object than it was given is not believed, and a page without one says so", async () => {
    const data = filled(10);
    const digest = await digestOf(data);
    const answers =
      (cid: unknown): Fetch =>
      async () =>
        Response.json({ cid }, { status: 201 });
    const honest = new Gateway(URL_OF, "https://store.invalid/", answers(cidText(RAW, fromHex(digest))));
    expect(await honest.put(data)).toBe(digest);
    for (const cid of [cidText(RAW, filled(32)), "bafy", 7, undefined]) {
      const lying = new Gateway(URL_OF, "https://store.invalid/", answers(cid));
      await expect(lying.put(data)).rejects.toMatchObject({ code: "ObjectTampered" });
    }
    await expect(new Gateway(URL_OF, null, answers("")).put(data)).rejects.toMatchObject({ code: "StoreReadOnly" });
  });
});

describe("an author", () => {
  test("can't have the page ask for millions of blocks by an object of four", async () => {
    const blocks = new Map<string, Uint8Array>();
    const leaf = Uint8Array.of(7);
    const { digest } = await addFile(leaf, (codec, of, block) => blocks.set(cidText(codec, fromHex(of)), block));
    let link = { codec: RAW as typeof RAW | typeof DAG_PB, digest, size: 1, total: 1 };
    for (let level = 0; level < 3; level++) {
      const block = encodeNode(Array.from({ length: 300 }, () => link));
      const own = toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", Uint8Array.from(block))));
      blocks.set(cidText(DAG_PB, fromHex(own)), block);
      link = { codec: DAG_PB, digest: own, size: 300 * link.size, total: 300 * link.total + block.length };
    }
    let asked = 0;
    const fetch: Fetch = async (url) => {
      if (++asked > 20_000) throw new Error("asked without end");
      const block = blocks.get(url.slice(URL_OF.length).split("?")[0] as string);
      return block ? new Response(Uint8Array.from(block)) : new Response("not here", { status: 404 });
    };
    await expect(new Gateway(URL_OF, null, fetch).get(link.digest)).rejects.toMatchObject({ code: "ObjectTooLarge" });
    expect(asked).toBeLessThan(10_000);
  });

  test("of many large objects has one of them in memory at a time, and holds up no small one", async () => {
    const large = [1, 2, 3].map((seed) => filled(20 * (1 << 20) + seed).map((byte, at) => (at >> 20) ^ seed ^ byte));
    const small = filled(5000);
    const { fetch } = await holding(...large, small);
    const digests = await Promise.all(large.map((data) => digestOf(data)));
    const owner = new Map<string, number>();
    for (const [at, data] of large.entries()) {
      await addFile(data, (codec, digest) => owner.set(cidText(codec, fromHex(digest)), at));
    }
    expect(owner.size).toBe(3 * 22);
    const begun = new Set<number>();
    const ended = new Set<number>();
    let overlaps = 0;
    const noting: Fetch = async (url, init) => {
      const name = url.slice(URL_OF.length).split("?")[0] as string;
      const isRoot = name.startsWith(cidText(DAG_PB, fromHex(digests[0] as `0x${string}`)).slice(0, 7));
      const whose = isRoot ? undefined : owner.get(name);
      if (whose !== undefined) {
        begun.add(whose);
        if ([...begun].some((other) => other !== whose && !ended.has(other))) overlaps++;
      }
      return fetch(url, init);
    };
    const gateway = new Gateway(URL_OF, null, noting);
    const getting = digests.map((digest, at) => gateway.get(digest).finally(() => ended.add(at)));
    expect((await gateway.get(await digestOf(small))).length).toBe(5000);
    const got = await Promise.all(getting);
    expect(got.map((data) => data.length)).toEqual(large.map((data) => data.length));
    expect(begun.size).toBe(3);
    expect(overlaps).toBe(0);
  });
});
