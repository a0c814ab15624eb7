/**
 * Comparing what the log says with what the chain keeps as state: ledgers, batches, registrations, relationships and
 * grants. A node that hides, adds or alters one entry of the log does not reach the heads.
 */

import { type IndexedDelegation, type IndexedGrant, isTerminal } from "../chain/standing";
import { PageError } from "../errors";
import { EMPTY_HEAD, replay } from "../types/ledger";
import { GrantStatus } from "../types/terms";
import type { Address, Verification } from "./api";
import type { Context } from "./context";
import { preparations } from "./emergencies";
import type { Faults } from "./faults";

/** Replays and compares everything about these subjects. */
export async function verify(
  context: Context,
  subjects: readonly Address[],
  faults: Faults,
): Promise<Verification["ledgers"]> {
  const { chain, contracts, log } = context;
  const block = log.head().number;
  const providers = new Set<Address>();
  const checks: Promise<void>[] = [];
  const ledgers = subjects.map(async (subject) => {
    const entries = chain.ledger(subject);
    const head = replay(entries);
    const ok = head === (await contracts.ledgerHead(subject, block));
    if (!ok) faults.add({ code: "ledger_mismatch", values: {}, subject, digest: head });
    return { subject, head, entries: entries.length, ok };
  });
  for (const subject of subjects) {
    // Only who has written about this very subject: to ask about a pair that is none would tell that it might be one.
    const authors = new Set(chain.ledger(subject).map(({ author }) => author));
    authors.delete(subject);
    checks.push(...checkRelationships(context, subject, authors, faults));
    for (const author of authors) providers.add(author);
    for (const item of chain.grants(subject)) checks.push(checkGrant(context, item, faults));
    for (const item of chain.delegates(subject)) checks.push(checkDelegation(context, item, faults));
    checks.push(checkEmergency(context, subject, faults));
  }
  for (const provider of providers) {
    checks.push(checkBatches(context, provider, block, faults), checkRegistration(context, provider, block, faults));
  }
  await Promise.all(checks);
  return Promise.all(ledgers);
}

function* checkRelationships(
  context: Context,
  subject: Address,
  authors: Set<Address>,
  faults: Faults,
): Generator<Promise<void>> {
  const counted = new Map<Address, { numbers: number[]; isOpen: boolean }>();
  for (const { provider, number, closed } of context.chain.relationships(subject)) {
    const numbers = [...(counted.get(provider)?.numbers ?? []), number];
    counted.set(provider, { numbers, isOpen: closed === null });
  }
  for (const author of authors) if (!counted.has(author)) counted.set(author, { numbers: [], isOpen: false });
  for (const [provider, { numbers, isOpen }] of counted) {
    authors.add(provider);
    yield (async () => {
      const standing = await context.contracts.relationshipOf(subject, provider);
      const isCounted = numbers.length === standing.number && new Set(numbers).size === standing.number;
      if (!isCounted || isOpen !== standing.isOpen) {
        faults.add({ code: "relationship_mismatch", values: { provider }, subject, digest: null });
      }
    })();
  }
}

async function checkGrant(context: Context, item: IndexedGrant, faults: Faults): Promise<void> {
  const { subject, grantor, viewer, id } = item;
  let { status, agentRevoked } = await context.contracts.grantState(grantor, id);
  // The viewer's word counts as well; it is asked for only where the log says that there is one.
  if (item.agentRevoked && !agentRevoked) ({ agentRevoked } = await context.contracts.grantState(viewer, id));
  // As the contract evaluates it: the subject's own word overrules whatever is not final already.
  if (grantor !== subject && !isTerminal(status as GrantStatus)) {
    const own = await context.contracts.grantState(subject, id);
    if (own.status === GrantStatus.REVOKED) status = GrantStatus.REVOKED;
  }
  const isSame = status === item.status && agentRevoked === item.agentRevoked;
  if (!isSame) faults.add({ code: "grant_mismatch", values: { id }, subject, digest: null });
}

async function checkDelegation(context: Context, item: IndexedDelegation, faults: Faults): Promise<void> {
  const { subject, delegate } = item;
  const { expiresAt, turn } = await context.contracts.delegationOf(subject, delegate);
  if (turn !== item.turn || expiresAt !== item.expiresAt) {
    faults.add({ code: "delegation_mismatch", values: { delegate }, subject, digest: null });
  }
}

/** What is prepared for emergencies: every preparation has the next number, so none is hidden unnoticed. */
async function checkEmergency(context: Context, subject: Address, faults: Faults): Promise<void> {
  if (/^0x0+$/.test(context.config.contracts.emergency)) return;
  const last = preparations(context, subject).at(-1);
  const { grant, turn } = await context.contracts.preparedOf(subject);
  if (turn !== (last?.turn ?? 0) || grant !== (last?.grant ?? EMPTY_HEAD)) {
    faults.add({ code: "emergency_mismatch", values: {}, subject, digest: null });
  }
}

async function checkBatches(context: Context, author: Address, block: number, faults: Faults): Promise<void> {
  const head = replay(context.chain.batches(author).map(({ entry }) => entry));
  if (head !== (await context.contracts.batchHead(author, block))) {
    faults.add({ code: "batches_mismatch", values: { author }, subject: null, digest: head });
  }
}

async function checkRegistration(context: Context, participant: Address, block: number, faults: Faults): Promise<void> {
  let registration = EMPTY_HEAD;
  try {
    registration = context.chain.participant(participant)?.registration ?? EMPTY_HEAD;
  } catch (error) {
    // Registrations that form no chain are compared all the same: they can't be equal.
    if (!(error instanceof PageError)) throw error;
  }
  if (registration !== (await context.contracts.registrationOf(participant, block))) {
    faults.add({ code: "registration_mismatch", values: { participant }, subject: null, digest: registration });
  }
}
