/** The network of `serve.py` and wallets for it: what the tests of the page's client run against. */

import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { createPublicClient, createWalletClient, http } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import type { Address, Hex, Mode, NetworkConfig, PatientClient, Wallets } from "../../src/client/api";
import { createWallets } from "../../src/client/entrance";

const REPOSITORY = new URL("../../../", import.meta.url).pathname;

export interface About {
  url: string;
  rpc: string;
  config: NetworkConfig;
  hospital: Address;
  laboratory: Address;
  clinic: Address;
  relative: Address;
  guardians: Address[];
  ward: Address;
}

/** Anvil, a store, the page's doors and the SDK's roles, in a process of their own. */
export class Network {
  private readonly waiting: ((line: string) => void)[] = [];

  private constructor(
    private readonly process: ChildProcess,
    readonly about: About,
  ) {}

  static async start(): Promise<Network> {
    const tools = `${REPOSITORY}.tools/bin:${REPOSITORY}.venv/bin:${process.env.PATH}`;
    const server = spawn("python", [new URL("serve.py", import.meta.url).pathname], {
      env: { ...process.env, PATH: tools, PYTHONPATH: REPOSITORY },
      stdio: ["pipe", "pipe", "inherit"],
    });
    const lines = createInterface({ input: server.stdout });
    const first = await new Promise<string>((resolve, reject) => {
      lines.once("line", resolve);
      server.once("exit", (code) => reject(new Error(`serve.py ended with ${code}`)));
    });
    const network = new Network(server, JSON.parse(first));
    lines.on("line", (line) => network.waiting.shift()?.(line));
    server.once("exit", () => {
      for (const answer of network.waiting.splice(0)) answer('{"error": "serve.py has ended"}');
    });
    return network;
  }

  /** Has the SDK do something, and gives back what it says. */
  async do<T>(name: string, ...args: unknown[]): Promise<T> {
    return this.call(name, args, {});
  }

  async call<T>(name: string, args: unknown[], named: Record<string, unknown>): Promise<T> {
    const answer = new Promise<string>((resolve) => this.waiting.push(resolve));
    this.process.stdin?.write(`${JSON.stringify({ do: name, with: args, and: named })}\n`);
    const { result, error } = JSON.parse(await answer);
    if (error) throw new Error(error);
    return result as T;
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.process.once("exit", resolve));
    this.process.stdin?.end();
    await ended;
  }
}

/** An EIP-1193 wallet that signs with a real key; can be made to refuse, to sign anew each time, to be elsewhere. */
export class TestWallet {
  readonly account;
  readonly requests: string[] = [];
  refuses = new Set<string>();
  isUnsteady = false;
  chainId: number;
  private readonly listeners = new Map<string, Set<(value: unknown) => void>>();

  /** @param contract The address of an ERC-1271 account whose owner the key is; the key's own when absent. */
  constructor(
    key: Hex,
    private readonly about: About,
    private readonly contract?: Address,
  ) {
    this.account = privateKeyToAccount(key);
    this.chainId = about.config.chainId;
  }

  get address(): Address {
    return this.contract ?? this.account.address;
  }

  on(event: string, listener: (value: unknown) => void): void {
    this.listeners.set(event, (this.listeners.get(event) ?? new Set()).add(listener));
  }

  removeListener(event: string, listener: (value: unknown) => void): void {
    this.listeners.get(event)?.delete(listener);
  }

  emit(event: string, value: unknown): void {
    for (const listener of [...(this.listeners.get(event) ?? [])]) listener(value);
  }

  async request({ method, params }: { method: string; params?: unknown }): Promise<unknown> {
    this.requests.push(method);
    if (this.refuses.has(method)) throw Object.assign(new Error("User rejected the request."), { code: 4001 });
    const args = (params ?? []) as unknown[];
    switch (method) {
      case "eth_requestAccounts":
      case "eth_accounts":
        return [this.address.toLowerCase()];
      case "eth_chainId":
        return `0x${this.chainId.toString(16)}`;
      case "wallet_switchEthereumChain": {
        const { chainId } = args[0] as { chainId: Hex };
        if (this.about.config.chainId !== Number(chainId)) throw Object.assign(new Error("?"), { code: 4902 });
        this.chainId = Number(chainId);
        this.emit("chainChanged", chainId);
        return null;
      }
      case "eth_signTypedData_v4": {
        const document = JSON.parse(args[1] as string);
        delete document.types.EIP712Domain;
        const signature = await this.account.signTypedData(document);
        return this.isUnsteady ? unsteady(signature) : signature;
      }
      case "eth_sendTransaction": {
        if (this.contract) throw new Error("a contract sends nothing by itself");
        const { to, data } = args[0] as { to: Address; data: Hex };
        const transport = http(this.about.rpc);
        const client = createWalletClient({ account: this.account, transport });
        const hash = await client.sendTransaction({ to, data, chain: null });
        await createPublicClient({ transport }).waitForTransactionReceipt({ hash, pollingInterval: 50 });
        return hash;
      }
      default:
        throw Object.assign(new Error(method), { code: 4200 });
    }
  }
}

let turn = 0;

/** What a wallet with random nonces does: another signature each time. Only ERC-1271 accounts take such a thing. */
function unsteady(signature: Hex): Hex {
  turn++;
  return `${signature}${turn.toString(16).padStart(2, "0")}`;
}

/** A page's wallets, with one that announced itself. */
export async function announce(network: Network, wallet: TestWallet): Promise<Wallets> {
  const target = new EventTarget();
  const info = {
    uuid: "350670db-19fa-4704-a166-e52e178b59d2",
    name: "Test",
    icon: "data:image/svg+xml,<svg/>",
    rdns: "t",
  };
  target.addEventListener("eip6963:requestProvider", () => {
    target.dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail: { info, provider: wallet } }));
  });
  const wallets = createWallets(network.about.config, target);
  await wallets.connect(info.uuid);
  return wallets;
}

/** A page that is unlocked. */
export async function unlocked(
  network: Network,
  key: Hex,
  mode: Mode = "private",
): Promise<{ wallet: TestWallet; wallets: Wallets; client: PatientClient }> {
  const wallet = new TestWallet(key, network.about);
  const wallets = await announce(network, wallet);
  return { wallet, wallets, client: await wallets.unlock(mode) };
}
