/** Finding wallets by EIP-6963: each announces itself, so several live side by side and none pushes in front. */

import type { AnnouncedWallet } from "../client/api.ts";
import type { Eip1193Provider } from "./provider.ts";

interface Announcement {
  info: AnnouncedWallet;
  provider: Eip1193Provider;
}

const MAX_TEXT = 100;
const MAX_ICON = 200_000;
/** Raster and vector images as data URLs: shown by `<img>`, in which scripts of an SVG do not run. */
const ICON = /^data:image\/(svg\+xml|png|jpeg|webp|gif|avif)[;,]/;

/** All wallets that announced themselves so far. */
export class Discovery {
  private readonly found = new Map<string, Announcement>();
  private readonly listeners = new Set<() => void>();

  constructor(private readonly target: EventTarget) {
    target.addEventListener("eip6963:announceProvider", (event) => this.take((event as CustomEvent<unknown>).detail));
    target.dispatchEvent(new Event("eip6963:requestProvider"));
  }

  list(): readonly AnnouncedWallet[] {
    return [...this.found.values()].map(({ info }) => info);
  }

  provider(uuid: string): Eip1193Provider | undefined {
    return this.found.get(uuid)?.provider;
  }

  info(uuid: string): AnnouncedWallet | undefined {
    return this.found.get(uuid)?.info;
  }

  /** Asks again: wallets that woke up late answer. */
  again(): void {
    this.target.dispatchEvent(new Event("eip6963:requestProvider"));
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Anything on the page can announce; what has not the form of a wallet is left out. */
  private take(detail: unknown): void {
    const announced = detail as { info?: Partial<Record<keyof AnnouncedWallet, unknown>>; provider?: unknown } | null;
    const { uuid, name, icon, rdns } = announced?.info ?? {};
    const provider = announced?.provider as Eip1193Provider | undefined;
    if (typeof uuid !== "string" || typeof name !== "string" || !name || typeof provider?.request !== "function")
      return;
    // The first to claim an id keeps it: a later script can't put itself in the place of a wallet that was chosen.
    if (this.found.has(uuid.slice(0, MAX_TEXT))) return;
    const picture = typeof icon === "string" && icon.length <= MAX_ICON && ICON.test(icon) ? icon : "";
    const info = Object.freeze({
      uuid: uuid.slice(0, MAX_TEXT),
      name: plain(name),
      icon: picture,
      rdns: typeof rdns === "string" ? plain(rdns) : "",
    });
    this.found.set(info.uuid, { info, provider });
    for (const listener of this.listeners) listener();
  }
}

/** One line of text that prints: no control characters, none that turn the direction of writing. */
function plain(text: string): string {
  return text
    .slice(0, 4 * MAX_TEXT)
    .replace(/[\p{C}\u2028\u2029]/gu, " ")
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, MAX_TEXT);
}
