/** The screens over a client that acts as if: for looking at them and for measuring their accessibility. */

import type { Language } from "../../src/text/catalogue.ts";
import { mount } from "../../src/ui/mount.tsx";
import { unlock } from "../../src/ui/session.ts";
import { CONFIG, FakeWallets, SCENES, type Scene } from "../fake/wallets.ts";

const asked = new URLSearchParams(location.search);
const scene = SCENES.find((known) => known === asked.get("scene")) ?? "usual";
const root = document.getElementById("app");
const bundle = (await (await fetch("/patient.json")).json()) as { entry: { resource: Record<string, unknown> }[] };
const wallets = new FakeWallets(
  scene as Scene,
  bundle.entry.map((entry) => entry.resource),
);

if (root) await mount(root, async () => ({ config: CONFIG, wallets }), [(asked.get("lang") ?? "en") as Language]);
if (asked.has("connected")) await wallets.connect("one");
if (asked.has("unlocked")) {
  await wallets.connect("one");
  await unlock("private");
}
document.body.dataset.ready = "yes";
