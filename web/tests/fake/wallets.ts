/** Wallets and a network that exist only in tests of the screens. */

import {
  type AnnouncedWallet,
  type Mode,
  type NetworkConfig,
  type OnProgress,
  PageError,
  type PatientClient,
  type Recovery,
  type RootBackup,
  type WalletState,
  type Wallets,
} from "../../src/client/api.ts";
import { digestOf, EMERGENCY_CONTRACT, HEIR, PATIENT, SUBJECT_ONE } from "./addresses.ts";
import { FakeClient, type Scene } from "./client.ts";

export { SCENES, type Scene } from "./client.ts";

export const CONFIG: NetworkConfig = {
  chainId: 31337,
  chainName: "MedRec test network",
  rpc: "rpc",
  ipfs: "ipfs/",
  objects: "objects",
  relay: ["relay/"],
  contracts: {
    medrec: "0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512",
    registrar: "0x9fE46736679d2D9a65F0992F2272dE9f3c7fa6e0",
    guardianship: "0xCf7Ed3AccA5a467e9e704C703E8D87F634fB0Fc9",
    emergency: EMERGENCY_CONTRACT,
  },
  startBlock: 1,
  vocabulary: digestOf(99),
};

const ICON = `data:image/svg+xml;base64,${btoa(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#f2b632"/><circle cx="16" cy="16" r="7" fill="#5b3b00"/></svg>',
)}`;

const WALLETS: readonly AnnouncedWallet[] = [
  { uuid: "one", name: "Test wallet", icon: ICON, rdns: "org.example.wallet" },
  { uuid: "two", name: "Another wallet", icon: "https://evil.example/icon.png", rdns: "org.example.other" },
];

export class FakeWallets implements Wallets {
  opened: FakeClient | null = null;
  private readonly listeners = new Set<() => void>();
  private current: WalletState = { kind: "none" };

  constructor(
    readonly scene: Scene,
    private readonly resources: readonly Record<string, unknown>[],
  ) {}

  list(): readonly AnnouncedWallet[] {
    return this.scene === "no wallet" ? [] : WALLETS;
  }

  state(): WalletState {
    return this.current;
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async connect(uuid: string): Promise<void> {
    const wallet = WALLETS.find((one) => one.uuid === uuid);
    if (!wallet || this.scene === "refusing wallet") throw new PageError("SigningDeclined");
    const isRightChain = this.scene !== "wrong chain";
    this.change({ kind: "connected", wallet, account: PATIENT, chainId: isRightChain ? 31337 : 1, isRightChain });
  }

  async switchChain(): Promise<void> {
    if (this.current.kind === "connected") this.change({ ...this.current, chainId: 31337, isRightChain: true });
  }

  disconnect(): void {
    this.change({ kind: "none" });
  }

  /** As when the person chooses another account in the wallet. */
  changeAccount(): void {
    if (this.current.kind === "connected") this.change({ ...this.current, account: SUBJECT_ONE });
  }

  async unlock(mode: Mode, onProgress?: OnProgress, backup?: RootBackup): Promise<PatientClient> {
    onProgress?.({ step: "signature", done: 0, total: 0 });
    if (this.scene === "unsteady wallet" && !backup) throw new PageError("UnsteadyWallet");
    if (backup && backup.password !== "correct horse battery") throw new PageError("KeyfileInvalid");
    this.opened = new FakeClient(this.scene, mode, this.resources);
    return this.opened;
  }

  async makeRootFile(password: string): Promise<string> {
    return JSON.stringify({ kind: "root", sealedWith: password.length });
  }

  async recovery(): Promise<Recovery> {
    const opens = Math.floor(Date.now() / 1000) - 3600;
    const isDone = this.scene !== "recovery pending";
    return {
      address: HEIR,
      register: async () => ({ kind: "confirmed", transaction: digestOf(50), block: 4242, grant: null }),
      now: () => Date.now() / 1000,
      status: async () => [
        {
          owner: SUBJECT_ONE,
          opensAt: isDone ? opens : opens + 4 * 86400,
          isOpen: isDone,
          isVetoed: false,
          sharesReleased: isDone ? 2 : 0,
          threshold: isDone ? 2 : null,
        },
      ],
      complete: async (_owner, onProgress) => this.unlock("private", onProgress),
    };
  }

  private change(next: WalletState): void {
    this.current = next;
    for (const listener of this.listeners) listener();
  }
}
