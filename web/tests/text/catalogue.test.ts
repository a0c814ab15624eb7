// @vitest-environment happy-dom

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import table from "../../../medrec_py/types/vocabulary.json";
import { CAVEATS, ERRORS, FAULTS } from "../../src/client/codes.ts";
import { flatten, preferred, rich, speak, text } from "../../src/text/catalogue.ts";
import en from "../../src/text/en.json";
import zh from "../../src/text/zh.json";
import { SENSITIVE } from "../../src/ui/recordClasses.ts";
import { readVocabulary } from "../fake/vocabulary.ts";

const SOURCE = join(import.meta.dirname, "../../src");
const english = flatten(en);
const chinese = flatten(zh);

function gaps(template: string): string[] {
  return [...new Set(template.match(/\{\w+\}/g) ?? [])].sort();
}

function sources(...folders: string[]): Map<string, string> {
  const files = folders.flatMap((folder) =>
    readdirSync(join(SOURCE, folder), { recursive: true, encoding: "utf8" }).map((name) => join(folder, name)),
  );
  return new Map(
    files.filter((name) => /\.tsx?$/.test(name)).map((name) => [name, readFileSync(join(SOURCE, name), "utf8")]),
  );
}

describe("the two catalogues", () => {
  test("have the same keys", () => {
    expect([...chinese.keys()].sort()).toEqual([...english.keys()].sort());
  });

  test("have the same gaps in every text", () => {
    for (const [key, template] of english) expect([key, gaps(chinese.get(key) ?? "")]).toEqual([key, gaps(template)]);
  });

  test("leave no text empty, and no Chinese text in Latin letters alone but names", () => {
    for (const [key, template] of [...english, ...chinese]) expect([key, template.trim()]).not.toEqual([key, ""]);
    const latin = [...chinese].filter(([, template]) => !/[\u3000-\u9fff\uff00-\uffef…]/u.test(template));
    expect(latin.map(([key]) => key).sort()).toEqual(["language.en", "page.title", "progress.of"]);
  });

  test("have a text for every code of errors, faults and caveats", () => {
    const wanted = [
      ...ERRORS.map((code) => `errors.${code}`),
      ...FAULTS.map((code) => `faults.${code}`),
      ...CAVEATS.map((code) => `caveats.${code}`),
    ];
    expect(wanted.filter((key) => !english.has(key))).toEqual([]);
  });

  test("say what every class of the vocabulary contains", () => {
    const codes = readVocabulary().classes.map((one) => one.code);
    expect(codes.filter((code) => !english.has(`classHelp.${code}`))).toEqual([]);
  });

  test("hold no text that nothing uses", () => {
    const all = [...sources("ui", "text", "fhir").values()].join("\n");
    // Sections whose keys come from data, such as the code of an error.
    const open = ["errors", "errorHelp", "faults", "caveats", "historyKind", "classHelp", "purposeHelp", "fhirStatus"];
    const built = ["operation", "operationHelp", "grantState", "nav", "details", "language", "progress", "labs"];
    const unused = [...english.keys()].filter((key) => {
      const [section = ""] = key.split(".");
      if (open.includes(section) || built.includes(section)) return false;
      const stem = key.slice(0, key.lastIndexOf(".") + 1);
      return !all.includes(`"${key}"`) && !all.includes(`\`${stem}\${`);
    });
    expect(unused).toEqual([]);
  });
});

test("classes that the vocabulary calls sensitive are the ones that the page sets apart", () => {
  const rows = table.classes as unknown as { code: string; sensitive?: boolean }[];
  expect([...SENSITIVE].sort()).toEqual(
    rows
      .filter((row) => row.sensitive)
      .map((row) => row.code)
      .sort(),
  );
});

describe("no text shown to people stands outside the catalogues", () => {
  const files = [...sources("ui")].filter(([name]) => name.endsWith(".tsx"));

  test.each(files)("%s", (_, source) => {
    const code = source.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
    // Between tags: letters of any script that aren't inside braces.
    const between = [...code.matchAll(/>\s*([^<>{}=;()]*\p{L}{2,}[^<>{}=;()]*)\s*<\//gu)].map((found) =>
      found[1]?.trim(),
    );
    const attributes = [...code.matchAll(/\b(?:aria-label|title|alt|placeholder|label)="([^"]*\p{L}[^"]*)"/gu)];
    expect([...between, ...attributes.map((found) => found[1])]).toEqual([]);
  });

  test("nothing is ever set as markup", () => {
    for (const [name, source] of sources("ui", "fhir", "text")) {
      expect([
        name,
        /dangerouslySetInnerHTML|innerHTML|outerHTML|insertAdjacentHTML|document\.write|\bstyle=\{?/.test(source),
      ]).toEqual([name, false]);
      expect([name, /DOMParser|\beval\(|new Function|srcdoc/.test(source)]).toEqual([name, false]);
    }
  });
});

describe("the reader's language", () => {
  test.each([
    [["zh-TW", "en"], "zh"],
    [["fr-FR", "zh-Hans-CN"], "zh"],
    [["en-US", "zh"], "en"],
    [["de"], "en"],
    [[], "en"],
  ] as const)("%j is answered in %s", (languages, expected) => {
    expect(preferred(languages)).toBe(expected);
  });

  test("fills gaps with what is given and leaves unknown ones standing", async () => {
    await speak("en");
    expect(text("progress.of", { done: 1 })).toBe("1 of {count}");
    expect(rich("takeover.bySomebody", { heir: 7, announced: "today" })).toContain(7);
  });

  test("a value can't open a gap of its own", async () => {
    await speak("en");
    expect(text("errors.Unexpected", { message: "{code}", code: "x" })).toBe("Something went wrong: {code}");
  });
});
