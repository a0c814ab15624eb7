// @vitest-environment happy-dom
/** What was about to be signed goes with everything else when the page locks. */

import { waitFor } from "@testing-library/preact";
import { afterEach, expect, test } from "vitest";
import { currentAct, propose } from "../../src/ui/act.tsx";
import { clearStage, setStage } from "./stage.tsx";

afterEach(clearStage);

test("the dialog of an act goes from screen and memory when the page locks", async () => {
  const { page, client } = await setStage();
  propose({ title: "Telltale", verb: "Sign", prepare: () => client.giveLifeSign() });
  await page.findByText("Telltale");
  client.lock();
  await waitFor(() => expect(document.body.textContent).not.toContain("Telltale"));
  expect(currentAct.value).toBeNull();
});
