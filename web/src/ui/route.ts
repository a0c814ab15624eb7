/** Where in the page the reader is, kept in the address's fragment: no server learns it, and Back works. */

import { computed, signal } from "@preact/signals";

export const SCREENS = ["summary", "records", "share", "access", "people", "recover", "settings"] as const;
export type Screen = (typeof SCREENS)[number];

export interface Route {
  screen: Screen;
  /** What follows the screen's name, decoded: a record's key, for one. */
  detail: string | null;
  query: URLSearchParams;
}

/** Fragment of the skip link. */
const SKIP = "#content";

export const route = signal<Route>(parse(typeof location === "undefined" ? "" : location.hash));
export const screen = computed(() => route.value.screen);

/** Reads a fragment such as `#/records/3?class=7`; what names no screen is the summary. */
export function parse(fragment: string): Route {
  const [path = "", query = ""] = fragment.replace(/^#\/?/, "").split("?", 2);
  const [name, ...rest] = path.split("/");
  const found = SCREENS.find((known) => known === name) ?? "summary";
  let detail: string | null = null;
  try {
    detail = rest.length && rest[0] ? decodeURIComponent(rest.join("/")) : null;
  } catch {
    // A fragment that somebody broke by hand names no record.
  }
  return { screen: found, detail, query: new URLSearchParams(query) };
}

/** The fragment of a route. */
export function link(to: Screen, detail?: string | null, query?: Readonly<Record<string, string>>): string {
  const words = query ? new URLSearchParams(query).toString() : "";
  return `#/${to}${detail ? `/${encodeURIComponent(detail)}` : ""}${words ? `?${words}` : ""}`;
}

export function go(to: Screen, detail?: string | null, query?: Readonly<Record<string, string>>): void {
  location.hash = link(to, detail, query);
}

/** Changes the query alone, without a step in the history and without moving the focus. */
export function refine(query: Readonly<Record<string, string>>): void {
  const kept = Object.fromEntries(Object.entries(query).filter(([, value]) => value !== ""));
  history.replaceState(null, "", link(route.value.screen, route.value.detail, kept));
  route.value = parse(location.hash);
}

/** Follows the address; returns how to stop. */
export function followAddress(): () => void {
  let before = location.hash;
  const follow = () => {
    if (location.hash === SKIP) {
      // The skip link's target is a place on this screen, not another screen.
      history.replaceState(null, "", before || "#/");
      document.getElementById(SKIP.slice(1))?.focus();
      return;
    }
    before = location.hash;
    route.value = parse(location.hash);
  };
  follow();
  addEventListener("hashchange", follow);
  return () => removeEventListener("hashchange", follow);
}
