/** Whatever the page throws or names has a text: each code in the sources is in the lists that the catalogues follow. */

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { CAVEATS, ERRORS, FAULTS } from "../../src/client/codes";

const SOURCES = new URL("../../src/", import.meta.url);

function sources(): string[] {
  return readdirSync(SOURCES, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.tsx?$/.test(name) && !name.startsWith("ui/"))
    .map((name) => readFileSync(new URL(name, SOURCES), "utf8"));
}

function found(pattern: RegExp): string[] {
  return [
    ...new Set(sources().flatMap((text) => [...text.matchAll(pattern)].map((match) => match[1] as string))),
  ].sort();
}

describe("codes", () => {
  test("every error that is thrown is listed", () => {
    const thrown = found(/new (?:PageError|ContractRefusal)\(\s*"(\w+)"/g);
    expect(thrown.length).toBeGreaterThan(40);
    expect(thrown.filter((code) => !(ERRORS as readonly string[]).includes(code))).toEqual([]);
  });

  test("every contract's error that is decoded is listed", () => {
    const declared = found(/"error (\w+)\(/g).filter((name) => name !== "Error" && name !== "Panic");
    expect(declared.length).toBeGreaterThan(15);
    expect(declared.filter((code) => !(ERRORS as readonly string[]).includes(code))).toEqual([]);
  });

  test("every fault that is found is listed", () => {
    const named = [...found(/code: "([a-z_]+)", values/g), ...found(/fetchFault\(error, "(\w+)"/g)];
    expect(named.filter((code) => !(FAULTS as readonly string[]).includes(code))).toEqual([]);
    expect([...FAULTS].filter((code) => !named.includes(code))).toEqual([]);
  });

  test("every caveat that is given is listed", () => {
    const texts = sources().join("");
    expect([...CAVEATS].filter((code) => !texts.split(`"${code}"`)[2])).toEqual([]);
  });
});
