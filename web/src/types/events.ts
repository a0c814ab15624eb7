/**
 * What the contracts emit, one type per Solidity event, and where in the chain it was emitted.
 *
 * Addresses are EIP-55 checksummed; digests, ids and locators hexadecimal text in lower case; times Unix seconds.
 */

import type { Address, Hex } from "viem";

export interface Registered {
  readonly event: "Registered";
  readonly participant: Address;
  readonly previous: Hex;
  readonly publicKey: Hex;
  readonly descriptor: Hex;
}

export interface Accredited {
  readonly event: "Accredited";
  readonly participant: Address;
  readonly roles: bigint;
  readonly expiresAt: bigint;
  readonly credential: Hex;
}

export interface AccreditationWithdrawn {
  readonly event: "AccreditationWithdrawn";
  readonly participant: Address;
}

export interface VocabularyPublished {
  readonly event: "VocabularyPublished";
  readonly vocabulary: Hex;
}

export interface RelationshipOpened {
  readonly event: "RelationshipOpened";
  readonly subject: Address;
  readonly provider: Address;
  readonly number: number;
  readonly bundle: Hex;
}

export interface RelationshipClosed {
  readonly event: "RelationshipClosed";
  readonly subject: Address;
  readonly provider: Address;
  readonly number: number;
  readonly by: Address;
}

/** `Anchored`, and `ParcelAnchored` for one alone: parcels joined the subject's ledger, in this order. */
export interface Anchored {
  readonly event: "Anchored";
  readonly subject: Address;
  readonly author: Address;
  readonly time: number;
  readonly digests: readonly Hex[];
  /** 16 bytes each, as many as digests. */
  readonly locators: readonly Hex[];
}

export interface Retracted {
  readonly event: "Retracted";
  readonly subject: Address;
  readonly author: Address;
  readonly time: number;
  readonly digest: Hex;
  readonly replacement: Hex;
}

export interface BatchAnchored {
  readonly event: "BatchAnchored";
  readonly author: Address;
  readonly time: number;
  readonly root: Hex;
  readonly manifest: Hex;
  readonly count: number;
}

export interface Granted {
  readonly event: "Granted";
  readonly subject: Address;
  readonly grantor: Address;
  readonly viewer: Address;
  readonly id: Hex;
  readonly bundle: Hex;
  readonly termsHash: Hex;
}

export interface GrantRevoked {
  readonly event: "GrantRevoked";
  readonly actor: Address;
  readonly id: Hex;
}

export interface GrantRenounced {
  readonly event: "GrantRenounced";
  readonly grantor: Address;
  readonly id: Hex;
}

export interface GrantSuspended {
  readonly event: "GrantSuspended";
  readonly grantor: Address;
  readonly id: Hex;
  readonly turn: number;
}

export interface GrantResumed {
  readonly event: "GrantResumed";
  readonly grantor: Address;
  readonly id: Hex;
  readonly turn: number;
}

export interface AgentRevoked {
  readonly event: "AgentRevoked";
  readonly actor: Address;
  readonly id: Hex;
}

export interface ReceiptsCommitted {
  readonly event: "ReceiptsCommitted";
  readonly gateway: Address;
  readonly epoch: bigint;
  readonly head: Hex;
  readonly count: number;
}

export interface DelegateNamed {
  readonly event: "DelegateNamed";
  readonly subject: Address;
  readonly delegate: Address;
  readonly expiresAt: bigint;
  readonly turn: number;
}

export interface DelegateDismissed {
  readonly event: "DelegateDismissed";
  readonly subject: Address;
  readonly delegate: Address;
  readonly by: Address;
  readonly turn: number;
}

export interface PlanSet {
  readonly event: "PlanSet";
  readonly owner: Address;
  readonly guardians: Hex;
  readonly silence: number;
  readonly notice: number;
  readonly shares: Hex;
  readonly turn: number;
}

export interface LifeSignGiven {
  readonly event: "LifeSignGiven";
  readonly owner: Address;
  readonly signAt: number;
  readonly turn: number;
}

export interface RecoveryAnnounced {
  readonly event: "RecoveryAnnounced";
  readonly owner: Address;
  readonly heir: Address;
  readonly guardian: Address;
  readonly opensAt: number;
}

export interface ShareReleased {
  readonly event: "ShareReleased";
  readonly owner: Address;
  readonly heir: Address;
  readonly guardian: Address;
  readonly share: Hex;
}

export interface EmergencyPrepared {
  readonly event: "EmergencyPrepared";
  readonly subject: Address;
  readonly grant: Hex;
  readonly custody: Hex;
  readonly turn: number;
}

export interface EmergencyDeclared {
  readonly event: "EmergencyDeclared";
  readonly subject: Address;
  readonly provider: Address;
  readonly id: Hex;
  readonly startsAt: number;
  readonly expiresAt: number;
  readonly reason: Hex;
}

export interface KeyReleased {
  readonly event: "KeyReleased";
  readonly subject: Address;
  readonly provider: Address;
  readonly custodian: Address;
  readonly id: Hex;
  readonly share: Hex;
}

export type ChainEvent =
  | Registered
  | Accredited
  | AccreditationWithdrawn
  | VocabularyPublished
  | RelationshipOpened
  | RelationshipClosed
  | Anchored
  | Retracted
  | BatchAnchored
  | Granted
  | GrantRevoked
  | GrantRenounced
  | GrantSuspended
  | GrantResumed
  | AgentRevoked
  | ReceiptsCommitted
  | DelegateNamed
  | DelegateDismissed
  | PlanSet
  | LifeSignGiven
  | RecoveryAnnounced
  | ShareReleased
  | EmergencyPrepared
  | EmergencyDeclared
  | KeyReleased;

/** An event and its place in the chain. */
export interface LoggedEvent<E extends ChainEvent = ChainEvent> {
  readonly blockNumber: number;
  readonly blockHash: Hex;
  readonly logIndex: number;
  readonly transactionHash: Hex;
  /** The contract that emitted it. */
  readonly contract: Address;
  readonly event: E;
}

/** Sorts events in the chain's order. */
export function byPosition(first: LoggedEvent, second: LoggedEvent): number {
  return first.blockNumber - second.blockNumber || first.logIndex - second.logIndex;
}
