/** The page's frame: skip link, navigation, the screen that the address names, dialogs, and what is said aloud. */

import { type ComponentType, Fragment } from "preact";
import { useEffect, useState } from "preact/hooks";
import { type TextKey, text } from "../text/catalogue.ts";
import { ActDialog, currentAct } from "./act.tsx";
import { Icon, type IconName } from "./icons.tsx";
import { Notices } from "./notices.tsx";
import { Fault } from "./pieces.tsx";
import { followAddress, link, route, type Screen, screen } from "./route.ts";
import { announcement, asPageError, client, isUnlocked, lock, refresh, summary, walletState } from "./session.ts";
import { SummaryScreen } from "./summary.tsx";
import { Welcome } from "./welcome.tsx";
import { WrongChain } from "./wrongChain.tsx";

/** Screens beside the first two are files of their own, fetched when somebody goes there. */
const LATER: Readonly<Partial<Record<Screen, () => Promise<ComponentType>>>> = {
  records: async () => (await import("./records.tsx")).RecordsScreen,
  share: async () => (await import("./share.tsx")).ShareScreen,
  access: async () => (await import("./access.tsx")).AccessScreen,
  people: async () => (await import("./people.tsx")).PeopleScreen,
  recover: async () => (await import("./recover.tsx")).RecoverScreen,
  settings: async () => (await import("./settings.tsx")).SettingsScreen,
};

/** Screens that need no unlocked wallet. */
const OPEN: ReadonlySet<Screen> = new Set(["recover", "settings"]);

const NAVIGATION: readonly { to: Screen; icon: IconName; words: TextKey }[] = [
  { to: "summary", icon: "summary", words: "nav.summary" },
  { to: "records", icon: "records", words: "nav.records" },
  { to: "share", icon: "share", words: "nav.share" },
  { to: "access", icon: "access", words: "nav.access" },
  { to: "people", icon: "people", words: "nav.people" },
];

export function App() {
  useEffect(followAddress, []);
  useIdle();
  useFollowing();
  useArrival();
  const open = isUnlocked.value;
  return (
    <>
      <a class="skip-link" href="#content">
        {text("page.skip")}
      </a>
      <div class={open ? "frame open" : "frame"}>
        <header class="top">
          <a class="brand" href={link("summary")}>
            <Logo />
            <span>{text("page.title")}</span>
          </a>
          <div class="top-actions">
            <a
              class="icon-button"
              href={link("settings")}
              aria-label={text("nav.settings")}
              aria-current={screen.value === "settings" ? "page" : undefined}
            >
              <Icon name="settings" />
            </a>
            {open && (
              <button type="button" class="button quiet" onClick={() => lock()}>
                <Icon name="lock" />
                {text("page.lock")}
              </button>
            )}
          </div>
        </header>
        {open && <Navigation />}
        <main id="content" tabIndex={-1}>
          {walletState.value.kind === "connected" && !walletState.value.isRightChain && <WrongChain />}
          {summary.value && <Notices summary={summary.value} />}
          {open || OPEN.has(screen.value) ? <CurrentScreen /> : <Welcome />}
        </main>
      </div>
      <ActDialog />
      <div class="unseen" role="status" aria-live="polite">
        {announcement.value}
      </div>
    </>
  );
}

function Navigation() {
  return (
    <nav class="navigation" aria-label={text("nav.label")}>
      <ul>
        {NAVIGATION.map(({ to, icon, words }) => (
          <li key={to}>
            <a href={link(to)} aria-current={screen.value === to ? "page" : undefined}>
              <Icon name={icon} />
              <span>{text(words)}</span>
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

const loaded = new Map<Screen, ComponentType>([["summary", SummaryScreen]]);

function CurrentScreen() {
  const wanted = screen.value;
  const [, redraw] = useState(0);
  const [failure, setFailure] = useState<unknown>(null);
  const Shown = loaded.get(wanted);
  useEffect(() => {
    const load = LATER[wanted];
    if (loaded.has(wanted) || !load) return;
    load().then(
      (component) => {
        loaded.set(wanted, component);
        redraw((count) => count + 1);
      },
      (error: unknown) => setFailure(error),
    );
  }, [wanted]);
  if (Shown) {
    return (
      <Fragment key={wanted}>
        <Shown />
      </Fragment>
    );
  }
  return failure ? <Fault error={asPageError(failure)} /> : <p class="waiting">{text("page.loading")}</p>;
}

function Logo() {
  return (
    <svg class="logo" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="9" />
      <path d="M9 22V11l7 6 7-6v11" />
    </svg>
  );
}

/** Arriving at a screen: its heading gets the focus, the window's name says where one is, and it begins at the top. */
function useArrival() {
  const { screen: here, detail } = route.value;
  const isOpen = isUnlocked.value;
  const [isFirst, setFirst] = useState(true);
  useEffect(() => {
    const place = isOpen || OPEN.has(here) ? text(`nav.${here}`) : "";
    document.title = place ? `${place} · ${text("page.title")}` : text("page.title");
    if (isFirst) {
      setFirst(false);
      return;
    }
    scrollTo(0, 0);
    // The screen may still be on its way: its heading is waited for, a little.
    let tries = 0;
    const look = () => {
      const heading = document.getElementById("screen-heading");
      if (heading) heading.focus({ preventScroll: true });
      else if (tries++ < 40) timer = setTimeout(look, 50);
    };
    let timer = setTimeout(look, 0);
    return () => clearTimeout(timer);
  }, [here, detail, isOpen]);
}

/** Between two looks at the chain while the page is in sight, in milliseconds. */
const LOOK = 30_000;

/** Looks again by itself: who declared an emergency or asks to take over must not wait for a click. */
function useFollowing() {
  useEffect(() => {
    const timer = setInterval(() => {
      if (client.value && !document.hidden && !currentAct.value) void refresh();
    }, LOOK);
    return () => clearInterval(timer);
  }, []);
}

/** Tells the client that somebody is there, at most once a second; it locks itself when nobody is. */
function useIdle() {
  useEffect(() => {
    let last = 0;
    const touched = () => {
      if (Date.now() - last < 1000) return;
      last = Date.now();
      client.value?.touch();
    };
    const signs = ["pointerdown", "keydown", "wheel", "touchmove"] as const;
    for (const sign of signs) addEventListener(sign, touched, { passive: true });
    return () => {
      for (const sign of signs) removeEventListener(sign, touched);
    };
  }, []);
}
