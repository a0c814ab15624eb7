/**
 * Bringing keys up to date: a new epoch for every class that an ended grant covered, and for viewers what they lack.
 *
 * One transaction anchors all that is handed over, each piece sealed to the one who gets it and to the subject. What a
 * viewer lacks is found by comparing what its grant covers with what every bundle so far has handed over; so it makes no
 * difference in which order grants, re-keys and publications came, nor whether an earlier run was cut off.
 */

import { type IndexedGrant, isBefore, isTerminal, ofConsequence } from "../chain/standing";
import { PublicKey } from "../crypto/hpke";
import { coveringSet, derive, FIRST_YEAR, LAST_YEAR, type Node } from "../crypto/keytree";
import type { MailboxKey } from "../crypto/secret";
import { PageError } from "../errors";
import { sealBundle } from "../sealing/bundle";
import type { Excerpt, RekeyBundle, RelationshipKeys } from "../sealing/documents";
import { makeLocators } from "../sealing/locator";
import { fromHex } from "../types/bytes";
import type { Address, Hex } from "./api";
import type { Case, Tree } from "./cases";
import type { Context } from "./context";
import { cutExcerpts, cutName, lastKeyYear, measure, nodesFor } from "./cutting";
import { declared, keyToDeliverTo } from "./emergencies";
import { Faults } from "./faults";
import { isLive, type OpenedGrant, presentedOf } from "./grants";
import { ALL_CLASSES, Window } from "./window";

/** Where a re-key is found, whom it is for, and what it hands over. */
interface Delivery {
  readonly mailbox: MailboxKey;
  readonly recipient: PublicKey;
  readonly bundle: RekeyBundle;
}

/** Re-keys one subject. */
export class Rekeying {
  private readonly items: readonly IndexedGrant[];

  constructor(
    private readonly context: Context,
    private readonly one: Case,
    private readonly trees: readonly Tree[],
  ) {
    this.items = ofConsequence(context.chain.grants(one.subject), one.subject);
  }

  /**
   * New keys where a grant ended since the last time, and whatever is missing.
   *
   * A participant who replaced its key by something that is none gets nothing, and `unusable` names it; that keeps
   * nobody else from it.
   *
   * @param opened The subject's grants, as far as the subject can open them.
   * @param put Stores an object and gives back its digest.
   * @returns What to anchor; null when there is nothing to do.
   */
  async prepare(
    opened: readonly OpenedGrant[],
    put: (data: Uint8Array) => Promise<Hex>,
  ): Promise<{ digests: Hex[]; locators: Hex[] } | null> {
    const deliveries: Delivery[] = [];
    const objects: Uint8Array[] = [];
    const trees: Tree[] = [];
    for (const tree of this.trees) {
      const ended = this.ended(tree, opened);
      const recipient = ended.size ? await this.keyOf(tree.provider) : null;
      if (!recipient) {
        trees.push(tree);
        continue;
      }
      const epochs = new Map(tree.epochs);
      for (const number of new Set([...ended.values()].flatMap((classes) => [...classes]))) {
        epochs.set(number, (tree.epochs.get(number) ?? 0) + 1);
      }
      // All of these begin with the letter that is anchored here, if they have not before.
      const fresh = { ...tree, epochs, begun: epochs };
      trees.push(fresh);
      deliveries.push({
        mailbox: tree.mailbox,
        recipient,
        bundle: await this.forAuthor(fresh, new Set(ended.keys())),
      });
    }
    for (const grant of opened) {
      const mailbox = grant.bundle.mailboxKey;
      const recipient = isLive(grant) && mailbox ? await this.keyOfViewer(grant) : null;
      if (!mailbox || !recipient) continue;
      const { bundle, objects: sealed } = await this.forViewer(grant, mailbox, trees);
      if (!bundle) continue;
      objects.push(...sealed);
      deliveries.push({ mailbox, recipient, bundle });
    }
    return deliveries.length ? this.seal(deliveries, objects, put) : null;
  }

  /** The providers and viewers whose key nothing can be sealed to: what follows passes them by. */
  unusable(opened: readonly OpenedGrant[]): Address[] {
    const providers = this.trees.filter(({ isOpen }) => isOpen).map(({ provider }) => provider);
    const { emergency } = this.context.config.contracts;
    const viewers = opened
      .filter((grant) => isLive(grant) && grant.bundle.mailboxKey)
      .map((grant) => presentedOf(grant).viewer);
    return [...new Set([...providers, ...viewers])].filter(
      (participant) => participant !== this.one.subject && participant !== emergency && !this.isUsable(participant),
    );
  }

  /** Whether the log has a key for it; the chain is asked only before something is sealed to one. */
  private isUsable(participant: Address): boolean {
    try {
      const found = this.context.chain.participant(participant);
      return found !== null && new PublicKey(fromHex(found.publicKey)).data.length > 0;
    } catch (error) {
      if (error instanceof PageError) return false;
      throw error;
    }
  }

  // ── what ended ──

  /** The grants that ended and that no re-key of this tree accounts for, each with the classes it covered. */
  private ended(tree: Tree, opened: readonly OpenedGrant[]): Map<Hex, ReadonlySet<number>> {
    const ended = new Map<Hex, ReadonlySet<number>>();
    if (!tree.isOpen) return ended;
    const known = new Map(opened.map((grant) => [grant.item.id, grant]));
    const relationships = this.context.chain.relationships(this.one.subject, tree.provider);
    const opening = relationships.find((item) => item.number === tree.number)?.opened;
    // By their events: their provider may have kept the terms from the subject.
    const now = this.context.now();
    const emergencies = declared(this.context, this.one.subject).filter(({ expiresAt }) => now >= expiresAt);
    const emergencyEnded = new Set(emergencies.map(({ id }) => id));
    for (const item of this.items) {
      // What ended before the relationship opened never had a key of its tree.
      const isOver = opening !== undefined && isTerminal(item.status) && isBefore(item.changed, opening);
      if (tree.accounted.has(item.id) || isOver) continue;
      const hasExpired = known.get(item.id)?.state === "expired" || emergencyEnded.has(item.id);
      if (isTerminal(item.status) || hasExpired) {
        ended.set(item.id, this.classesOf(item, known));
      }
    }
    return ended;
  }

  private classesOf(item: IndexedGrant, known: ReadonlyMap<Hex, OpenedGrant>): ReadonlySet<number> {
    const grant = known.get(item.id);
    if (grant) return Window.of(measure(grant.chain)).classes;
    if (item.grantor === this.one.subject) return ALL_CLASSES; // its bundle is lost
    // A sub-grant that its grantor did not seal to the patient covered at most what the grantor had.
    const above = this.items.filter((other) => other.viewer === item.grantor).map((other) => known.get(other.id));
    const classes = new Set<number>();
    for (const one of above) {
      if (!one) return ALL_CLASSES;
      for (const number of Window.of(measure(one.chain)).classes) classes.add(number);
    }
    return classes;
  }

  // ── what is handed over ──

  /** All that an author needs from now on: so the newest re-key makes up for any before it that got lost. */
  private async forAuthor(tree: Tree, ended: ReadonlySet<Hex>): Promise<RekeyBundle> {
    const epochs = new Map(
      [...tree.epochs].map(([number, epoch]) => [
        number,
        tree.isWhole ? [epoch] : Array.from({ length: epoch }, (_, at) => at + 1),
      ]),
    );
    const nodes = coveringSet([tree.node], {
      classes: [...epochs.keys()],
      firstYear: FIRST_YEAR,
      lastYear: LAST_YEAR,
      includeUndated: true,
      epochs,
    });
    const keys = [{ provider: tree.provider, number: tree.number, nodes }];
    const grants = [...new Set([...tree.accounted, ...ended])].sort();
    return { kind: "rekey", keys, grants, excerpts: await this.pending(tree) };
  }

  /** Keys of the parcels that the author sealed to the subject meanwhile, so that it can read them back. */
  private async pending(tree: Tree): Promise<Excerpt[]> {
    const faults = new Faults();
    const holdings = await this.one.holdings(this.trees);
    const located = await holdings.locate(this.context, new Window(), faults);
    const sealed = located.filter(({ anchor, context }) => context === null && anchor.author === tree.provider);
    const opened = await holdings.open(this.context, sealed, faults);
    return opened.map(({ located: { anchor }, context, contentKey }) => ({
      digest: anchor.digest,
      source: anchor.digest,
      contentKey,
      author: context.author,
      classNumber: context.classNumber,
      period: context.period,
      epoch: context.epoch,
    }));
  }

  private async forViewer(
    opened: OpenedGrant,
    mailbox: MailboxKey,
    trees: readonly Tree[],
  ): Promise<{ bundle: RekeyBundle | null; objects: Uint8Array[] }> {
    const terms = measure(opened.chain);
    const window = Window.of(terms);
    const lastYear = lastKeyYear(terms);
    const bundles = [opened.bundle, ...(await this.one.mail(this.context, mailbox)).rekeys];
    const held = bundles.flatMap((bundle) => bundle.keys);
    const keys: RelationshipKeys[] = [];
    for (const { provider, number, node, begun } of trees) {
      const has = held.filter((one) => one.provider === provider && one.number === number).flatMap((one) => one.nodes);
      const missing = nodesFor({ nodes: [node], begun }, window, lastYear).filter((wanted) => !isAmong(wanted, has));
      if (missing.length) keys.push({ provider, number, nodes: missing });
    }
    const cutBefore = new Set(
      bundles.flatMap((bundle) => bundle.excerpts).map(({ source, author }) => cutName({ digest: source, author })),
    );
    const holdings = await this.one.holdings(this.trees);
    const { excerpts, objects } = await cutExcerpts(this.context, holdings, terms, cutBefore);
    const isNeeded = keys.length > 0 || excerpts.length > 0;
    return { bundle: isNeeded ? { kind: "rekey", keys, grants: [], excerpts } : null, objects };
  }

  /** Whom to seal to for a grant; nobody where an emergency was declared: its keys come from custodians alone. */
  private async keyOfViewer(opened: OpenedGrant): Promise<PublicKey | null> {
    const { emergency } = this.context.config.contracts;
    const { grantor, viewer } = presentedOf(opened);
    if (grantor === emergency) return null;
    return viewer === emergency ? keyToDeliverTo(this.context, this.one.subject, opened.item.id) : this.keyOf(viewer);
  }

  private async keyOf(participant: Address): Promise<PublicKey | null> {
    if (participant === this.one.subject) return (await this.one.key()).publicKey;
    try {
      return await this.context.publicKey(participant);
    } catch (error) {
      const isTheirs = error instanceof PageError && ["InvalidKey", "NoParticipantKey"].includes(error.code);
      if (isTheirs) return null;
      throw error;
    }
  }

  private async seal(
    deliveries: readonly Delivery[],
    objects: readonly Uint8Array[],
    put: (data: Uint8Array) => Promise<Hex>,
  ): Promise<{ digests: Hex[]; locators: Hex[] }> {
    const own = (await this.one.key()).publicKey;
    const context = this.context.bundleContext(this.one.subject);
    for (const object of objects) await put(object);
    const digests: Hex[] = [];
    for (const { bundle, recipient } of deliveries) {
      digests.push(await put(await sealBundle(bundle, context, [recipient, own])));
    }
    return { digests, locators: makeLocators(deliveries.map(({ mailbox }) => mailbox)) };
  }
}

/** Whether the key of a node is among those handed over, or follows from one: whoever says so is not believed. */
function isAmong(wanted: Node, held: readonly Node[]): boolean {
  return held.some((node) => node.path.covers(wanted.path) && derive(node, wanted.path).key.equals(wanted.key));
}
