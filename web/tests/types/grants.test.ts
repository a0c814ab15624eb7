import type { Address, Hex } from "viem";
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/types/jsonValues";
import { day, iso, isoDay, moment } from "../../src/types/moments";
import { render, requireStatement } from "../../src/types/statement";
import {
  checkTerms,
  grantId,
  presentedGrantId,
  type Terms,
  termsFromJson,
  termsHash,
  termsToJson,
} from "../../src/types/terms";
import {
  type Domain,
  encodeType,
  grantMessage,
  MESSAGE_TYPES,
  type MessageType,
  typedData,
  typedDataHash,
} from "../../src/types/typedData";
import { UNLOCK_STATEMENT, unlockMessage } from "../../src/types/unlock";
import {
  bits,
  CLASSES,
  classMask,
  classNames,
  EVERY_CLASS,
  type Language,
  operationMask,
  PURPOSES,
  purposeMask,
  recordClass,
  vocabularyHash,
} from "../../src/types/vocabulary";
import { Dice, errorOf, load, survives } from "../vectors";

interface Grants {
  vocabulary: Hex;
  domain: { name: "MedRec"; chain_id: number; contract: Address };
  grants: {
    language: Language;
    viewer: Address;
    terms: JsonObject;
    terms_hash: Hex;
    subject: Address;
    bundle: Hex;
    id: Hex;
    signed: Hex;
  }[];
  messages: { type: MessageType; message: Record<string, unknown>; signed: Hex }[];
  unlock: { account: Address; signed: Hex };
}

const vectors = load<Grants>("grants");
const domain: Domain = {
  name: vectors.domain.name,
  chainId: vectors.domain.chain_id,
  contract: vectors.domain.contract,
};
const sample = termsFromJson(vectors.grants[1]?.terms as JsonObject);

describe("the vocabulary", () => {
  it("is the one whose hash Python pins on chain", () => {
    expect(vocabularyHash()).toBe(vectors.vocabulary);
  });

  it("counts its classes and purposes from 0 upwards, each with a code of its own", () => {
    for (const terms of [CLASSES, PURPOSES]) {
      expect(terms.map((term) => term.number)).toEqual(terms.map((_, at) => at));
      expect(new Set(terms.map((term) => term.code.toLowerCase())).size).toBe(terms.length);
    }
  });

  it("finds terms by code in any case or by number, and says so when there is none", async () => {
    expect(recordClass(" Laboratory ").number).toBe(7);
    expect(classMask(["demographics", 2])).toBe(6n);
    expect(classMask(["all"])).toBe((1n << BigInt(CLASSES.length)) - 1n);
    expect(
      classMask(["ordinary"]) & classMask(CLASSES.filter((each) => each.isSensitive).map(({ code }) => code)),
    ).toBe(0n);
    expect(purposeMask(["TREAT"])).toBe(1n);
    expect(operationMask(["READ", "train"])).toBe(17);
    expect((await errorOf(() => recordClass("labratory"))).code).toBe("UnknownCode");
    expect((await errorOf(() => classNames(1n << 63n, "en"))).code).toBe("UnknownCode");
    expect(classNames(EVERY_CLASS, "zh")).toEqual(CLASSES.map(({ display }) => display.zh));
    expect((await errorOf(() => classNames(EVERY_CLASS >> 1n, "en"))).code).toBe("UnknownCode");
    expect((await errorOf(() => bits(-1n))).code).toBe("UnknownCode");
    expect(bits(0b1010n)).toEqual([1, 3]);
  });
});

describe("terms", () => {
  it("are hashed, named and signed as Python and the contracts do", () => {
    for (const { viewer, terms: document, terms_hash, subject, bundle, id, signed } of vectors.grants) {
      const terms = termsFromJson(document);
      expect(termsToJson(terms)).toEqual(document);
      expect(termsHash(terms)).toBe(terms_hash);
      const grant = { grantor: subject, viewer, bundle, terms };
      expect(presentedGrantId(subject, grant)).toBe(id);
      expect(grantId(subject, subject, viewer, bundle, terms_hash)).toBe(id);
      expect(typedDataHash(typedData(domain, "Grant", grantMessage(subject, grant)))).toBe(signed);
    }
  });

  it("have another hash when any field is another", () => {
    const changes: Partial<Terms>[] = [
      { agent: `0x${"01".repeat(20)}` },
      { classes: 1n },
      { purposes: 1n },
      { operations: 1 },
      { startsAt: 1n },
      { expiresAt: 1n },
      { recordsFrom: 1 },
      { recordsUntil: 1 },
      { delegations: 1 },
      { parent: `0x${"01".repeat(32)}` },
      { condition: `0x${"01".repeat(20)}` },
      { vocabulary: `0x${"01".repeat(32)}` },
      { statement: "" },
      { salt: `0x${"01".repeat(32)}` },
    ];
    expect(changes.map((change) => Object.keys(change)[0])).toEqual(Object.keys(sample));
    const hashes = changes.map((change) => termsHash({ ...sample, ...change }));
    expect(new Set([...hashes, termsHash(sample)]).size).toBe(changes.length + 1);
  });

  it("are refused when a field is missing, unknown or of another form", async () => {
    const document = termsToJson(sample);
    for (const name of Object.keys(document)) {
      const { [name]: _, ...rest } = document;
      expect((await errorOf(() => termsFromJson(rest))).values).toHaveProperty("name");
      for (const value of [null, true, [], {}, "x", -1, 1.5, "0x01", "-1", " 1", "٣"]) {
        if (name === "statement" && typeof value === "string") continue;
        expect((await errorOf(() => termsFromJson({ ...document, [name]: value }))).code).toBe("InvalidInput");
      }
    }
    expect((await errorOf(() => termsFromJson({ ...document, more: 1 }))).code).toBe("InvalidInput");
    for (const value of [null, 1, "x", []])
      expect((await errorOf(() => termsFromJson(value))).code).toBe("InvalidInput");
    expect((await errorOf(() => checkTerms({ ...sample, delegations: 256 }))).code).toBe("InvalidInput");
    expect((await errorOf(() => checkTerms({ ...sample, classes: 1n << 64n }))).code).toBe("InvalidInput");
  });

  it("survive the round trip through JSON whatever they hold", async () => {
    const dice = new Dice(6);
    const values = [
      null,
      0,
      1,
      255,
      256,
      "0",
      "18446744073709551615",
      "18446744073709551616",
      "0x",
      `0x${"0".repeat(64)}`,
    ];
    for (let round = 0; round < 500; round++) {
      const document = { ...termsToJson(sample) };
      const names = Object.keys(document);
      document[names[dice.below(names.length)] as string] = values[dice.below(values.length)] as string | number | null;
      await survives(() => termsToJson(termsFromJson(document)));
    }
  });
});

describe("statements", () => {
  it("are Python's, byte for byte, in every language", () => {
    for (const { language, viewer, terms: document } of vectors.grants) {
      const terms = termsFromJson(document);
      expect(render(terms, viewer, language)).toBe(terms.statement);
      requireStatement(terms, viewer);
    }
  });

  it("that say something else than the fields are refused", async () => {
    const viewer = vectors.grants[1]?.viewer as Address;
    const other: Address = `0x${"11".repeat(20)}`;
    expect((await errorOf(() => requireStatement(sample, other))).code).toBe("StatementMismatch");
    const lies = [
      { ...sample, delegations: 0 },
      { ...sample, expiresAt: sample.expiresAt + 1n },
      { ...sample, statement: "" },
      { ...sample, statement: `${sample.statement}\n` },
      { ...sample, statement: sample.statement.replace("[medrec:1:en]", "[medrec:2:en]") },
      { ...sample, statement: sample.statement.replace("[medrec:1:en]", "[medrec:1:xx]") },
      { ...sample, statement: sample.statement.replace("[medrec:1:en]", "[medrec:01:en]") },
      { ...sample, statement: sample.statement.replace(":en]", ":zh]") },
    ];
    for (const terms of lies) {
      expect((await errorOf(() => requireStatement(terms, viewer))).code).toBe("StatementMismatch");
    }
  });
});

describe("typed data", () => {
  it("of every message is hashed as Python hashes it", () => {
    const seen = vectors.messages.map(({ type }) => type);
    expect(["Terms", "Grant", ...seen].sort()).toEqual(Object.keys(MESSAGE_TYPES).sort());
    for (const { type, message, signed } of vectors.messages) {
      const typed = Object.fromEntries(
        MESSAGE_TYPES[type].map(([name, kind]) => [
          name,
          kind.startsWith("uint") ? BigInt(message[name] as string) : message[name],
        ]),
      );
      expect(typedDataHash(typedData(domain, type, typed))).toBe(signed);
    }
  });

  it("unlocks with the very sentence that Python signs", () => {
    expect(typedDataHash(unlockMessage(domain, vectors.unlock.account))).toBe(vectors.unlock.signed);
    expect(UNLOCK_STATEMENT).toMatch(/^Signing this message unlocks/);
  });

  it("is refused when the fields aren't those of the type", async () => {
    expect((await errorOf(() => typedData(domain, "Revocation", { actor: domain.contract }))).code).toBe(
      "InvalidInput",
    );
    const tooMuch = { actor: domain.contract, id: vectors.vocabulary, more: 1 };
    expect((await errorOf(() => typedData(domain, "Revocation", tooMuch))).code).toBe("InvalidInput");
    expect(encodeType("Revocation")).toBe("Revocation(address actor,bytes32 id)");
  });
});

describe("moments and days", () => {
  it("are read as people write them, in UTC", async () => {
    expect(moment("2027-05-01")).toBe(Date.UTC(2027, 4, 1) / 1000);
    expect(moment("2027-05-01T12:00:00Z")).toBe(moment("2027-05-01T12:00"));
    expect(moment("2027-05-01T12:00:00+02:00")).toBe(moment("2027-05-01T10:00:00Z"));
    expect(moment("1800000000")).toBe(1800000000);
    expect([day("2020-02-29"), day("20200615")]).toEqual([20200229, 20200615]);
    expect([isoDay(20200615), isoDay(10101)]).toEqual(["2020-06-15", "0001-01-01"]);
    expect([iso(1809129600), iso(253402300800n)]).toEqual(["2027-05-01T00:00:00Z", "@253402300800"]);
    for (const text of ["", "2027-02-30", "2027-05-01T25:00", "1/5/2027", "2027-5-1", "2027-05-01T12:00:00+99:00"]) {
      expect((await errorOf(() => moment(text))).code).toBe("InvalidInput");
    }
    for (const text of ["", "2021-02-29", "20210229", "2020-13-01", "0000-01-01", "2020-06-15T00:00"]) {
      expect((await errorOf(() => day(text))).code).toBe("InvalidInput");
    }
  });
});
