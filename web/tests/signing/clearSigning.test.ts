import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Address } from "../../src/client/api";
import { render } from "../../src/signing/clearSigning";
import { bindDescriptor, type Descriptor, readDescriptor } from "../../src/signing/descriptor";
import { sentenceFor } from "../../src/signing/sentences";
import { leavesOf, typeKey } from "../../src/signing/typeKey";
import { type Domain, encodeType, MESSAGE_TYPES, type MessageType, typedData } from "../../src/types/typedData";
import { Dice, errorOf, survives } from "../vectors";

type Json = Record<string, unknown>;

const FOLDER = new URL("../../clear-signing/", import.meta.url);
const FILES = readdirSync(FOLDER).filter((name) => name.endsWith(".json"));
const DOCUMENTS = FILES.map((name) => JSON.parse(readFileSync(new URL(name, FOLDER), "utf8")) as Json);
const CONTRACT: Address = "0x7eD539208BB52c2821CC5548Eb874163dDB5c938";
const HERE = [{ chainId: 31337, address: CONTRACT }];
const DESCRIPTORS = DOCUMENTS.map((document) => readDescriptor(bindDescriptor(document, HERE)));
const SIGNED = (Object.keys(MESSAGE_TYPES) as MessageType[]).filter((name) => name !== "Terms");

/** Two values of each type, so that it shows whether anybody mentions them. */
const VALUES: Record<string, [unknown, unknown]> = {
  address: ["0x1111111111111111111111111111111111111111", "0x2222222222222222222222222222222222222222"],
  bytes32: [`0x${"a1".repeat(32)}`, `0x${"b2".repeat(32)}`],
  "bytes32[]": [[`0x${"c3".repeat(32)}`, `0x${"d4".repeat(32)}`], [`0x${"e5".repeat(32)}`]],
  bytes: [`0x${"f6".repeat(16)}`, `0x${"07".repeat(16)}`],
  string: ["I allow the hospital to read.", "I allow the clinic to read."],
  uint8: [3, 5],
  uint32: [864_000, 950_400],
  uint64: [1_800_000_000n, 1_900_000_000n],
};

/** A message of a type, with the other value at one place. */
function message(type: MessageType, other = "", prefix = ""): Json {
  return Object.fromEntries(
    MESSAGE_TYPES[type].map(([name, kind]): [string, unknown] => {
      const path = prefix + name;
      if (kind === "Terms") return [name, message("Terms", other, `${path}.`)];
      return [name, (VALUES[kind] as [unknown, unknown])[path === other.replace(/\.\[\]$/, "") ? 1 : 0]];
    }),
  );
}

function descriptorOf(type: MessageType): Descriptor {
  return DESCRIPTORS.find(({ formats }) => formats.has(encodeType(type))) as Descriptor;
}

function signed(type: MessageType, other = "", changes: Json = {}) {
  const name = descriptorOf(type).domain.name as Domain["name"];
  return typedData({ name, chainId: 31337, contract: CONTRACT }, type, { ...message(type, other), ...changes });
}

/** Places of a message on which a text about it depends: what it says, whatever its words. */
function facts(type: MessageType, say: (other: string) => string): string[] {
  const said = say("");
  return leavesOf(encodeType(type))
    .map((leaf) => leaf.path)
    .filter((path) => say(path) !== said)
    .sort();
}

describe("descriptors for wallets", () => {
  it("describe every message that is signed, each in one file, by its very type", () => {
    const keys = DESCRIPTORS.flatMap(({ formats }) => [...formats.keys()]);
    expect(keys.sort()).toEqual(SIGNED.map(encodeType).sort());
    for (const type of SIGNED) {
      expect(descriptorOf(type).formats.get(encodeType(type))?.id).toBe(type);
      expect(typeKey(signed(type).types, type)).toBe(encodeType(type));
    }
  });

  it("bind each message to the domain that the contracts verify it in", () => {
    const domains: Record<string, MessageType[]> = {
      "MedRec Registrar": ["Registration"],
      "MedRec Guardianship": ["Plan", "LifeSign", "Announcement"],
      "MedRec Emergency": ["EmergencyPlan"],
    };
    for (const type of SIGNED) {
      const expected = Object.keys(domains).find((name) => domains[name]?.includes(type)) ?? "MedRec";
      expect(descriptorOf(type).domain).toEqual({ name: expected, version: "1" });
    }
  });

  it("are written before anybody deploys: they name no contract, and show nothing until they are bound", async () => {
    for (const document of DOCUMENTS) expect(readDescriptor(document).deployments).toEqual([]);
    const unbound = readDescriptor(DOCUMENTS[FILES.indexOf("eip712-medrec.json")]);
    expect((await errorOf(() => render(unbound, signed("Revocation")))).values.name).toBe("verifyingContract");
  });

  it.each(SIGNED)("say the same of a %s as the page's sentence", (type) => {
    const wallet = facts(type, (other) => render(descriptorOf(type), signed(type, other)).sentence);
    for (const language of ["en", "zh"] as const) {
      const page = facts(type, (other) => sentenceFor(signed(type, other), language));
      expect(wallet, language).toEqual(page);
    }
    expect(wallet.length).toBeGreaterThan(0);
  });

  it.each(SIGNED)("show each value of a %s in a line of its own", (type) => {
    const { lines, optional } = render(descriptorOf(type), signed(type));
    const shown = new Set([...lines, ...optional].map((line) => line.path));
    expect([...shown].sort()).toEqual(
      leavesOf(encodeType(type))
        .map((leaf) => leaf.path)
        .sort(),
    );
    const all = facts(type, (other) => {
      const rendering = render(descriptorOf(type), signed(type, other));
      return JSON.stringify([rendering.lines, rendering.optional]);
    });
    expect(all).toEqual([...shown].sort());
    const sentence = facts(type, (other) => render(descriptorOf(type), signed(type, other)).sentence);
    const must = new Set(lines.map((line) => line.path));
    expect(sentence.filter((path) => !must.has(path))).toEqual([]);
  });

  it("say of a grant the very sentence that is signed, which is the page's", () => {
    const { sentence, lines, intent } = render(descriptorOf("Grant"), signed("Grant"));
    expect(sentence).toBe("I allow the hospital to read.");
    expect(sentence).toBe(sentenceFor(signed("Grant"), "en"));
    expect(intent).toBe("Share medical records");
    expect(lines[0]).toEqual({ path: "terms.statement", label: "I allow", value: sentence });
    expect(lines.find(({ path }) => path === "terms.expiresAt")?.value).toBe("2027-01-15T08:00:00Z");
  });

  it("leave out bounds that a grant does not have, and nothing else", () => {
    const terms = {
      ...message("Terms"),
      startsAt: 0n,
      expiresAt: 2n ** 64n - 1n,
      recordsFrom: 0,
      recordsUntil: 99991231,
      agent: `0x${"00".repeat(20)}`,
      condition: `0x${"00".repeat(20)}`,
      parent: `0x${"00".repeat(32)}`,
    };
    const { lines } = render(descriptorOf("Grant"), signed("Grant", "", { terms }));
    expect(lines.map((line) => line.path)).toEqual([
      "terms.statement",
      "viewer",
      "subject",
      "grantor",
      "terms.classes",
      "terms.purposes",
      "terms.operations",
      "terms.delegations",
    ]);
  });

  it.each([
    ["Plan", "guardians"],
    ["EmergencyPlan", "grant"],
  ] as const)("say of a %s that its zero ends it, as the page does in words of its own", (type, name) => {
    const zero = { [name]: `0x${"00".repeat(32)}` };
    const wallet = facts(type, (other) => render(descriptorOf(type), signed(type, other, zero)).sentence);
    const page = facts(type, (other) => sentenceFor(signed(type, other, zero), "en"));
    expect(page.filter((path) => !wallet.includes(path))).toEqual([]);
    const { sentence } = render(descriptorOf(type), signed(type, "", zero));
    expect(sentence).toMatch(/zero: (nobody|none) any more/);
  });
});

describe("a wallet that follows a descriptor", () => {
  it("shows addresses by the names that it knows, and with the right capitals where it knows none", () => {
    const known = (address: Address) => (address === VALUES.address?.[0] ? "Hospital" : "");
    const lines = render(descriptorOf("Revocation"), signed("Revocation"), known).lines;
    expect(lines[0]).toEqual({ path: "actor", label: "Withdrawn by", value: "Hospital" });
    const lower = signed("Revocation", "", { actor: CONTRACT.toLowerCase() });
    expect(render(descriptorOf("Revocation"), lower).lines[0]?.value).toBe(CONTRACT);
  });

  it("writes times and durations as the specification's examples do", () => {
    const plan = signed("Plan", "", { silence: 8250, notice: 864_000 });
    const said = Object.fromEntries(render(descriptorOf("Plan"), plan).lines.map(({ path, value }) => [path, value]));
    expect(said.silence).toBe("02:17:30");
    expect(said.notice).toBe("240:00:00");
    const named = signed("Delegation", "", { expiresAt: 1709191632n });
    expect(render(descriptorOf("Delegation"), named).sentence).toContain("2024-02-29T07:27:12Z");
  });

  it("repeats an array's line for each element, and joins them in the sentence", () => {
    const { lines, sentence } = render(descriptorOf("Anchor"), signed("Anchor"));
    const digests = message("Anchor").digests as string[];
    expect(lines.filter((line) => line.path === "digests.[]").map((line) => line.value)).toEqual(digests);
    expect(sentence).toContain(digests.join(", "));
  });

  it("writes out what hides or turns text, and takes no braces from a value", () => {
    const statement = "I allow {viewer} \u202eeverything\u200b\n{terms.salt}";
    const terms = { ...message("Terms"), statement };
    const { sentence } = render(descriptorOf("Grant"), signed("Grant", "", { terms }));
    expect(sentence).toBe("I allow {viewer} \\u{202e}everything\\u{200b}\\u{a}{terms.salt}");
  });

  it.each([
    ["another name", { name: "MedRec " }],
    ["another version", { version: "2" }],
    ["another chain", { chainId: 1 }],
    ["another contract", { verifyingContract: "0x1111111111111111111111111111111111111111" }],
    ["no contract", { verifyingContract: undefined }],
  ])("refuses a message for %s", async (_, change) => {
    const document = signed("Revocation");
    const forged = { ...document, domain: { ...document.domain, ...change } };
    expect((await errorOf(() => render(descriptorOf("Revocation"), forged))).code).toBe("InvalidInput");
  });

  it("refuses a message of another type under the same name", async () => {
    const document = signed("Revocation");
    const types = { Revocation: [...(document.types.Revocation ?? []), { name: "more", type: "uint32" }] };
    const refused = await errorOf(() => render(descriptorOf("Revocation"), { ...document, types }));
    expect(refused.values.name).toBe("type");
  });

  it.each([{ actor: "0x12" }, { actor: 7 }, { actor: null }])("refuses values that don't fit: %j", async (change) => {
    const error = await errorOf(() => render(descriptorOf("Revocation"), signed("Revocation", "", change)));
    expect(error.code).toBe("InvalidInput");
  });
});

describe("reading descriptors", () => {
  const medrec = () => structuredClone(DOCUMENTS[FILES.indexOf("eip712-guardianship.json")]) as Json;
  const first = (document: Json): Json => {
    const formats = (document.display as { formats: Record<string, Json> }).formats;
    return Object.values(formats)[0] as Json;
  };
  const fields = (document: Json) => first(document).fields as Json[];

  it.each<[string, (document: Json) => unknown]>([
    ["an unknown member", (it) => Object.assign(it, { more: 1 })],
    ["another version of the schema", (it) => Object.assign(it, { $schema: "erc7730-v1.schema.json" })],
    ["no owner", (it) => delete (it.metadata as Json).owner],
    ["a domain without a name", (it) => delete ((it.context as { eip712: Json }).eip712.domain as Json).name],
    ["a contract's context beside the message's", (it) => Object.assign(it.context as Json, { contract: {} })],
    ["no format at all", (it) => Object.assign(it.display as Json, { formats: {} })],
    ["a key that is no type", (it) => Object.assign((it.display as { formats: Json }).formats, { "Plan(": first(it) })],
    ["two formats with one id", (it) => Object.assign(first(it), { $id: "LifeSign" })],
    ["a value without a format", (it) => fields(it).pop()],
    ["a value with two formats", (it) => fields(it).push(fields(it)[0] as Json)],
    ["a path that leads nowhere", (it) => Object.assign(fields(it)[0] as Json, { path: "nobody" })],
    ["a field that is never shown", (it) => Object.assign(fields(it)[0] as Json, { visible: "never" })],
    [
      "a field that is hidden by its value",
      (it) => Object.assign(fields(it)[0] as Json, { visible: { mustBe: ["1"] } }),
    ],
    ["a constant in the place of a value", (it) => Object.assign(fields(it)[0] as Json, { value: "Hospital" })],
    ["an unknown format", (it) => Object.assign(fields(it)[0] as Json, { format: "amount" })],
    ["a number shown as an address", (it) => Object.assign(fields(it)[2] as Json, { format: "addressName" })],
    ["an address shown as a date", (it) => Object.assign(fields(it)[0] as Json, { format: "date" })],
    ["a date without its encoding", (it) => Object.assign(fields(it)[2] as Json, { format: "date" })],
    ["parameters that a format has not", (it) => Object.assign(fields(it)[1] as Json, { params: {} })],
    ["an address without sources of names", (it) => delete (fields(it)[0] as Json).params],
    ["an address of no known type", (it) => Object.assign(fields(it)[0]?.params as Json, { types: ["friend"] })],
    ["a field without a label", (it) => Object.assign(fields(it)[0] as Json, { label: "" })],
    ["an intent too long for a small screen", (it) => Object.assign(first(it), { intent: "a".repeat(33) })],
    ["a gap without a field", (it) => Object.assign(first(it), { interpolatedIntent: "{nobody} acts" })],
    ["a gap left open", (it) => Object.assign(first(it), { interpolatedIntent: "{owner acts" })],
    [
      "a sentence about a value that may be left out",
      (it) => Object.assign(fields(it)[0] as Json, { visible: "optional" }),
    ],
  ])("refuses %s", async (_, spoil) => {
    const document = medrec();
    readDescriptor(document);
    spoil(document);
    expect((await errorOf(() => readDescriptor(document))).code).toBe("InvalidInput");
  });

  it.each([
    { chainId: 0, address: CONTRACT },
    { chainId: 1.5, address: CONTRACT },
    { chainId: 1, address: CONTRACT.toLowerCase() },
    { chainId: 1, address: "0x12" },
    { chainId: 1 },
  ])("refuses the deployment %j", async (deployment) => {
    const bound = bindDescriptor(medrec(), [deployment as { chainId: number; address: Address }]);
    expect((await errorOf(() => readDescriptor(bound))).code).toBe("InvalidInput");
  });

  it("survives any bytes in the place of a descriptor", async () => {
    const dice = new Dice(7730);
    const source = new TextEncoder().encode(JSON.stringify(bindDescriptor(medrec(), HERE)));
    let read = 0;
    for (let round = 0; round < 3_000; round++) {
      let document: unknown;
      try {
        document = JSON.parse(new TextDecoder().decode(dice.mutated(source)));
      } catch {
        continue;
      }
      read += 1;
      await survives(() => render(readDescriptor(document), signed("LifeSign")));
    }
    expect(read).toBeGreaterThan(300);
  });

  it.each([
    "",
    "Plan",
    "Plan()",
    "Plan(a)",
    "Plan(address a)x",
    "A(B b)",
    "A(A a)",
    "A(uint7 a)",
    "A(B[] b)B(address a)",
  ])("refuses %j as a type", async (key) => {
    expect((await errorOf(() => leavesOf(key))).code).toBe("InvalidInput");
  });
});
