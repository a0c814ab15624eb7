// @vitest-environment happy-dom

import { render } from "@testing-library/preact";
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { speak } from "../../src/text/catalogue.ts";
import { Foreign, ForeignText, mixesAlphabets } from "../../src/ui/foreign.tsx";
import { indented } from "../../src/ui/recordDetail.tsx";
import { parse } from "../../src/ui/route.ts";
import { hostileResources } from "../fake/hostile.ts";
import { clearStage, setStage } from "./stage.tsx";

beforeAll(() => speak("en"));
afterEach(clearStage);
vi.setConfig({ testTimeout: 30_000 });

describe("words of other people", () => {
  test.each([
    ["\u202e", "U+202E"],
    ["\u2066", "U+2066"],
    ["\u200b", "U+200B"],
    ["\u0000", "U+0000"],
    ["\u{e0041}", "U+E0041"],
    ["\u00ad", "U+00AD"],
  ])("show the character %j as what it is", (character, code) => {
    const page = render(<Foreign value={`a${character}b`} />);
    expect(page.container.textContent).toBe(`a${code}b`);
    expect(page.container.querySelector("bdi")).toBeTruthy();
  });

  test("keep letters of every alphabet, accents and emoji as they are", () => {
    for (const value of ["Zoë Müller", "李小龙", "مريم", "שרה", "Αθηνά", "👍🏽", "naïve\n\ttext"]) {
      expect(render(<Foreign value={value} />).container.textContent).toBe(value);
    }
  });

  test("stay text when they look like markup", () => {
    const page = render(<ForeignText value="<img src=x onerror=alert(1)><script>1</script>" />);
    expect(page.container.querySelector("img, script")).toBeNull();
    expect(page.container.textContent).toContain("<script>");
  });

  test("of 50 MB are cut, and the rest comes on demand", () => {
    const started = performance.now();
    const page = render(<ForeignText value={"word ".repeat(10_000_000)} />);
    expect(performance.now() - started).toBeLessThan(1500);
    expect(page.container.querySelector("bdi")?.textContent?.length).toBe(20_000);
    expect(page.getByText(/49,980,000 characters are not shown yet/)).toBeTruthy();
  });

  test("are not torn inside a character when they are cut", () => {
    const shown = render(<Foreign value={"😀".repeat(10)} limit={5} />).container.textContent ?? "";
    expect(shown).toBe("😀😀…");
  });

  test.each([
    ["Winchester Hospital", false],
    ["Wіnchester Hospital", true],
    ["Αthens Clinic", true],
    ["Больница Winchester", false],
    ["北京 Hospital", false],
  ])("the name %j mixes alphabets: %s", (name, expected) => {
    expect(mixesAlphabets(name)).toBe(expected);
  });
});

describe("hostile records", () => {
  test("are listed and opened without running or fetching anything", async () => {
    const resources = hostileResources();
    for (let key = 0; key < resources.length; key++) {
      const { page } = await setStage({ scene: "hostile", at: `#/records/${key}` });
      await page.findByText("Where it comes from");
      expect(document.querySelector("script, iframe, object, embed, [onerror], [onload], [onclick]")).toBeNull();
      for (const link of document.querySelectorAll("a")) expect(link.getAttribute("href")).toMatch(/^#/);
      for (const picture of document.querySelectorAll("img")) expect(picture.src).toMatch(/^(blob|data):/);
      expect((window as unknown as { harmed?: number }).harmed).toBeUndefined();
      expect(document.querySelector("[style]")).toBeNull();
    }
  });
});

describe("the FHIR source", () => {
  test("is laid out without touching a token", () => {
    const source = '{"a":1.50,"b":[{},[],{"c":"x, {y}: \\" z"}],"d":1e2}';
    const laidOut = indented(source);
    expect(laidOut).toContain('"a": 1.50');
    expect(laidOut).toContain('"c": "x, {y}: \\" z"');
    expect(laidOut.replace(/\n\s*/g, "").replace(/": /g, '":')).toBe(source);
  });

  test("is shown as it is when it is no JSON", () => {
    expect(() => indented('{"a": "never closed')).not.toThrow();
    expect(() => indented("}}}}]]]]")).not.toThrow();
  });
});

describe("addresses of the page", () => {
  test.each([
    ["#/records/3?class=7", "records", "3"],
    ["#/records/%E0%A4%A", "records", null],
    ["#/../../etc", "summary", "../etc"],
    ["#javascript:alert(1)", "summary", null],
    ["", "summary", null],
    ["#/constructor", "summary", null],
  ])("%j leads to %s", (fragment, screen, detail) => {
    const found = parse(fragment);
    expect(found.screen).toBe(screen);
    if (screen !== "summary") expect(found.detail).toBe(detail);
  });
});
