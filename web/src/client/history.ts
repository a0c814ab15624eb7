/** Every act on chain that concerns the patient: what happened, when, by whom. */

import { type IndexedGrant, ofConsequence } from "../chain/standing";
import { byPosition, type ChainEvent, type LoggedEvent } from "../types/events";
import type { Address, Hex, HistoryItem } from "./api";
import type { Context } from "./context";

/** The acts about these subjects, in the chain's order. */
export async function history(
  context: Context,
  subjects: readonly Address[],
  owners: readonly Address[],
): Promise<HistoryItem[]> {
  const events = new Map<string, LoggedEvent>();
  const take = (logged: LoggedEvent) => events.set(`${logged.blockNumber} ${logged.logIndex}`, logged);
  const known = new Map<Hex, IndexedGrant>();
  const gateways = new Set<Address>();
  for (const subject of subjects) {
    const grants = ofConsequence(context.chain.grants(subject), subject);
    for (const grant of grants) {
      known.set(grant.id, grant);
      gateways.add(grant.viewer);
      for (const logged of context.chain.namingGrant(grant.id)) if (hasEffect(logged.event, grant)) take(logged);
    }
    for (const { provider } of context.chain.relationships(subject)) gateways.add(provider);
    for (const logged of context.chain.naming(subject)) {
      const { event } = logged;
      // Anybody may announce a grant about anybody: what has no effect is not the patient's history.
      if (event.event === "Granted" && !known.has(event.id)) continue;
      if ("subject" in event && event.subject === subject) take(logged);
    }
  }
  for (const owner of owners) {
    for (const logged of context.chain.naming(owner)) {
      if ("owner" in logged.event && logged.event.owner === owner) take(logged);
    }
  }
  for (const gateway of gateways) {
    for (const logged of context.chain.naming(gateway)) {
      if (logged.event.event === "ReceiptsCommitted" && logged.event.gateway === gateway) take(logged);
    }
  }
  const inOrder = [...events.values()].sort(byPosition);
  await context.log.learnTimes(inOrder);
  const items = inOrder.map((logged) => itemOf(context, logged, known));
  const names = await context.namesOf(items.map(({ actor }) => actor).filter((actor) => actor !== null));
  return items.map((item) => ({ ...item, actorName: (item.actor && names.get(item.actor)) || "" }));
}

/** Leaves out what people say about grants that are none of theirs: it has no effect on chain. */
function hasEffect(event: ChainEvent, { subject, grantor, viewer }: IndexedGrant): boolean {
  if (event.event === "GrantRevoked" || event.event === "AgentRevoked") {
    return [subject, grantor, viewer].includes(event.actor);
  }
  if (event.event === "GrantRenounced" || event.event === "GrantSuspended" || event.event === "GrantResumed") {
    return event.grantor === grantor;
  }
  return true;
}

function itemOf(context: Context, logged: LoggedEvent, grants: ReadonlyMap<Hex, IndexedGrant>): HistoryItem {
  const { event } = logged;
  const grant = "id" in event ? event.id : event.event === "EmergencyPrepared" ? event.grant : null;
  const about = grant ? (grants.get(grant)?.subject ?? null) : null;
  const values: Record<string, string | number> = {};
  for (const [name, value] of Object.entries(event)) {
    if (name === "event" || name === "locators" || name === "publicKey") continue;
    if (name === "digests") values.count = (value as readonly Hex[]).length;
    else values[name] = typeof value === "bigint" ? String(value) : (value as string | number);
  }
  const viewer = grant ? grants.get(grant)?.viewer : undefined;
  if (viewer) values.viewer = viewer;
  return {
    kind: event.event,
    time: context.log.timeOf(logged),
    block: logged.blockNumber,
    transaction: logged.transactionHash,
    actor: actorOf(event, viewer ?? null),
    actorName: "",
    subject: "subject" in event ? event.subject : about,
    grant: grant && !/^0x0+$/.test(grant) ? grant : null,
    values,
  };
}

function actorOf(event: ChainEvent, viewer: Address | null): Address | null {
  switch (event.event) {
    case "RelationshipOpened":
    case "EmergencyDeclared":
      return event.provider;
    case "RelationshipClosed":
    case "DelegateDismissed":
      return event.by;
    case "Anchored":
    case "Retracted":
    case "BatchAnchored":
      return event.author;
    case "Granted":
    case "GrantSuspended":
    case "GrantResumed":
      return event.grantor;
    case "GrantRevoked":
    case "AgentRevoked":
      return event.actor;
    case "GrantRenounced":
      return viewer;
    case "DelegateNamed":
    case "EmergencyPrepared":
      return event.subject;
    case "PlanSet":
    case "LifeSignGiven":
      return event.owner;
    case "RecoveryAnnounced":
    case "ShareReleased":
      return event.guardian;
    case "KeyReleased":
      return event.custodian;
    case "ReceiptsCommitted":
      return event.gateway;
    default:
      return null;
  }
}
