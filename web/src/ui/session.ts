/** What the screens show: the client while it is unlocked, its summary and records, and nothing after it locked. */

import { batch, computed, signal } from "@preact/signals";
import {
  type InvitationView,
  type Mode,
  type NetworkConfig,
  PageError,
  type PatientClient,
  type Progress,
  type RecordView,
  type RootBackup,
  type Summary,
  type WalletState,
  type Wallets,
} from "../client/api.ts";
import { language } from "../text/catalogue.ts";

export interface Invited {
  text: string;
  view: InvitationView;
}

export const network = signal<NetworkConfig | null>(null);
export const wallets = signal<Wallets | null>(null);
export const walletState = signal<WalletState>({ kind: "none" });
/** Counts the wallets' announcements, so that a list of them is drawn anew. */
export const walletsSeen = signal(0);

export const client = signal<PatientClient | null>(null);
export const summary = signal<Summary | null>(null);
export const records = signal<readonly RecordView[]>([]);
export const progress = signal<Progress | null>(null);
export const isRefreshing = signal(false);
export const refreshError = signal<PageError | null>(null);
/** Why the page is locked, to be said on the first screen. */
export const lockedBecause = signal<"idle" | "account" | null>(null);
/** Invitations read in this session that are not accepted yet. */
export const invitations = signal<readonly Invited[]>([]);
/** The grant made last, for undoing it with one click. */
export const lastShared = signal<`0x${string}` | null>(null);
/** Said by the page's live region. */
export const announcement = signal("");

export const isUnlocked = computed(() => client.value !== null);

/** Whether an address stands for the patient: the wallet's, or one made for a relationship. */
export function isOwn(address: string): boolean {
  const wanted = address.toLowerCase();
  const own = [client.value?.account, ...(summary.value?.subjects ?? [])];
  return own.some((one) => one?.toLowerCase() === wanted);
}

/**
 * Seconds since 1970: the device's clock, or the last block's time where that is later. The contracts judge by the
 * chain's clock; a page that stood open for a while has only its own.
 */
export function now(): number {
  return Math.max(Date.now() / 1000, summary.value?.verification.blockTime ?? 0);
}

/** Anything thrown, as a fault that has words. */
export function asPageError(error: unknown): PageError {
  if (error instanceof PageError) return error;
  // Told to whoever looks for the cause; what the screens say comes from the catalogue.
  console.error(error);
  return new PageError("Unexpected", { message: error instanceof Error ? error.message.slice(0, 300) : "" });
}

/** Takes the wallets, and follows them. */
export function useWallets(found: Wallets): () => void {
  wallets.value = found;
  const follow = () => {
    batch(() => {
      walletState.value = found.state();
      walletsSeen.value += 1;
    });
    const state = walletState.value;
    const open = client.value;
    const isSame = state.kind === "connected" && state.account.toLowerCase() === open?.account.toLowerCase();
    if (open && !isSame) {
      // Another account's records must not stay on the screen of this one.
      open.lock();
      lockedBecause.value = "account";
    }
  };
  follow();
  return found.subscribe(follow);
}

/** Unlocks with the connected wallet, then shows the summary. */
export async function unlock(mode: Mode, backup?: RootBackup): Promise<void> {
  const found = wallets.value;
  if (!found) return;
  lockedBecause.value = null;
  enter(await found.unlock(mode, report, backup));
  await refresh();
}

/** Takes a client that was unlocked. */
export function enter(opened: PatientClient): void {
  opened.setLanguage(language.value);
  opened.onLock(() => {
    if (client.value !== opened) return;
    // Whoever locks for another reason says so afterwards.
    lockedBecause.value = "idle";
    leave();
  });
  client.value = opened;
}

/** Follows the chain. One at a time; a second call while one runs waits for it. */
export function refresh(): Promise<void> {
  running ??= follow().finally(() => {
    running = null;
  });
  return running;
}

let running: Promise<void> | null = null;

async function follow(): Promise<void> {
  const open = client.value;
  if (!open) return;
  isRefreshing.value = true;
  try {
    const seen = await open.refresh(report);
    if (client.value !== open) return;
    batch(() => {
      summary.value = seen;
      records.value = open.records();
      refreshError.value = null;
    });
  } catch (error) {
    if (client.value === open) refreshError.value = asPageError(error);
  } finally {
    batch(() => {
      isRefreshing.value = false;
      progress.value = null;
    });
  }
}

function report(step: Progress): void {
  progress.value = step;
}

/** Locks because the idle time is over or the reader asks for it. */
export function lock(why: "idle" | null = null): void {
  client.value?.lock();
  lockedBecause.value = why;
  leave();
}

/** Everything that was shown goes. */
function leave(): void {
  batch(() => {
    client.value = null;
    summary.value = null;
    records.value = [];
    progress.value = null;
    invitations.value = [];
    lastShared.value = null;
    refreshError.value = null;
    isRefreshing.value = false;
  });
}
