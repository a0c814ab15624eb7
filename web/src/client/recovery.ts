/** A new wallet on its way to the records of a lost one: what guardians need of it, and the shares put together. */

import { participantSeed, recoveryKey } from "../crypto/derivation";
import { ParticipantKey } from "../crypto/hpke";
import { RootKey } from "../crypto/secret";
import { PageError } from "../errors";
import { openBundle } from "../sealing/bundle";
import type { PlanBundle, ShareBundle } from "../sealing/custody";
import { toHex } from "../types/bytes";
import { ZERO_BYTES32 } from "../types/terms";
import type { Connection } from "../wallet/connection";
import { KeySigner, WalletSigner } from "../wallet/signers";
import { Acts } from "./acts";
import type { ActState, Address, OnProgress, PatientClient, Recovery } from "./api";
import { Cases } from "./cases";
import type { Context } from "./context";
import { inherit } from "./inheritance";
import { Patient } from "./patient";
import { announcedHeirs, ownerKey, ownersCopy, plansOf, releases } from "./plans";
import { asPageError, perform, type Route } from "./proposals";

const SHARE_BYTES = 1 << 20;

type Status = Awaited<ReturnType<Recovery["status"]>>[number];

/** Seconds after which a root is forgotten that nobody asks for any more; a screen that is looked at asks every half minute. */
const IDLE_MILLISECONDS = 600_000;

export class Heir implements Recovery {
  private readonly route: Route;
  private isForgotten = false;
  /** Whether the root belongs to a client by now, which forgets it when it locks. */
  private isHandedOver = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** @param onClient Gets the client that the recovery ends in. */
  constructor(
    private readonly context: Context,
    private readonly connection: Connection,
    private readonly root: RootKey,
    private readonly onClient: (client: PatientClient) => void,
    readonly address: Address = connection.account,
  ) {
    this.route = { connection, isWalletMode: context.relayers.isEmpty };
    this.touch();
  }

  /** Forgets the root, unless a client has it by now. */
  forget(): void {
    this.isForgotten = true;
    clearTimeout(this.timer);
    if (!this.isHandedOver) this.root.wipe();
  }

  private touch(): void {
    if (this.isForgotten) throw new PageError("Locked");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.forget(), IDLE_MILLISECONDS);
  }

  /** Publishes the key that guardians seal to; nothing is sent when it stands there already. */
  async register(): Promise<ActState> {
    const { context, address } = this;
    try {
      this.touch();
      await context.log.sync();
      const publicKey = toHex((await this.key()).publicKey.data);
      const signer = new WalletSigner(address, this.connection, context.node);
      const acts = new Acts(context.contracts, address);
      if (context.chain.participant(address)?.publicKey === publicKey) {
        const registered = context.chain.naming(address).findLast(({ event }) => event.event === "Registered");
        const { transactionHash: transaction = ZERO_BYTES32, blockNumber: block = 0 } = registered ?? {};
        return { kind: "confirmed", transaction, block, grant: null };
      }
      const done = await perform(context, this.route, signer, acts.register(publicKey, ZERO_BYTES32), () => {});
      return { kind: "confirmed", ...done, grant: null };
    } catch (error) {
      return { kind: "failed", error: asPageError(error) };
    }
  }

  now(): number {
    return Math.max(Date.now() / 1000, this.context.now());
  }

  async status(): Promise<Status[]> {
    this.touch();
    const { context, address } = this;
    await context.log.sync();
    const owners = new Set<Address>();
    for (const { event } of context.chain.naming(address)) {
      if (event.event === "RecoveryAnnounced" && event.heir === address) owners.add(event.owner);
    }
    return Promise.all([...owners].map((owner) => this.statusOf(owner)));
  }

  async complete(owner: Address, onProgress: OnProgress = () => {}): Promise<PatientClient> {
    this.touch();
    const { context, connection } = this;
    await context.log.sync((done, total) => onProgress({ step: "chain", done, total }));
    const shares = await this.released(owner);
    onProgress({ step: "open", done: 0, total: 0 });
    const root = await combinedRoot(shares, owner);
    const copy = await this.copyOf(owner, root);
    const cases = new Cases(context, this.root, null);
    onProgress({ step: "send", done: 0, total: 0 });
    const bundle = { kind: "inheritance", root, reason: "recovery", wallet: copy?.wallet ?? null } as const;
    const act = await inherit(context, cases.own(), bundle);
    if (act) await perform(context, this.route, cases.own().signer, act, () => {});
    root.wipe();
    await context.log.sync();
    await connection.require(this.address);
    this.touch();
    this.isHandedOver = true;
    this.forget();
    const client = new Patient("private", connection.account, context, cases, { connection, isWalletMode: false });
    this.onClient(client);
    return client;
  }

  /** What the owner wrote down: not only of the plan that stands, for a thief with the lost wallet may have ended it. */
  private async copyOf(owner: Address, root: RootKey): Promise<PlanBundle | null> {
    const key = await ownerKey(root, owner);
    for (const plan of plansOf(this.context, owner)) {
      const copy = await ownersCopy(this.context, plan, key);
      if (copy) return copy;
    }
    return null;
  }

  private async statusOf(owner: Address): Promise<Status> {
    const { context, address } = this;
    const [opensAt, shares] = await Promise.all([context.contracts.opensAt(owner, address), this.released(owner)]);
    const { thresholdOf } = await import("../crypto/splitting");
    const isAnnounced = announcedHeirs(context, owner).has(address);
    return {
      owner,
      opensAt,
      isOpen: opensAt > 0 && context.now() >= opensAt,
      isVetoed: isAnnounced && opensAt === 0,
      sharesReleased: new Set(shares.map(({ holder }) => holder)).size,
      threshold: mostFrequent(shares.map(({ words }) => thresholdOf(words))),
    };
  }

  private key(): Promise<ParticipantKey> {
    return ParticipantKey.fromSeed(participantSeed(this.root, this.address));
  }

  /**
   * The shares that were released to this wallet: the last of each guardian and split, so that nobody crowds the others'
   * out. What can't be read as one is left out.
   */
  private async released(owner: Address): Promise<ShareBundle[]> {
    const { context } = this;
    const { splitOf } = await import("../crypto/splitting");
    const key = await this.key();
    const opened = await Promise.all(
      releases(context, owner, this.address).map(async ({ guardian, share: digest }) => {
        try {
          const data = await context.store.get(digest, SHARE_BYTES);
          const share = await openBundle(data, context.bundleContext(owner), key, "share");
          const kind = `${guardian} ${splitOf(share.words)}`;
          return share.owner === owner && share.holder === guardian ? { kind, share } : null;
        } catch (error) {
          if (!(error instanceof PageError)) throw error;
          return null;
        }
      }),
    );
    const last = new Map<string, ShareBundle>();
    for (const found of opened) if (found) last.set(found.kind, found.share);
    return [...last.values()];
  }
}

/** The owner's root, out of enough shares; false ones among them do no harm. */
async function combinedRoot(shares: readonly ShareBundle[], owner: Address): Promise<RootKey> {
  const { candidates, thresholdOf } = await import("../crypto/splitting");
  for (const secret of candidates(shares.map(({ words }) => words))) {
    const root = new RootKey(secret);
    const key = recoveryKey(root);
    const { address } = new KeySigner(key);
    key.wipe();
    if (address === owner) return root;
    root.wipe();
  }
  const needed = mostFrequent(shares.map(({ words }) => thresholdOf(words))) ?? 2;
  if (shares.length < needed) throw new PageError("TooFewShares", { released: shares.length, needed });
  throw new PageError("SharesBroken", { owner });
}

/** A false share may say another number: most of them say the true one. */
function mostFrequent(numbers: readonly number[]): number | null {
  let best: number | null = null;
  const count = (wanted: number) => numbers.filter((number) => number === wanted).length;
  for (const number of numbers) if (best === null || count(number) > count(best)) best = number;
  return best;
}
