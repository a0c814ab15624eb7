/** What the page does, the SDK sees: acceptance, sharing, revoking with a change of keys, in both modes. */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ActState, Address, Hex, PatientClient, Proposal, ShareRequest } from "../../src/client/api";
import { announce, Network, TestWallet, unlocked } from "./network";

interface Wallet {
  key: Hex;
  address: Address;
}
interface Standing {
  relationships: { subject: Address; provider: Address; open: boolean }[];
  grants: { id: Hex; state: string; viewer: Address; statement: string; classes: string[] }[];
  ok: boolean;
}

let network: Network;

beforeAll(async () => {
  network = await Network.start();
}, 60_000);

afterAll(async () => {
  await network?.stop();
});

function request(viewer: Address, changes: Partial<ShareRequest> = {}): ShareRequest {
  return {
    viewer,
    classes: [3],
    purposes: ["TREAT"],
    operations: ["READ"],
    startsAt: null,
    expiresAt: null,
    recordsFrom: null,
    recordsUntil: null,
    delegations: 0,
    agent: null,
    subject: null,
    language: "en",
    ...changes,
  };
}

async function done(proposal: Promise<Proposal>): Promise<Extract<ActState, { kind: "confirmed" }>> {
  const states: ActState[] = [];
  const state = await (await proposal).submit((one) => states.push(one));
  if (state.kind !== "confirmed") throw state.kind === "failed" ? state.error : new Error(state.kind);
  expect(states[0]).toEqual({ kind: "signing" });
  expect(states.at(-1)).toEqual(state);
  return state;
}

async function admitted(client: PatientClient, who = "hospital"): Promise<Address> {
  const { address } = await client.nextSubject();
  const invitation = await network.call("invite", [address], { who });
  await done(client.accept(JSON.stringify(invitation)));
  return address;
}

/** The class of the observations that the test's providers publish. */
async function laboratory(client: PatientClient): Promise<number> {
  return client.classes.find((one) => one.code === "laboratory")?.number as number;
}

describe.each(["private", "wallet"] as const)("in %s mode", (mode) => {
  let wallet: Wallet;
  let client: PatientClient;
  let subject: Address;
  const named = { wallet_mode: mode === "wallet" };

  beforeAll(async () => {
    wallet = await network.do<Wallet>("wallet", mode === "wallet" ? 10 : 0);
    ({ client } = await unlocked(network, wallet.key, mode));
    subject = await admitted(client);
  }, 60_000);

  afterAll(() => client?.lock());

  test("an accepted invitation opens the relationship, and the provider can write", async () => {
    expect(subject === wallet.address).toBe(mode === "wallet");
    await network.do("publish", subject, "first", "2020-03-04");
    const summary = await client.refresh();
    expect(summary.verification.faults).toEqual([]);
    expect(client.records().map((record) => record.resource.id)).toEqual(["first"]);
    const standing = await network.call<Standing>("standing", [wallet.key], named);
    expect(standing.relationships).toMatchObject([{ subject, provider: network.about.hospital, open: true }]);
  });

  test("what is shared the viewer reads, within its dates and no further", async () => {
    await network.do("publish", subject, "summer", "2021-06-15");
    await network.do("publish", subject, "winter", "2021-12-15");
    await client.refresh();
    const classes = [await laboratory(client)];
    const proposal = await client.share(request(network.about.clinic, { classes, recordsFrom: "2021-07-01", subject }));
    const terms = proposal.typedData.message.terms as { statement: string };
    expect(proposal.sentence).toBe(terms.statement);
    expect(proposal.signer).toBe(mode === "wallet" ? "wallet" : "page");
    const { grant } = await done(Promise.resolve(proposal));
    expect(await network.do("read", subject)).toEqual(["winter"]);
    const summary = await client.refresh();
    expect(summary.grants).toMatchObject([
      { id: grant, state: "active", viewerName: "Clinic", statement: terms.statement },
    ]);
    const standing = await network.call<Standing>("standing", [wallet.key], named);
    expect(standing.grants).toMatchObject([{ id: grant, state: "active", statement: terms.statement }]);
    expect(standing.ok).toBe(true);
  });

  test("after a revocation what is published later stays shut for that viewer, and open for the others", async () => {
    const classes = [await laboratory(client)];
    const { grant } = await done(client.share(request(network.about.relative, { classes, subject })));
    await done(client.revoke(grant as Hex));
    const [digest] = await network.do<Hex[]>("publish", subject, "after", "2022-01-01");
    expect(await network.do("can_open", subject, digest)).toBe(false);
    expect(await network.do<string[]>("read", subject)).toContain("after");
    const summary = await client.refresh();
    expect(summary.verification.faults).toEqual([]);
    expect(client.records().map((record) => record.resource.id)).toContain("after");
    const standing = await network.call<Standing>("standing", [wallet.key], named);
    expect(standing.grants.map((one) => one.state).sort()).toEqual(["active", "revoked"]);
    expect(standing.ok).toBe(true);
  });

  test("a grant is suspended and resumed", async () => {
    const summary = await client.refresh();
    const grant = summary.grants.find((one) => one.state === "active")?.id as Hex;
    await done(client.suspend(grant));
    expect((await client.refresh()).grants.find((one) => one.id === grant)?.state).toBe("suspended");
    await done(client.resume(grant));
    expect((await client.refresh()).grants.find((one) => one.id === grant)?.state).toBe("active");
  });

  test("a delegate is named until the first of a month, and dismissed", async () => {
    const until = Date.UTC(2044, 4, 17) / 1000;
    await done(client.nameDelegate(network.about.relative, until, subject));
    const summary = await client.refresh();
    expect(summary.delegates).toMatchObject([
      {
        subject,
        delegate: network.about.relative,
        name: "Relative",
        expiresAt: Date.UTC(2044, 4, 1) / 1000,
        isActive: true,
      },
    ]);
    await done(client.dismissDelegate(network.about.relative, subject));
    expect((await client.refresh()).delegates).toMatchObject([{ isActive: false }]);
  });

  test("a closed relationship takes no more, and what was written stays readable", async () => {
    const before = client.records().length;
    const [relationship] = (await client.refresh()).relationships;
    if (!relationship) throw new Error("no relationship");
    await done(client.close(relationship));
    await expect(network.do("publish", subject, "late", "2024-01-01")).rejects.toThrow("no open relationship");
    const summary = await client.refresh();
    expect(summary.relationships[0]?.closedAt).not.toBeNull();
    expect(client.records()).toHaveLength(before);
  });
});

describe("consent", () => {
  test("an invitation for somebody else is refused, and a forged one too", async () => {
    const [mine, theirs] = [await network.do<Wallet>("wallet"), await network.do<Wallet>("wallet")];
    const { client } = await unlocked(network, mine.key);
    const invitation = await network.do<Record<string, unknown>>("invite", theirs.address);
    for (const said of [client.readInvitation(JSON.stringify(invitation)), client.accept(JSON.stringify(invitation))]) {
      await expect(said).rejects.toMatchObject({ code: "InvitationNotYours" });
    }
    const forged = { ...invitation, number: 2 };
    await expect(client.readInvitation(JSON.stringify(forged))).rejects.toMatchObject({ code: "InvalidSignature" });
    await expect(client.readInvitation("{}")).rejects.toMatchObject({ code: "InvitationInvalid" });
    client.lock();
  });

  test("a link carries an invitation behind its #", async () => {
    const wallet = await network.do<Wallet>("wallet");
    const { client } = await unlocked(network, wallet.key);
    const { address } = await client.nextSubject();
    const invitation = await network.do("invite", address);
    const carried = Buffer.from(JSON.stringify(invitation)).toString("base64url");
    const view = await client.readInvitation(`https://page.invalid/#/invite?invitation=${carried}`);
    expect(view).toMatchObject({ subject: address, providerName: "Hospital", isAccredited: true });
    client.lock();
  });

  test("two relationships of one person share no address", async () => {
    const wallet = await network.do<Wallet>("wallet");
    const { client } = await unlocked(network, wallet.key);
    const first = await admitted(client);
    const second = await admitted(client, "laboratory");
    expect(first).not.toBe(second);
    const summary = await client.refresh();
    expect(summary.relationships.map((one) => one.subject)).toEqual([first, second]);
    // With records under two addresses a grant has to name one.
    await expect(client.share(request(network.about.clinic))).rejects.toMatchObject({ code: "GrantSubjectUnclear" });
    client.lock();
  });

  test("a declined signature leaves nothing on chain and nothing in the store; the same proposal can be signed later", async () => {
    const wallet = await network.do<Wallet>("wallet", 10);
    const { client, wallet: provider } = await unlocked(network, wallet.key, "wallet");
    await admitted(client);
    await client.refresh();
    const proposal = await client.share(request(network.about.clinic));
    provider.refuses.add("eth_signTypedData_v4");
    const posts: string[] = [];
    const original = globalThis.fetch;
    globalThis.fetch = async (input, init) => {
      if (String(input).endsWith("/objects")) posts.push(String(input));
      return original(input, init);
    };
    try {
      const refused = await proposal.submit();
      expect(refused).toMatchObject({ kind: "failed", error: { code: "SigningDeclined" } });
      expect(posts).toEqual([]);
      expect((await client.refresh()).grants).toEqual([]);
      provider.refuses.clear();
      expect(await proposal.submit()).toMatchObject({ kind: "confirmed" });
      expect(posts.length).toBeGreaterThan(0);
      expect(await proposal.submit()).toMatchObject({ kind: "confirmed" });
      expect((await client.refresh()).grants).toHaveLength(1);
    } finally {
      globalThis.fetch = original;
      client.lock();
    }
  });

  test("a viewer without a key, a grant without classes and one that ends before it begins are refused in words", async () => {
    const wallet = await network.do<Wallet>("wallet");
    const stranger = await network.do<Wallet>("wallet");
    const { client } = await unlocked(network, wallet.key);
    await admitted(client);
    await expect(client.share(request(stranger.address))).rejects.toMatchObject({ code: "NoParticipantKey" });
    await expect(client.share(request(network.about.clinic, { classes: [] }))).rejects.toMatchObject({
      code: "GrantEmpty",
    });
    await expect(client.share(request(network.about.clinic, { expiresAt: 1 }))).rejects.toMatchObject({
      code: "GrantEndsBeforeItBegins",
    });
    await expect(client.share(request("0x12" as Address))).rejects.toMatchObject({ code: "AddressInvalid" });
    client.lock();
  });

  test("participants are found by address and by name, those vouched for first", async () => {
    const wallet = await network.do<Wallet>("wallet");
    const { client } = await unlocked(network, wallet.key);
    expect(await client.find("hosp")).toMatchObject([
      { address: network.about.hospital, name: "Hospital", isAccredited: true },
    ]);
    expect(await client.find(`ethereum:${network.about.clinic}`)).toMatchObject([{ name: "Clinic", hasKey: true }]);
    expect(await client.find("nobody by that name")).toEqual([]);
    client.lock();
  });
});

describe("when relayers refuse", () => {
  test("the wallet itself sends the signed act", async () => {
    const wallet = await network.do<Wallet>("wallet", 10);
    const { client, wallet: provider } = await unlocked(network, wallet.key);
    const { address } = await client.nextSubject();
    const proposal = await client.accept(JSON.stringify(await network.do("invite", address)));
    const original = globalThis.fetch;
    globalThis.fetch = async (input, init) =>
      String(input).includes("/relay/")
        ? Response.json({ title: "The budget is spent", status: 429 }, { status: 429 })
        : original(input, init);
    try {
      expect(await proposal.submit()).toMatchObject({ kind: "failed", error: { code: "RelayersRefuse" } });
      const states: ActState[] = [];
      expect(await client.sendWithWallet(proposal)).toMatchObject({ kind: "confirmed" });
      expect(provider.requests).toContain("eth_sendTransaction");
      expect(states).toEqual([]);
    } finally {
      globalThis.fetch = original;
      client.lock();
    }
  });

  test("a refusal by the contracts is said by its name", async () => {
    const wallet = await network.do<Wallet>("wallet");
    const { client } = await unlocked(network, wallet.key);
    const { address } = await client.nextSubject();
    const invitation = await network.do("invite", address);
    const [one, other] = [
      await client.accept(JSON.stringify(invitation)),
      await client.accept(JSON.stringify(invitation)),
    ];
    expect(await one.submit()).toMatchObject({ kind: "confirmed" });
    expect(await other.submit()).toMatchObject({ kind: "failed", error: { code: "RelationshipAlreadyOpen" } });
    client.lock();
  });
});

describe("guardians", () => {
  test("two of three bring the records of a lost wallet to a new one; one alone does not, and a life sign vetoes", async () => {
    const lost = await network.do<Wallet>("wallet");
    const { client } = await unlocked(network, lost.key);
    const subject = await admitted(client);
    await network.do("publish", subject, "kept", "2020-01-01");
    const guardians = network.about.guardians.map((address, at) => ({ address, name: `Friend ${at + 1}` }));
    await done(client.appointGuardians(guardians, 2, 86_400, 0));
    const plan = (await client.refresh()).guardians;
    expect(plan).toMatchObject({ threshold: 2, notice: 86_400, silence: 0, announcement: null });
    expect(plan?.guardians).toEqual(guardians);
    const owner = plan?.owner as Address;
    expect(await network.do("wards", 0)).toMatchObject([{ owner, threshold: 2 }]);

    const fresh = await network.do<Wallet>("wallet");
    const wallets = await announce(network, new TestWallet(fresh.key, network.about));
    const recovery = await wallets.recovery();
    expect(await recovery.register()).toMatchObject({ kind: "confirmed" });
    // Anvil's blocks run ahead of its clock when several are made within a second.
    await network.do("pass_time", 60);
    await network.do("announce", 0, owner, fresh.address);
    expect((await client.refresh()).guardians?.announcement).toMatchObject({ heir: fresh.address });
    await done(client.giveLifeSign());
    expect((await client.refresh()).guardians?.announcement).toBeNull();
    expect(await recovery.status()).toMatchObject([{ owner, isVetoed: true, isOpen: false }]);

    await network.do("pass_time", 60);
    await network.do("announce", 1, owner, fresh.address);
    expect(await recovery.status()).toMatchObject([{ owner, isVetoed: false, isOpen: false, sharesReleased: 0 }]);
    await network.do("pass_time", 86_401);
    await network.do("release", 0, owner, fresh.address);
    expect(await recovery.status()).toMatchObject([{ isOpen: true, sharesReleased: 1, threshold: 2 }]);
    await expect(recovery.complete(owner)).rejects.toMatchObject({ code: "TooFewShares" });
    await network.do("release", 2, owner, fresh.address);
    const taken = await recovery.complete(owner);
    const summary = await taken.refresh();
    expect(summary.subjects).toContain(subject);
    expect(taken.records().map((record) => record.resource.id)).toEqual(["kept"]);
    expect(summary.verification.faults).toEqual([]);
    taken.lock();
    client.lock();

    // A new device needs nothing but the new wallet; the SDK finds the same.
    const again = await unlocked(network, fresh.key);
    await again.client.refresh();
    expect(again.client.records().map((record) => record.resource.id)).toEqual(["kept"]);
    again.client.lock();
    const records = await network.do<{ digest: Hex }[]>("records", fresh.key);
    expect(records).toHaveLength(1);
  }, 60_000);
});
