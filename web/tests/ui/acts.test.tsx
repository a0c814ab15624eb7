// @vitest-environment happy-dom

import { fireEvent, waitFor, within } from "@testing-library/preact";
import { afterEach, describe, expect, test, vi } from "vitest";
import { treesOf } from "../../src/ui/access.tsx";
import { dayAfter, secondsOf, today } from "../../src/ui/days.ts";
import { isInForce } from "../../src/ui/viewer.tsx";
import { SECOND_PROVIDER, SUBJECT_ONE, SUBJECT_TWO } from "../fake/addresses.ts";
import { grants } from "../fake/summary.ts";
import { clearStage, setStage } from "./stage.tsx";

afterEach(clearStage);
vi.setConfig({ testTimeout: 30_000 });

async function openRevocation(options: Parameters<typeof setStage>[0] = {}) {
  const stage = await setStage({ at: "#/access", ...options });
  const [first] = await stage.page.findAllByText("End access");
  fireEvent.click(first as HTMLElement);
  const dialog = await stage.page.findByRole("dialog");
  await within(dialog).findByText(/I end the access that grant/);
  return { ...stage, dialog };
}

describe("before a signature", () => {
  test("the sentence, what it can't undo and the typed data are shown, and nothing is signed yet", async () => {
    const { dialog, client } = await openRevocation();
    // What is signed names the grant by its number; whose it is stands above it.
    expect(within(dialog).getByText(treesOf(grants("usual"))[0]?.grant.viewerName as string)).toBeTruthy();
    expect(within(dialog).getByText(/What they have read or copied stays with them/)).toBeTruthy();
    const details = within(dialog).getByText("The data that is signed").closest("details") as HTMLDetailsElement;
    details.open = true;
    fireEvent(details, new Event("toggle"));
    expect(await within(dialog).findByText("Revocation")).toBeTruthy();
    expect(within(dialog).getByText("verifyingContract")).toBeTruthy();
    expect(client.acts).toEqual([]);
  });

  test("it can be left, and nothing happened", async () => {
    const { page, dialog, client } = await openRevocation();
    fireEvent.click(within(dialog).getByText("Not now"));
    await waitFor(() => expect(page.queryByRole("dialog")).toBeNull());
    expect(client.acts).toEqual([]);
  });

  test("it says whether the wallet signs or the page", async () => {
    const inPage = await openRevocation();
    expect(within(inPage.dialog).getByText(/The page signs this for you/)).toBeTruthy();
    const inWallet = await openRevocation({ mode: "wallet" });
    expect(within(inWallet.dialog).getByText(/Your wallet will ask you/)).toBeTruthy();
  });
});

describe("after a signature", () => {
  test("signing, sending, waiting and confirmed are visible, and the screen follows", async () => {
    const { page, dialog, client } = await openRevocation();
    fireEvent.click(within(dialog).getByText("Sign and end it"));
    expect(within(dialog).getByText("Signing")).toBeTruthy();
    expect(await within(dialog).findByText(/in block 4,242/)).toBeTruthy();
    expect(client.acts).toEqual(["Revocation"]);
    fireEvent.click(within(dialog).getByText("Done"));
    fireEvent.click(await page.findByText("Show 3 that are over"));
    expect((await page.findAllByText("Ended by you")).length).toBe(2);
    expect(page.getAllByText("Ended with the one above").length).toBe(2);
  });

  test("the dialog can't be closed while something runs", async () => {
    const { dialog } = await openRevocation();
    fireEvent.click(within(dialog).getByText("Sign and end it"));
    expect(within(dialog).queryByLabelText("Close")).toBeNull();
    await within(dialog).findByText(/in block/);
  });

  test("a failure says why and can be tried again", async () => {
    const { dialog, client } = await openRevocation({ scene: "failing" });
    fireEvent.click(within(dialog).getByText("Sign and end it"));
    expect((await within(dialog).findByRole("alert")).textContent).toContain("not taken it in yet");
    expect(within(dialog).queryByText("Send with my wallet")).toBeNull();
    fireEvent.click(within(dialog).getByText("Try again"));
    await within(dialog).findByText(/in block/);
    expect(client.acts).toEqual(["Revocation"]);
  });

  test("when every relayer refuses, the wallet can send it itself", async () => {
    const { dialog, client } = await openRevocation({ scene: "relayer down" });
    fireEvent.click(within(dialog).getByText("Sign and end it"));
    expect((await within(dialog).findByRole("alert")).textContent).toContain("budget used up");
    fireEvent.click(within(dialog).getByText("Send with my wallet"));
    await within(dialog).findByText(/in block/);
    expect(client.acts).toEqual(["sent by the wallet"]);
  });
});

/** The first participant that the search found. */
function found(): Element {
  const button = document.querySelector(".found-party");
  if (!button) throw new Error("nobody was found");
  return button;
}

describe("sharing", () => {
  test("asks who, what, why and how long, and says what is missing", async () => {
    const { page, client } = await setStage({ at: "#/share" });
    fireEvent.click(await page.findByText("Review what I sign"));
    expect(await page.findByText("Choose who may read.")).toBeTruthy();
    expect(page.getByText("Choose at least one kind of record.")).toBeTruthy();
    expect(client.requests).toEqual([]);
  });

  test("makes exactly the request that was answered, and undo is one click", async () => {
    const { page, client } = await setStage({ at: "#/share" });
    fireEvent.input(await page.findByLabelText("Name or address"), { target: { value: "winchester" } });
    fireEvent.click(await waitFor(() => found()));
    fireEvent.click(page.getByLabelText(/^Laboratory results/));
    fireEvent.click(page.getByLabelText(/^Medications/));
    fireEvent.click(page.getByText("7 days"));
    fireEvent.click(page.getByText("Review what I sign"));
    await page.findByText(/I allow 0x/);
    expect(client.requests).toEqual([
      {
        viewer: SECOND_PROVIDER,
        classes: [3, 7],
        purposes: ["TREAT"],
        operations: ["READ"],
        startsAt: null,
        expiresAt: secondsOf(dayAfter(today(), 7)),
        recordsFrom: null,
        recordsUntil: null,
        delegations: 0,
        agent: null,
        subject: SUBJECT_ONE,
        language: "en",
      },
    ]);
    fireEvent.click(page.getByText("Sign and share"));
    fireEvent.click(await page.findByText("Done"));
    fireEvent(window, new Event("hashchange"));
    fireEvent.click(await page.findByText("Undo"));
    fireEvent.click(await page.findByText("Sign and end it"));
    await waitFor(() => expect(client.acts).toEqual(["Grant", "Revocation"]));
  });

  test("names software that may act for the reader, and an address that is none is pointed at", async () => {
    const { page, client } = await setStage({ at: "#/share" });
    fireEvent.input(await page.findByLabelText("Name or address"), { target: { value: "cardiology" } });
    fireEvent.click(await page.findByText("Cardiology practice at the park"));
    fireEvent.click(page.getByLabelText(/^Medications/));
    const agent = page.getByLabelText(/^Software that may act/) as HTMLInputElement;
    fireEvent.input(agent, { target: { value: "0x12" } });
    fireEvent.click(page.getByText("Review what I sign"));
    expect(await page.findByText(/An address begins with 0x/)).toBeTruthy();
    expect(agent.closest("details")?.open).toBe(true);
    expect(client.requests).toEqual([]);
    fireEvent.input(agent, { target: { value: ` ${SECOND_PROVIDER} ` } });
    fireEvent.click(page.getByText("Review what I sign"));
    await page.findByText(/I allow 0x/);
    expect(client.requests[0]?.agent).toBe(SECOND_PROVIDER);
  });

  test("is for one relationship at a time, the one that is chosen", async () => {
    const { page, client } = await setStage({ at: "#/share" });
    const choice = (await page.findByLabelText("Records that stand with")) as HTMLSelectElement;
    expect([...choice.options].map((option) => option.textContent)).toContain("Winchester Hospital");
    fireEvent.change(choice, { target: { value: SUBJECT_TWO } });
    fireEvent.input(page.getByLabelText("Name or address"), { target: { value: "cardiology" } });
    fireEvent.click(await page.findByText("Cardiology practice at the park"));
    fireEvent.click(page.getByLabelText(/^Medications/));
    fireEvent.click(page.getByText("Review what I sign"));
    await page.findByText(/I allow 0x/);
    expect(client.requests[0]?.subject).toBe(SUBJECT_TWO);
  });

  test("a name that mixes alphabets carries a warning wherever it is offered", async () => {
    const { page } = await setStage({ at: "#/share" });
    fireEvent.input(await page.findByLabelText("Name or address"), { target: { value: "0xd41c" } });
    const offered = await page.findByText(/mixes alphabets/);
    expect(offered.closest("button")?.textContent).toContain("Not accredited");
  });

  test("nobody without a key can be shared with", async () => {
    const { page, client } = await setStage({ at: "#/share" });
    fireEvent.input(await page.findByLabelText("Name or address"), { target: { value: "0x4CCe" } });
    fireEvent.click(await page.findByText("No name given"));
    fireEvent.click(page.getByLabelText(/^Medications/));
    fireEvent.click(page.getByText("Review what I sign"));
    expect(await page.findByText(/They have not registered a key yet/)).toBeTruthy();
    expect(client.requests).toEqual([]);
  });
});

describe("the tree of grants", () => {
  test("hangs each sub-grant below the one it was cut from", () => {
    const trees = treesOf(grants("usual"));
    const nested = trees.find((tree) => tree.children.length > 0);
    expect(nested?.children[0]?.children.length).toBe(1);
    expect(trees.length).toBe(6);
  });

  test("shows a sub-grant of an unknown grant instead of hiding it", () => {
    const [, child] = grants("usual");
    expect(child && treesOf([child]).length).toBe(1);
  });

  test("survives grants that name each other in a circle", () => {
    const [one, two] = grants("usual");
    if (!one || !two) throw new Error("no grants");
    const circle = [
      { ...one, parent: two.id },
      { ...two, parent: one.id },
    ];
    expect(
      treesOf(circle).flatMap((tree) => [tree.grant.id, ...tree.children.map((child) => child.grant.id)]),
    ).toHaveLength(2);
    expect(isInForce(circle[0] as typeof one, circle)).toBe(true);
  });

  test("counts a sub-grant as ended when the one above has ended", () => {
    const [one, two] = grants("usual");
    if (!one || !two) throw new Error("no grants");
    expect(isInForce(two, [one, two])).toBe(true);
    expect(isInForce(two, [{ ...one, state: "revoked" }, two])).toBe(false);
  });
});

describe("people", () => {
  test("an invitation is read, shows who it is from, and is accepted with a sentence", async () => {
    const { page, client } = await setStage({ at: "#/people" });
    fireEvent.input(await page.findByLabelText("Invitation as text"), { target: { value: "{}" } });
    fireEvent.click(page.getByText("Look at it"));
    fireEvent.click(await page.findByText("Accept"));
    fireEvent.click(await page.findByText("Sign and accept"));
    await waitFor(() => expect(client.acts).toEqual(["Acceptance"]));
  });

  test("what is no invitation is refused with a reason", async () => {
    const { page } = await setStage({ at: "#/people" });
    fireEvent.input(await page.findByLabelText("Invitation as text"), { target: { value: "hello" } });
    fireEvent.click(page.getByText("Look at it"));
    expect(await page.findByText(/not an invitation/)).toBeTruthy();
  });

  test("guardians need at least two", async () => {
    const { page } = await setStage({ at: "#/people/guardians", scene: "empty" });
    const review = (await page.findByText("Review what I sign")).closest("button") as HTMLButtonElement;
    expect(review.disabled).toBe(true);
    for (const name of ["First guardian", "Second guardian"]) {
      fireEvent.input(page.getByLabelText("Guardian's name or address"), { target: { value: name } });
      fireEvent.click(await page.findByText(name));
    }
    await waitFor(() => expect(review.disabled).toBe(false));
  });
});
