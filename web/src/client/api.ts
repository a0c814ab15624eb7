/**
 * What the page can ask of the patient's client: plain data, no keys. Nothing that this file names holds a secret, so
 * the screens can't leak one.
 */

import type { PageError } from "../errors";

export type Hex = `0x${string}`;
export type Address = Hex;

/** Where the page finds its network: `config.json` beside the page. URLs may be relative to the page. */
export interface NetworkConfig {
  chainId: number;
  chainName: string;
  rpc: string;
  /** A trustless IPFS gateway; what it answers is verified block by block. */
  ipfs: string;
  /** Takes new sealed objects; null where the page can only read. */
  objects: string | null;
  /** Relayers, tried in this order. */
  relay: string[];
  contracts: { medrec: Address; registrar: Address; guardianship: Address; emergency: Address };
  startBlock: number;
  vocabulary: Hex;
}

export { PageError } from "../errors";

// ── wallets ──

/** A wallet that announced itself by EIP-6963. */
export interface AnnouncedWallet {
  uuid: string;
  name: string;
  /** A data URL; shown as an image, never as markup. */
  icon: string;
  rdns: string;
}

export type Mode = "private" | "wallet";

export type WalletState =
  | { kind: "none" }
  | { kind: "connected"; wallet: AnnouncedWallet; account: Address; chainId: number; isRightChain: boolean };

export interface Wallets {
  /** All wallets so far; more may announce themselves. */
  list(): readonly AnnouncedWallet[];
  state(): WalletState;
  /** Calls back at every change of wallets, account or chain; returns how to stop. */
  subscribe(listener: () => void): () => void;
  connect(uuid: string): Promise<void>;
  /** Offers the right chain to the wallet (`wallet_switchEthereumChain`, then `wallet_addEthereumChain`). */
  switchChain(): Promise<void>;
  disconnect(): void;
  /**
   * Asks for the signature that unlocks everything, and finds the patient's addresses.
   * The root key lives in memory until `PatientClient.lock`.
   *
   * A wallet that signs differently each time can't make a root key: `PageError("UnsteadyWallet")`. Its root is a
   * random one in an encrypted file (`makeRootFile`, the same file as the command line's), given here as `backup`.
   */
  unlock(mode: Mode, onProgress?: OnProgress, backup?: RootBackup): Promise<PatientClient>;
  /** A new random root, encrypted with a password: the person keeps this file, the page keeps nothing. */
  makeRootFile(password: string): Promise<string>;
  /** A new wallet takes the place of a lost one: see `Recovery`. */
  recovery(): Promise<Recovery>;
}

/** The content of a root key file and what opens it. */
export interface RootBackup {
  file: string;
  password: string;
}

export interface Progress {
  step: "signature" | "chain" | "ledger" | "keys" | "objects" | "open" | "seal" | "store" | "send" | "confirm";
  done: number;
  /** 0 while it isn't known. */
  total: number;
}
export type OnProgress = (progress: Progress) => void;

// ── what a patient sees ──

/** Something that does not verify; said loudly and never hidden. */
export interface Fault {
  code: string;
  values: Readonly<Record<string, string | number>>;
  subject: Address | null;
  digest: Hex | null;
}

export interface Verification {
  /** Whether every ledger replays to the head that the contract holds, and every object so far fetched is whole. */
  ok: boolean;
  block: number;
  blockTime: number;
  ledgers: { subject: Address; head: Hex; entries: number; ok: boolean }[];
  faults: Fault[];
}

export interface Relationship {
  subject: Address;
  provider: Address;
  providerName: string;
  number: number;
  openedAt: number;
  closedAt: number | null;
  isAccredited: boolean;
}

export interface RecordClass {
  number: number;
  code: string;
  /** In the language asked for. */
  name: string;
}

/** How many records there are of a class in a year; year null: undated. */
export interface TimelineCell {
  class: number;
  year: number | null;
  records: number;
}

export type GrantState = "active" | "not yet valid" | "suspended" | "expired" | "revoked" | "renounced" | "unknown";

export interface GrantView {
  id: Hex;
  subject: Address;
  grantor: Address;
  grantorName: string;
  viewer: Address;
  viewerName: string;
  agent: Address | null;
  agentRevoked: boolean;
  classes: number[];
  purposes: string[];
  operations: string[];
  startsAt: number;
  /** null: until it is revoked. */
  expiresAt: number | null;
  /** ISO dates; null: no bound. */
  recordsFrom: string | null;
  recordsUntil: string | null;
  delegations: number;
  condition: Address | null;
  parent: Hex | null;
  statement: string;
  state: GrantState;
  grantedAt: number;
  kind: "grant" | "emergency plan" | "emergency";
}

/** One act on chain that concerns the patient, or the commitment of a gateway to accesses. */
export interface HistoryItem {
  kind: string;
  time: number;
  block: number;
  transaction: Hex;
  actor: Address | null;
  actorName: string;
  subject: Address | null;
  grant: Hex | null;
  values: Readonly<Record<string, string | number>>;
}

export interface Summary {
  subjects: Address[];
  relationships: Relationship[];
  timeline: TimelineCell[];
  grants: GrantView[];
  history: HistoryItem[];
  verification: Verification;
  delegates: DelegateView[];
  guardians: GuardianPlan | null;
  emergencies: EmergencyView[];
  /** Faults found while records were opened. */
  faults: Fault[];
}

export interface RecordView {
  /** Stable within a session. */
  key: string;
  subject: Address;
  author: Address;
  authorName: string;
  class: number;
  /** Clinical date, ISO; null when it has none. */
  date: string | null;
  /** The FHIR resource, parsed; hostile until proven otherwise. */
  resource: Readonly<Record<string, unknown>>;
  /** The same as it was sealed, so that nothing of it is lost (digits of decimals). */
  source: string;
  anchoredAt: number;
  digest: Hex;
  isRetracted: boolean;
  isPatientReported: boolean;
}

// ── acts ──

/** What is about to be signed, said before the wallet or the case key signs. */
export interface Proposal {
  /** The plain sentence in the page's language; for a grant it is the very `statement` that is signed. */
  sentence: string;
  /** The typed data as the wallet will show it. */
  typedData: {
    domain: Readonly<Record<string, unknown>>;
    primaryType: string;
    message: Readonly<Record<string, unknown>>;
  };
  /** Whether a wallet window will open (wallet mode), or the case key signs in the page (private mode). */
  signer: "wallet" | "page";
  /** What this can't undo, as keys of the catalogues' `caveats`. */
  caveats: string[];
  /** Signs and sends. May be called again after a failure; what happened already does not happen twice. */
  submit(onProgress?: (state: ActState) => void): Promise<ActState>;
}

export type ActState =
  | { kind: "signing" }
  | { kind: "sending"; via: "relayer" | "wallet" }
  | { kind: "pending"; transaction: Hex | null }
  | { kind: "confirmed"; transaction: Hex; block: number; grant: Hex | null }
  | { kind: "failed"; error: PageError };

export interface ShareRequest {
  viewer: Address;
  classes: number[];
  /** HL7 purpose-of-use codes. */
  purposes: string[];
  operations: ("READ" | "QUERY" | "DERIVE" | "EXPORT" | "TRAIN")[];
  startsAt: number | null;
  expiresAt: number | null;
  recordsFrom: string | null;
  recordsUntil: string | null;
  delegations: number;
  agent: Address | null;
  subject: Address | null;
  language: "en" | "zh";
}

export interface Participant {
  address: Address;
  name: string;
  isAccredited: boolean;
  hasKey: boolean;
}

/** An invitation as a provider hands it over (a link, a QR code or a file: `Invitation.to_json` of the SDK). */
export interface InvitationView {
  provider: Address;
  providerName: string;
  subject: Address;
  number: number;
  expiresAt: number;
  isAccredited: boolean;
}

export interface DelegateView {
  subject: Address;
  delegate: Address;
  name: string;
  /** First second at which the authority is over. */
  expiresAt: number;
  isActive: boolean;
}

export interface GuardianPlan {
  owner: Address;
  threshold: number;
  /** As the patient named them; empty on a device that can't know. */
  guardians: { address: Address; name: string }[];
  silence: number;
  notice: number;
  lastSignAt: number;
  /** Somebody asks to take over: the announcement that opens first. */
  announcement: Announcement | null;
  /** All that stand side by side: one that is expected must not hide one that isn't. */
  announcements: Announcement[];
}

export interface Announcement {
  /** null: the contract knows of an announcement, and the server hides whose. */
  heir: Address | null;
  guardian: Address | null;
  announcedAt: number;
  opensAt: number;
}

export interface EmergencyView {
  grant: Hex;
  subject: Address;
  provider: Address;
  providerName: string;
  startsAt: number;
  expiresAt: number;
  reason: string;
  releasedBy: Address[];
  isRevoked: boolean;
}

/** A new wallet on its way to the records of a lost one. */
export interface Recovery {
  /** What guardians need: the new wallet's address, registered so that they can seal to it. */
  address: Address;
  register(): Promise<ActState>;
  /** Seconds since 1970: the device's clock, or the chain's where that is ahead. Guardians wait by the chain's. */
  now(): number;
  /** Plans that name this wallet as heir. */
  status(): Promise<
    {
      owner: Address;
      opensAt: number;
      isOpen: boolean;
      isVetoed: boolean;
      sharesReleased: number;
      threshold: number | null;
    }[]
  >;
  /** Puts the shares together and takes the records over; needs the threshold of them. */
  complete(owner: Address, onProgress?: OnProgress): Promise<PatientClient>;
}

// ── the client ──

export interface PatientClient {
  readonly mode: Mode;
  readonly account: Address;
  readonly classes: readonly RecordClass[];
  readonly purposes: readonly { code: string; name: string }[];
  setLanguage(language: "en" | "zh"): void;

  /** Follows the chain and opens what is new. The second call costs only what happened since. */
  refresh(onProgress?: OnProgress): Promise<Summary>;
  /** All records that could be opened so far, newest first. */
  records(): readonly RecordView[];
  /** One whole original (also of a large one that `records` holds shortened). */
  record(key: string): RecordView | undefined;
  /** A FHIR Bundle of everything, or an International Patient Summary document. */
  export(format: "bundle" | "ips"): Promise<Blob>;

  /** The address to give to the next provider; `text` also goes into a QR code. */
  nextSubject(): Promise<{ address: Address; text: string }>;
  readInvitation(text: string): Promise<InvitationView>;
  accept(text: string): Promise<Proposal>;
  close(relationship: Relationship): Promise<Proposal>;

  /** Finds a participant by address, by the name in its descriptor, or in a scanned text. */
  find(query: string): Promise<Participant[]>;
  share(request: ShareRequest): Promise<Proposal>;
  /** Withdraws; afterwards the keys are changed (`rekey`), as part of the same submission. */
  revoke(grant: Hex): Promise<Proposal>;
  suspend(grant: Hex): Promise<Proposal>;
  resume(grant: Hex): Promise<Proposal>;
  revokeAgent(grant: Hex): Promise<Proposal>;

  nameDelegate(delegate: Address, expiresAt: number, subject: Address | null): Promise<Proposal>;
  dismissDelegate(delegate: Address, subject: Address | null): Promise<Proposal>;
  appointGuardians(
    guardians: { address: Address; name: string }[],
    threshold: number,
    notice: number,
    silence: number,
  ): Promise<Proposal>;
  /** Says that the owner lives and holds the wallet: the veto. */
  giveLifeSign(): Promise<Proposal>;
  endGuardianship(): Promise<Proposal>;
  prepareEmergency(
    classes: number[],
    custodians: Address[],
    threshold: number,
    subject: Address | null,
  ): Promise<Proposal>;

  /** When every relayer refuses: the wallet itself sends the signed act. Null while relayers answer. */
  sendWithWallet(proposal: Proposal): Promise<ActState>;

  /** Seconds without activity after which the client locks itself. */
  idleSeconds: number;
  /** Notes activity of the person at the page. */
  touch(): void;
  isLocked(): boolean;
  /** Forgets every key; records shown so far must go from the screen as well. */
  lock(): void;
  onLock(listener: () => void): () => void;
}
