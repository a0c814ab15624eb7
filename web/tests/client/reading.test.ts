/** What others wrote is read to the letter or refused: invitations, records and their dates. */

import { describe, expect, test } from "vitest";
import { clinicalDates, daysOf } from "../../src/client/dates";
import { parseInvitation } from "../../src/client/invitations";
import { recordOf } from "../../src/client/records";
import { PageError } from "../../src/errors";

const INVITATION = {
  provider: "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
  subject: "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
  number: 1,
  expires_at: 1_900_000_000,
  signature: `0x${"ab".repeat(65)}`,
};

/** A small generator that repeats itself, so that a failure can be looked at again. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) % below;
  };
}

describe("an invitation", () => {
  const text = JSON.stringify(INVITATION);
  const carried = Buffer.from(text).toString("base64url");

  test("is read from JSON, from a link and from its fragment", () => {
    const expected = {
      provider: INVITATION.provider,
      subject: INVITATION.subject,
      number: 1,
      expiresAt: 1_900_000_000,
    };
    for (const form of [
      text,
      ` ${text}\n`,
      `https://page.invalid/#/people?invitation=${carried}`,
      `#invitation=${carried}`,
    ]) {
      expect(parseInvitation(form)).toMatchObject(expected);
    }
    expect(parseInvitation(`#invitation=${encodeURIComponent(text)}`)).toMatchObject(expected);
  });

  test("with a field missing, of another form or out of bounds is none", () => {
    const changes = [
      ...Object.keys(INVITATION).map((name) => ({ [name]: undefined })),
      ...Object.keys(INVITATION).map((name) => ({ [name]: null })),
      { number: 0 },
      { number: 1.5 },
      { number: "1" },
      { expires_at: -1 },
      { provider: INVITATION.provider.replace("A", "a") },
      { provider: "0x12" },
      { signature: "0xabc" },
      { signature: "zz" },
    ];
    for (const change of changes) {
      expect(() => parseInvitation(JSON.stringify({ ...INVITATION, ...change }))).toThrow(PageError);
    }
    for (const none of ["", "{}", "[]", "null", "https://page.invalid/", "#invitation=%", "x".repeat(20_000)]) {
      expect(() => parseInvitation(none)).toThrow(PageError);
    }
  });

  test("altered anywhere is another one or none, and nothing else happens", () => {
    const next = generator(3);
    for (let round = 0; round < 3000; round++) {
      const at = next(text.length);
      const altered = text.slice(0, at) + String.fromCharCode(next(256)) + text.slice(at + next(3));
      try {
        expect(parseInvitation(altered).number).toBeGreaterThan(0);
      } catch (error) {
        expect((error as PageError).code).toBe("InvitationInvalid");
      }
    }
  });
});

describe("a record", () => {
  const resource = { resourceType: "Observation", id: "a", effectiveDateTime: "2015-02-07T23:30:00-05:00" };

  test("is taken out of the Bundle that keeps its fullUrl, and dated by the day that is written", () => {
    const wrapped = { resourceType: "Bundle", type: "collection", entry: [{ fullUrl: "urn:uuid:b", resource }] };
    expect(recordOf(wrapped, 3)).toMatchObject({
      fullUrl: "urn:uuid:b",
      classNumber: 3,
      first: 20150207,
      last: 20150207,
      resource,
    });
    expect(recordOf({ ...resource }, 3).fullUrl).toBeNull();
    const same = { resourceType: "Bundle", entry: [{ fullUrl: "urn:uuid:a", resource }] };
    expect(recordOf(same, 3).fullUrl).toBeNull();
  });

  test("that is no resource, or several, is refused", () => {
    const bundle = (...entry: object[]) => ({ resourceType: "Bundle", entry }) as never;
    let deep = { resource } as object;
    for (let depth = 0; depth < 20; depth++) deep = { resource: { resourceType: "Bundle", entry: [deep] } };
    const none = [
      {},
      { resourceType: 7 },
      { resourceType: "<script>" },
      bundle(),
      bundle({ resource }, { resource }),
      bundle({ resource: "x" }),
      bundle({ resource, fullUrl: 7 }),
      bundle({ resource, fullUrl: "a\u0000" }),
      bundle(deep),
    ];
    for (const document of none) expect(() => recordOf(document as never, 0)).toThrow(PageError);
  });

  test("is dated by the first element that its type has, and by the earliest of several", () => {
    const dated = (more: object) => clinicalDates({ resourceType: "Observation", ...more });
    expect(dated({ effectivePeriod: { start: "2019-02" }, issued: "2020-01-01T00:00:00Z" })).toEqual([
      20190201, 20190228,
    ]);
    expect(dated({ effectiveTiming: { event: ["2020-03-01", "2019-12-31"] } })).toEqual([20191231, 20191231]);
    expect(dated({ effectiveTiming: { event: ["2020-03-01", "soon"] } })).toEqual([0, 0]);
    expect(dated({ effectiveTiming: { repeat: { boundsPeriod: { start: "2001" } } } })).toEqual([20010101, 20011231]);
    expect(clinicalDates({ resourceType: "Patient", birthDate: "1970-01-01" })).toEqual([0, 0]);
    expect(clinicalDates({ resourceType: "constructor" })).toEqual([0, 0]);
    expect(clinicalDates({ resourceType: "DocumentReference", context: { period: { start: "2000-02-29" } } })).toEqual([
      20000229, 20000229,
    ]);
  });

  test("knows the calendar", () => {
    expect(daysOf("2100-02-29")).toBeNull();
    expect(daysOf("2000-02-29")).toEqual([20000229, 20000229]);
    expect(daysOf("2015-13")).toBeNull();
    expect(daysOf("1899")).toBeNull();
    expect(daysOf("2155-12-31")).toEqual([21551231, 21551231]);
    expect(daysOf("2156")).toBeNull();
    expect(daysOf("2015-02-07T10:00\nand more")).toEqual([20150207, 20150207]);
    expect(daysOf("٢٠١٥")).toBeNull();
    expect(daysOf(20150207)).toBeNull();
  });

  test("whatever stands in it, reading it ends with a record or a fault", () => {
    const next = generator(11);
    const text = JSON.stringify({
      resourceType: "Bundle",
      entry: [{ fullUrl: "urn:x", resource: { ...resource, effectiveTiming: { event: ["2020"] } } }],
    });
    for (let round = 0; round < 2000; round++) {
      const at = next(text.length);
      const altered = text.slice(0, at) + '{}[]":,0a\\'[next(10)] + text.slice(at + 1 + next(4));
      let document: unknown;
      try {
        document = JSON.parse(altered);
      } catch {
        continue;
      }
      try {
        const { first, last } = recordOf(document as never, 0);
        expect(first <= last).toBe(true);
      } catch (error) {
        expect(error).toBeInstanceOf(PageError);
      }
    }
  });
});
