/** Delegates, guardians and emergencies, from the patient's side. */

import { isTerminal } from "../chain/standing";
import { ParticipantKey } from "../crypto/hpke";
import { ParticipantSeed, randomBytes } from "../crypto/secret";
import { PageError } from "../errors";
import { sealBundle } from "../sealing/bundle";
import { guardianLeaf, MAX_GUARDIANS, type ShareBundle } from "../sealing/custody";
import { proofIn, treeOver } from "../sealing/merkle";
import { shuffled, writeCustody, writeShares } from "../sealing/shares";
import { digestOf } from "../store/fetch";
import { toHex } from "../types/bytes";
import type { EmergencyDeclared } from "../types/events";
import { presentedGrantId, ZERO_BYTES32 } from "../types/terms";
import type { Language } from "../types/vocabulary";
import type { Signer } from "../wallet/signers";
import { Acts } from "./acts";
import type { ActState, Address, Announcement, EmergencyView, Fault, GuardianPlan, Hex } from "./api";
import type { Case, Cases } from "./cases";
import type { Context } from "./context";
import { cut } from "./cutting";
import { custodyOf, declared, preparations, reasonOf, releasing, subjectsCopy } from "./emergencies";
import { Faults } from "./faults";
import { makeTerms, sealGrant } from "./grants";
import { announcedHeirs, latestPlan, ownerKey, ownersCopy } from "./plans";
import { type Intent, perform, type Route } from "./proposals";

const LAST_SECOND = 2 ** 32 - 1;
const NOTHING = /^0x0+$/;

export class Custody {
  /** @param wallet The wallet's own address if it is the subject itself (wallet mode), else null. */
  constructor(
    private readonly context: Context,
    private readonly cases: Cases,
    private readonly wallet: Address | null,
    /** The wallet's account, whatever the mode. */
    private readonly account: Address,
  ) {}

  async read(
    subjects: readonly Address[],
  ): Promise<{ guardians: GuardianPlan | null; emergencies: EmergencyView[]; faults: Fault[] }> {
    const faults = new Faults();
    const [guardians, emergencies] = await Promise.all([this.plan(faults), this.emergencies(subjects)]);
    return { guardians, emergencies, faults: faults.list() };
  }

  // ── delegates ──

  /** When a delegation ends is public, and the exact age of majority tells a birthday: so it ends with a month. */
  nameDelegate(one: Case, delegate: Address, expiresAt: number): Omit<Intent, "signer"> {
    const at = new Date(expiresAt * 1000);
    const rounded = Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), 1) / 1000;
    if (!(rounded > this.context.now())) throw new PageError("DelegationInThePast", { expiresAt: rounded });
    return {
      act: one.acts.nameDelegate(delegate, rounded),
      caveats: ["delegate_can_withdraw", "delegate_date_public"],
    };
  }

  // ── guardians ──

  /** Splits the root among guardians; any `threshold` of them can give it to an heir. */
  async appointGuardians(
    guardians: readonly { address: Address; name: string }[],
    threshold: number,
    notice: number,
    silence: number,
  ): Promise<Intent> {
    const { context } = this;
    const signer = this.cases.recovery();
    const owner = signer.address;
    requireSeconds(notice, "notice");
    requireSeconds(silence, "silence");
    if (!notice) throw new PageError("NoNotice", { owner });
    if (guardians.length < 2 || guardians.length > MAX_GUARDIANS || threshold < 2 || threshold > guardians.length) {
      throw new PageError("GuardiansTooFew", { threshold, guardians: guardians.length });
    }
    const addresses = guardians.map(({ address }) => address);
    if (addresses.includes(this.account) || (await this.isOwn(addresses))) {
      throw new PageError("InvalidInput", { name: "guardian", value: "" });
    }
    const twice = addresses.find((address, at) => addresses.indexOf(address) !== at);
    if (twice) throw new PageError("GuardianTwice", { address: twice });
    const keys = await Promise.all(addresses.map((address) => context.publicKey(address)));
    const { split } = await import("../crypto/splitting");
    const words = split(this.cases.root.reveal(), threshold, guardians.length);
    const appointed = guardians.map(({ address, name }) => ({ address, name, salt: toHex(randomBytes(32)) }));
    const tree = treeOver(appointed.map(({ address, salt }) => guardianLeaf(owner, address, salt)));
    const place = context.bundleContext(owner);
    const sealed = await Promise.all(
      appointed.map(({ address: holder, salt }, at) => {
        const proof = proofIn(tree, at);
        const share = { kind: "share", owner, holder, label: "", words: words[at] as string, salt, proof, seed: null };
        return sealBundle(share as ShareBundle, place, [keys[at] as (typeof keys)[number]]);
      }),
    );
    const { publicKey } = await ownerKey(this.cases.root, owner);
    const plan = { kind: "plan", threshold, wallet: this.wallet, guardians: appointed } as const;
    const object = writeShares(shuffled([...sealed, await sealBundle(plan, place, [publicKey])]));
    return {
      act: this.ownerActs(signer).setPlan(tree[0] as Hex, silence, notice, await digestOf(object)),
      signer,
      caveats: ["guardians_together"],
      objects: [object],
    };
  }

  giveLifeSign(): Intent {
    const signer = this.cases.recovery();
    return { act: this.ownerActs(signer).giveLifeSign(), signer, caveats: ["life_sign_vetoes"] };
  }

  endGuardianship(): Intent {
    const signer = this.cases.recovery();
    return {
      act: this.ownerActs(signer).setPlan(ZERO_BYTES32, 0, 0, ZERO_BYTES32),
      signer,
      caveats: ["guardians_end"],
    };
  }

  /**
   * Gives a sign of life when one is due: while an heir is announced, or when a quarter of the silence is over.
   *
   * Called after acts of the patient's own. An act is not undone because this fails; the plan shows the last sign.
   */
  async keepAlive(route: Route): Promise<void> {
    const signer = this.cases.recovery();
    if (!this.hasGuardianship) return;
    try {
      // As the contract holds it: a log that hides the plan, or who was announced, must not keep the sign from being given.
      const plan = await this.context.contracts.planOf(signer.address);
      if (NOTHING.test(plan.guardians)) return;
      const { time } = await this.context.contracts.head();
      const isDue = plan.silence > 0 && time >= plan.lastSignAt + Math.floor(plan.silence / 4);
      if (plan.announcedAt || isDue) {
        await perform(this.context, route, signer, this.ownerActs(signer).giveLifeSign(), () => {});
      }
    } catch (error) {
      if (!(error instanceof PageError)) throw error;
    }
  }

  /**
   * The plan as the contract holds it. The log says what it can't: who guards, and who was announced; where the log
   * hides that, the plan and the announcement are shown all the same, and the difference is a fault.
   */
  private async plan(faults: Faults): Promise<GuardianPlan | null> {
    const { context } = this;
    if (!this.hasGuardianship) return null;
    const owner = this.cases.recovery().address;
    const event = latestPlan(context, owner);
    const standing = await context.contracts.planOf(owner);
    const mismatch: Fault = { code: "guardianship_mismatch", values: {}, subject: null, digest: null };
    if (standing.guardians !== (event?.guardians ?? ZERO_BYTES32)) faults.add(mismatch);
    if (NOTHING.test(standing.guardians)) return null;
    const [copy, announcements] = await Promise.all([
      event ? ownerKey(this.cases.root, owner).then((key) => ownersCopy(context, event, key)) : null,
      this.announcements(owner, standing.notice),
    ]);
    // The time of the latest that stands; one that the log has was made then.
    if (standing.announcedAt && !announcements.some(({ announcedAt }) => announcedAt === standing.announcedAt)) {
      faults.add(mismatch);
      const opensAt = standing.announcedAt + standing.notice;
      announcements.push({ heir: null, guardian: null, announcedAt: standing.announcedAt, opensAt });
    }
    announcements.sort((one, other) => one.opensAt - other.opensAt);
    return {
      owner,
      threshold: copy?.threshold ?? 0,
      guardians: copy?.guardians.map(({ address, name }) => ({ address, name })) ?? [],
      silence: standing.silence,
      notice: standing.notice,
      lastSignAt: standing.lastSignAt,
      announcement: announcements[0] ?? null,
      announcements,
    };
  }

  /** The announcements that stand, as far as the log has them. */
  private async announcements(owner: Address, notice: number): Promise<Announcement[]> {
    const { contracts } = this.context;
    const standing = await Promise.all(
      [...announcedHeirs(this.context, owner)].map(async ([heir, { guardian }]) => {
        const opensAt = await contracts.opensAt(owner, heir);
        return { heir, guardian, announcedAt: opensAt - notice, opensAt };
      }),
    );
    return standing.filter(({ opensAt }) => opensAt);
  }

  /** Deployments from before there were guardians have none. */
  private get hasGuardianship(): boolean {
    return !NOTHING.test(this.context.config.contracts.guardianship);
  }

  /** Whether an address of the patient's own is among some: whoever keeps a share of their own secret keeps none. */
  private async isOwn(addresses: readonly Address[]): Promise<boolean> {
    const own = [...(await this.cases.used()), await this.cases.next()].map(({ subject }) => subject);
    return [...own, ...(await this.cases.owners())].some((address) => addresses.includes(address));
  }

  private ownerActs(signer: Signer): Acts {
    return new Acts(this.context.contracts, signer.address);
  }

  // ── emergencies ──

  /**
   * Grants to the emergency contract what may be seen in an emergency, under a key that custodians hold shares of; and
   * says so there. Two acts: the grant first, and once it stands, the preparation that names it.
   */
  async prepareEmergency(
    one: Case,
    classes: number[],
    custodians: readonly Address[],
    threshold: number,
    language: Language,
    route: Route,
  ): Promise<Intent> {
    const { context } = this;
    const { subject } = one;
    const isOneself = custodians.includes(this.account) || (await this.isOwn(custodians));
    const isTwice = new Set(custodians).size !== custodians.length;
    if (threshold < 2 || threshold > custodians.length || isTwice || isOneself) {
      throw new PageError("CustodiansWrong", { threshold, custodians: custodians.length });
    }
    const keys = await Promise.all(custodians.map((address) => context.publicKey(address)));
    const viewer = context.config.contracts.emergency;
    const terms = makeTerms(
      {
        viewer,
        classes,
        purposes: ["ETREAT"],
        operations: ["READ"],
        startsAt: null,
        expiresAt: null,
        recordsFrom: null,
        recordsUntil: null,
        delegations: 1,
        agent: null,
        subject,
        language,
      },
      context.now(),
    );
    const seed = ParticipantSeed.random();
    const common = ParticipantSeed.random();
    const [emergencyKey, custodiansKey, own] = await Promise.all([
      ParticipantKey.fromSeed(seed),
      ParticipantKey.fromSeed(common),
      one.key(),
    ]);
    const { split } = await import("../crypto/splitting");
    const words = split(seed.reveal(), threshold, custodians.length);
    seed.wipe();
    const sealed = await Promise.all(
      custodians.map((holder, at) => {
        const share: ShareBundle = {
          kind: "share",
          owner: subject,
          holder,
          label: "",
          words: words[at] as string,
          salt: null,
          proof: [],
          seed: common,
        };
        return sealBundle(share, context.bundleContext(subject), [keys[at] as (typeof keys)[number]]);
      }),
    );
    common.wipe();
    const appointed = custodians.map((address) => ({ address, name: "", salt: toHex(randomBytes(32)) }));
    const copy = { kind: "plan", threshold, wallet: null, guardians: appointed } as const;
    sealed.push(await sealBundle(copy, context.bundleContext(subject), [own.publicKey]));
    const custody = writeCustody({
      publicKey: own.publicKey,
      emergencyKey: emergencyKey.publicKey,
      custodiansKey: custodiansKey.publicKey,
      sealed: shuffled(sealed),
    });
    const cutting = await cut(context, await one.holdings(await one.trees(context)), terms);
    const { presented, objects } = await sealGrant(context, subject, viewer, terms, cutting, own.publicKey, [
      emergencyKey.publicKey,
    ]);
    const grant = presentedGrantId(subject, presented);
    const digest = await digestOf(custody);
    return {
      act: one.acts.grant(presented),
      signer: one.signer,
      caveats: ["emergency_custodians_together"],
      objects: [...objects, custody],
      grant,
      afterwards: async (onState: (state: ActState) => void) => {
        if ((await context.contracts.preparedOf(subject)).grant !== grant) {
          await perform(context, route, one.signer, one.acts.prepareEmergency(grant, digest), onState);
        }
        await this.endEarlierPlans(one, grant, route, onState);
      },
    };
  }

  /** Ends every grant to the emergency contract but one: those before it, and what a failure left behind. */
  private async endEarlierPlans(
    one: Case,
    besides: Hex,
    route: Route,
    onState: (state: ActState) => void,
  ): Promise<void> {
    const { chain, config, log } = this.context;
    await log.sync();
    for (const { id, viewer, grantor, status } of chain.grants(one.subject)) {
      const isEarlier = viewer === config.contracts.emergency && grantor === one.subject && id !== besides;
      if (isEarlier && !isTerminal(status))
        await perform(this.context, route, one.signer, one.acts.revoke(id), onState);
    }
  }

  private async emergencies(subjects: readonly Address[]): Promise<EmergencyView[]> {
    const views: EmergencyView[] = [];
    for (const subject of subjects) {
      const events = declared(this.context, subject);
      const one = events.length ? await this.cases.of(subject) : null;
      if (!one) continue;
      const custodians = await this.custodiansOf(one);
      for (const event of events) views.push(await this.emergency(one, event, custodians));
    }
    return views;
  }

  private async emergency(
    one: Case,
    event: EmergencyDeclared,
    custodians: ReadonlySet<Address>,
  ): Promise<EmergencyView> {
    const { subject, provider, id, startsAt, expiresAt } = event;
    const grant = this.context.chain.grant(id);
    // Anybody may say on chain that they release; only of custodians it means anything.
    const releasedBy = [...releasing(this.context, event)].filter((who) => !custodians.size || custodians.has(who));
    return {
      grant: id,
      subject,
      provider,
      providerName: await this.context.nameOf(provider),
      startsAt,
      expiresAt,
      reason: await reasonOf(this.context, event, await one.key()),
      releasedBy,
      isRevoked: grant !== null && isTerminal(grant.status),
    };
  }

  /** Everybody who was ever a custodian; empty when none is known. */
  private async custodiansOf(one: Case): Promise<Set<Address>> {
    const found = new Set<Address>();
    for (const { grant, custody: digest } of preparations(this.context, one.subject)) {
      const custody = grant === ZERO_BYTES32 ? null : await custodyOf(this.context, digest);
      const copy = custody ? await subjectsCopy(this.context, one.subject, custody, await one.key()) : null;
      for (const { address } of copy?.guardians ?? []) found.add(address);
    }
    return found;
  }
}

function requireSeconds(value: number, name: string): void {
  if (!Number.isInteger(value) || value < 0 || value > LAST_SECOND) {
    throw new PageError("InvalidInput", { name, value });
  }
}
