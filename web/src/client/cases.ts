/** A patient's addresses: one per relationship in private mode, the wallet's own in wallet mode; and inherited ones. */

import { requireAddress } from "../chain/addresses";
import { caseKey, participantSeed, recoveryKey, relationshipNode } from "../crypto/derivation";
import { ParticipantKey } from "../crypto/hpke";
import { derive, mailboxKey, type Node, Path } from "../crypto/keytree";
import type { CaseKey, MailboxKey, RootKey } from "../crypto/secret";
import { PageError } from "../errors";
import type { InheritanceBundle, RelationshipBundle } from "../sealing/documents";
import { matchLocators } from "../sealing/locator";
import { KeySigner, type Signer } from "../wallet/signers";
import { Acts } from "./acts";
import { inLedger } from "./anchors";
import type { Address, Hex } from "./api";
import type { Context } from "./context";
import { Faults, fetchFault } from "./faults";
import { type Held, Holdings } from "./holdings";
import { type Letter, Mail, openLetter } from "./mail";
import { ALL_CLASSES } from "./window";

/** Unused case keys in a row after which recovery stops looking; the address gap limit of BIP-44. */
export const GAP_LIMIT = 20;

/** The key tree of one relationship as the patient holds it, and what was re-keyed in it. */
export interface Tree {
  /** The subject itself for its own records. */
  readonly provider: Address;
  /** 0 for the subject's own records. */
  readonly number: number;
  readonly node: Node;
  /** The newest epoch by class, where it is not 0. */
  readonly epochs: ReadonlyMap<number, number>;
  /**
   * The same as far as re-keys that can be read show it. While one is withheld, `epochs` counts further than any may have
   * begun: enough to find everything, and to begin the next one; but whoever were handed a key of an epoch before it
   * begins could read on in it after they were shut out.
   */
  readonly begun: ReadonlyMap<number, number>;
  readonly mailbox: MailboxKey;
  /** Ids of the ended grants that re-keys have accounted for. */
  readonly accounted: ReadonlySet<Hex>;
  readonly isOpen: boolean;
  /** Whether every re-key of it can still be read. */
  readonly isWhole: boolean;
}

/** One address of a patient. */
export class Case {
  readonly acts: Acts;
  private readonly letters = new Map<Hex, Letter>();
  private held: { state: string; holdings: Holdings } | null = null;
  private pair: Promise<ParticipantKey> | null = null;
  private isWiped = false;

  /**
   * @param index Number of the case key; null for the wallet's own address.
   * @param secret The case key; null where a wallet signs.
   */
  constructor(
    context: Context,
    readonly index: number | null,
    readonly signer: Signer,
    readonly root: RootKey,
    private readonly secret: CaseKey | null,
  ) {
    this.acts = new Acts(context.contracts, signer.address);
  }

  get subject(): Address {
    return this.signer.address;
  }

  /** The subject's own X-Wing key pair. */
  key(): Promise<ParticipantKey> {
    if (!this.pair) {
      const seed = participantSeed(this.root, this.subject);
      this.pair = ParticipantKey.fromSeed(seed);
      void this.pair.finally(() => seed.wipe());
    }
    return this.pair;
  }

  /** Whether the patient's own records go here: to the wallet's address, or to the first case. */
  get keepsOwnRecords(): boolean {
    return this.index === null || this.index === 0;
  }

  /** The mailbox of its own records. */
  get ownMailbox(): MailboxKey {
    return mailboxKey(relationshipNode(this.root, this.subject, this.subject, 0));
  }

  /** What a provider gets when a relationship opens. */
  async keysFor(provider: Address, number: number): Promise<RelationshipBundle> {
    const node = relationshipNode(this.root, this.subject, provider, number);
    // Epoch 0 and no more: what is re-keyed later is handed over one class at a time.
    const keys = { provider, number, nodes: [derive(node, new Path(0))] };
    return { kind: "relationship", keys, publicKey: (await this.key()).publicKey, mailboxKey: mailboxKey(node) };
  }

  /** The trees of all its relationships, open and closed, before them that of its own records if it keeps any. */
  async trees(context: Context, faults: Faults = new Faults()): Promise<Tree[]> {
    const trees = this.keepsOwnRecords ? [await this.tree(context, this.subject, 0, true, faults)] : [];
    for (const { provider, number, closed } of context.chain.relationships(this.subject)) {
      trees.push(await this.tree(context, provider, number, closed === null, faults));
    }
    return trees;
  }

  /** Everything that the subject can open. */
  async holdings(trees: readonly Tree[]): Promise<Holdings> {
    const state = JSON.stringify(
      trees.map(({ provider, number, epochs, begun }) => [provider, number, [...epochs], [...begun]]),
    );
    if (this.held?.state !== state) {
      const held = trees.map(
        ({ provider, number, node, epochs, begun, mailbox }): Held => ({
          provider,
          number,
          nodes: [node],
          epochs,
          begun,
          // What the subject sends to its own mailbox are letters; parcels never are.
          mailbox: provider === this.subject ? null : mailbox,
        }),
      );
      const key = await this.key();
      if (this.isWiped) throw new PageError("Locked");
      this.held = { state, holdings: new Holdings(this.subject, held, key) };
    }
    return this.held.holdings;
  }

  /** What this subject left in a mailbox. */
  async mail(context: Context, mailbox: MailboxKey, faults: Faults = new Faults()): Promise<Mail> {
    const entries = inLedger(context.chain.ledger(this.subject), this.subject);
    const locators = entries.map((entry) => entry.locator);
    const digests = [...matchLocators(locators, [mailbox]).keys()].map((at) => entries[at]?.digest as Hex);
    const key = digests.length ? await this.key() : null;
    await Promise.all(
      digests.map(async (digest) => {
        if (!key || this.letters.has(digest)) return;
        try {
          const data = await context.store.get(digest);
          const letter = await openLetter(data, context.bundleContext(this.subject), key);
          if (this.isWiped) throw new PageError("Locked");
          this.letters.set(digest, letter);
        } catch (error) {
          faults.add(fetchFault(error, "unreadable_keys", this.subject, digest));
        }
      }),
    );
    const letters = digests.map((digest) => this.letters.get(digest)).filter((letter) => letter !== undefined);
    return new Mail(letters, digests.length - letters.length);
  }

  /** The roots that were handed to this address. */
  async inheritances(context: Context): Promise<InheritanceBundle[]> {
    return this.keepsOwnRecords ? (await this.mail(context, this.ownMailbox)).inheritances : [];
  }

  /** Forgets the keys. */
  wipe(): void {
    this.isWiped = true;
    this.secret?.wipe();
    for (const letter of this.letters.values()) {
      if (letter.kind === "inheritance") letter.root.wipe();
      if (letter.kind !== "rekey") continue;
      for (const { key } of letter.keys.flatMap(({ nodes }) => nodes)) key.wipe();
      for (const { contentKey } of letter.excerpts) contentKey.wipe();
    }
    this.letters.clear();
    this.held?.holdings.wipe();
    this.held = null;
    this.pair = null;
  }

  private async tree(
    context: Context,
    provider: Address,
    number: number,
    isOpen: boolean,
    faults: Faults,
  ): Promise<Tree> {
    const node = relationshipNode(this.root, this.subject, provider, number);
    const mailbox = mailboxKey(node);
    const mail = await this.mail(context, mailbox, faults);
    const { rekeys } = mail;
    const nodes = rekeys.flatMap((bundle) => bundle.keys.flatMap((keys) => keys.nodes));
    const isWhole = mail.lost === 0;
    // One is lost, and with it how far it went. Each re-key begins at most one epoch of a class, so none has gone
    // further than there were re-keys; and what the lost one accounted for is accounted for anew.
    const most = rekeys.length + mail.lost;
    const begun = newestEpochs(nodes);
    const epochs = isWhole ? begun : new Map([...ALL_CLASSES].map((class_) => [class_, most]));
    const accounted = new Set(rekeys.flatMap((bundle) => bundle.grants));
    return { provider, number, node, epochs, begun, mailbox, accounted, isOpen, isWhole };
  }
}

/** The newest epoch of each class among nodes, where it is not 0. */
export function newestEpochs(nodes: Iterable<Node>): Map<number, number> {
  const epochs = new Map<number, number>();
  for (const { path } of nodes) {
    if (path.classNumber === null || !path.epoch) continue;
    epochs.set(path.classNumber, Math.max(epochs.get(path.classNumber) ?? 0, path.epoch));
  }
  return epochs;
}

/** The addresses that derive from one root. */
class Line {
  private readonly known = new Map<number | null, Case>();
  private readonly usedIndexes = new Set([0]);
  /** Addresses that are promised to providers and count as used, although the chain does not know them yet. */
  reserved: ReadonlySet<Address> = new Set();
  private recoverySecret: CaseKey | null = null;
  private recoverySigner: Signer | null = null;

  /** @param wallet Signs if the wallet's own address is the subject; null in private mode. */
  constructor(
    private readonly context: Context,
    readonly root: RootKey,
    private readonly wallet: Signer | null,
  ) {}

  case(index: number | null): Case {
    let found = this.known.get(index);
    if (!found) {
      if (index === null) found = new Case(this.context, null, this.wallet as Signer, this.root, null);
      else {
        const secret = caseKey(this.root, index);
        found = new Case(this.context, index, new KeySigner(secret), this.root, secret);
      }
      this.known.set(index, found);
    }
    return found;
  }

  /** Where the patient's own records go. */
  own(): Case {
    return this.case(this.wallet ? null : 0);
  }

  /** The recovery address. */
  recovery(): Signer {
    this.recoverySecret ??= recoveryKey(this.root);
    this.recoverySigner ??= new KeySigner(this.recoverySecret);
    return this.recoverySigner;
  }

  /** Every case that the chain knows of; always the own one too. */
  used(): Case[] {
    if (this.wallet) return [this.case(null)];
    const { chain } = this.context;
    for (let last = -1; last !== Math.max(...this.usedIndexes); ) {
      last = Math.max(...this.usedIndexes);
      for (let at = 1; at <= last + GAP_LIMIT; at++) {
        const { subject } = this.case(at);
        if (chain.knows(subject) || this.reserved.has(subject)) this.usedIndexes.add(at);
      }
    }
    return [...this.usedIndexes].sort((one, other) => one - other).map((index) => this.case(index));
  }

  /** The case for the next relationship: in private mode the first one that the chain doesn't know of. */
  next(): Case {
    if (this.wallet) return this.case(null);
    const used = new Set(this.used().map((one) => one.index));
    let index = 1;
    while (used.has(index)) index++;
    return this.case(index);
  }

  wipe(): void {
    for (const one of this.known.values()) one.wipe();
    this.known.clear();
    this.recoverySecret?.wipe();
    this.root.wipe();
  }
}

/** All addresses of a patient, found again from the wallet alone: its own, and those of every root it inherited. */
export class Cases {
  private readonly line: Line;
  private readonly inherited: Line[] = [];

  /** @param wallet Signs if the wallet's own address is the subject; null in private mode. */
  constructor(
    private readonly context: Context,
    root: RootKey,
    wallet: Signer | null,
  ) {
    this.line = new Line(context, root, wallet);
  }

  /** The wallet's root: what guardians keep shares of. */
  get root(): RootKey {
    return this.line.root;
  }

  own(): Case {
    return this.line.own();
  }

  /** The addresses in whose name guardianships stand: one for each root, tied to no case. */
  async owners(): Promise<Address[]> {
    return (await this.lines()).map((line) => line.recovery().address);
  }

  /** Signs for the guardianship of the wallet's own root. */
  recovery(): Signer {
    return this.line.recovery();
  }

  /** Every case that the chain knows of, the wallet's own first; always the one of the own records too. */
  async used(): Promise<Case[]> {
    return (await this.lines()).flatMap((line) => line.used());
  }

  /** The case for the next relationship; never an inherited one, whose keys somebody else may have. */
  async next(): Promise<Case> {
    await this.lines();
    return this.line.next();
  }

  /** The case of an address, used or the next one; null when it is none of this wallet's. */
  async of(subject: Address): Promise<Case | null> {
    const candidates = [...(await this.used()), await this.next()];
    return candidates.find((one) => one.subject === subject) ?? null;
  }

  async require(subject: Address): Promise<Case> {
    const found = await this.of(subject);
    if (!found) throw new PageError("UnknownSubject", { subject });
    return found;
  }

  /** The case that a grant is about: the one named, or else the only one with records or relationships. */
  async granting(subject: Address | null): Promise<Case> {
    if (subject !== null) return this.require(subject);
    const { chain } = this.context;
    const candidates = (await this.used()).filter(
      (one) => chain.ledger(one.subject).length || chain.relationships(one.subject).length,
    );
    // Grants to one viewer from several addresses tie them together; so the person chooses.
    if (candidates.length > 1) throw new PageError("GrantSubjectUnclear");
    return candidates[0] ?? this.own();
  }

  wipe(): void {
    for (const line of this.inherited) line.wipe();
    this.inherited.length = 0;
    this.line.wipe();
  }

  /** The wallet's own line, and those of the roots that it, or one of them, inherited. */
  private async lines(): Promise<Line[]> {
    const lines = [this.line];
    for (const line of lines) {
      for (const inheritance of await line.own().inheritances(this.context)) {
        // Compared as bytes: a text of a key could never be overwritten.
        if (!lines.some(({ root }) => root.equals(inheritance.root))) lines.push(this.inherit(inheritance));
      }
    }
    await this.reserve(lines.slice(1));
    return lines;
  }

  private inherit({ root, wallet }: InheritanceBundle): Line {
    let line = this.inherited.find((one) => one.root.equals(root));
    if (!line) {
      const lost = wallet === null ? null : new LostWallet(requireAddress(wallet));
      line = new Line(this.context, root, lost);
      this.inherited.push(line);
    }
    return line;
  }

  /** Counts as used what relationships of inherited addresses go on at, before a provider has followed. */
  private async reserve(inherited: readonly Line[]): Promise<void> {
    if (!inherited.length) return;
    const promised = new Set<Address>();
    for (const one of inherited.flatMap((line) => line.used())) {
      for (const tree of await one.trees(this.context)) {
        const { successions } = await one.mail(this.context, tree.mailbox);
        for (const { successor } of successions) promised.add(successor);
      }
    }
    this.line.reserved = promised;
  }
}

/** The account of a wallet whose root was inherited: what it owned can be read, but nobody signs for it. */
class LostWallet implements Signer {
  readonly where = "wallet";

  constructor(readonly address: Address) {}

  sign(): Promise<Hex> {
    return Promise.reject(new PageError("WalletLost", { wallet: this.address }));
  }
}
