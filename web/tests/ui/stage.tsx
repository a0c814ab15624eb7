/** Puts the whole page before a test, over wallets that exist only there. */

import { cleanup, configure, render } from "@testing-library/preact";
import type { Wallets } from "../../src/client/api.ts";
import { type Language, speak } from "../../src/text/catalogue.ts";
import { currentAct } from "../../src/ui/act.tsx";
import { App } from "../../src/ui/app.tsx";
import { client, lockedBecause, network, summary, unlock, useWallets, wallets } from "../../src/ui/session.ts";
import type { FakeClient } from "../fake/client.ts";
import { demonstrationPatient } from "../fake/demonstration.ts";
import { CONFIG, FakeWallets, type Scene } from "../fake/wallets.ts";

export interface Stage {
  wallets: FakeWallets;
  client: FakeClient;
  page: ReturnType<typeof render>;
}

export interface StageOptions {
  scene?: Scene;
  at?: string;
  language?: Language;
  isUnlocked?: boolean;
  resources?: Record<string, unknown>[];
  mode?: "private" | "wallet";
}

// Screens are fetched when they are gone to, and a machine that also runs servers takes its time.
configure({ asyncUtilTimeout: 8000 });

let stop: (() => void) | null = null;

/** Takes everything off the stage again. */
export function clearStage(): void {
  currentAct.value = null;
  client.value?.lock();
  cleanup();
  stop?.();
  stop = null;
  client.value = null;
  summary.value = null;
  wallets.value = null;
  lockedBecause.value = null;
}

export async function setStage(options: StageOptions = {}): Promise<Stage> {
  const { scene = "usual", at = "#/summary", language = "en", isUnlocked = true, mode = "private" } = options;
  clearStage();
  await speak(language);
  location.hash = at;
  network.value = CONFIG;
  const found = new FakeWallets(scene, options.resources ?? demonstrationPatient());
  stop = useWallets(found as Wallets);
  if (isUnlocked) {
    await found.connect("one");
    await unlock(mode);
  }
  const page = render(<App />);
  await page.findAllByRole("heading", { level: 1 });
  return { wallets: found, client: found.opened as FakeClient, page };
}
