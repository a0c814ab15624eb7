/** EIP-1193: what a wallet is for the page, and what its refusals mean. */

import type { Address, Hex } from "../client/api";
import { PageError } from "../errors";

export interface Eip1193Provider {
  request(args: { method: string; params?: unknown }): Promise<unknown>;
  on?(event: string, listener: (value: unknown) => void): unknown;
  removeListener?(event: string, listener: (value: unknown) => void): unknown;
}

const USER_REJECTED = 4001;
const UNAUTHORIZED = 4100;
const UNSUPPORTED_METHOD = 4200;
const DISCONNECTED = 4900;
const CHAIN_DISCONNECTED = 4901;
/** `wallet_switchEthereumChain`: the wallet doesn't know the chain (EIP-3085). */
export const CHAIN_NOT_ADDED = 4902;
const REQUEST_PENDING = -32002;

/** The code of a wallet's error, wherever the wallet puts it; 0 when it gives none. */
export function codeOf(error: unknown): number {
  const shape = error as { code?: unknown; data?: { originalError?: { code?: unknown } }; cause?: unknown } | null;
  // Some mobile wallets wrap 4902 into an internal error.
  const nested = shape?.data?.originalError?.code;
  if (typeof nested === "number") return nested;
  return typeof shape?.code === "number" ? shape.code : 0;
}

/** A wallet's error as the page says it. */
export function walletFault(error: unknown): PageError {
  if (error instanceof PageError) return error;
  const options = { cause: error };
  switch (codeOf(error)) {
    case USER_REJECTED:
      return new PageError("SigningDeclined", {}, options);
    case UNAUTHORIZED:
      return new PageError("WalletUnauthorized", {}, options);
    case UNSUPPORTED_METHOD:
    case -32601:
      return new PageError("WalletUnsupported", {}, options);
    case DISCONNECTED:
    case CHAIN_DISCONNECTED:
      return new PageError("WalletDisconnected", {}, options);
    case CHAIN_NOT_ADDED:
      return new PageError("WalletUnknownChain", {}, options);
    case REQUEST_PENDING:
      return new PageError("WalletBusy", {}, options);
    default: {
      const message = (error as { message?: unknown } | null)?.message;
      return new PageError("WalletFailed", { message: String(message ?? "").slice(0, 300) }, options);
    }
  }
}

/** Asks a wallet; its refusals become faults that can be said. */
export async function ask(provider: Eip1193Provider, method: string, params?: unknown): Promise<unknown> {
  try {
    return await provider.request(params === undefined ? { method } : { method, params });
  } catch (error) {
    throw walletFault(error);
  }
}

/** Asks for a signature over typed data. JSON has no integers of 256 bits and no bytes: they travel as text. */
export async function signTypedData(provider: Eip1193Provider, account: Address, document: string): Promise<Hex> {
  const signature = await ask(provider, "eth_signTypedData_v4", [account, document]);
  if (typeof signature !== "string" || !/^0x([0-9a-fA-F]{2})+$/.test(signature)) {
    throw new PageError("WalletFailed", { message: "no signature" });
  }
  return signature.toLowerCase() as Hex;
}
