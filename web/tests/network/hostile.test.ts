/** Whoever serves the page, sees its records or holds its device means harm: what they get out of it. */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ActState, Address, Hex, PatientClient, Proposal, ShareRequest } from "../../src/client/api";
import { ParticipantKey } from "../../src/crypto/hpke";
import { Secret } from "../../src/crypto/secret";
import { announce, Network, TestWallet, unlocked } from "./network";

interface Wallet {
  key: Hex;
  address: Address;
}

let network: Network;

beforeAll(async () => {
  network = await Network.start();
}, 60_000);

afterAll(async () => {
  await network?.stop();
});

/** Runs something while a server on the way answers as it likes. */
async function between<T>(
  intercept: (url: string, init: RequestInit | undefined, answer: () => Promise<Response>) => Promise<Response>,
  run: () => Promise<T>,
): Promise<T> {
  const original = globalThis.fetch;
  globalThis.fetch = (input, init) => intercept(String(input), init, () => original(input, init));
  try {
    return await run();
  } finally {
    globalThis.fetch = original;
  }
}

function request(viewer: Address, code: string, client: PatientClient, subject: Address): ShareRequest {
  return {
    viewer,
    classes: [client.classes.find((one) => one.code === code)?.number as number],
    purposes: ["TREAT"],
    operations: ["READ"],
    startsAt: null,
    expiresAt: null,
    recordsFrom: null,
    recordsUntil: null,
    delegations: 0,
    agent: null,
    subject,
    language: "en",
  };
}

async function done(proposal: Promise<Proposal>): Promise<Extract<ActState, { kind: "confirmed" }>> {
  const state = await (await proposal).submit();
  if (state.kind !== "confirmed") throw state.kind === "failed" ? state.error : new Error(state.kind);
  return state;
}

async function patient(): Promise<{ wallet: Wallet; client: PatientClient; subject: Address }> {
  const wallet = await network.do<Wallet>("wallet");
  const { client } = await unlocked(network, wallet.key);
  const { address: subject } = await client.nextSubject();
  await done(client.accept(JSON.stringify(await network.call("invite", [subject], {}))));
  return { wallet, client, subject };
}

describe("a hostile gateway", () => {
  test("that withholds a change of keys for a while gives no viewer a key of what is written after it was shut out", async () => {
    const { wallet, client, subject } = await patient();
    const { grant } = await done(client.share(request(network.about.clinic, "medications", client, subject)));
    const letters: string[] = [];
    await between(
      async (url, init, answer) => {
        const response = await answer();
        if (init?.method === "POST" && url.endsWith("/objects")) {
          letters.push(((await response.clone().json()) as { cid: string }).cid);
        }
        return response;
      },
      () => done(client.revoke(grant as Hex)),
    );
    expect(letters).toHaveLength(1);
    client.lock();

    const second = (await unlocked(network, wallet.key)).client;
    // By the digest alone: the codec in front of it is tried both ways.
    const shared = await between(
      async (url, _, answer) =>
        letters.some((cid) => url.includes(cid.slice(9))) ? new Response(null, { status: 404 }) : answer(),
      () => done(second.share(request(network.about.relative, "laboratory", second, subject))),
    );
    second.lock();

    const third = (await unlocked(network, wallet.key)).client;
    const [before] = await network.do<Hex[]>("publish", subject, "before", "2022-01-01");
    expect(await network.do("can_open", subject, before)).toBe(true);
    await done(third.revoke(shared.grant as Hex));
    const [after] = await network.do<Hex[]>("publish", subject, "after", "2022-01-02");
    expect(await network.do("can_open", subject, after)).toBe(false);
    third.lock();
  }, 60_000);
});

/** Everything that can be reached from a value: what somebody finds who looks through a page's memory. */
function reachable(from: unknown): Set<unknown> {
  const seen = new Set<unknown>();
  const waiting = [from];
  while (waiting.length) {
    const value = waiting.pop();
    if (value === null || (typeof value !== "object" && typeof value !== "string") || seen.has(value)) continue;
    seen.add(value);
    if (typeof value === "string" || ArrayBuffer.isView(value)) continue;
    if (value instanceof Map) waiting.push(...value.keys(), ...value.values());
    else if (value instanceof Set) waiting.push(...value);
    waiting.push(...Object.values(value));
  }
  return seen;
}

/** What is still of use: keys that were not overwritten, key pairs, and words of records. */
function found(from: unknown, words: string): unknown[] {
  return [...reachable(from)].filter((value) => {
    if (typeof value === "string") return value.includes(words);
    if (value instanceof ParticipantKey) return true;
    if (!(value instanceof Secret)) return false;
    try {
      value.reveal();
      return true;
    } catch {
      return false;
    }
  });
}

describe("a thief of the device", () => {
  test("finds no key and no record behind what was locked", async () => {
    const { wallet, client: first, subject } = await patient();
    await network.do("publish", subject, "telltale", "2022-01-01");
    await done(first.share(request(network.about.clinic, "laboratory", first, subject)));
    const { grant } = await done(first.share(request(network.about.relative, "laboratory", first, subject)));
    await done(first.revoke(grant as Hex));
    first.lock();
    const { wallets, client } = await unlocked(network, wallet.key);
    await client.refresh();
    const proposal = await client.share(request(network.about.relative, "laboratory", client, subject));
    expect(found([client, wallets, proposal], "telltale").length).toBeGreaterThan(10);
    const secrets = [...reachable([client, wallets, proposal])].filter((value) => value instanceof Secret);
    client.lock();
    expect(found([client, wallets, proposal, secrets], "telltale")).toEqual([]);
    expect(await proposal.submit()).toMatchObject({ kind: "failed", error: { code: "Locked" } });
  }, 60_000);

  test("finds nothing of a reading that was under way", async () => {
    const { wallet, client: first, subject } = await patient();
    await network.do("publish", subject, "telltale", "2022-01-01");
    first.lock();
    const { wallets, client } = await unlocked(network, wallet.key);
    await expect(
      between(
        async (url, _, answer) => {
          const response = await answer();
          if (url.includes("/ipfs/")) client.lock();
          return response;
        },
        () => client.refresh(),
      ),
    ).rejects.toMatchObject({ code: "Locked" });
    expect(found([client, wallets], "telltale")).toEqual([]);
  }, 60_000);

  test("finds no root behind a recovery that was given up", async () => {
    const fresh = await network.do<Wallet>("wallet");
    const wallet = new TestWallet(fresh.key, network.about);
    for (const give of ["disconnect", "another account"] as const) {
      const wallets = await announce(network, wallet);
      const recovery = await wallets.recovery();
      expect(found([wallets, recovery], "telltale").length).toBeGreaterThan(0);
      if (give === "disconnect") wallets.disconnect();
      else wallet.emit("accountsChanged", [network.about.clinic]);
      expect(found([wallets, recovery], "telltale")).toEqual([]);
      await expect(recovery.status()).rejects.toMatchObject({ code: "Locked" });
    }
  }, 60_000);

  test("gets no page of one account while the wallet shows another", async () => {
    const known = await patient();
    known.client.lock();
    const wallet = new TestWallet(known.wallet.key, network.about);
    const wallets = await announce(network, wallet);
    let changed = 0;
    const unlocking = between(
      async (_, __, answer) => {
        // After the signature, while the page still reads.
        if (wallet.requests.includes("eth_signTypedData_v4") && !changed++) {
          wallet.emit("accountsChanged", [network.about.clinic]);
        }
        return answer();
      },
      () => wallets.unlock("private").then(() => "unlocked"),
    );
    await expect(unlocking).rejects.toMatchObject({ code: "WalletChanged" });
  }, 60_000);
});
