/** Accounts of every kind unlock and act: a key, a key with code, a contract; and wallets that sign anew each time. */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ActState, Address, Hex, Mode, PatientClient, Proposal } from "../../src/client/api";
import { RootKey } from "../../src/crypto/secret";
import { fromHex, toDigits } from "../../src/types/bytes";
import { readRootFile, writeRootFile } from "../../src/wallet/rootFile";
import { announce, Network, TestWallet } from "./network";

interface Wallet {
  key: Hex;
  address: Address;
}

const PASSWORD = "correct horse battery staple";
let network: Network;

beforeAll(async () => {
  network = await Network.start();
}, 60_000);

afterAll(async () => {
  await network?.stop();
});

async function done(proposal: Promise<Proposal>): Promise<Extract<ActState, { kind: "confirmed" }>> {
  const state = await (await proposal).submit();
  if (state.kind !== "confirmed") throw state.kind === "failed" ? state.error : new Error(state.kind);
  return state;
}

async function admitted(client: PatientClient): Promise<Address> {
  const { address } = await client.nextSubject();
  await done(client.accept(JSON.stringify(await network.do("invite", address))));
  return address;
}

/** Accepts, is written about, reads, shares and revokes. */
async function livesWith(client: PatientClient, name: string): Promise<Address> {
  const subject = await admitted(client);
  await network.do("publish", subject, name, "2020-03-04");
  const summary = await client.refresh();
  expect(summary.verification.faults).toEqual([]);
  expect(client.records().map((record) => record.resource.id)).toEqual([name]);
  const { grant } = await done(
    client.share({
      viewer: network.about.clinic,
      classes: client.classes.map((one) => one.number),
      purposes: ["TREAT"],
      operations: ["READ"],
      startsAt: null,
      expiresAt: null,
      recordsFrom: null,
      recordsUntil: null,
      delegations: 0,
      agent: null,
      subject: null,
      language: "zh",
    }),
  );
  expect(await network.do("read", subject)).toEqual([name]);
  await done(client.revoke(grant as Hex));
  expect((await client.refresh()).grants.map((one) => one.state)).toEqual(["revoked"]);
  return subject;
}

describe.each<Mode>(["private", "wallet"])("in %s mode", (mode) => {
  test("a key with code (EIP-7702) acts by its own signature", async () => {
    const owner = await network.do<Wallet>("wallet", 10);
    const implementation = await network.do<Address>("contract_account", owner.address);
    await network.do("delegate_code", owner.address, implementation);
    const wallets = await announce(network, new TestWallet(owner.key, network.about));
    const client = await wallets.unlock(mode);
    await livesWith(client, `delegated-${mode}`);
    client.lock();
  });

  test("a contract's account (ERC-1271) acts by what its contract accepts, and finds all again", async () => {
    const owner = await network.do<Wallet>("wallet");
    const account = await network.do<Address>("contract_account", owner.address);
    const wallets = await announce(network, new TestWallet(owner.key, network.about, account));
    const client = await wallets.unlock(mode);
    const subject = await livesWith(client, `contract-${mode}`);
    expect(subject === account).toBe(mode === "wallet");
    client.lock();
    const again = await (await announce(network, new TestWallet(owner.key, network.about, account))).unlock(mode);
    await again.refresh();
    expect(again.records()).toHaveLength(1);
    again.lock();
  });

  test("a wallet that signs anew each time is told, and lives with a root from a file", async () => {
    const owner = await network.do<Wallet>("wallet");
    const account = await network.do<Address>("contract_account", owner.address);
    const wallet = new TestWallet(owner.key, network.about, account);
    wallet.isUnsteady = true;
    const wallets = await announce(network, wallet);
    await expect(wallets.unlock(mode)).rejects.toMatchObject({ code: "UnsteadyWallet" });
    const file = await wallets.makeRootFile(PASSWORD);
    await expect(wallets.unlock(mode, undefined, { file, password: "another" })).rejects.toMatchObject({
      code: "KeyfileInvalid",
    });
    const client = await wallets.unlock(mode, undefined, { file, password: PASSWORD });
    await livesWith(client, `unsteady-${mode}`);
    client.lock();
    const again = await wallets.unlock(mode, undefined, { file, password: PASSWORD });
    await again.refresh();
    expect(again.records()).toHaveLength(1);
    again.lock();
  }, 60_000);
});

describe("the file of a root", () => {
  test("written by the command line it opens here, and the other way round", async () => {
    const { file, root } = await network.do<{ file: string; root: string }>("root_file", PASSWORD);
    const opened = await readRootFile(file, PASSWORD);
    expect(toDigits(opened.reveal())).toBe(root);
    const written = await writeRootFile(opened, "another password", 1 << 12);
    expect(written).not.toContain(root);
    expect(await network.do("open_root_file", written, "another password")).toBe(root);
  }, 60_000);

  test("damaged, of another kind or greedy it is refused", async () => {
    const { file } = await network.do<{ file: string }>("root_file", PASSWORD);
    const document = JSON.parse(file);
    const broken = [
      "",
      "{}",
      "[]",
      file.slice(1),
      JSON.stringify({ ...document, kind: "another" }),
      JSON.stringify({ ...document, version: 2 }),
      JSON.stringify({
        ...document,
        crypto: { ...document.crypto, kdfparams: { ...document.crypto.kdfparams, n: 2 ** 30 } },
      }),
      JSON.stringify({ ...document, crypto: { ...document.crypto, mac: "00" } }),
    ];
    for (const text of broken) {
      await expect(readRootFile(text, PASSWORD)).rejects.toMatchObject({ code: "KeyfileInvalid" });
    }
  });
});

test("a password in any script opens what it closed", async () => {
  const { root } = await network.do<{ root: string }>("root_file", PASSWORD);
  const written = await writeRootFile(new RootKey(fromHex(root)), "密码 é", 1 << 12);
  expect(toDigits((await readRootFile(written, "密码 é")).reveal())).toBe(root);
});

describe("an emergency", () => {
  test("what is prepared here is declared, released and read by the SDK, and seen here with who and why", async () => {
    const owner = await network.do<Wallet>("wallet");
    const client = await (await announce(network, new TestWallet(owner.key, network.about))).unlock("private");
    const subject = await admitted(client);
    await network.do("publish", subject, "urgent", "2020-03-04");
    const laboratory = client.classes.find((one) => one.code === "laboratory")?.number as number;
    await done(client.prepareEmergency([laboratory], network.about.guardians, 2, subject));
    expect((await client.refresh()).grants).toMatchObject([
      { kind: "emergency plan", state: "active", purposes: ["ETREAT"] },
    ]);
    const id = await network.do<Hex>("declare", subject, "unconscious");
    await network.do("release_key", 0, id);
    await expect(network.do("emergency_read", subject)).rejects.toThrow();
    await network.do("release_key", 2, id);
    expect(await network.do("emergency_read", subject)).toEqual(["urgent"]);
    const summary = await client.refresh();
    expect(summary.verification.faults).toEqual([]);
    expect(summary.emergencies).toMatchObject([
      {
        grant: id,
        subject,
        provider: network.about.ward,
        providerName: "Emergency ward",
        reason: "unconscious",
        isRevoked: false,
      },
    ]);
    expect([...(summary.emergencies[0]?.releasedBy ?? [])].sort()).toEqual(
      [network.about.guardians[0], network.about.guardians[2]].sort(),
    );
    expect(summary.grants.map((one) => one.kind).sort()).toEqual(["emergency", "emergency plan"]);
    expect(summary.grants.find((one) => one.id === id)?.parent).toBe(summary.grants.find((one) => one.id !== id)?.id);
    await done(client.revoke(id));
    expect((await client.refresh()).emergencies[0]?.isRevoked).toBe(true);
    // Whoever declared may have the key by now: a second preparation ends the first.
    await done(client.prepareEmergency([laboratory], network.about.guardians, 2, subject));
    const states = (await client.refresh()).grants
      .filter((one) => one.kind === "emergency plan")
      .map((one) => one.state);
    expect(states.sort()).toEqual(["active", "revoked"]);
    const standing = await network.do<{ ok: boolean }>("standing", owner.key);
    expect(standing.ok).toBe(true);
    client.lock();
  }, 60_000);
});
