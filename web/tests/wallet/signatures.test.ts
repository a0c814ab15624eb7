/** Wallets write one signature in several ways; the chain takes one of them. */

import { secp256k1 } from "@noble/curves/secp256k1.js";
import { privateKeyToAccount } from "viem/accounts";
import { describe, expect, test } from "vitest";
import type { Node } from "../../src/chain/rpc";
import type { Address, Hex } from "../../src/client/api";
import { fromHex, toHex } from "../../src/types/bytes";
import { type TypedData, typedData } from "../../src/types/typedData";
import type { Connection } from "../../src/wallet/connection";
import { WalletSigner } from "../../src/wallet/signers";

const account = privateKeyToAccount(`0x${"42".repeat(32)}`);
const CONTRACT: Address = "0x1111111111111111111111111111111111111111";
const ACT = typedData({ name: "MedRec", chainId: 1, contract: CONTRACT }, "Revocation", {
  actor: account.address,
  id: `0x${"ab".repeat(32)}`,
});
const ORDER = secp256k1.CURVE.n;

async function usual(document: TypedData): Promise<Hex> {
  return account.signTypedData(document as never);
}

function signer(address: Address, write: (signature: Hex) => Hex, code: Hex = "0x"): WalletSigner {
  const provider = { request: async () => write(await usual(ACT)) };
  const connection = { require: async () => {}, provider } as unknown as Connection;
  // Whatever has code accepts whatever it is asked about.
  const request = async (method: string) => (method === "eth_getCode" ? code : `0x1626ba7e${"00".repeat(28)}`);
  return new WalletSigner(address, connection, { request } as Node);
}

/** The same signature with v as 0 or 1. */
function parity(signature: Hex): Hex {
  const data = fromHex(signature);
  data[64] = (data[64] as number) - 27;
  return toHex(data);
}

/** The same with the other s. */
function higher(signature: Hex): Hex {
  const data = fromHex(signature);
  const s = ORDER - BigInt(toHex(data.subarray(32, 64)));
  data.set(fromHex(s.toString(16).padStart(64, "0")), 32);
  data[64] = 55 - (data[64] as number);
  return toHex(data);
}

describe("what a wallet signs", () => {
  test.each([
    ["v as 0 or 1", parity],
    ["the higher s", higher],
    ["both", (signature: Hex) => parity(higher(signature))],
  ])("is brought to the chain as the contracts take it, also with %s", async (_, write) => {
    expect(write(await usual(ACT))).not.toBe(await usual(ACT));
    expect(await signer(account.address, write).sign(ACT)).toBe(await usual(ACT));
  });

  test("is left as it is where a contract's account reads it in its own way", async () => {
    const other: Address = "0x2222222222222222222222222222222222222222";
    expect(await signer(other, parity, "0x6001").sign(ACT)).toBe(parity(await usual(ACT)));
  });
});
