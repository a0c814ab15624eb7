/** How things stand after the events so far: what the folds of `medrec_py.index.standing` give, in memory. */

import { keccak_256 } from "@noble/hashes/sha3.js";
import type { Address, Hex } from "../client/api";
import { PageError } from "../errors";
import { concat, fromHex, toHex } from "../types/bytes";
import type { BatchAnchored, ChainEvent, Granted, LoggedEvent, PlanSet } from "../types/events";
import { EMPTY_HEAD, entriesOf, type LedgerEntry } from "../types/ledger";
import { GrantStatus } from "../types/terms";
import type { Log } from "./log";

export interface IndexedRelationship {
  readonly subject: Address;
  readonly provider: Address;
  readonly number: number;
  readonly bundle: Hex;
  readonly opened: LoggedEvent;
  readonly closed: LoggedEvent | null;
}

export interface IndexedGrant {
  readonly subject: Address;
  readonly grantor: Address;
  readonly viewer: Address;
  readonly id: Hex;
  readonly bundle: Hex;
  readonly termsHash: Hex;
  /** The subject's own revocation of a sub-grant included; expiry and the grants above are in the terms. */
  readonly status: GrantStatus;
  readonly turn: number;
  readonly agentRevoked: boolean;
  readonly granted: LoggedEvent;
  readonly changed: LoggedEvent;
}

export interface IndexedParticipant {
  readonly address: Address;
  readonly publicKey: Hex;
  readonly descriptor: Hex;
  /** Head of the hash chain over its registrations: must equal `Registrar.registrationOf`. */
  readonly registration: Hex;
  /** The accreditation that stands, running or not. */
  readonly accreditation: { readonly roles: bigint; readonly expiresAt: bigint } | null;
}

export interface IndexedBatch {
  readonly event: BatchAnchored;
  readonly entry: LedgerEntry;
}

export interface IndexedDelegation {
  readonly subject: Address;
  readonly delegate: Address;
  readonly expiresAt: bigint;
  readonly turn: number;
  readonly isDismissed: boolean;
}

export function isTerminal(status: GrantStatus): boolean {
  return status === GrantStatus.REVOKED || status === GrantStatus.RENOUNCED;
}

/** Whether the first came before the second. */
export function isBefore(first: LoggedEvent, second: LoggedEvent): boolean {
  return (
    first.blockNumber < second.blockNumber ||
    (first.blockNumber === second.blockNumber && first.logIndex < second.logIndex)
  );
}

interface Act {
  readonly status: GrantStatus;
  readonly by: LoggedEvent;
}

/** Everything that the events say, sorted by whom it is about. Built anew when the log has grown. */
export class Chain {
  private version = -1;
  private ledgers = new Map<Address, LedgerEntry[]>();
  private batchesBy = new Map<Address, IndexedBatch[]>();
  private relationshipsOf = new Map<Address, Map<string, IndexedRelationship>>();
  private grantsById = new Map<Hex, LoggedEvent<Granted>[]>();
  private grantsOf = new Map<Address, Hex[]>();
  private acts = new Map<string, Act>();
  private turns = new Map<string, number>();
  private dismissed = new Set<string>();
  private participants = new Map<Address, IndexedParticipant | PageError>();
  private delegations = new Map<Address, Map<Address, IndexedDelegation>>();
  private about = new Map<Address, LoggedEvent[]>();
  private byGrant = new Map<Hex, LoggedEvent[]>();

  constructor(readonly log: Log) {}

  /** A subject's ledger. */
  ledger(subject: Address): readonly LedgerEntry[] {
    this.update();
    return this.ledgers.get(subject) ?? [];
  }

  batches(author: Address): readonly IndexedBatch[] {
    this.update();
    return this.batchesBy.get(author) ?? [];
  }

  /** In the order in which they were opened. */
  relationships(subject: Address, provider?: Address): IndexedRelationship[] {
    this.update();
    const all = [...(this.relationshipsOf.get(subject)?.values() ?? [])];
    return provider ? all.filter((item) => item.provider === provider) : all;
  }

  /** Every grant about a subject, in the order of granting: also those that strangers made up. */
  grants(subject: Address): IndexedGrant[] {
    this.update();
    return (this.grantsOf.get(subject) ?? []).map((id) => this.grant(id)).filter((item) => item !== null);
  }

  grant(id: Hex): IndexedGrant | null {
    this.update();
    const granted = this.grantsById.get(id)?.at(-1);
    return granted ? this.standingGrant(granted) : null;
  }

  /** A participant; throws PageError RegistrationBroken when its registrations form no hash chain. */
  participant(address: Address): IndexedParticipant | null {
    this.update();
    const found = this.participants.get(address) ?? null;
    if (found instanceof PageError) throw found;
    return found;
  }

  /** Every participant whose registrations are whole. */
  allParticipants(): IndexedParticipant[] {
    this.update();
    return [...this.participants.values()].filter((item): item is IndexedParticipant => !(item instanceof PageError));
  }

  isAccredited(address: Address, at: number, roles = 0n): boolean {
    this.update();
    const found = this.participants.get(address);
    const standing = found && !(found instanceof PageError) ? found.accreditation : null;
    return standing !== null && BigInt(at) < standing.expiresAt && (standing.roles & roles) === roles;
  }

  delegates(subject: Address): IndexedDelegation[] {
    this.update();
    return [...(this.delegations.get(subject)?.values() ?? [])];
  }

  /** The events that name an address as subject, owner, participant or provider. */
  naming(address: Address): readonly LoggedEvent[] {
    this.update();
    return this.about.get(address) ?? [];
  }

  /** The events about a grant, whoever says them. */
  namingGrant(id: Hex): readonly LoggedEvent[] {
    this.update();
    return this.byGrant.get(id) ?? [];
  }

  /** Whether anything on chain is about an address. */
  knows(subject: Address): boolean {
    this.update();
    return (this.about.get(subject) ?? []).some(({ event }) => "subject" in event && event.subject === subject);
  }

  /** The latest plan of an owner. */
  plan(owner: Address): LoggedEvent<PlanSet> | null {
    const plans = this.naming(owner).filter((logged) => logged.event.event === "PlanSet");
    return (plans.at(-1) as LoggedEvent<PlanSet> | undefined) ?? null;
  }

  private update(): void {
    if (this.version === this.log.version) return;
    this.version = this.log.version;
    for (const map of [
      this.ledgers,
      this.batchesBy,
      this.relationshipsOf,
      this.grantsById,
      this.grantsOf,
      this.acts,
      this.turns,
      this.dismissed,
      this.participants,
      this.delegations,
      this.about,
      this.byGrant,
    ]) {
      map.clear();
    }
    for (const logged of this.log.all()) this.take(logged);
  }

  private take(logged: LoggedEvent): void {
    const { event } = logged;
    for (const address of namesIn(event)) append(this.about, address, logged);
    if ("id" in event) append(this.byGrant, event.id, logged);
    switch (event.event) {
      case "Anchored":
      case "Retracted":
        for (const entry of entriesOf(logged)) append(this.ledgers, event.subject, entry);
        break;
      case "BatchAnchored":
        for (const entry of entriesOf(logged)) append(this.batchesBy, event.author, { event, entry });
        break;
      case "RelationshipOpened": {
        const { subject, provider, number, bundle } = event;
        const opened = { subject, provider, number, bundle, opened: logged, closed: null };
        within(this.relationshipsOf, subject).set(`${provider} ${number}`, opened);
        break;
      }
      case "RelationshipClosed": {
        const key = `${event.provider} ${event.number}`;
        const standing = this.relationshipsOf.get(event.subject)?.get(key);
        if (standing) within(this.relationshipsOf, event.subject).set(key, { ...standing, closed: logged });
        break;
      }
      case "Granted":
        if (!this.grantsById.has(event.id)) append(this.grantsOf, event.subject, event.id);
        append(this.grantsById, event.id, logged as LoggedEvent<Granted>);
        this.acts.set(`${event.grantor} ${event.id}`, { status: GrantStatus.ACTIVE, by: logged });
        break;
      case "GrantRevoked":
        this.acts.set(`${event.actor} ${event.id}`, { status: GrantStatus.REVOKED, by: logged });
        break;
      case "GrantRenounced":
        this.acts.set(`${event.grantor} ${event.id}`, { status: GrantStatus.RENOUNCED, by: logged });
        break;
      case "GrantSuspended":
      case "GrantResumed": {
        const status = event.event === "GrantSuspended" ? GrantStatus.SUSPENDED : GrantStatus.ACTIVE;
        this.acts.set(`${event.grantor} ${event.id}`, { status, by: logged });
        this.turns.set(`${event.grantor} ${event.id}`, event.turn + 1);
        break;
      }
      case "AgentRevoked":
        this.dismissed.add(`${event.actor} ${event.id}`);
        break;
      case "DelegateNamed":
      case "DelegateDismissed": {
        const { subject, delegate, turn } = event;
        const isDismissed = event.event === "DelegateDismissed";
        const expiresAt = event.event === "DelegateNamed" ? event.expiresAt : 0n;
        within(this.delegations, subject).set(delegate, { subject, delegate, expiresAt, turn, isDismissed });
        break;
      }
      default:
        this.takeRegistration(event);
    }
  }

  private takeRegistration(event: ChainEvent): void {
    if (event.event === "Registered") {
      const { participant: address, previous, publicKey, descriptor } = event;
      const before = this.participants.get(address);
      if (before instanceof PageError) return;
      if (previous !== (before?.registration ?? EMPTY_HEAD)) {
        this.participants.set(address, new PageError("RegistrationBroken", { participant: address }));
        return;
      }
      // The fold, from `Registrar._register`.
      const registration = toHex(
        keccak_256(concat(fromHex(previous), keccak_256(fromHex(publicKey)), fromHex(descriptor))),
      );
      const accreditation = before?.accreditation ?? null;
      this.participants.set(address, { address, publicKey, descriptor, registration, accreditation });
    } else if (event.event === "Accredited" || event.event === "AccreditationWithdrawn") {
      const standing = this.participants.get(event.participant);
      if (!standing || standing instanceof PageError) return;
      const accreditation = event.event === "Accredited" ? { roles: event.roles, expiresAt: event.expiresAt } : null;
      this.participants.set(event.participant, { ...standing, accreditation });
    }
  }

  /**
   * As in `contracts/core/Grants.sol`, each actor has a state of its own for an id, perhaps before the grant is made.
   * What counts is the grantor's, unless the subject revoked, and either side's dismissal of the agent.
   */
  private standingGrant(granted: LoggedEvent<Granted>): IndexedGrant {
    const { subject, grantor, viewer, id, bundle, termsHash } = granted.event;
    let act = this.acts.get(`${grantor} ${id}`) ?? { status: GrantStatus.ACTIVE, by: granted };
    const overruled = this.acts.get(`${subject} ${id}`);
    if (!isTerminal(act.status) && overruled?.status === GrantStatus.REVOKED) act = overruled;
    return {
      subject,
      grantor,
      viewer,
      id,
      bundle,
      termsHash,
      status: act.status,
      turn: this.turns.get(`${grantor} ${id}`) ?? 0,
      agentRevoked: this.dismissed.has(`${grantor} ${id}`) || this.dismissed.has(`${viewer} ${id}`),
      granted,
      changed: isBefore(act.by, granted) ? granted : act.by,
    };
  }
}

/**
 * The grants about a subject whose grantors can have had something to hand over: the subject, and whoever held a grant
 * that had not ended yet. A stranger may say on chain that they grant; that must not make anybody change keys.
 */
export function ofConsequence(items: readonly IndexedGrant[], subject: Address): IndexedGrant[] {
  const held = new Map<Address, IndexedGrant[]>();
  const found = new Set<Hex>();
  for (let grew = true; grew; ) {
    grew = false;
    for (const item of items) {
      if (found.has(item.id)) continue;
      const above = held.get(item.grantor) ?? [];
      const couldGrant = above.some((one) => !isTerminal(one.status) || isBefore(item.granted, one.changed));
      if (item.grantor !== subject && !couldGrant) continue;
      append(held, item.viewer, item);
      found.add(item.id);
      grew = true;
    }
  }
  return items.filter((item) => found.has(item.id));
}

function* namesIn(event: ChainEvent): Generator<Address> {
  const named = new Set<Address>();
  for (const name of ["subject", "owner", "participant", "heir", "viewer", "provider", "gateway"] as const) {
    const value = (event as unknown as Record<string, unknown>)[name];
    if (typeof value === "string") named.add(value as Address);
  }
  yield* named;
}

function append<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}

function within<K, L, V>(map: Map<K, Map<L, V>>, key: K): Map<L, V> {
  let inner = map.get(key);
  if (!inner) {
    inner = new Map();
    map.set(key, inner);
  }
  return inner;
}
