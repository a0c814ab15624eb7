// @vitest-environment happy-dom
/** Every announcement that stands is said above everything, also one of which the server hides whose it is. */

import { waitFor } from "@testing-library/preact";
import { afterEach, expect, test } from "vitest";
import type { GuardianPlan } from "../../src/client/api.ts";
import { now, summary } from "../../src/ui/session.ts";
import { RELATIVE } from "../fake/addresses.ts";
import { clearStage, setStage } from "./stage.tsx";

afterEach(clearStage);

test("several announcements and a hidden one each have their notice and their veto", async () => {
  const { page } = await setStage({ scene: "takeover" });
  const shown = summary.value as NonNullable<typeof summary.value>;
  const plan = shown.guardians as GuardianPlan;
  const [first] = plan.announcements as [GuardianPlan["announcements"][number]];
  const others = [
    { ...first, heir: RELATIVE },
    { ...first, heir: null, guardian: null },
  ];
  summary.value = { ...shown, guardians: { ...plan, announcements: [first, ...others] } };
  await waitFor(() => expect(page.getAllByText("I have my wallet: stop this")).toHaveLength(3));
  expect(page.getAllByText("Somebody asks to take over your records")).toHaveLength(3);
  expect(page.getByText(/The server hides who/)).toBeTruthy();
});

test.each(["records", "share", "access", "people", "settings"])("it stands above the screen %s as well", async (at) => {
  const { page } = await setStage({ scene: "takeover", at: `#/${at}` });
  expect(await page.findAllByText("Somebody asks to take over your records")).not.toHaveLength(0);
});

test("a chain whose clock is ahead of the device's is the one that spans are measured by", async () => {
  const { page } = await setStage({ scene: "takeover" });
  const shown = summary.value as NonNullable<typeof summary.value>;
  const ahead = Math.floor(Date.now() / 1000) + 90 * 86400;
  const plan = shown.guardians as GuardianPlan;
  const [first] = plan.announcements as [GuardianPlan["announcements"][number]];
  summary.value = {
    ...shown,
    verification: { ...shown.verification, blockTime: ahead },
    guardians: { ...plan, announcements: [{ ...first, announcedAt: ahead - 86400, opensAt: ahead + 3 * 86400 }] },
  };
  expect(now()).toBe(ahead);
  expect(await page.findByText(/in 3 days/)).toBeTruthy();
});
