import { describe, expect, test } from "vitest";
import {
  attachments,
  isPicture,
  narrative,
  pictureOf,
  textOfAttachment,
  wordsOfMarkup,
} from "../../src/fhir/attachments.ts";
import { details, headline } from "../../src/fhir/details.ts";
import { directory } from "../../src/fhir/directory.ts";
import { asNumber, at, choice, concept, quantity, reference } from "../../src/fhir/elements.ts";
import { measurements, rangeWords, series } from "../../src/fhir/observations.ts";
import { JsonNumber } from "../../src/types/jsonValues.ts";
import { demonstrationPatient } from "../fake/demonstration.ts";
import { hostileResources } from "../fake/hostile.ts";
import { Dice, junk } from "../fake/junk.ts";

const GLUCOSE = {
  resourceType: "Observation",
  code: { coding: [{ system: "http://loinc.org", code: "2339-0", display: "Glucose" }] },
  valueQuantity: { value: 130, unit: "mg/dL" },
  referenceRange: [{ low: { value: 70 }, high: { value: 99 } }],
};

describe("series", () => {
  const twice = (effectiveDateTime: string, value: number) =>
    measurements({ ...GLUCOSE, effectiveDateTime, valueQuantity: { value, unit: "mg/dL" } }, "k", "2024-01-02");

  test("a value that was sent twice was measured once", () => {
    const instant = "2024-01-02T03:04:05Z";
    const [one] = series([...twice(instant, 130), ...twice(instant, 130), ...twice(instant, 131)]);
    expect(one?.points.map((point) => point.value)).toEqual([130, 131]);
  });

  test("equal values of one day, or of two instants, stay two", () => {
    for (const [first, second] of [
      ["2024-01-02", "2024-01-02"],
      ["2024-01-02T03:04:05Z", "2024-01-02T04:04:05Z"],
    ] as const) {
      expect(series([...twice(first, 130), ...twice(second, 130)])[0]?.points).toHaveLength(2);
    }
  });
});

describe("elements", () => {
  test("a concept is said by its text, then a display, then a code", () => {
    expect(concept({ text: "a", coding: [{ display: "b" }] })).toBe("a");
    expect(concept({ coding: [{ code: "c" }, { display: "b" }] })).toBe("b");
    expect(concept({ coding: [{ code: "c" }] })).toBe("c");
    expect(concept([{ text: "first" }])).toBe("first");
    expect(concept(null)).toBeUndefined();
  });

  test("what SNOMED CT's names end with is left out, and of nobody else's words", () => {
    const coding = [
      { system: "http://snomed.info/sct", code: "185349003", display: "Encounter for check up (procedure)" },
    ];
    expect(concept({ coding })).toBe("Encounter for check up");
    expect(concept({ coding, text: "Asthma (disorder)" })).toBe("Asthma");
    expect(concept({ coding, text: "Burn (left hand)" })).toBe("Burn (left hand)");
    expect(concept({ text: "Panic (disorder)" })).toBe("Panic (disorder)");
  });

  test("a quantity keeps its comparator and unit, and zero is a value", () => {
    expect(quantity({ value: 0, unit: "mg" })).toBe("0 mg");
    expect(quantity({ value: 5, comparator: "<", unit: "mmol/L" })).toBe("< 5 mmol/L");
    expect(quantity({ unit: "mg" })).toBeUndefined();
  });

  test("digits are shown as they were sent, and plotted as numbers", () => {
    const value = new JsonNumber("7.10");
    expect(quantity({ value, unit: "%" })).toBe("7.10 %");
    expect(measurements({ ...GLUCOSE, valueQuantity: { value, unit: "%" } }, "1", null)[0]).toMatchObject({
      value: 7.1,
      words: "7.10 %",
      flag: "low",
    });
    expect(headline({ resourceType: "Observation", valueDecimal: value }).fact).toBe("7.10");
  });

  test("a reference is said by its display or by what it contains, never by a bare address", () => {
    expect(reference({ reference: "urn:uuid:1" })).toBeUndefined();
    const resource = { contained: [{ id: "drug", code: { text: "Ibuprofen" } }] };
    expect(reference({ reference: "#drug" }, resource)).toBe("Ibuprofen");
  });

  test("paths don't reach what objects inherit", () => {
    expect(at({}, "constructor")).toBeUndefined();
    expect(at({}, "__proto__", "toString")).toBeUndefined();
  });

  test("numbers are numbers also when they came as text, and nothing else is", () => {
    expect(asNumber("5.40")).toBe(5.4);
    expect(asNumber("1e999")).toBeUndefined();
    expect(asNumber("")).toBeUndefined();
    expect(asNumber("0x10")).toBeUndefined();
  });

  test("choice elements are found by their stem", () => {
    expect(choice({ valueQuantity: { value: 1 } }, "value")?.type).toBe("Quantity");
    expect(choice({ valuation: 1 }, "value")).toBeUndefined();
  });
});

describe("measurements", () => {
  test("a value above its range is flagged, and one within is not", () => {
    expect(measurements(GLUCOSE, "1", "2020")[0]?.flag).toBe("high");
    expect(measurements({ ...GLUCOSE, valueQuantity: { value: 99 } }, "1", "2020")[0]?.flag).toBeUndefined();
    expect(measurements({ ...GLUCOSE, valueQuantity: { value: 69.9 } }, "1", "2020")[0]?.flag).toBe("low");
  });

  test("the sender's interpretation counts before the numbers", () => {
    const interpretation = [{ coding: [{ code: "LL" }] }];
    expect(measurements({ ...GLUCOSE, interpretation }, "1", null)[0]?.flag).toBe("low");
  });

  test("components are measurements of their own", () => {
    const component = [
      { code: { text: "Systolic" }, valueQuantity: { value: 120, unit: "mm[Hg]" } },
      { code: { text: "Diastolic" }, valueQuantity: { value: 80, unit: "mm[Hg]" } },
    ];
    const found = measurements({ resourceType: "Observation", code: { text: "Blood pressure" }, component }, "1", null);
    expect(found.map((one) => one.words)).toEqual(["120 mm[Hg]", "80 mm[Hg]"]);
  });

  test("series go by code and unit, oldest value first", () => {
    const at = (date: string, unit: string) =>
      measurements({ ...GLUCOSE, valueQuantity: { value: 1, unit } }, date, date)[0];
    const all = [at("2021", "mg/dL"), at("2019", "mg/dL"), at("2020", "mmol/L")].filter((one) => one !== undefined);
    expect(series(all).map((one) => [one.unit, one.points.map((point) => point.date)])).toEqual([
      ["mg/dL", ["2019", "2021"]],
      ["mmol/L", ["2020"]],
    ]);
  });

  test("ranges with one end say so", () => {
    expect(rangeWords({ low: 3, high: undefined, text: undefined })).toBe("≥ 3");
    expect(rangeWords({ low: undefined, high: 9, text: undefined })).toBe("≤ 9");
    expect(rangeWords({ low: 3, high: 9, text: "adult" })).toBe("adult");
  });
});

describe("attachments", () => {
  const html = btoa("<h1>Letter</h1><script>steal()</script><p>Dear &lt;colleague&gt; &amp; friend</p>");
  const note = {
    resourceType: "DocumentReference",
    content: [{ attachment: { contentType: "text/html; charset=utf-8", data: html } }],
  };

  test("of HTML only the words are shown", () => {
    const [attached] = attachments(note);
    expect(attached && textOfAttachment(attached)).toBe("Letter\nDear <colleague> & friend");
  });

  test.each(["image/svg+xml", "text/html", "application/xhtml+xml", "image/png;evil", "application/pdf"])(
    "%s makes no picture unless it is one",
    (contentType) => {
      const [attached] = attachments({ resourceType: "Media", content: { contentType, data: btoa("x") } });
      const isAllowed = contentType.startsWith("image/png");
      expect(attached && isPicture(attached)).toBe(isAllowed);
      // Whatever parameters a sender wrote, the blob's type is the bare one.
      expect(attached && pictureOf(attached)?.type).toBe(isAllowed ? "image/png" : undefined);
    },
  );

  test("broken base64 is no picture and no text", () => {
    const [attached] = attachments({ resourceType: "Media", content: { contentType: "image/png", data: "%%%" } });
    expect(attached && pictureOf(attached)).toBeUndefined();
  });

  test("the words of a narrative come without its markup", () => {
    const div = '<div xmlns="x">Blood<br/>test<img src=x onerror=alert(1)><style>p{}</style></div>';
    expect(narrative({ text: { div } })).toBe("Blood\ntest");
  });

  test("markup that is never closed does not hold the page up", () => {
    const started = performance.now();
    for (const piece of ["<script>", "<!--", "<a ", "&#", "<div", "\n "]) wordsOfMarkup(piece.repeat(100_000));
    expect(performance.now() - started).toBeLessThan(2000);
  });
});

describe("every resource of the demonstration's patient", () => {
  const resources = demonstrationPatient();

  test("has a title", () => {
    const untitled = resources.filter((one) => headline(one).title === undefined).map((one) => one.resourceType);
    expect([...new Set(untitled)]).toEqual(["Provenance"]);
  });

  test("has details or an attachment", () => {
    const bare = resources.filter((one) => details(one).length === 0 && attachments(one).length === 0);
    expect([...new Set(bare.map((one) => one.resourceType))]).toEqual(["Provenance"]);
  });

  test("shows no bare reference", () => {
    for (const one of resources) {
      const shown = [headline(one).title, headline(one).fact, ...details(one).map((detail) => detail.value)].join(" ");
      expect(shown).not.toMatch(/urn:uuid|\[object Object\]|undefined/);
    }
  });

  test("names the people and places that it refers to, from its author's records alone", () => {
    const names = directory(resources.map((resource) => ({ author: "0x01", resource })));
    const visit = resources.find((one) => one.resourceType === "Encounter");
    if (!visit) throw new Error("the patient has no visit");
    expect(headline(visit, names("0x01")).fact).toBe("COMMUNITY INTERNIST ASSOCIATES PC");
    expect(headline(visit, names("0x02")).fact).toBeUndefined();
  });

  test("makes series of its laboratory values", () => {
    const all = series(resources.flatMap((one, index) => measurements(one, String(index), "2020")));
    expect(all.length).toBeGreaterThan(20);
  });
});

describe("anything at all", () => {
  test("hostile resources are read without a fault", () => {
    for (const one of hostileResources()) expect(() => read(one)).not.toThrow();
  });

  test("random values in place of every element are read without a fault, and only as text", () => {
    const dice = new Dice(7);
    const resources = demonstrationPatient();
    for (let round = 0; round < 3000; round++) {
      const base = dice.pick(resources);
      const broken = Object.fromEntries(
        Object.entries(base).map(([name, value]) => [name, dice.chance(0.4) ? junk(dice, 3) : value]),
      );
      const seen = read({ ...broken, ...(dice.chance(0.5) ? { resourceType: base.resourceType } : {}) });
      for (const shown of seen) expect(shown === undefined || typeof shown === "string").toBe(true);
    }
  });
});

function read(resource: Record<string, unknown>): (string | undefined)[] {
  const head = headline(resource);
  const measured = measurements(resource, "k", null);
  series(measured);
  return [
    head.title,
    head.fact,
    head.status,
    narrative(resource),
    ...details(resource).map((one) => one.value),
    ...measured.flatMap((one) => [one.words, one.name, one.unit, rangeWords(one.range)]),
    ...attachments(resource).flatMap((one) => [one.title, one.type, one.url, textOfAttachment(one)]),
  ];
}
