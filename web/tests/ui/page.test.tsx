// @vitest-environment happy-dom

import { fireEvent, waitFor, within } from "@testing-library/preact";
import { afterEach, describe, expect, test, vi } from "vitest";
import { client, records } from "../../src/ui/session.ts";
import { clearStage, setStage } from "./stage.tsx";

afterEach(clearStage);
vi.setConfig({ testTimeout: 30_000 });

describe("the first screen", () => {
  test("shows every wallet that announced itself, and fetches no picture from elsewhere", async () => {
    const { page } = await setStage({ isUnlocked: false });
    expect(page.getByText("Test wallet")).toBeTruthy();
    expect(page.getByText("Another wallet")).toBeTruthy();
    const sources = [...document.querySelectorAll("img")].map((image) => image.src);
    expect(sources.length).toBe(1);
    expect(sources.every((source) => source.startsWith("data:image/"))).toBe(true);
  });

  test("says what to do when no wallet is there", async () => {
    const { page } = await setStage({ isUnlocked: false, scene: "no wallet" });
    expect(page.getByText(/No wallet has shown itself/)).toBeTruthy();
  });

  test("connects, unlocks with one signature and shows the summary", async () => {
    const { page } = await setStage({ isUnlocked: false });
    fireEvent.click(page.getByText("Test wallet"));
    fireEvent.click(await page.findByText("Unlock with one signature"));
    expect(await page.findByText("Everything checks out")).toBeTruthy();
  });

  test("says that the wallet declined, and can be tried again", async () => {
    const { page } = await setStage({ isUnlocked: false, scene: "refusing wallet" });
    fireEvent.click(page.getByText("Test wallet"));
    expect((await page.findByRole("alert")).textContent).toContain("You declined in your wallet");
    expect((page.getByText("Test wallet").closest("button") as HTMLButtonElement).disabled).toBe(false);
  });

  test("names a wrong chain, offers the switch, and unlocks nothing before", async () => {
    const { page } = await setStage({ isUnlocked: false, scene: "wrong chain" });
    fireEvent.click(page.getByText("Test wallet"));
    const alert = await page.findByRole("alert");
    expect(alert.textContent).toContain("Ethereum");
    expect(alert.textContent).toContain("MedRec test network");
    const button = page.getByText("Unlock with one signature").closest("button") as HTMLButtonElement;
    expect(button.disabled).toBe(true);
    fireEvent.click(within(alert).getByRole("button"));
    await waitFor(() => expect(button.disabled).toBe(false));
  });

  test("asks for a key file when the wallet never signs alike, and refuses a short password", async () => {
    const { page } = await setStage({ isUnlocked: false, scene: "unsteady wallet" });
    fireEvent.click(page.getByText("Test wallet"));
    fireEvent.click(await page.findByText("Unlock with one signature"));
    fireEvent.click(await page.findByLabelText("Make a new one"));
    fireEvent.input(page.getByLabelText("Password"), { target: { value: "short" } });
    fireEvent.submit(page.getByText("Make the file and save it").closest("form") as HTMLFormElement);
    expect(await page.findByText("The password is shorter than 12 characters.")).toBeTruthy();
  });
});

describe("locking", () => {
  test("takes every record from the screen and from memory", async () => {
    const { page, client: fake } = await setStage({ at: "#/records" });
    await page.findByText(/1,957 records/);
    fireEvent.click(page.getByText("Lock"));
    expect(await page.findByText("Choose your wallet").catch(() => page.findByText("Open your records"))).toBeTruthy();
    expect(fake.isLocked()).toBe(true);
    expect(records.value).toEqual([]);
    expect(document.body.textContent).not.toContain("Community Internist");
  });

  test("happens by itself when the wallet changes its account, and says so", async () => {
    const { page, wallets, client: fake } = await setStage();
    wallets.changeAccount();
    expect(await page.findByText(/changed its account/)).toBeTruthy();
    expect(fake.isLocked()).toBe(true);
    expect(client.value).toBeNull();
  });

  test("by the client itself empties the page as well", async () => {
    const { page, client: fake } = await setStage();
    fake.lock();
    await waitFor(() => expect(page.queryByText("Everything checks out")).toBeNull());
  });
});

describe("the summary", () => {
  test("says up to which block everything verifies", async () => {
    const { page } = await setStage();
    expect(page.getByText(/block 21,873,412/)).toBeTruthy();
  });

  test("says loudly what does not verify, with the object's digest", async () => {
    const { page } = await setStage({ scene: "fault" });
    expect(page.getByText("2 things do not check out")).toBeTruthy();
    expect(page.getByText(/its bytes are not the ones that were anchored/)).toBeTruthy();
    expect(page.queryByText("Everything checks out")).toBeNull();
    expect(document.querySelector(".faults .breakable")?.textContent).toMatch(/^0x[0-9a-f]{64}$/);
  });

  test("begins with the request to take over and its veto", async () => {
    const { page, client: fake } = await setStage({ scene: "takeover" });
    const [first] = page.getAllByRole("heading");
    expect(first?.textContent).toBe("Somebody asks to take over your records");
    fireEvent.click(page.getByText("I have my wallet: stop this"));
    fireEvent.click(await page.findByText("Sign and stop it"));
    await waitFor(() => expect(fake.acts).toEqual(["LifeSign"]));
  });

  test("begins with a declared emergency, its reason and the way to stop it", async () => {
    const { page, client: fake } = await setStage({ scene: "emergency" });
    expect(page.getAllByRole("heading")[0]?.textContent).toBe("An emergency was declared for you");
    expect(page.getByText(/unconscious after a road accident/)).toBeTruthy();
    fireEvent.click(page.getByText("Stop this access"));
    fireEvent.click(await page.findByText("Sign and end it"));
    await waitFor(() => expect(fake.acts).toEqual(["Revocation"]));
  });

  test("pictures the records with the same numbers as its table", async () => {
    const { page } = await setStage();
    fireEvent.click(page.getByText("Show as a table"));
    const details = page.getByText("Show as a table").closest("details") as HTMLDetailsElement;
    details.open = true;
    fireEvent(details, new Event("toggle"));
    const row = (await page.findByRole("rowheader", { name: "Immunizations" })).closest("tr");
    expect(row?.textContent).toContain("65");
    expect(document.querySelectorAll("svg.strip rect").length).toBeGreaterThan(100);
  });

  test("is written in Chinese for Chinese readers, and the page says that it is", async () => {
    const { page } = await setStage({ language: "zh" });
    expect(page.getByText("全部核对无误")).toBeTruthy();
    expect(page.getAllByText("检验结果").length).toBeGreaterThan(0);
    expect(document.documentElement.lang).toBe("zh-Hans");
  });
});

describe("the frame", () => {
  test("has a skip link first, one main landmark and a navigation that marks the place", async () => {
    const { page } = await setStage({ at: "#/records" });
    expect(document.querySelector("a, button")?.textContent).toBe("Skip to the content");
    expect(page.getAllByRole("main").length).toBe(1);
    const current = await page.findByRole("link", { current: "page" });
    expect(current.textContent).toBe("Records");
  });

  test("moves the focus to the heading of the screen that was gone to, and names the window after it", async () => {
    const { page } = await setStage();
    location.hash = "#/access";
    fireEvent(window, new Event("hashchange"));
    const heading = await page.findByRole("heading", { name: "Who has access" });
    await waitFor(() => expect(document.activeElement).toBe(heading));
    expect(document.title).toBe("Access · MedRec");
  });

  test("changes its language at once, texts and attribute", async () => {
    const { page } = await setStage({ at: "#/settings" });
    fireEvent.click(await page.findByLabelText("中文"));
    expect(await page.findByRole("heading", { name: "设置" })).toBeTruthy();
    expect(document.documentElement.lang).toBe("zh-Hans");
  });

  test("gives every picture a name or hides it from screen readers", async () => {
    await setStage({ scene: "takeover" });
    for (const picture of document.querySelectorAll("svg")) {
      expect(picture.getAttribute("aria-hidden") === "true" || picture.hasAttribute("aria-label")).toBe(true);
    }
  });
});

test("the page looks at the chain again by itself, so that an emergency shows without a click", async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  try {
    const { client: fake } = await setStage();
    const looks = vi.spyOn(fake, "refresh");
    await vi.advanceTimersByTimeAsync(31_000);
    expect(looks).toHaveBeenCalledTimes(1);
    fake.lock();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(looks).toHaveBeenCalledTimes(1);
  } finally {
    vi.useRealTimers();
  }
});
