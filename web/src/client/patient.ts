/** The patient's client: what the screens of `api.ts` ask of it, over one unlocked wallet. */

import { checksum, requireAddress } from "../chain/addresses";
import { PageError } from "../errors";
import { sealBundle } from "../sealing/bundle";
import { digestOf } from "../store/fetch";
import { presentedGrantId } from "../types/terms";
import { CLASSES, type Language, PURPOSES } from "../types/vocabulary";
import type {
  ActState,
  Address,
  Hex,
  InvitationView,
  Mode,
  OnProgress,
  Participant,
  PatientClient,
  Proposal,
  RecordClass,
  RecordView,
  Relationship,
  ShareRequest,
  Summary,
} from "./api";
import type { Case, Cases } from "./cases";
import type { Context } from "./context";
import { Custody } from "./custody";
import { cut } from "./cutting";
import { asBundle, asSummary } from "./exporting";
import { makeTerms, sealGrant } from "./grants";
import { type Invitation, parseInvitation, requireProvider } from "./invitations";
import { type Intent, Prepared, perform, type Route } from "./proposals";
import { Reading } from "./reading";
import { Rekeying } from "./rekeying";

/** Seconds without activity after which everything is forgotten, unless the person chose another time. */
const IDLE_SECONDS = 600;
const IDLE_CHECK_MILLISECONDS = 1_000;
const ROLE_PROVIDER = 1n;
const MOST_FOUND = 20;

export class Patient implements PatientClient {
  idleSeconds = IDLE_SECONDS;
  private language: Language = "en";
  private readonly reading: Reading;
  private readonly custody: Custody;
  private readonly lockListeners = new Set<() => void>();
  private lastActivity = Date.now();
  private isClosed = false;
  private readonly clock: ReturnType<typeof setInterval>;
  private readonly stopWatching: () => void;

  constructor(
    readonly mode: Mode,
    readonly account: Address,
    private readonly context: Context,
    private readonly cases: Cases,
    private readonly route: Route,
  ) {
    this.reading = new Reading(context, cases);
    this.custody = new Custody(context, cases, mode === "wallet" ? account : null, account);
    this.clock = setInterval(() => {
      if (Date.now() - this.lastActivity >= this.idleSeconds * 1000) this.lock();
    }, IDLE_CHECK_MILLISECONDS);
    // Another account is another person: what is open belongs to the one before.
    this.stopWatching = route.connection?.subscribe((isGone) => isGone && this.lock()) ?? (() => {});
  }

  // ── words ──

  get classes(): readonly RecordClass[] {
    return CLASSES.map(({ number, code, display }) => ({ number, code, name: display[this.language] }));
  }

  get purposes(): readonly { code: string; name: string }[] {
    return PURPOSES.map(({ code, display }) => ({ code, name: display[this.language] }));
  }

  setLanguage(language: Language): void {
    this.language = language;
  }

  // ── reading ──

  async refresh(onProgress: OnProgress = () => {}): Promise<Summary> {
    this.requireOpen();
    const summary = await this.reading.read(onProgress);
    const { guardians, emergencies, faults } = await this.custody.read(summary.subjects);
    this.requireOpen();
    const { verification } = summary;
    const whole = {
      ...verification,
      ok: verification.ok && !faults.length,
      faults: [...verification.faults, ...faults],
    };
    return { ...summary, guardians, emergencies, verification: whole };
  }

  records(): readonly RecordView[] {
    return this.isClosed ? [] : this.reading.records();
  }

  record(key: string): RecordView | undefined {
    return this.records().find((record) => record.key === key);
  }

  async export(format: "bundle" | "ips"): Promise<Blob> {
    this.requireOpen();
    const make = format === "bundle" ? asBundle : asSummary;
    return make(this.records(), this.reading.fullUrls, this.context.now());
  }

  // ── relationships ──

  async nextSubject(): Promise<{ address: Address; text: string }> {
    await this.sync();
    const { subject } = await this.cases.next();
    return { address: subject, text: subject };
  }

  async readInvitation(text: string): Promise<InvitationView> {
    const invitation = parseInvitation(text);
    await this.sync();
    await requireProvider(this.context, invitation);
    await this.answerable(invitation);
    const { provider, subject, number, expiresAt } = invitation;
    return {
      provider,
      providerName: await this.context.nameOf(provider),
      subject,
      number,
      expiresAt,
      isAccredited: await this.context.isAccredited(provider, ROLE_PROVIDER),
    };
  }

  async accept(text: string): Promise<Proposal> {
    const invitation = parseInvitation(text);
    const { provider, subject, number, expiresAt, signature } = invitation;
    await this.sync();
    const one = await this.answerable(invitation);
    const bundle = await one.keysFor(provider, number);
    const recipients = [await this.context.publicKey(provider), bundle.publicKey];
    const sealed = await sealBundle(bundle, this.context.bundleContext(subject), recipients);
    const act = one.acts.open(provider, number, expiresAt, await digestOf(sealed), signature);
    // Viewers whose grants cover what the provider will write get the keys for it.
    return this.propose(one, { act, caveats: ["accept_writes"], objects: [sealed] }, true);
  }

  /** The case that an invitation is for, which must be this patient's, be able to accept it, and still be in time. */
  private async answerable({ provider, subject, expiresAt }: Invitation): Promise<Case> {
    const one = await this.cases.of(subject);
    if (!one) throw new PageError("InvitationNotYours", { subject });
    const others = this.context.chain.relationships(subject).some((item) => item.provider !== provider);
    // It would tie the two together in front of everybody.
    if (this.mode === "private" && others) throw new PageError("InvitationLinks", { subject });
    if (BigInt(expiresAt) <= BigInt(this.context.now())) throw new PageError("InvitationExpired", { expiresAt });
    return one;
  }

  async close(relationship: Relationship): Promise<Proposal> {
    await this.sync();
    const one = await this.cases.require(relationship.subject);
    const { closed } = this.context.chain.relationships(one.subject, relationship.provider).at(-1) ?? { closed: true };
    if (closed) throw new PageError("RelationshipNotOpen");
    return this.propose(one, { act: one.acts.close(relationship.provider), caveats: ["close_reads_on"] });
  }

  // ── sharing ──

  async find(query: string): Promise<Participant[]> {
    await this.sync();
    const address = /0x[0-9a-fA-F]{40}(?![0-9a-fA-F])/.exec(query)?.[0];
    if (address) return [await this.participant(requireAddress(address))];
    const wanted = query.trim().toLocaleLowerCase();
    if (!wanted) return [];
    // Anybody may call themselves anything: those whom the registrar vouches for come first.
    const now = this.context.now();
    const isAccredited = ({ address: one }: { address: Address }) => this.context.chain.isAccredited(one, now);
    const registered = this.context.chain.allParticipants();
    const all = [...registered.filter(isAccredited), ...registered.filter((one) => !isAccredited(one))];
    const names = await this.context.namesOf(all.map((one) => one.address));
    const found = all.filter((one) => names.get(one.address)?.toLocaleLowerCase().includes(wanted));
    return Promise.all(found.slice(0, MOST_FOUND).map((one) => this.participant(one.address)));
  }

  async share(request: ShareRequest): Promise<Proposal> {
    await this.sync();
    const viewer = requireAddress(request.viewer);
    const one = await this.cases.granting(request.subject === null ? null : requireAddress(request.subject));
    const agent = request.agent === null ? null : requireAddress(request.agent);
    const terms = makeTerms({ ...request, viewer, agent }, this.context.now());
    const recipient = await this.context.publicKey(viewer);
    const holdings = await one.holdings(await one.trees(this.context));
    const cutting = await cut(this.context, holdings, terms);
    const { publicKey } = await one.key();
    const { presented, objects } = await sealGrant(this.context, one.subject, viewer, terms, cutting, publicKey, [
      recipient,
    ]);
    const isTying =
      this.context.chain.grants(one.subject).every((grant) => grant.viewer !== viewer) &&
      (await this.knowsElsewhere(viewer, one));
    return this.propose(one, {
      act: one.acts.grant(presented),
      caveats: isTying ? ["share_copies", "share_ties"] : ["share_copies"],
      objects,
      grant: presentedGrantId(one.subject, presented),
    });
  }

  async revoke(grant: Hex): Promise<Proposal> {
    const { one, id } = await this.granted(grant);
    const isPlan = this.context.chain.grant(id)?.viewer === this.context.config.contracts.emergency;
    const caveats = isPlan ? (["revoke_copies", "emergency_withdrawn"] as const) : (["revoke_copies"] as const);
    return this.propose(one, { act: one.acts.revoke(id), caveats, grant: id }, true);
  }

  async suspend(grant: Hex): Promise<Proposal> {
    const { one, id } = await this.granted(grant);
    return this.propose(one, { act: one.acts.suspend(id), caveats: ["suspend_keys_stay"], grant: id });
  }

  async resume(grant: Hex): Promise<Proposal> {
    const { one, id } = await this.granted(grant);
    return this.propose(one, { act: one.acts.resume(id), caveats: [], grant: id });
  }

  async revokeAgent(grant: Hex): Promise<Proposal> {
    const { one, id } = await this.granted(grant);
    return this.propose(one, { act: one.acts.revokeAgent(id), caveats: ["agent_only"], grant: id });
  }

  // ── acting for each other ──

  async nameDelegate(delegate: Address, expiresAt: number, subject: Address | null): Promise<Proposal> {
    await this.sync();
    const one = await this.cases.granting(subject);
    return this.propose(one, this.custody.nameDelegate(one, requireAddress(delegate), expiresAt));
  }

  async dismissDelegate(delegate: Address, subject: Address | null): Promise<Proposal> {
    await this.sync();
    const one = await this.cases.granting(subject);
    return this.propose(one, { act: one.acts.dismissDelegate(requireAddress(delegate)), caveats: [] });
  }

  async appointGuardians(
    guardians: { address: Address; name: string }[],
    threshold: number,
    notice: number,
    silence: number,
  ): Promise<Proposal> {
    await this.sync();
    return this.proposeIntent(await this.custody.appointGuardians(guardians, threshold, notice, silence));
  }

  async giveLifeSign(): Promise<Proposal> {
    await this.sync();
    return this.proposeIntent(this.custody.giveLifeSign());
  }

  async endGuardianship(): Promise<Proposal> {
    await this.sync();
    return this.proposeIntent(this.custody.endGuardianship());
  }

  async prepareEmergency(
    classes: number[],
    custodians: Address[],
    threshold: number,
    subject: Address | null,
  ): Promise<Proposal> {
    await this.sync();
    const one = await this.cases.granting(subject);
    const people = custodians.map(requireAddress);
    const intent = await this.custody.prepareEmergency(one, classes, people, threshold, this.language, this.route);
    const afterwards = async (onState: (state: ActState) => void) => {
      await intent.afterwards?.(onState);
      await this.rekey(one, onState);
    };
    return this.proposeIntent({ ...intent, afterwards });
  }

  async sendWithWallet(proposal: Proposal): Promise<ActState> {
    if (!(proposal instanceof Prepared)) throw new PageError("InvalidInput", { name: "proposal", value: "" });
    return proposal.submitByWallet();
  }

  // ── the session ──

  touch(): void {
    this.lastActivity = Date.now();
  }

  isLocked(): boolean {
    return this.isClosed;
  }

  lock(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    clearInterval(this.clock);
    this.stopWatching();
    this.cases.wipe();
    this.reading.forget();
    for (const listener of this.lockListeners) listener();
    this.lockListeners.clear();
  }

  onLock(listener: () => void): () => void {
    this.lockListeners.add(listener);
    return () => this.lockListeners.delete(listener);
  }

  // ── internals ──

  private requireOpen(): void {
    if (this.isClosed) throw new PageError("Locked");
  }

  private async sync(): Promise<void> {
    this.requireOpen();
    await this.context.log.sync();
    this.requireOpen();
  }

  private propose(one: Case, intent: Omit<Intent, "signer">, changesKeys = false): Promise<Proposal> {
    const afterwards = changesKeys
      ? { afterwards: (onState: (state: ActState) => void) => this.rekey(one, onState) }
      : {};
    return this.proposeIntent({ ...intent, signer: one.signer, ...afterwards });
  }

  private proposeIntent(intent: Intent): Promise<Proposal> {
    const afterwards = async (onState: (state: ActState) => void) => {
      await intent.afterwards?.(onState);
      await this.context.log.sync();
      await this.custody.keepAlive(this.route);
    };
    return Prepared.of(this.context, this.route, { ...intent, afterwards }, this.language, () => this.requireOpen());
  }

  /** Changes keys where a grant ended, of this address alone: acts of two in one moment would tie them together. */
  private async rekey(one: Case, onState: (state: ActState) => void): Promise<void> {
    const { context } = this;
    await context.log.sync();
    const rekeying = new Rekeying(context, one, await one.trees(context));
    const prepared = await rekeying.prepare(await this.reading.grantsOf(one), (data) => context.store.put(data));
    if (!prepared) return;
    await perform(context, this.route, one.signer, one.acts.anchor(prepared.digests, prepared.locators), onState);
    await context.log.sync();
  }

  private async granted(grant: Hex): Promise<{ one: Case; id: Hex }> {
    await this.sync();
    const id = grant.toLowerCase() as Hex;
    const item = this.context.chain.grant(id);
    const one = item ? await this.cases.of(item.subject) : null;
    if (!one) throw new PageError("UnknownGrant", { id });
    return { one, id };
  }

  private async participant(address: Address): Promise<Participant> {
    const { chain } = this.context;
    let hasKey = false;
    try {
      hasKey = chain.participant(address) !== null;
    } catch {
      // Registrations that form no chain are none to seal to.
    }
    const isAccredited = await this.context.isAccredited(address);
    return { address: checksum(address), name: await this.context.nameOf(address), isAccredited, hasKey };
  }

  /** Whether somebody already knows the patient by another address: then this grant tells them that it is one person. */
  private async knowsElsewhere(viewer: Address, one: Case): Promise<boolean> {
    const others = (await this.cases.used()).filter((other) => other !== one);
    const { chain } = this.context;
    return others.some(
      ({ subject }) =>
        chain.grants(subject).some((grant) => grant.viewer === viewer && grant.grantor === subject) ||
        chain.relationships(subject, viewer).length > 0,
    );
  }
}
