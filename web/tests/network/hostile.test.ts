/** Whoever serves the page, sees its records or holds its device means harm: what they get out of it. */

import { toEventSelector } from "viem";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type {
  ActState,
  Address,
  GuardianPlan,
  Hex,
  PatientClient,
  Proposal,
  ShareRequest,
  Summary,
} from "../../src/client/api";
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

/** Leaves logs out of what a node answers. */
function hiding(isHidden: (log: { topics: Hex[] }) => boolean) {
  return async (_: string, init: RequestInit | undefined, answer: () => Promise<Response>): Promise<Response> => {
    if (!String(init?.body).includes("eth_getLogs")) return answer();
    const answered = (await (await answer()).json()) as { result: unknown } | { result: unknown }[];
    for (const one of [answered].flat()) {
      if (Array.isArray(one.result)) one.result = one.result.filter((log) => !log.topics || !isHidden(log));
    }
    return Response.json(answered);
  };
}

function naming(event: string) {
  const topic = toEventSelector(event);
  return hiding((log) => log.topics[0] === topic);
}

const PLAN_SET = "PlanSet(address,bytes32,uint32,uint32,bytes32,uint32)";
const ANNOUNCED = "RecoveryAnnounced(address,address,address,uint64)";

describe("a hostile node", () => {
  async function guarded() {
    const one = await patient();
    const guardians = network.about.guardians.map((address) => ({ address, name: "" }));
    await done(one.client.appointGuardians(guardians, 2, 86_400, 0));
    const plan = (await one.client.refresh()).guardians as GuardianPlan;
    one.client.lock();
    await network.do("pass_time", 2);
    return { ...one, owner: plan.owner };
  }

  /** What a device shows that sees the chain through somebody else's eyes. */
  async function seen(key: Hex, through: ReturnType<typeof hiding>) {
    return between(through, async () => {
      const { client } = await unlocked(network, key);
      const summary = await client.refresh();
      client.lock();
      return summary;
    });
  }
  const codes = (summary: Summary) => summary.verification.faults.map(({ code }) => code);

  test("that hides an announcement, or the whole plan, can't hide that somebody takes over", async () => {
    const { wallet, owner } = await guarded();
    await network.do("announce", 0, owner, network.about.clinic);
    const whole = await seen(wallet.key, naming(ANNOUNCED));
    expect(whole.guardians).toMatchObject({ owner, announcement: { heir: null } });
    for (const event of [ANNOUNCED, PLAN_SET]) {
      const summary = await seen(wallet.key, naming(event));
      expect(summary.guardians?.announcements).toHaveLength(1);
      expect(summary.guardians?.announcement?.opensAt).toBe(whole.guardians?.announcement?.opensAt);
      expect(codes(summary)).toEqual(["guardianship_mismatch"]);
      expect(summary.verification.ok).toBe(false);
    }
  }, 60_000);

  test("that hides the plan does not keep an act from giving the sign of life that is due", async () => {
    const { wallet, owner, subject } = await guarded();
    await network.do("announce", 0, owner, network.about.clinic);
    await between(naming(PLAN_SET), async () => {
      const { client } = await unlocked(network, wallet.key);
      await done(client.share(request(network.about.clinic, "laboratory", client, subject)));
      client.lock();
    });
    const { client } = await unlocked(network, wallet.key);
    expect((await client.refresh()).guardians?.announcements).toEqual([]);
    client.lock();
  }, 60_000);

  test("one announcement hides no other", async () => {
    const { wallet, owner } = await guarded();
    const { clinic: mine, relative: evil } = network.about;
    await network.do("announce", 0, owner, mine);
    await network.do("announce", 1, owner, evil);
    const { client } = await unlocked(network, wallet.key);
    const { guardians, verification } = await client.refresh();
    expect(guardians?.announcements.map(({ heir }) => heir)).toEqual([mine, evil]);
    expect(verification.faults).toEqual([]);
    client.lock();
  }, 60_000);

  test("that hides that a delegate was named longer, or what is prepared for emergencies, is found out", async () => {
    const { wallet, client, subject } = await patient();
    await done(client.nameDelegate(network.about.relative, Date.UTC(2040, 1, 1) / 1000, subject));
    await done(client.nameDelegate(network.about.relative, Date.UTC(2060, 1, 1) / 1000, subject));
    const classes = [client.classes.find((one) => one.code === "laboratory")?.number as number];
    await done(client.prepareEmergency(classes, network.about.guardians, 2, subject));
    expect(codes(await client.refresh())).toEqual([]);
    client.lock();
    const until = BigInt(Date.UTC(2060, 1, 1) / 1000)
      .toString(16)
      .padStart(64, "0");
    const named = toEventSelector("DelegateNamed(address,address,uint64,uint32)");
    const longer = hiding((log) => log.topics[0] === named && JSON.stringify(log).includes(until));
    expect(codes(await seen(wallet.key, longer))).toEqual(["delegation_mismatch"]);
    const prepared = naming("EmergencyPrepared(address,bytes32,bytes32,uint32)");
    expect(codes(await seen(wallet.key, prepared))).toEqual(["emergency_mismatch"]);
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

describe("a node that adds to the log", () => {
  /** Puts a log beside those that a node gives. */
  function adding(log: (model: Record<string, unknown>) => Record<string, unknown>) {
    return async (_: string, init: RequestInit | undefined, answer: () => Promise<Response>): Promise<Response> => {
      if (!String(init?.body).includes("eth_getLogs")) return answer();
      const answered = (await (await answer()).json()) as { result: unknown } | { result: unknown }[];
      for (const { result } of [answered].flat()) {
        const last = Array.isArray(result) ? result.at(-1) : null;
        if (last) (result as unknown[]).push({ ...last, logIndex: "0xffff", ...log(last) });
      }
      return Response.json(answered);
    };
  }
  const word = (value: string) => `0x${value.replace("0x", "").toLowerCase().padStart(64, "0")}`;

  test("can't have software pass for dismissed that still acts", async () => {
    const { wallet, client, subject } = await patient();
    const asked = request(network.about.clinic, "laboratory", client, subject);
    const { grant } = await done(client.share({ ...asked, agent: network.about.ward }));
    client.lock();
    const dismissed = adding(() => ({
      address: network.about.config.contracts.medrec,
      topics: [toEventSelector("AgentRevoked(address,bytes32)"), word(subject), grant],
      data: "0x",
    }));
    await between(dismissed, async () => {
      const { client: deceived } = await unlocked(network, wallet.key);
      const { verification } = await deceived.refresh();
      expect(verification.faults.map(({ code }) => code)).toEqual(["grant_mismatch"]);
      deceived.lock();
    });
    const { client: honest } = await unlocked(network, wallet.key);
    await done(honest.revokeAgent(grant as Hex));
    const summary = await honest.refresh();
    expect(summary.verification.faults).toEqual([]);
    expect(summary.grants).toMatchObject([{ id: grant, agentRevoked: true }]);
    honest.lock();
  }, 60_000);

  test("can't have somebody pass for accredited whom the registrar does not know", async () => {
    const { wallet, client } = await patient();
    client.lock();
    const accredited = adding(() => ({
      address: network.about.config.contracts.registrar,
      topics: [toEventSelector("Accredited(address,uint64,uint64,bytes32)"), word(network.about.clinic)],
      data: `${word("1")}${word("ffffffffff").slice(2)}${word("0").slice(2)}`,
    }));
    await between(accredited, async () => {
      const { client: deceived } = await unlocked(network, wallet.key);
      expect(await deceived.find(network.about.clinic)).toMatchObject([{ isAccredited: false }]);
      expect(await deceived.find(network.about.hospital)).toMatchObject([{ isAccredited: true }]);
      deceived.lock();
    });
  }, 60_000);
});

describe("a hostile provider", () => {
  test("that keeps the terms of its emergency from the patient is seen with its end, and keys change when it is over", async () => {
    const { wallet, client, subject } = await patient();
    const classes = [client.classes.find((one) => one.code === "laboratory")?.number as number];
    await done(client.prepareEmergency(classes, network.about.guardians, 2, subject));
    const { grant } = await done(client.share(request(network.about.clinic, "medications", client, subject)));
    const id = await network.do<Hex>("declare_to_itself", subject, 1);
    const shown = (await client.refresh()).grants.find((one) => one.id === id);
    expect(shown).toMatchObject({ kind: "emergency", state: "active", viewer: network.about.ward });
    expect((shown?.expiresAt as number) - (shown?.startsAt as number)).toBe(3600);
    await network.do("pass_time", 7200);
    expect((await client.refresh()).grants.find((one) => one.id === id)?.state).toBe("expired");
    await done(client.revoke(grant as Hex));
    client.lock();
    expect(await network.do("rekey", wallet.key)).toBe(0);
  }, 60_000);
});

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

describe("a patient", () => {
  test("can be neither guardian nor custodian of their own records: the threshold would be less than it says", async () => {
    const { wallet, client, subject } = await patient();
    const [first] = network.about.guardians as [Address];
    const { owner } = await (async () => {
      await done(
        client.appointGuardians(
          network.about.guardians.map((address) => ({ address, name: "" })),
          2,
          60,
          0,
        ),
      );
      return (await client.refresh()).guardians as GuardianPlan;
    })();
    for (const own of [wallet.address, owner, subject]) {
      const guardians = [first, own].map((address) => ({ address, name: "" }));
      await expect(client.appointGuardians(guardians, 2, 60, 0)).rejects.toMatchObject({ code: "InvalidInput" });
      await expect(client.prepareEmergency([3], [first, own], 2, subject)).rejects.toMatchObject({
        code: "CustodiansWrong",
      });
    }
    client.lock();
  }, 60_000);
});
