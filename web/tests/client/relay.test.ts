/** Several relayers: the next is asked when one refuses for its own reasons, and none when the contracts refuse. */

import { describe, expect, test } from "vitest";
import type { Fetch } from "../../src/chain/rpc";
import { Relayers } from "../../src/client/relay";

const CALL = { to: "0x1111111111111111111111111111111111111111", data: "0x01", name: "revokeWithSig" } as const;
const HASH = `0x${"ab".repeat(32)}`;
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
    expect(await new Relayers(urls, fetch).send([CALL])).toEqual(DONE);
    expect(asked.at(-1)).toBe("https://good.invalid/relay/v1/acts?wait=20");
    expect(asked[1]).toContain("https://down.invalid/relay/v1/acts");
  });

  test("a refusal by the contracts is everybody's", async () => {
    const { fetch, asked } = answering({
      "one.invalid": problem(409, { title: "Refused", error: "GrantNotActive", values: { status: 3, grantor: "0x1" } }),
      "two.invalid": () => Response.json(DONE),
    });
    const relayers = new Relayers(["https://one.invalid/", "https://two.invalid/"], fetch);
    await expect(relayers.send([CALL])).rejects.toMatchObject({ code: "GrantNotActive", values: { status: 3 } });
    expect(asked).toHaveLength(1);
  });

  test("an act that waits is asked about until it is done", async () => {
    let turn = 0;
    const states = ["accepted", "pending", "confirmed"];
    const { fetch } = answering({
      "one.invalid": () => Response.json({ ...DONE, status: states[turn++], transaction: turn > 1 ? HASH : null }),
    });
    const seen: (string | null)[] = [];
    await new Relayers(["https://one.invalid/"], fetch).send([CALL], ({ transaction }) => seen.push(transaction));
    expect(seen).toEqual([null, HASH]);
  });

  test("when all refuse, it says so with their reasons", async () => {
    const { fetch } = answering({ "one.invalid": problem(503, { title: "No ether" }) });
    await expect(new Relayers(["https://one.invalid/"], fetch).send([CALL])).rejects.toMatchObject({
      code: "RelayersRefuse",
      values: { reason: "No ether" },
    });
  });
});
