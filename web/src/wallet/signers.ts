/**
 * Whoever signs acts: a case key in the page's memory, or the wallet.
 *
 * A wallet's account may be a key, a key with code (EIP-7702), or a contract (ERC-1271). The chain takes all three; so
 * does the page: what comes back is checked as the chain will check it, before anything is sent.
 */

import { secp256k1 } from "@noble/curves/secp256k1.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { recoverAddress } from "viem/utils";
import { checksum } from "../chain/addresses";
import { isValidContractSignature } from "../chain/contracts";
import { hexOf, type Node } from "../chain/rpc";
import type { Address, Hex } from "../client/api";
import { SECP256K1_ORDER } from "../crypto/derivation";
import type { CaseKey } from "../crypto/secret";
import { PageError } from "../errors";
import { fromHex, toDigits, toHex } from "../types/bytes";
import { type TypedData, typedDataHash } from "../types/typedData";
import type { Connection } from "./connection";
import { signTypedData } from "./provider";

const SIGNATURE_BYTES = 65;

export type AccountKind = "key" | "delegated key" | "contract";

export interface Signer {
  readonly address: Address;
  readonly where: "page" | "wallet";
  sign(document: TypedData): Promise<Hex>;
}

/** What an account is, by its code: none, EIP-7702's designator (0xef0100 and an address), or a contract's. */
export async function accountKind(node: Node, account: Address): Promise<AccountKind> {
  const code = hexOf(await node.request("eth_getCode", [account, "latest"]));
  if (code === "0x") return "key";
  return code.startsWith("0xef0100") && code.length === 48 ? "delegated key" : "contract";
}

/** Signs with a case key. */
export class KeySigner implements Signer {
  readonly where = "page";
  readonly address: Address;

  constructor(private readonly key: CaseKey) {
    // The key stays bytes: a text of it could never be overwritten.
    const point = secp256k1.getPublicKey(key.reveal(), false).subarray(1);
    this.address = checksum(toHex(keccak_256(point).subarray(12)));
  }

  async sign(document: TypedData): Promise<Hex> {
    const signature = secp256k1.sign(fromHex(typedDataHash(document)), this.key.reveal(), { lowS: true });
    return `0x${toDigits(signature.toCompactRawBytes())}${signature.recovery ? "1c" : "1b"}`;
  }
}

/** Signs with the wallet; opens the wallet's window. */
export class WalletSigner implements Signer {
  readonly where = "wallet";

  constructor(
    readonly address: Address,
    private readonly connection: Connection,
    private readonly node: Node,
  ) {}

  async sign(document: TypedData): Promise<Hex> {
    await this.connection.require(this.address);
    const hash = typedDataHash(document);
    const given = await signTypedData(this.connection.provider, this.address, asJson(document));
    const signature = await asContractsTakeIt(given, this.address, hash);
    await requireSignature(this.node, this.address, hash, signature);
    return signature;
  }
}

/**
 * A key's signature with the lower s and v as 27 or 28: the one form that the contracts take (OpenZeppelin's ECDSA), of
 * those that wallets write. What is no signature of the account's own key is left as it is.
 */
async function asContractsTakeIt(signature: Hex, account: Address, hash: Hex): Promise<Hex> {
  const data = fromHex(signature);
  const parity = data.length === SIGNATURE_BYTES ? [0, 1, 27, 28].indexOf(data[SIGNATURE_BYTES - 1] as number) : -1;
  if (parity < 0) return signature;
  const s = BigInt(toHex(data.subarray(32, 64)));
  const isHigh = 2n * s > SECP256K1_ORDER && s < SECP256K1_ORDER;
  if (isHigh) data.set(fromHex((SECP256K1_ORDER - s).toString(16).padStart(64, "0")), 32);
  data[SIGNATURE_BYTES - 1] = 27 + ((parity % 2) ^ Number(isHigh));
  const proper = toHex(data);
  try {
    return (await recoverAddress({ hash, signature: proper })) === account ? proper : signature;
  } catch {
    return signature;
  }
}

/**
 * Makes sure that a signature is the account's, in the order in which the contracts look: its own key, then ERC-1271.
 *
 * Throws PageError InvalidSignature when it is not: a wallet may have signed with another account, or another text.
 */
export async function requireSignature(node: Node, account: Address, hash: Hex, signature: Hex): Promise<void> {
  // 65 bytes are what a key makes; a contract's account may take any other form.
  if (signature.length === 132) {
    try {
      if ((await recoverAddress({ hash, signature })) === account) return;
    } catch {
      // Not a point of the curve: then it is no key's signature.
    }
  }
  if (
    (await accountKind(node, account)) !== "key" &&
    (await isValidContractSignature(node, account, hash, signature))
  ) {
    return;
  }
  throw new PageError("InvalidSignature", { signer: account });
}

/** A document as wallets take it: JSON, in which integers of more than 53 bits are decimal text. */
export function asJson(document: TypedData): string {
  return JSON.stringify(document, (_, value: unknown) => (typeof value === "bigint" ? value.toString() : value));
}
