/** One chosen wallet: which account and chain it shows, and what happens to them while it is open. */

import { checksum } from "../chain/addresses";
import type { Address, AnnouncedWallet, NetworkConfig } from "../client/api";
import { PageError } from "../errors";
import { ask, CHAIN_NOT_ADDED, codeOf, type Eip1193Provider, walletFault } from "./provider";

export class Connection {
  private readonly listeners = new Set<(gone: boolean) => void>();
  private readonly handlers: [string, (value: unknown) => void][];
  private isClosed = false;

  private constructor(
    readonly wallet: AnnouncedWallet,
    readonly provider: Eip1193Provider,
    private readonly config: NetworkConfig,
    private current: Address,
    private chain: number,
  ) {
    this.handlers = [
      ["accountsChanged", (accounts) => this.onAccounts(accounts)],
      ["chainChanged", (chainId) => this.onChain(chainId)],
      // Wallets reconnect by themselves (EIP-1193): a lost connection takes the account with it only when it says so.
      ["disconnect", () => this.tell(false)],
    ];
    for (const [event, handler] of this.handlers) provider.on?.(event, handler);
  }

  /** Asks the wallet for its account; opens the wallet's own window. */
  static async open(wallet: AnnouncedWallet, provider: Eip1193Provider, config: NetworkConfig): Promise<Connection> {
    const account = firstAccount(await ask(provider, "eth_requestAccounts"));
    if (!account) throw new PageError("WalletUnauthorized");
    return new Connection(wallet, provider, config, account, chainNumber(await ask(provider, "eth_chainId")));
  }

  get account(): Address {
    return this.current;
  }

  get chainId(): number {
    return this.chain;
  }

  get isRightChain(): boolean {
    return this.chain === this.config.chainId;
  }

  /** Makes sure that what is signed or sent now is signed by `account`, for the right chain. */
  async require(account: Address): Promise<void> {
    if (this.isClosed || this.current !== account) throw new PageError("WalletChanged", { account });
    this.chain = chainNumber(await ask(this.provider, "eth_chainId"));
    if (!this.isRightChain) {
      throw new PageError("WrongChain", { expected: this.config.chainName, found: this.chain });
    }
  }

  /** Offers the right chain; where the wallet doesn't know it, offers to add it first (EIP-3326, EIP-3085). */
  async switchChain(): Promise<void> {
    const chainId = `0x${this.config.chainId.toString(16)}`;
    try {
      await this.provider.request({ method: "wallet_switchEthereumChain", params: [{ chainId }] });
    } catch (error) {
      if (codeOf(error) !== CHAIN_NOT_ADDED) throw walletFault(error);
      const rpc = new URL(this.config.rpc, globalThis.location?.href).href;
      const chain = {
        chainId,
        chainName: this.config.chainName,
        nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
        rpcUrls: [rpc],
      };
      await ask(this.provider, "wallet_addEthereumChain", [chain]);
      // Some wallets switch while they add, others only when asked again.
      if (chainNumber(await ask(this.provider, "eth_chainId")) !== this.config.chainId) {
        await ask(this.provider, "wallet_switchEthereumChain", [{ chainId }]);
      }
    }
    this.onChain(await ask(this.provider, "eth_chainId"));
  }

  /** Calls back when account or chain changed; `true` when the account is another one, or gone. */
  subscribe(listener: (gone: boolean) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  close(): void {
    this.isClosed = true;
    for (const [event, handler] of this.handlers) this.provider.removeListener?.(event, handler);
    this.listeners.clear();
  }

  private onAccounts(accounts: unknown): void {
    const account = firstAccount(accounts);
    if (account === this.current) return;
    if (account) this.current = account;
    else this.isClosed = true;
    this.tell(true);
  }

  private onChain(value: unknown): void {
    const chain = chainNumber(value);
    if (chain === this.chain) return;
    this.chain = chain;
    this.tell(false);
  }

  get isGone(): boolean {
    return this.isClosed;
  }

  private tell(gone: boolean): void {
    for (const listener of [...this.listeners]) listener(gone);
  }
}

function firstAccount(accounts: unknown): Address | null {
  const [account] = Array.isArray(accounts) ? accounts : [];
  return typeof account === "string" && /^0x[0-9a-fA-F]{40}$/.test(account) ? checksum(account) : null;
}

function chainNumber(value: unknown): number {
  // Hexadecimal by EIP-695; some wallets give a number.
  const chain = typeof value === "number" ? value : typeof value === "string" ? Number(value) : Number.NaN;
  if (!Number.isSafeInteger(chain) || chain <= 0) throw new PageError("WalletFailed", { message: "no chain id" });
  return chain;
}
