/** The contracts' functions and errors as the page uses them: calldata out, answers in. */

import { decodeErrorResult, decodeFunctionResult, encodeFunctionData, parseAbi } from "viem/utils";
import type { Address, Hex, NetworkConfig } from "../client/api";
import { PageError } from "../errors";
import { hexOf, type Node, quantity, RpcError } from "./rpc";

export const ZERO_HASH: Hex = `0x${"00".repeat(32)}`;
export const ZERO_ADDRESS: Address = `0x${"00".repeat(20)}`;

const MEDREC = parseAbi([
  "struct Relationship { uint32 number; uint64 openedAt; uint64 closedAt; }",
  "struct GrantState { uint8 status; bool agentRevoked; uint32 turn; uint64 changedAt; }",
  "struct DelegationState { uint64 expiresAt; uint32 turn; }",
  "function open(address subject, address provider, uint64 invitationExpiresAt, bytes32 bundle, bytes invitation, bytes acceptance)",
  "function close(address subject, address provider)",
  "function closeWithSig(address subject, address provider, address by, bytes signature)",
  "function anchorParcel(address subject, bytes32 digest, bytes16 locator)",
  "function anchor(address subject, bytes32[] digests, bytes locators)",
  "function anchorWithSig(address subject, address author, bytes32[] digests, bytes locators, bytes signature)",
  "function grant(address subject, address viewer, bytes32 bundle, bytes32 termsHash)",
  "function grantWithSig(address subject, address grantor, address viewer, bytes32 bundle, bytes32 termsHash, bytes signature)",
  "function revoke(bytes32 id)",
  "function revokeWithSig(address actor, bytes32 id, bytes signature)",
  "function suspend(bytes32 id)",
  "function suspendWithSig(address grantor, bytes32 id, bytes signature)",
  "function resume(bytes32 id)",
  "function resumeWithSig(address grantor, bytes32 id, bytes signature)",
  "function revokeAgent(bytes32 id)",
  "function revokeAgentWithSig(address actor, bytes32 id, bytes signature)",
  "function nameDelegate(address delegate, uint64 expiresAt)",
  "function nameDelegateWithSig(address subject, address delegate, uint64 expiresAt, bytes signature)",
  "function dismissDelegate(address subject, address delegate)",
  "function dismissDelegateWithSig(address subject, address delegate, address by, bytes signature)",
  "function multicall(bytes[] data)",
  "function relationshipOf(address subject, address provider) view returns (Relationship)",
  "function ledgerHead(address subject) view returns (bytes32)",
  "function batchHead(address author) view returns (bytes32)",
  "function batchAnchoredAt(address author, bytes32 root) view returns (uint64)",
  "function grantState(address actor, bytes32 id) view returns (GrantState)",
  "function delegationOf(address subject, address delegate) view returns (DelegationState)",
]);

const REGISTRAR = parseAbi([
  "function register(bytes publicKey, bytes32 descriptor)",
  "function registerWithSig(address participant, bytes publicKey, bytes32 descriptor, bytes signature)",
  "function registrationOf(address participant) view returns (bytes32)",
  "function isAccredited(address participant, uint64 roles) view returns (bool)",
]);

const ERRORS = parseAbi([
  "error Error(string reason)",
  "error Panic(uint256 code)",
  "error InvalidSignature(address signer, bytes32 structHash)",
  "error NotRegistered(address participant)",
  "error InvalidPublicKey(uint256 length)",
  "error RelationshipAlreadyOpen(address subject, address provider, uint32 number)",
  "error InvitationExpired(uint64 expiresAt)",
  "error NotAParty(address caller, address subject, address provider)",
  "error NotAccredited(address participant, uint64 roles)",
  "error NothingToAnchor()",
  "error LocatorsMismatch(uint256 digests, uint256 locatorBytes)",
  "error NotAnAuthor(address subject, address author)",
  "error GrantAlreadyExists(address grantor, bytes32 id, uint8 status)",
  "error GrantNotActive(address grantor, bytes32 id, uint8 status)",
  "error GrantNotSuspended(address grantor, bytes32 id, uint8 status)",
  "error InsufficientBalance(uint256 balance, uint256 needed)",
  "error DelegationInThePast(uint64 expiresAt)",
  "error NotOfDelegation(address caller, address subject, address delegate)",
  "error NoNotice(address owner)",
  "error TooEarly(address owner, uint64 silentAt)",
  "error NotAGuardian(address owner, address guardian)",
  "error AlreadyAnnounced(address owner, address heir, uint64 opensAt)",
  "error NotOpen(address owner, address heir, uint64 opensAt)",
  "error NotPrepared(address subject)",
]);

const GUARDIANSHIP = parseAbi([
  "struct Plan { bytes32 guardians; uint32 silence; uint32 notice; uint32 turn; uint64 lastSignAt; uint64 announcedAt; }",
  "function setPlan(bytes32 guardians, uint32 silence, uint32 notice, bytes32 shares)",
  "function setPlanWithSig(address owner, bytes32 guardians, uint32 silence, uint32 notice, bytes32 shares, bytes signature)",
  "function giveLifeSign()",
  "function giveLifeSignWithSig(address owner, bytes signature)",
  "function planOf(address owner) view returns (Plan)",
  "function opensAt(address owner, address heir) view returns (uint64)",
  "function isOpen(address owner, address heir) view returns (bool)",
]);

const EMERGENCY = parseAbi([
  "struct Preparation { bytes32 grant; uint32 turn; }",
  "function prepare(bytes32 grant, bytes32 custody)",
  "function prepareWithSig(address subject, bytes32 grant, bytes32 custody, bytes signature)",
  "function preparedOf(address subject) view returns (Preparation)",
]);

const EIP1271 = parseAbi(["function isValidSignature(bytes32 hash, bytes signature) view returns (bytes4)"]);

const ABIS = { medrec: MEDREC, registrar: REGISTRAR, guardianship: GUARDIANSHIP, emergency: EMERGENCY };
export type Contract = keyof typeof ABIS;

/** A call that is ready to be sent, and what it is called for people who look at a log. */
export interface Call {
  to: Address;
  data: Hex;
  name: string;
}

/** A refusal by a contract: the Solidity error's name and values, as a fault that the screens put into words. */
export function refusal(error: unknown): unknown {
  if (!(error instanceof RpcError)) return error;
  const data = revertData(error.data);
  if (data === null) {
    return new PageError("RpcRefused", { message: error.message.slice(0, 300) }, { cause: error });
  }
  return decodeRevert(data, error);
}

/** What return data of a revert means. */
export function decodeRevert(data: Hex, cause?: unknown): PageError {
  try {
    const decoded = decodeErrorResult({ abi: ERRORS, data });
    const names = ERRORS.find((item) => item.name === decoded.errorName)?.inputs ?? [];
    const values: Record<string, string | number> = {};
    names.forEach((input, at) => {
      const value: unknown = (decoded.args as readonly unknown[] | undefined)?.[at];
      values[input.name ?? `value${at}`] = typeof value === "number" ? value : String(value).slice(0, 300);
    });
    return new PageError(codeOfError(decoded.errorName), values, { cause });
  } catch {
    return new PageError("UnknownRevert", { data: data.slice(0, 74) }, { cause });
  }
}

/** The code of a Solidity error; two have other names here, because they'd say nothing. */
export function codeOfError(name: string): string {
  if (name === "Error") return "RevertedWithReason";
  return name === "Panic" ? "Panicked" : name;
}

function revertData(data: unknown): Hex | null {
  if (typeof data === "string" && /^0x([0-9a-fA-F]{2})*$/.test(data)) return data as Hex;
  // Some servers wrap it: {data: "0x…"}, or {originalError: {data}} in wallets.
  if (data && typeof data === "object") {
    const nested = data as { data?: unknown; originalError?: { data?: unknown } };
    return revertData(nested.data) ?? revertData(nested.originalError?.data);
  }
  return null;
}

export interface GuardianshipPlan {
  guardians: Hex;
  silence: number;
  notice: number;
  turn: number;
  lastSignAt: number;
  announcedAt: number;
}

/** The deployment: where its contracts are, and questions to them. */
export class Contracts {
  constructor(
    readonly node: Node,
    readonly config: NetworkConfig,
  ) {}

  call(contract: Contract, name: string, args: readonly unknown[]): Call {
    return { to: this.config.contracts[contract], data: encode(contract, name, args), name };
  }

  /** Several acts in one transaction, all or none; all of them go to MedRec. */
  multicall(calls: readonly Call[]): Call {
    const [first] = calls;
    if (first && calls.length === 1) return first;
    const together = this.call("medrec", "multicall", [calls.map((call) => call.data)]);
    return { ...together, name: calls.map((call) => call.name).join("+") };
  }

  async ask(contract: Contract, name: string, args: readonly unknown[], block?: number): Promise<unknown> {
    const data = await this.simulate(
      { to: this.config.contracts[contract], data: encode(contract, name, args), name },
      undefined,
      block,
    );
    return decode(contract, name, data);
  }

  /** Runs a call without sending it; a revert becomes the contract's own error. */
  async simulate(call: Call, from?: Address, block?: number): Promise<Hex> {
    try {
      const at = block === undefined ? "latest" : `0x${block.toString(16)}`;
      const transaction = { to: call.to, data: call.data, ...(from ? { from } : {}) };
      return hexOf(await this.node.request("eth_call", [transaction, at]));
    } catch (error) {
      throw refusal(error);
    }
  }

  async ledgerHead(subject: Address, block?: number): Promise<Hex> {
    return (await this.ask("medrec", "ledgerHead", [subject], block)) as Hex;
  }

  async batchHead(author: Address, block?: number): Promise<Hex> {
    return (await this.ask("medrec", "batchHead", [author], block)) as Hex;
  }

  async batchAnchoredAt(author: Address, root: Hex): Promise<number> {
    return Number(await this.ask("medrec", "batchAnchoredAt", [author, root]));
  }

  async relationshipOf(subject: Address, provider: Address): Promise<{ number: number; isOpen: boolean }> {
    const standing = (await this.ask("medrec", "relationshipOf", [subject, provider])) as {
      number: number;
      openedAt: bigint;
      closedAt: bigint;
    };
    return { number: standing.number, isOpen: standing.openedAt !== 0n && standing.closedAt === 0n };
  }

  async grantState(
    actor: Address,
    id: Hex,
  ): Promise<{ status: number; agentRevoked: boolean; turn: number; changedAt: number }> {
    const state = (await this.ask("medrec", "grantState", [actor, id])) as {
      status: number;
      agentRevoked: boolean;
      turn: number;
      changedAt: bigint;
    };
    return { ...state, changedAt: Number(state.changedAt) };
  }

  async registrationOf(participant: Address, block?: number): Promise<Hex> {
    return (await this.ask("registrar", "registrationOf", [participant], block)) as Hex;
  }

  async isAccredited(participant: Address, roles: bigint): Promise<boolean> {
    return (await this.ask("registrar", "isAccredited", [participant, roles])) === true;
  }

  async planOf(owner: Address): Promise<GuardianshipPlan> {
    const plan = (await this.ask("guardianship", "planOf", [owner])) as GuardianshipPlan & {
      lastSignAt: bigint;
      announcedAt: bigint;
    };
    return { ...plan, lastSignAt: Number(plan.lastSignAt), announcedAt: Number(plan.announcedAt) };
  }

  /** First second at which a plan is open to an heir; 0 when no announcement stands. */
  async opensAt(owner: Address, heir: Address): Promise<number> {
    return Number(await this.ask("guardianship", "opensAt", [owner, heir]));
  }

  async preparedOf(subject: Address): Promise<{ grant: Hex; turn: number }> {
    return (await this.ask("emergency", "preparedOf", [subject])) as { grant: Hex; turn: number };
  }

  async delegationOf(subject: Address, delegate: Address): Promise<{ expiresAt: bigint; turn: number }> {
    return (await this.ask("medrec", "delegationOf", [subject, delegate])) as { expiresAt: bigint; turn: number };
  }

  async delegationTurn(subject: Address, delegate: Address): Promise<number> {
    return (await this.delegationOf(subject, delegate)).turn;
  }

  /** Height and time of the latest block. */
  async head(): Promise<{ number: number; hash: Hex; time: number }> {
    return blockOf(await this.node.request("eth_getBlockByNumber", ["latest", false]));
  }

  async block(number: number): Promise<{ number: number; hash: Hex; time: number } | null> {
    const block = await this.node.request("eth_getBlockByNumber", [`0x${number.toString(16)}`, false]);
    return block === null ? null : blockOf(block);
  }

  async code(address: Address): Promise<Hex> {
    return hexOf(await this.node.request("eth_getCode", [address, "latest"]));
  }
}

function blockOf(value: unknown): { number: number; hash: Hex; time: number } {
  const block = value as { number?: unknown; hash?: unknown; timestamp?: unknown } | null;
  return { number: quantity(block?.number), hash: hexOf(block?.hash), time: quantity(block?.timestamp) };
}

/** Asks an account with code whether it stands behind a signature (ERC-1271). */
export async function isValidContractSignature(node: Node, account: Address, hash: Hex, signature: Hex) {
  const data = encodeFunctionData({ abi: EIP1271, functionName: "isValidSignature", args: [hash, signature] });
  try {
    const answer = await node.request("eth_call", [{ to: account, data }, "latest"]);
    return typeof answer === "string" && answer.length === 66 && answer.startsWith("0x1626ba7e");
  } catch (error) {
    if (error instanceof RpcError) return false;
    throw error;
  }
}

function encode(contract: Contract, functionName: string, args: readonly unknown[]): Hex {
  return encodeFunctionData({ abi: ABIS[contract], functionName, args } as Parameters<typeof encodeFunctionData>[0]);
}

function decode(contract: Contract, functionName: string, data: Hex): unknown {
  try {
    return decodeFunctionResult({ abi: ABIS[contract], functionName, data } as Parameters<
      typeof decodeFunctionResult
    >[0]);
  } catch (cause) {
    throw new PageError("ChainInconsistent", { function: functionName }, { cause });
  }
}
