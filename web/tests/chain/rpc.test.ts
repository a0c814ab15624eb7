/** Asking a node: batches, errors, servers that don't answer, and logs that a server gives in small pieces only. */

import { toEventSelector } from "viem";
import { describe, expect, test } from "vitest";
import { Contracts } from "../../src/chain/contracts";
import { Log } from "../../src/chain/log";
import { type Fetch, type Node, Rpc, RpcError } from "../../src/chain/rpc";
import type { NetworkConfig } from "../../src/client/api";

const HASH = (number: number) => `0x${number.toString(16).padStart(64, "0")}`;
const ADDRESS = (digit: string) => `0x${digit.repeat(40)}` as `0x${string}`;
const CONFIG: NetworkConfig = {
  chainId: 1,
  chainName: "Chain",
  rpc: "https://node.invalid/",
  ipfs: "https://gateway.invalid/ipfs/",
  objects: null,
  relay: [],
  contracts: { medrec: ADDRESS("1"), registrar: ADDRESS("2"), guardianship: ADDRESS("3"), emergency: ADDRESS("4") },
  startBlock: 0,
  vocabulary: HASH(0) as `0x${string}`,
};

interface Request {
  id: number;
  method: string;
  params: unknown[];
}

function server(answer: (request: Request) => object): { fetch: Fetch; bodies: (Request | Request[])[] } {
  const bodies: (Request | Request[])[] = [];
  const fetch: Fetch = async (_, init) => {
    const body = JSON.parse(String(init?.body));
    bodies.push(body);
    const one = (request: Request) => ({ jsonrpc: "2.0", id: request.id, ...answer(request) });
    return Response.json(Array.isArray(body) ? body.map(one).reverse() : one(body));
  };
  return { fetch, bodies };
}

describe("asking", () => {
  test("what is asked in one turn travels together, and each gets its own answer", async () => {
    const { fetch, bodies } = server(({ params }) => ({ result: params[0] }));
    const rpc = new Rpc("https://node.invalid/", fetch);
    const asked = Array.from({ length: 120 }, (_, at) => rpc.request("echo", [at]));
    expect(await Promise.all(asked)).toEqual(Array.from({ length: 120 }, (_, at) => at));
    expect(bodies.map((body) => (Array.isArray(body) ? body.length : 1))).toEqual([50, 50, 20]);
    await rpc.request("echo", [1]);
    expect(Array.isArray(bodies.at(-1))).toBe(false);
  });

  test("one error among several answers is that one's alone", async () => {
    const { fetch } = server(({ params }) =>
      params[0] === 1 ? { error: { code: 3, message: "no", data: "0x" } } : { result: 0 },
    );
    const rpc = new Rpc("https://node.invalid/", fetch);
    const [first, second] = await Promise.allSettled([rpc.request("x", [0]), rpc.request("x", [1])]);
    expect(first).toEqual({ status: "fulfilled", value: 0 });
    expect(second.status === "rejected" && second.reason).toBeInstanceOf(RpcError);
  });

  test("a server that gives no JSON, half the answers or nothing is unavailable", async () => {
    const answers: Fetch[] = [
      async () => new Response("<html>", { status: 502 }),
      async () => Response.json([]),
      async () => Promise.reject(new TypeError("fetch failed")),
      async () => Response.json({ id: 0 }),
    ];
    for (const fetch of answers) {
      const rpc = new Rpc("https://node.invalid/", fetch);
      const asked = await Promise.allSettled([rpc.request("a"), rpc.request("b")]);
      for (const one of asked) expect(one).toMatchObject({ status: "rejected", reason: { code: "ChainUnavailable" } });
    }
  });
});

/** A chain of empty blocks whose server gives so many of them at once. */
class Blocks implements Node {
  ranges: [number, number][] = [];
  replacedFrom = Number.POSITIVE_INFINITY;

  constructor(
    readonly most: number,
    public height: number,
  ) {}

  async request(method: string, params: readonly unknown[]): Promise<unknown> {
    if (method === "eth_getBlockByNumber") {
      const number = params[0] === "latest" ? this.height : Number(params[0]);
      if (number > this.height) return null;
      const hash = HASH(number >= this.replacedFrom ? number + 1_000_000 : number);
      return { number: `0x${number.toString(16)}`, hash, timestamp: "0x1" };
    }
    const { fromBlock, toBlock } = params[0] as { fromBlock: string; toBlock: string };
    const [from, to] = [Number(fromBlock), Number(toBlock)];
    if (to - from + 1 > this.most) throw new RpcError(-32005, "query returned more than 10000 results", undefined);
    this.ranges.push([from, to]);
    return [];
  }
}

describe("the log", () => {
  test("is read in whatever pieces the server gives, each block once", async () => {
    const node = new Blocks(100, 5000);
    const log = new Log(new Contracts(node, CONFIG), CONFIG);
    await log.sync();
    const covered = node.ranges.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, at) => from + at));
    expect(covered).toEqual(Array.from({ length: 5001 }, (_, at) => at));
  });

  test("is followed from where it ended, and read again behind a replaced block", async () => {
    const node = new Blocks(10_000, 1000);
    const log = new Log(new Contracts(node, CONFIG), CONFIG);
    await log.sync();
    node.ranges = [];
    await log.sync();
    expect(node.ranges).toEqual([]);
    node.height = 1010;
    await log.sync();
    expect(node.ranges).toEqual([[1001, 1010]]);
    node.ranges = [];
    node.replacedFrom = 1005;
    node.height = 1012;
    await log.sync();
    expect(node.ranges[0]?.[0]).toBeLessThanOrEqual(1005);
    expect(node.ranges.at(-1)?.[1]).toBe(1012);
  });

  test("a node that is broken for good is not asked for ever", async () => {
    const node = new Blocks(0, 100);
    await expect(new Log(new Contracts(node, CONFIG), CONFIG).sync()).rejects.toBeInstanceOf(RpcError);
  });

  test("a server that gives events of other contracts is not believed", async () => {
    const node = new Blocks(1000, 10);
    const honest = node.request.bind(node);
    node.request = async (method, params) =>
      method === "eth_getLogs"
        ? [
            {
              address: ADDRESS("9"),
              topics: [toEventSelector("AccreditationWithdrawn(address)"), HASH(7)],
              data: "0x",
              blockNumber: "0x1",
              blockHash: HASH(1),
              logIndex: "0x0",
              transactionHash: HASH(2),
            },
          ]
        : honest(method, params);
    await expect(new Log(new Contracts(node, CONFIG), CONFIG).sync()).rejects.toMatchObject({
      code: "ChainInconsistent",
    });
  });
});
