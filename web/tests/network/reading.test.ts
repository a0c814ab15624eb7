/** The page reads what the SDK wrote, from the same chain and store, and says what is wrong with either. */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Address, Hex, PatientClient, RecordView, Summary } from "../../src/client/api";
import { Network, TestWallet, unlocked } from "./network";

interface Filled {
  key: Hex;
  address: Address;
  subject: Address;
  second: Address;
  kept: Hex;
  ended: Hex;
  later: Hex[];
}
interface SdkRecord {
  source: string;
  class: number;
  author: Address;
  digest: Hex;
  first: number;
  retracted: boolean;
}

let network: Network;
let patient: Filled;
let client: PatientClient;
let summary: Summary;

beforeAll(async () => {
  network = await Network.start();
  patient = await network.do<Filled>("filled");
  ({ client } = await unlocked(network, patient.key));
  summary = await client.refresh();
}, 180_000);

afterAll(async () => {
  client?.lock();
  await network?.stop();
});

function comparable(records: readonly { source: string; class: number; digest: Hex }[]): string[] {
  return records.map((record) => `${record.digest} ${record.class} ${record.source}`).sort();
}

describe("a patient with a history", () => {
  test("has the same records as the SDK reads, byte for byte", async () => {
    const expected = await network.do<SdkRecord[]>("records", patient.key);
    expect(expected.length).toBeGreaterThan(1000);
    expect(comparable(client.records())).toEqual(comparable(expected));
    const byDigest = new Map(expected.map((record) => [`${record.digest} ${record.source}`, record]));
    for (const record of client.records()) {
      const same = byDigest.get(`${record.digest} ${record.source}`) as SdkRecord;
      expect(record.author).toBe(same.author);
      expect(record.isRetracted).toBe(same.retracted);
      // A month or a year is shown as such: its first day begins with it.
      const first = String(same.first).replace(/^(\d{4})(\d{2})(\d{2})$/, "$1-$2-$3");
      expect(same.first ? first.startsWith(record.date ?? "none") : record.date === null).toBe(true);
    }
    expect(client.records().some((record) => record.source.includes('"value":1.10'))).toBe(true);
  });

  test("has the same relationships, grants and states as the SDK says", async () => {
    const standing = await network.do<{
      relationships: { subject: Address; provider: Address; number: number; opened_at: number; closed_at: null }[];
      grants: { id: Hex; state: string; viewer: Address; statement: string; granted_at: number }[];
      subjects: Address[];
      ok: boolean;
    }>("standing", patient.key);
    expect(standing.ok).toBe(true);
    expect(summary.subjects).toEqual(standing.subjects);
    expect(
      summary.relationships.map((one) => [one.subject, one.provider, one.number, one.openedAt, one.closedAt]),
    ).toEqual(
      standing.relationships.map((one) => [one.subject, one.provider, one.number, one.opened_at, one.closed_at]),
    );
    expect(summary.grants.map((one) => [one.id, one.state, one.viewer, one.statement, one.grantedAt]).sort()).toEqual(
      standing.grants.map((one) => [one.id, one.state, one.viewer, one.statement, one.granted_at]).sort(),
    );
    expect(summary.grants.map((one) => one.state).sort()).toEqual(["active", "revoked"]);
    expect(summary.relationships.map((one) => one.providerName)).toEqual(["Hospital", "Laboratory"]);
  });

  test("verifies, and says up to which block", () => {
    expect(summary.faults).toEqual([]);
    expect(summary.verification.faults).toEqual([]);
    expect(summary.verification.ok).toBe(true);
    expect(summary.verification.ledgers.every((ledger) => ledger.ok && ledger.entries > 0)).toBe(true);
    expect(summary.verification.block).toBeGreaterThan(10);
  });

  test("counts in the timeline every record that was not retracted, once", () => {
    const counted = summary.timeline.reduce((sum, cell) => sum + cell.records, 0);
    expect(counted).toBe(client.records().filter((record: RecordView) => !record.isRetracted).length);
    expect(counted).toBe(client.records().length - 1);
  });

  test("sees who did what and when", () => {
    const kinds = summary.history.map((item) => item.kind);
    for (const kind of ["RelationshipOpened", "Anchored", "Granted", "GrantRevoked", "Retracted"]) {
      expect(kinds).toContain(kind);
    }
    expect(summary.history.every((item) => item.time > 1_600_000_000)).toBe(true);
    const opened = summary.history.find((item) => item.kind === "RelationshipOpened");
    expect(opened?.actorName).toBe("Hospital");
  });

  test("exports everything as one Bundle that keeps the digits of decimals", async () => {
    const text = await (await client.export("bundle")).text();
    const bundle = JSON.parse(text);
    expect(bundle.entry).toHaveLength(client.records().length - 1);
    expect(text).toContain('"value":1.10');
    const document = JSON.parse(await (await client.export("ips")).text());
    expect(document.entry[0].resource.resourceType).toBe("Composition");
  });

  test("is shown again on another device with one signature", async () => {
    const again = await unlocked(network, patient.key);
    const signatures = again.wallet.requests.filter((method) => method === "eth_signTypedData_v4");
    expect(signatures).toHaveLength(1);
    await again.client.refresh();
    expect(comparable(again.client.records())).toEqual(comparable(client.records()));
    again.client.lock();
  });

  test("reads only what is new the second time", async () => {
    const before = client.records().length;
    await network.do("publish", patient.subject, "fresh", "2025-01-01");
    const asked: string[] = [];
    const original = globalThis.fetch;
    globalThis.fetch = async (input, init) => {
      asked.push(String(input));
      return original(input, init);
    };
    try {
      await client.refresh();
    } finally {
      globalThis.fetch = original;
    }
    expect(client.records()).toHaveLength(before + 1);
    expect(asked.filter((url) => url.includes("/ipfs/"))).toHaveLength(1);
  });
});

describe("what is wrong", () => {
  test("a lost object is named and keeps nobody from the rest", async () => {
    const [digest] = await network.do<Hex[]>("publish", patient.subject, "lost", "2025-02-01");
    await network.do("lose", digest);
    const again = await unlocked(network, patient.key);
    const found = await again.client.refresh();
    expect(found.verification.ok).toBe(false);
    expect(found.faults).toContainEqual({
      code: "missing_object",
      values: expect.anything(),
      subject: patient.subject,
      digest,
    });
    expect(again.client.records().length).toBeGreaterThan(1000);
    again.client.lock();
  });

  test("other bytes than those that were anchored are named as tampered", async () => {
    const [digest] = await network.do<Hex[]>("publish", patient.subject, "altered", "2025-03-01");
    const original = globalThis.fetch;
    globalThis.fetch = async (input, init) => {
      const answer = await original(input, init);
      if (!String(input).includes("/ipfs/")) return answer;
      const bytes = new Uint8Array(await answer.arrayBuffer());
      if (bytes.length > 100) bytes[100] = (bytes[100] as number) ^ 1;
      return new Response(bytes, { status: answer.status });
    };
    try {
      const again = await unlocked(network, patient.key);
      const found = await again.client.refresh();
      expect(found.verification.ok).toBe(false);
      expect(found.faults.some((fault) => fault.code === "tampered_object" && fault.digest === digest)).toBe(true);
      expect(again.client.records()).toHaveLength(0);
      again.client.lock();
    } finally {
      globalThis.fetch = original;
    }
  });

  test("a node that leaves one entry out of the log does not reach the ledger's head", async () => {
    const original = globalThis.fetch;
    globalThis.fetch = async (input, init) => {
      const answer = await original(input, init);
      if (!String(input).endsWith("/rpc")) return answer;
      const document = await answer.json();
      for (const one of Array.isArray(document) ? document : [document]) {
        if (Array.isArray(one.result) && one.result[0]?.topics) {
          const at = one.result.findLastIndex((log: { topics: string[] }) =>
            log.topics[1]?.endsWith(patient.subject.slice(2).toLowerCase()),
          );
          one.result.splice(at, 1);
        }
      }
      return Response.json(document);
    };
    try {
      const again = await unlocked(network, patient.key);
      const found = await again.client.refresh();
      expect(found.verification.ok).toBe(false);
      expect(found.verification.faults.map((fault) => fault.code)).toContain("ledger_mismatch");
      again.client.lock();
    } finally {
      globalThis.fetch = original;
    }
  });
});

describe("the session", () => {
  test("a lock forgets the keys and the records", async () => {
    const { client: other } = await unlocked(network, patient.key);
    await other.refresh();
    let told = 0;
    other.onLock(() => told++);
    other.lock();
    expect(told).toBe(1);
    expect(other.isLocked()).toBe(true);
    expect(other.records()).toEqual([]);
    await expect(other.refresh()).rejects.toMatchObject({ code: "Locked" });
    await expect(other.nextSubject()).rejects.toMatchObject({ code: "Locked" });
  });

  test("idling locks", async () => {
    const { client: other } = await unlocked(network, patient.key);
    other.idleSeconds = 0;
    await new Promise((resolve) => other.onLock(() => resolve(null)));
    expect(other.isLocked()).toBe(true);
  });

  test("another account in the wallet locks what the first one opened", async () => {
    const { client: other, wallet, wallets } = await unlocked(network, patient.key);
    const stranger = await network.do<{ address: Address }>("wallet");
    wallet.emit("accountsChanged", [stranger.address]);
    expect(other.isLocked()).toBe(true);
    expect(wallets.state()).toMatchObject({ kind: "connected", account: stranger.address });
  });

  test("a refused signature is named, and the next try may succeed", async () => {
    const { announce } = await import("./network");
    const wallet = new TestWallet(patient.key, network.about);
    const wallets = await announce(network, wallet);
    wallet.refuses.add("eth_signTypedData_v4");
    await expect(wallets.unlock("private")).rejects.toMatchObject({ code: "SigningDeclined" });
    wallet.refuses.clear();
    (await wallets.unlock("private")).lock();
  });

  test("a wrong chain is named, and the switch offered", async () => {
    const { announce } = await import("./network");
    const wallet = new TestWallet(patient.key, network.about);
    wallet.chainId = 1;
    const wallets = await announce(network, wallet);
    expect(wallets.state()).toMatchObject({ kind: "connected", isRightChain: false });
    await expect(wallets.unlock("private")).rejects.toMatchObject({ code: "WrongChain" });
    await wallets.switchChain();
    expect(wallets.state()).toMatchObject({ kind: "connected", isRightChain: true });
    (await wallets.unlock("private")).lock();
  });

  test("a signature of another account unlocks nothing", async () => {
    const { announce } = await import("./network");
    const stranger = await network.do<{ key: Hex }>("wallet");
    const wallet = new TestWallet(patient.key, network.about);
    const other = new TestWallet(stranger.key, network.about);
    const wallets = await announce(network, wallet);
    const honest = wallet.request.bind(wallet);
    wallet.request = (args) => (args.method === "eth_signTypedData_v4" ? other.request(args) : honest(args));
    await expect(wallets.unlock("private")).rejects.toMatchObject({ code: "InvalidSignature" });
  });
});
