/** Whoever serves the page, sees its records or holds its device means harm: what they get out of it. */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ActState, Address, Hex, PatientClient, Proposal, ShareRequest } from "../../src/client/api";
import { Network, unlocked } from "./network";

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
