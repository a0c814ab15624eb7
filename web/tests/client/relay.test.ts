/** Several relayers: the next is asked when one refuses, whatever it says why; and none is believed that it is done. */

import { describe, expect, test } from "vitest";
import { Contracts } from "../../src/chain/contracts";
import { type Fetch, RpcError } from "../../src/chain/rpc";
import { relay } from "../../src/client/acts";
import type { NetworkConfig } from "../../src/client/api";
import { type Relayed, Relayers } from "../../src/client/relay";

const CALL = { to: "0x1111111111111111111111111111111111111111", data: "0x01", name: "revokeWithSig" } as const;
const HASH = `0x${"ab".repeat(32)}`;
const OTHER = `0x${"cd".repeat(32)}`;
const believed = async (relayed: Relayed) => relayed;
const silent = () => {};
const DONE = { id: "1", status: "confirmed", transaction: HASH };

function answering(answers: Record<string, () => Response | Promise<Response>>): { fetch: Fetch; asked: string[] } {
  const asked: string[] = [];
  const fetch: Fetch = async (url) => {
    asked.push(url);
    const host = new URL(url).host;
    return (answers[host] as () => Response)();
  };
  return { fetch, asked };
}

function problem(status: number, document: object): () => Response {
  return () => Response.json(document, { status });
}

describe("relayers", () => {
  test("the next one is tried when one is spent, down or talks nonsense", async () => {
    const { fetch, asked } = answering({
      "spent.invalid": problem(429, { title: "The budget is spent" }),
      "down.invalid": () => Promise.reject(new TypeError("fetch failed")) as never,
      "odd.invalid": () => Response.json({ id: 7 }),
      "good.invalid": () => Response.json(DONE, { status: 202 }),
    });
    const urls = [
      "https://spent.invalid/",
      "https://down.invalid/relay",
      "https://odd.invalid/",
      "https://good.invalid/relay/",
    ];
    expect(await new Relayers(urls, fetch).send([CALL], silent, believed)).toEqual(DONE);
    expect(asked.at(-1)).toBe("https://good.invalid/relay/v1/acts?wait=20");
    expect(asked[1]).toContain("https://down.invalid/relay/v1/acts");
  });

  test("when one says that the contracts refuse, the next is asked all the same", async () => {
    const refusing = problem(409, { title: "Refused", error: "GrantNotActive", values: { status: 3, grantor: "0x1" } });
    const { fetch, asked } = answering({ "one.invalid": refusing, "two.invalid": () => Response.json(DONE) });
    const relayers = new Relayers(["https://one.invalid/", "https://two.invalid/"], fetch);
    expect(await relayers.send([CALL], silent, believed)).toEqual(DONE);
    expect(asked).toHaveLength(2);
    const alone = new Relayers(["https://one.invalid/"], fetch);
    await expect(alone.send([CALL], silent, believed)).rejects.toMatchObject({
      code: "GrantNotActive",
      values: { status: 3 },
    });
  });

  test("an act that waits is asked about until it is done", async () => {
    let turn = 0;
    const states = ["accepted", "pending", "confirmed"];
    const { fetch } = answering({
      "one.invalid": () => Response.json({ ...DONE, status: states[turn++], transaction: turn > 1 ? HASH : null }),
    });
    const seen: (string | null)[] = [];
    await new Relayers(["https://one.invalid/"], fetch).send(
      [CALL],
      ({ transaction }) => seen.push(transaction),
      believed,
    );
    expect(seen).toEqual([null, HASH]);
  });

  test("when all refuse, it says so with their reasons", async () => {
    const { fetch } = answering({ "one.invalid": problem(503, { title: "No ether" }) });
    await expect(new Relayers(["https://one.invalid/"], fetch).send([CALL], silent, believed)).rejects.toMatchObject({
      code: "RelayersRefuse",
      values: { reason: "No ether" },
    });
  });
});

/** A chain that has two transactions: the call, and some other one that went well too. */
function chain(refuses: () => boolean = () => false) {
  const sent: Record<string, unknown> = {
    [HASH]: { to: CALL.to, input: CALL.data },
    [OTHER]: { to: CALL.to, input: "0x02" },
  };
  const request = async (method: string, [what]: readonly unknown[]) => {
    if (method === "eth_getTransactionReceipt") return { status: "0x1", blockNumber: "0x7" };
    if (method === "eth_getTransactionByHash") return sent[what as string] ?? null;
    if (refuses()) throw new RpcError(3, "execution reverted", "0x");
    return "0x";
  };
  return new Contracts({ request }, {} as NetworkConfig);
}

function relayers(...answers: (() => Response)[]): Relayers {
  const hosts = Object.fromEntries(answers.map((answer, at) => [`r${at}.invalid`, answer]));
  const urls = Object.keys(hosts).map((host) => `https://${host}/`);
  return new Relayers(urls, answering(hosts).fetch);
}

describe("hostile relayers", () => {
  const honest = () => Response.json(DONE);
  const lying = () => Response.json({ ...DONE, transaction: OTHER });
  const refusing = problem(409, { title: "Refused", error: "GrantNotActive", values: {} });

  test("one that names somebody else's transaction does not pass for having withdrawn a grant", async () => {
    await expect(relay(chain(), relayers(lying), [CALL], silent)).rejects.toMatchObject({ code: "RelayersRefuse" });
    expect(await relay(chain(), relayers(lying, honest), [CALL], silent)).toEqual({ transaction: HASH, block: 7 });
  });

  test("one that says falsely that the contracts refuse keeps neither the next nor the wallet from sending", async () => {
    expect(await relay(chain(), relayers(refusing, honest), [CALL], silent)).toEqual({ transaction: HASH, block: 7 });
    // With this code the screens offer to send with the wallet.
    await expect(relay(chain(), relayers(refusing), [CALL], silent)).rejects.toMatchObject({ code: "RelayersRefuse" });
  });

  test("a refusal that the chain confirms is said as the chain says it", async () => {
    let asked = 0;
    const moved = chain(() => asked++ > 0);
    await expect(relay(moved, relayers(refusing), [CALL], silent)).rejects.toMatchObject({ code: "UnknownRevert" });
  });
});
