/** Wallets announce themselves; what else announces itself is kept from doing harm. */

import { describe, expect, test } from "vitest";
import { Discovery } from "../../src/wallet/discovery";
import { walletFault } from "../../src/wallet/provider";

const PROVIDER = { request: async () => null };

function announce(target: EventTarget, info: unknown, provider: unknown = PROVIDER): void {
  target.dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail: { info, provider } }));
}

function info(changes: object = {}): object {
  return { uuid: "a", name: "Wallet", icon: "data:image/png;base64,AA==", rdns: "com.example", ...changes };
}

describe("discovery", () => {
  test("asks at once, finds several, and tells of those that wake up late", () => {
    const target = new EventTarget();
    let asked = 0;
    target.addEventListener("eip6963:requestProvider", () => {
      asked++;
      announce(target, info());
    });
    const discovery = new Discovery(target);
    let told = 0;
    discovery.subscribe(() => told++);
    announce(target, info({ uuid: "b", name: "Second" }));
    expect(discovery.list().map((one) => one.name)).toEqual(["Wallet", "Second"]);
    expect([asked, told]).toEqual([1, 1]);
  });

  test("whoever comes first with an id keeps it", () => {
    const target = new EventTarget();
    const discovery = new Discovery(target);
    announce(target, info());
    announce(target, info({ name: "Impostor" }), { request: async () => "stolen" });
    expect(discovery.list().map((one) => one.name)).toEqual(["Wallet"]);
    expect(discovery.provider("a")).toBe(PROVIDER);
  });

  test("what is no wallet is left out, and names and icons can do nothing", () => {
    const target = new EventTarget();
    const discovery = new Discovery(target);
    for (const none of [null, {}, info({ uuid: 1 }), info({ name: "" }), info({ name: 7 })]) announce(target, none);
    announce(target, info(), {});
    announce(target, info(), null);
    expect(discovery.list()).toEqual([]);
    announce(target, info({ name: `A\u202eB\u0000\n${"x".repeat(1000)}`, icon: "javascript:alert(1)", rdns: 5 }));
    const [wallet] = discovery.list();
    expect(wallet?.name.startsWith("A B x")).toBe(true);
    expect(wallet?.name.length).toBeLessThanOrEqual(100);
    expect(wallet?.icon).toBe("");
    announce(target, info({ uuid: "c", icon: "https://tracker.invalid/x.png" }));
    expect(discovery.list()[1]?.icon).toBe("");
  });
});

describe("a wallet's refusal", () => {
  test("is said by its code, wherever the wallet puts it", () => {
    const codes: [unknown, string][] = [
      [{ code: 4001 }, "SigningDeclined"],
      [{ code: 4100 }, "WalletUnauthorized"],
      [{ code: 4200 }, "WalletUnsupported"],
      [{ code: 4900 }, "WalletDisconnected"],
      [{ code: -32603, data: { originalError: { code: 4902 } } }, "WalletUnknownChain"],
      [{ code: -32002 }, "WalletBusy"],
      [new Error("whatever"), "WalletFailed"],
      [null, "WalletFailed"],
    ];
    for (const [error, code] of codes) expect(walletFault(error).code).toBe(code);
  });
});
