/** A patient's client without chain, store or keys: the same interface over data made for looking at the screens. */

import {
  type ActState,
  type Address,
  type GrantView,
  type Hex,
  type HistoryItem,
  type InvitationView,
  type Mode,
  PageError,
  type Participant,
  type PatientClient,
  type Proposal,
  type RecordClass,
  type RecordView,
  type Relationship,
  type ShareRequest,
  type Summary,
} from "../../src/client/api.ts";
import { digestOf, PARTICIPANTS, PATIENT, PROVIDER, SECOND_PROVIDER, SUBJECT_ONE, SUBJECT_TWO } from "./addresses.ts";
import { hostileResources } from "./hostile.ts";
import { grants, makeSummary } from "./summary.ts";
import { readVocabulary } from "./vocabulary.ts";

export const SCENES = [
  "usual",
  "empty",
  "fault",
  "takeover",
  "emergency",
  "hostile",
  "many",
  "relayer down",
  "failing",
  "wrong chain",
  "no wallet",
  "refusing wallet",
  "unsteady wallet",
  "recovery pending",
] as const;
export type Scene = (typeof SCENES)[number];

const DATES = [
  "effectiveDateTime",
  "performedDateTime",
  "onsetDateTime",
  "authoredOn",
  "occurrenceDateTime",
  "date",
  "recordedDate",
  "created",
];
const vocabulary = readVocabulary();

export class FakeClient implements PatientClient {
  idleSeconds = 300;
  readonly account = PATIENT;
  readonly acts: string[] = [];
  readonly requests: ShareRequest[] = [];
  readonly purposesByLanguage = vocabulary.purposes;
  private language: "en" | "zh" = "en";
  private locked = false;
  private all: RecordView[];
  private grants: GrantView[];
  private added: HistoryItem[] = [];
  private readonly listeners = new Set<() => void>();

  constructor(
    readonly scene: Scene,
    readonly mode: Mode,
    resources: readonly Record<string, unknown>[],
  ) {
    const wanted = scene === "empty" ? [] : scene === "hostile" ? hostileResources() : resources;
    const times = scene === "many" ? Math.ceil(3000 / Math.max(1, wanted.length)) : 1;
    this.all = Array.from({ length: times }, () => wanted)
      .flat()
      .map(asRecord)
      .sort((a, b) => (b.date ?? "").localeCompare(a.date ?? ""));
    this.grants = scene === "empty" ? [] : grants(scene);
  }

  get classes(): readonly RecordClass[] {
    return vocabulary.classes.map((one) => ({ number: one.number, code: one.code, name: one.display[this.language] }));
  }

  get purposes(): readonly { code: string; name: string }[] {
    return vocabulary.purposes.map((one) => ({ code: one.code, name: one.display[this.language] }));
  }

  setLanguage(language: "en" | "zh"): void {
    this.language = language;
  }

  async refresh(): Promise<Summary> {
    return makeSummary(this.scene, this.all, this.grants, this.added);
  }

  records(): readonly RecordView[] {
    return this.all;
  }

  record(key: string): RecordView | undefined {
    return this.all.find((one) => one.key === key);
  }

  async export(format: "bundle" | "ips"): Promise<Blob> {
    return new Blob([JSON.stringify({ resourceType: "Bundle", type: format === "ips" ? "document" : "collection" })]);
  }

  async nextSubject(): Promise<{ address: Address; text: string }> {
    return { address: SUBJECT_TWO, text: `medrec:${SUBJECT_TWO}@31337` };
  }

  async readInvitation(text: string): Promise<InvitationView> {
    if (!text.startsWith("{")) throw new PageError("InvitationInvalid");
    return {
      provider: SECOND_PROVIDER,
      providerName: "Winchester Hospital",
      subject: SUBJECT_TWO,
      number: 0,
      expiresAt: Math.floor(Date.now() / 1000) + 86400 * 6,
      isAccredited: true,
    };
  }

  async find(query: string): Promise<Participant[]> {
    const wanted = query.toLowerCase();
    return PARTICIPANTS.filter((one) => `${one.name} ${one.address}`.toLowerCase().includes(wanted));
  }

  async share(request: ShareRequest): Promise<Proposal> {
    this.requests.push(request);
    const names = this.classes.filter((one) => request.classes.includes(one.number)).map((one) => one.name);
    const sentence = `I allow ${request.viewer} to read the medical records of these kinds: ${names.join(", ")}. Only for: treatment. [medrec:1:en]`;
    return this.propose("Grant", sentence, ["share_copies"], digestOf(700), () => {
      const [template] = grants("usual");
      if (template) this.grants = [{ ...template, id: digestOf(700), viewer: request.viewer }, ...this.grants];
    });
  }

  async revoke(grant: Hex): Promise<Proposal> {
    return this.propose(
      "Revocation",
      `I end the access that grant ${grant.slice(0, 10)} gives.`,
      ["revoke_copies"],
      grant,
      () => this.become(grant, { state: "revoked" }),
    );
  }

  async suspend(grant: Hex): Promise<Proposal> {
    return this.propose("Suspension", "I pause this access.", ["suspend_keys_stay"], grant, () =>
      this.become(grant, { state: "suspended" }),
    );
  }

  async resume(grant: Hex): Promise<Proposal> {
    return this.propose("Resumption", "I resume this access.", [], grant, () =>
      this.become(grant, { state: "active" }),
    );
  }

  async revokeAgent(grant: Hex): Promise<Proposal> {
    return this.propose("AgentRevocation", "I stop the software.", ["agent_only"], grant, () =>
      this.become(grant, { agentRevoked: true }),
    );
  }

  async accept(): Promise<Proposal> {
    return this.propose("Acceptance", "I accept that this provider writes records for me.", ["accept_writes"]);
  }

  async close(relationship: Relationship): Promise<Proposal> {
    return this.propose("Closure", `I close the relationship with ${relationship.provider}.`, ["close_reads_on"]);
  }

  async nameDelegate(delegate: Address): Promise<Proposal> {
    const caveats = ["delegate_can_withdraw", "delegate_date_public"];
    return this.propose("Delegation", `I name ${delegate} as my delegate.`, caveats);
  }

  async dismissDelegate(delegate: Address): Promise<Proposal> {
    return this.propose("Dismissal", `I dismiss ${delegate} as my delegate.`, []);
  }

  async appointGuardians(guardians: { address: Address }[], threshold: number): Promise<Proposal> {
    return this.propose("Plan", `Any ${threshold} of ${guardians.length} guardians may recover.`, [
      "guardians_together",
    ]);
  }

  async giveLifeSign(): Promise<Proposal> {
    return this.propose("LifeSign", "I live, and I hold my wallet.", ["life_sign_vetoes"]);
  }

  async endGuardianship(): Promise<Proposal> {
    return this.propose("Plan", "I end my plan for guardians.", ["guardians_end"]);
  }

  async prepareEmergency(): Promise<Proposal> {
    return this.propose("EmergencyPlan", "I prepare for an emergency.", ["emergency_custodians_together"]);
  }

  async sendWithWallet(): Promise<ActState> {
    this.acts.push("sent by the wallet");
    return { kind: "confirmed", transaction: digestOf(60), block: 4243, grant: null };
  }

  touch(): void {}

  isLocked(): boolean {
    return this.locked;
  }

  lock(): void {
    this.locked = true;
    this.all = [];
    for (const listener of this.listeners) listener();
  }

  onLock(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private become(id: Hex, change: Partial<GrantView>): void {
    this.grants = this.grants.map((one) => (one.id === id ? { ...one, ...change } : one));
  }

  private propose(
    primaryType: string,
    sentence: string,
    caveats: string[],
    grant: Hex | null = null,
    effect: () => void = () => undefined,
  ): Proposal {
    let tries = 0;
    const submit = async (seen?: (state: ActState) => void): Promise<ActState> => {
      tries += 1;
      seen?.({ kind: "signing" });
      await pause();
      seen?.({ kind: "sending", via: "relayer" });
      await pause();
      if (this.scene === "relayer down") {
        return { kind: "failed", error: new PageError("RelayersRefuse", { reason: "budget used up" }) };
      }
      if (this.scene === "failing" && tries === 1) return { kind: "failed", error: new PageError("NotMined") };
      seen?.({ kind: "pending", transaction: digestOf(61) });
      await pause();
      effect();
      this.acts.push(primaryType);
      return { kind: "confirmed", transaction: digestOf(61), block: 4242, grant };
    };
    return {
      sentence,
      caveats,
      signer: this.mode === "wallet" ? "wallet" : "page",
      typedData: {
        domain: { name: "MedRec", version: "1", chainId: 31337, verifyingContract: PROVIDER },
        primaryType,
        message: { subject: SUBJECT_ONE, id: grant ?? digestOf(62), turn: 0 },
      },
      submit,
    };
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 30));
}

function asRecord(resource: Record<string, unknown>, index: number): RecordView {
  const period = resource.period as { start?: unknown } | undefined;
  const performed = resource.performedPeriod as { start?: unknown } | undefined;
  const found = [...DATES.map((name) => resource[name]), period?.start, performed?.start];
  const date = found.find((value) => typeof value === "string") as string | undefined;
  const isSecond = index % 3 === 0;
  return {
    key: String(index),
    subject: isSecond ? SUBJECT_TWO : SUBJECT_ONE,
    author: isSecond ? SECOND_PROVIDER : PROVIDER,
    authorName: isSecond ? "Winchester Hospital" : "Community Internist Associates",
    class: vocabulary.classOf(resource),
    date: date ?? null,
    resource,
    source: JSON.stringify(resource),
    anchoredAt: 1_760_000_000 + index,
    digest: digestOf(index),
    isRetracted: index === 40,
    isPatientReported: index === 44,
  };
}
