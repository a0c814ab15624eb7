/**
 * Making grants, and reading them back from their key bundles.
 *
 * Anybody may write a grant about anybody on chain, and seal any bundle to whomever they know the key of. So nothing
 * here counts as a grant that does not follow, link by link, from one by the subject.
 */

import { requireAddress } from "../chain/addresses";
import { type IndexedGrant, isTerminal } from "../chain/standing";
import type { ParticipantKey, PublicKey } from "../crypto/hpke";
import { MailboxKey, randomBytes } from "../crypto/secret";
import { PageError } from "../errors";
import { openBundle, sealBundle } from "../sealing/bundle";
import type { GrantBundle } from "../sealing/documents";
import { digestOf } from "../store/fetch";
import { fromHexOf, toHex } from "../types/bytes";
import type { JsonObject } from "../types/jsonValues";
import { day } from "../types/moments";
import { render, requireStatement } from "../types/statement";
import {
  GrantStatus,
  NO_EXPIRY,
  NO_FIRST_DATE,
  NO_LAST_DATE,
  type PresentedGrant,
  presentedGrantId,
  type Terms,
  termsFromJson,
  termsHash,
  termsToJson,
  ZERO_ADDRESS,
  ZERO_BYTES32,
} from "../types/terms";
import { classMask, type Language, operationMask, purposeMask, vocabularyHash } from "../types/vocabulary";
import type { Address, GrantState, Hex, ShareRequest } from "./api";
import type { Context } from "./context";
import type { Cut } from "./cutting";
import { type Faults, fetchFault } from "./faults";

/** Of a bundle that somebody else sealed: room for tens of thousands of keys. */
const PASSED_ON_BYTES = 8 << 20;

/** A grant with its terms in the clear, and the key bundle that came with it. */
export interface OpenedGrant {
  readonly item: IndexedGrant;
  /** From the subject's own grant down to this one. */
  readonly chain: readonly PresentedGrant[];
  readonly state: GrantState;
  readonly bundle: GrantBundle;
}

/** The grant itself, the last of its chain. */
export function presentedOf({ chain }: OpenedGrant): PresentedGrant {
  return chain[chain.length - 1] as PresentedGrant;
}

/** Whether nothing has ended it. */
export function isLive({ state }: OpenedGrant): boolean {
  return state === "active" || state === "suspended" || state === "not yet valid";
}

/** Terms with their sentence, from what people chose. */
export function makeTerms(request: ShareRequest, now: number, extra: Partial<Terms> = {}): Terms {
  const draft = {
    agent: request.agent ?? ZERO_ADDRESS,
    classes: classMask(request.classes),
    purposes: purposeMask(request.purposes),
    operations: operationMask(request.operations),
    startsAt: BigInt(request.startsAt ?? now),
    expiresAt: request.expiresAt === null ? NO_EXPIRY : BigInt(request.expiresAt),
    recordsFrom: request.recordsFrom === null ? NO_FIRST_DATE : day(request.recordsFrom),
    recordsUntil: request.recordsUntil === null ? NO_LAST_DATE : day(request.recordsUntil),
    delegations: request.delegations,
    parent: ZERO_BYTES32,
    condition: ZERO_ADDRESS,
    vocabulary: vocabularyHash(),
    salt: toHex(randomBytes(32)),
    ...extra,
  };
  if (!draft.classes || !draft.purposes || !draft.operations) throw new PageError("GrantEmpty");
  if (draft.expiresAt <= draft.startsAt || draft.expiresAt <= BigInt(now)) {
    throw new PageError("GrantEndsBeforeItBegins");
  }
  if (draft.recordsFrom > draft.recordsUntil) throw new PageError("GrantDatesReversed");
  return { ...draft, statement: render(draft, request.viewer, request.language satisfies Language) };
}

/** A grant that is ready to be signed, and what has to be stored for it. */
export interface SealedGrant {
  readonly presented: PresentedGrant;
  readonly objects: readonly Uint8Array[];
}

/** Seals the bundle for a grant by the subject. */
export async function sealGrant(
  context: Context,
  subject: Address,
  viewer: Address,
  terms: Terms,
  cutting: Cut,
  subjectKey: PublicKey,
  recipients: readonly PublicKey[],
): Promise<SealedGrant> {
  const bundle: GrantBundle = {
    kind: "grant",
    grantor: subject,
    viewer,
    terms: termsToJson(terms),
    keys: cutting.keys,
    excerpts: cutting.excerpts,
    mailboxKey: new MailboxKey(randomBytes(32)),
    publicKey: subjectKey,
    ancestors: [],
  };
  // Sealed to the subject as well: so the patient sees every grant again from a new device.
  const sealed = await sealBundle(bundle, context.bundleContext(subject), [...recipients, subjectKey]);
  const presented = { grantor: subject, viewer, bundle: await digestOf(sealed), terms };
  return { presented, objects: [...cutting.objects, sealed] };
}

/** The grants that one key pair opens. A bundle never changes, so each is fetched and opened once. */
export class GrantBook {
  private readonly opened = new Map<Hex, { bundle: GrantBundle; chain: PresentedGrant[] } | null>();

  constructor(
    private readonly context: Context,
    private readonly key: () => Promise<ParticipantKey>,
  ) {}

  /**
   * Those grants that are sealed to the key and say what they were granted to say.
   *
   * Anybody may write a grant to anybody; so a malformed one by others is left out, and must not hide the rest. One of
   * the subject's own that can't be opened is named as a fault: to leave it out would hide it.
   */
  async openAll(items: readonly IndexedGrant[], faults: Faults): Promise<OpenedGrant[]> {
    const opened = await Promise.all(
      items.map(async (item) => {
        try {
          return await this.open(item);
        } catch (error) {
          const fault = fetchFault(error, "unreadable_grant", item.subject, item.bundle, { id: item.id });
          if (item.grantor === item.subject) faults.add(fault);
          return null;
        }
      }),
    );
    return opened.filter((grant) => grant !== null);
  }

  /** Forgets the keys that came with grants. */
  wipe(): void {
    for (const known of this.opened.values()) {
      known?.bundle.mailboxKey?.wipe();
      for (const { key } of known?.bundle.keys.flatMap(({ nodes }) => nodes) ?? []) key.wipe();
      for (const { contentKey } of known?.bundle.excerpts ?? []) contentKey.wipe();
    }
    this.opened.clear();
  }

  private async open(item: IndexedGrant): Promise<OpenedGrant | null> {
    let known = this.opened.get(item.id);
    if (known === undefined) {
      known = await this.openBundle(item);
      this.opened.set(item.id, known);
    }
    if (known === null) return null;
    requireChain(item, known.chain);
    return { item, ...known, state: stateOf(this.context, item, known.chain) };
  }

  private async openBundle(item: IndexedGrant): Promise<{ bundle: GrantBundle; chain: PresentedGrant[] } | null> {
    // Whoever holds a grant can say that they pass it on, by a bundle of any size, as often as they pay for it.
    const limit = item.grantor === item.subject ? undefined : PASSED_ON_BYTES;
    const data = await this.context.store.get(item.bundle, limit);
    let bundle: GrantBundle;
    try {
      bundle = await openBundle(data, this.context.bundleContext(item.subject), await this.key(), "grant");
    } catch (error) {
      if (error instanceof PageError && error.code === "WrongKey") return null;
      throw error;
    }
    const terms = termsFromJson(bundle.terms);
    const isGranted =
      termsHash(terms) === item.termsHash && bundle.grantor === item.grantor && bundle.viewer === item.viewer;
    if (!isGranted) throw new PageError("IntegrityError", { id: item.id });
    requireStatement(terms, item.viewer);
    const presented = { grantor: item.grantor, viewer: item.viewer, bundle: item.bundle, terms };
    let above = bundle.ancestors.map(presentedFromJson);
    if (item.grantor === this.context.config.contracts.emergency) {
      // Whoever declares an emergency can't know the terms above: they are in the bundle of the prepared grant.
      const parent = this.context.chain.grant(terms.parent);
      const opened = parent?.grantor === item.subject ? await this.openBundle(parent) : null;
      if (!opened) return null;
      above = opened.chain;
    }
    return { bundle, chain: [...above, presented] };
  }
}

/** Makes sure that a grant follows from one by the subject, by the rules of `Grants.evaluate`. */
function requireChain(item: IndexedGrant, chain: readonly PresentedGrant[]): void {
  let grantor = item.subject;
  let parent = ZERO_BYTES32;
  for (const [position, presented] of chain.entries()) {
    const { terms } = presented;
    const follows =
      presented.grantor === grantor &&
      terms.parent === parent &&
      terms.vocabulary === chain[0]?.terms.vocabulary &&
      terms.delegations >= chain.length - 1 - position;
    if (!follows) throw new PageError("IntegrityError", { id: item.id });
    grantor = presented.viewer;
    parent = presentedGrantId(item.subject, presented);
  }
}

/** The state of a grant, which for a sub-grant is no better than that of any grant above it. */
function stateOf(context: Context, item: IndexedGrant, chain: readonly PresentedGrant[]): GrantState {
  const now = BigInt(context.now());
  const above = chain.slice(0, -1).map((one) => context.chain.grant(presentedGrantId(item.subject, one)));
  const statuses = new Set([item.status, ...above.map((one) => one?.status ?? GrantStatus.NONE)]);
  if (statuses.has(GrantStatus.REVOKED)) return "revoked";
  if (statuses.has(GrantStatus.RENOUNCED)) return "renounced";
  if (statuses.has(GrantStatus.NONE)) return "unknown";
  if (chain.some(({ terms }) => now >= terms.expiresAt)) return "expired";
  if (statuses.has(GrantStatus.SUSPENDED)) return "suspended";
  return chain.some(({ terms }) => now < terms.startsAt) ? "not yet valid" : "active";
}

/** The state of a grant of which nothing but the chain's word is known. */
export function bareState(item: IndexedGrant): GrantState {
  if (isTerminal(item.status)) return item.status === GrantStatus.REVOKED ? "revoked" : "renounced";
  return "unknown";
}

function presentedFromJson(document: JsonObject): PresentedGrant {
  const { grantor, viewer, bundle, terms } = document;
  if (typeof grantor !== "string" || typeof viewer !== "string" || typeof bundle !== "string" || terms === undefined) {
    throw new PageError("ContentInvalid");
  }
  return {
    grantor: requireAddress(grantor),
    viewer: requireAddress(viewer),
    bundle: toHex(fromHexOf(bundle, 32, "bundle")),
    terms: termsFromJson(terms),
  };
}
