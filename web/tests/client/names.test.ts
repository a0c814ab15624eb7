/** Names are a courtesy: whoever registers one that can't be fetched must not keep the page from what matters. */

import { expect, test } from "vitest";
import type { Fetch, Node } from "../../src/chain/rpc";
import type { Address, Hex, NetworkConfig } from "../../src/client/api";
import { Context } from "../../src/client/context";
import { digestOf } from "../../src/store/fetch";
import { toHex, utf8 } from "../../src/types/bytes";

const ONE: Address = "0x1111111111111111111111111111111111111111";
const CONFIG = {
  chainId: 1,
  rpc: "https://node.invalid/",
  ipfs: "https://ipfs.invalid/ipfs/",
  objects: null,
  relay: [],
  contracts: { medrec: ONE, registrar: ONE, guardianship: ONE, emergency: ONE },
} as unknown as NetworkConfig;

test("hundreds of strangers whose descriptors never come hold up neither names nor objects", async () => {
  const named = utf8(JSON.stringify({ name: "Hospital" }));
  const object = utf8("a sealed object");
  const digests: Hex[] = [await digestOf(named), await digestOf(object)];
  const { cidText, RAW } = await import("../../src/store/cid");
  const answers = new Map(digests.map((digest, at) => [cidText(RAW, digest), [named, object][at] as Uint8Array]));
  let asked = 0;
  const fetch: Fetch = (url, init) => {
    asked++;
    const data = [...answers].find(([cid]) => url.includes(cid))?.[1];
    if (data) return Promise.resolve(new Response(Uint8Array.from(data)));
    return new Promise((_, reject) => init?.signal?.addEventListener("abort", () => reject(new Error("aborted"))));
  };
  const context = new Context(CONFIG, {} as Node, fetch);
  const strangers = Array.from({ length: 300 }, (_, at) => `0x${(at + 16).toString(16).padStart(40, "0")}` as Address);
  const descriptors = new Map<Address, Hex>([
    [ONE, digests[0] as Hex],
    ...strangers.map((one): [Address, Hex] => [one, toHex(crypto.getRandomValues(new Uint8Array(32)))]),
  ]);
  context.chain.participant = ((address: Address) => ({ descriptor: descriptors.get(address) })) as never;
  const began = performance.now();
  const naming = context.namesOf([ONE, ...strangers]);
  expect(await context.store.get(digests[1] as Hex)).toEqual(object);
  expect(performance.now() - began).toBeLessThan(1000);
  expect((await naming).get(ONE)).toBe("Hospital");
  expect(performance.now() - began).toBeLessThan(8000);
  // What is being fetched already is not asked for again.
  const before = asked;
  expect(await context.nameOf(ONE)).toBe("Hospital");
  expect(asked).toBe(before);
}, 20_000);
