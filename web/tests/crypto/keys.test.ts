import { inspect } from "node:util";
import { privateKeyToAddress } from "viem/accounts";
import { describe, expect, it } from "vitest";
import {
  caseKey,
  participantSeed,
  recoveryKey,
  relationshipNode,
  rootFromSignature,
  rootFromSignatures,
  SECP256K1_ORDER,
} from "../../src/crypto/derivation";
import { address, number } from "../../src/crypto/encoding";
import { ParticipantKey } from "../../src/crypto/hpke";
import { compartments, coveringSet, derive, leafFor, mailboxKey, nodeOf, Path } from "../../src/crypto/keytree";
import { CaseKey, CompartmentKey, ContentKey, RootKey, type Secret } from "../../src/crypto/secret";
import { toDigits, toHex } from "../../src/types/bytes";
import { bytes, Dice, errorOf, load, survives } from "../vectors";

const digits = (secret: Secret) => toDigits(secret.reveal());

interface Derivation {
  root: string;
  signatures: { signature: string; root: string }[];
  cases: { index: number; key: string; address: string }[];
  recovery: { key: string; address: string };
  participants: { address: string; seed: string; public_key: string }[];
  relationships: { subject: string; provider: string; number: number; node: string; mailbox_key: string }[];
}

interface Keytree {
  top: string;
  nodes: { path: string; key: string }[];
  coverings: {
    first_year: number;
    last_year: number;
    include_undated: boolean;
    nodes: { path: string; key: string }[];
  }[];
}

describe("keys of a person", () => {
  const vectors = load<Derivation>("derivation");
  const root = new RootKey(bytes(vectors.root));

  it("come from signatures as Python derives them", () => {
    for (const vector of vectors.signatures) {
      expect(digits(rootFromSignature(bytes(vector.signature)))).toBe(vector.root);
    }
  });

  it("of cases and of the recovery address are Python's, and so are their addresses", () => {
    for (const { index, key, address: expected } of vectors.cases) {
      const secret = caseKey(root, index);
      expect(digits(secret)).toBe(key);
      expect(privateKeyToAddress(toHex(secret.reveal()))).toBe(expected);
    }
    expect(digits(recoveryKey(root))).toBe(vectors.recovery.key);
    expect(privateKeyToAddress(toHex(recoveryKey(root).reveal()))).toBe(vectors.recovery.address);
  });

  it("of participants and relationships are Python's", async () => {
    for (const vector of vectors.participants) {
      const seed = participantSeed(root, vector.address);
      expect(digits(seed)).toBe(vector.seed);
      const key = await ParticipantKey.fromSeed(seed);
      expect(toDigits(key.publicKey.data)).toBe(vector.public_key);
    }
    for (const vector of vectors.relationships) {
      const node = relationshipNode(root, vector.subject, vector.provider, vector.number);
      expect(digits(node.key)).toBe(vector.node);
      expect(digits(mailboxKey(node))).toBe(vector.mailbox_key);
    }
  });

  it("don't depend on how a wallet writes the same signature", () => {
    const low = new Uint8Array(65).fill(1);
    const flipped = low.slice();
    const s = SECP256K1_ORDER - BigInt(toHex(low.subarray(32, 64)));
    flipped.set(bytes(s.toString(16).padStart(64, "0")), 32);
    flipped[64] = 28;
    expect(rootFromSignatures(low, flipped)).toBeInstanceOf(RootKey);
  });

  it("are refused to a wallet that signs differently each time, and to short signatures", async () => {
    const act = () => rootFromSignatures(new Uint8Array(65), new Uint8Array(65).fill(3));
    expect((await errorOf(act)).code).toBe("UnsteadyWallet");
    expect((await errorOf(() => rootFromSignature(new Uint8Array(63)))).code).toBe("InvalidInput");
  });
});

describe("the key tree", () => {
  const vectors = load<Keytree>("keytree");
  const top = nodeOf(Path.TOP, bytes(vectors.top));

  it("grows as Python's does", () => {
    for (const { path, key } of vectors.nodes) expect(digits(derive(top, Path.parse(path)).key)).toBe(key);
  });

  it("is covered by the fewest nodes, which are Python's", () => {
    for (const { first_year, last_year, include_undated, nodes } of vectors.coverings) {
      const covering = coveringSet([top], {
        classes: [3],
        firstYear: first_year,
        lastYear: last_year,
        includeUndated: include_undated,
        epochs: [0, 1],
      });
      expect(covering.map((node) => ({ path: node.path.toString(), key: digits(node.key) }))).toEqual(nodes);
    }
  });

  it("yields each compartment once, with the key that leads there directly", () => {
    const held = coveringSet([top], {
      classes: [2, 3],
      firstYear: 2020,
      lastYear: 2155,
      includeUndated: true,
      epochs: new Map([
        [2, [0]],
        [3, [0, 4]],
      ]),
    });
    const found = [...compartments([...held, ...held], { classes: [3], lastYear: 2024 })];
    expect(found.length).toBe(2 * (5 + 1));
    for (const { epoch, classNumber, period, key } of found) {
      expect(leafFor([top], epoch, classNumber, period)?.equals(key)).toBe(true);
    }
    const ended = [
      ...compartments([...held, top], { classes: [3], epochs: [4], firstYear: 2100, includeUndated: false }),
    ];
    expect(ended.map(({ epoch, period }) => [epoch, period])).toEqual(
      Array.from({ length: 56 }, (_, at) => [4, 2155 - at]),
    );
  });

  it("leads from each node to itself", () => {
    for (const text of ["/", "/0", "/0/3", "/0/3/0111", "/0/3/01110000", "/0/3/undated"]) {
      const node = derive(top, Path.parse(text));
      expect(derive(node, node.path).key.equals(node.key)).toBe(true);
    }
  });

  it("never leads up or sideways", async () => {
    const node = derive(top, Path.parse("/0/3/0111"));
    for (const path of ["/", "/0", "/0/3", "/0/4/0111", "/1/3/0111", "/0/3/0110", "/0/3/undated", "/0/3/011"]) {
      expect((await errorOf(() => derive(node, Path.parse(path)))).code).toBe("KeyNotHeld");
    }
    expect(leafFor([node], 0, 3, 1899 + 1)).toBeNull();
    expect((await errorOf(() => mailboxKey(node))).code).toBe("KeyNotHeld");
    expect((await errorOf(() => [...compartments([top])])).code).toBe("InvalidInput");
  });

  it("knows one text for each path and refuses every other", async () => {
    const wrong = [
      "",
      "0",
      "//",
      "/00",
      "/0/",
      "/-1",
      "/0/64",
      "/0/03",
      "/0/3/2",
      "/0/3/000000000",
      "/0/3/",
      "/٣",
      "/1e3",
    ];
    for (const text of [...wrong, "/4294967296", "/0/3/0111/0", "/ 0", "/0/3/undated "]) {
      expect((await errorOf(() => Path.parse(text))).code).toBe("InvalidInput");
    }
    const dice = new Dice(1);
    for (let round = 0; round < 5000; round++) {
      const text = Array.from({ length: dice.below(12) }, () => "/0123456789undate -"[dice.below(19)]).join("");
      if (await survives(() => Path.parse(text))) expect(Path.parse(text).toString()).toBe(text);
    }
  });
});

describe("secrets", () => {
  it("show themselves to nobody who doesn't ask for the bytes", () => {
    const secret = new RootKey(new Uint8Array(32).fill(0xab));
    const shown = [String(secret), JSON.stringify({ secret }), `${secret}`, inspect(secret), inspect({ secret })];
    for (const text of shown) expect(text).not.toMatch(/ab|171/);
    expect(Object.keys(secret)).toEqual(["sort"]);
  });

  it("are equal only to one of their own sort", () => {
    const data = new Uint8Array(32).fill(7);
    expect(new CaseKey(data).equals(new CaseKey(data))).toBe(true);
    expect(new ContentKey(data).equals(new CompartmentKey(data))).toBe(false);
  });

  it("are gone once they are wiped, and don't take their copies along", async () => {
    const data = new Uint8Array(32).fill(7);
    const [first, second] = [new RootKey(data), new RootKey(data)];
    const revealed = first.reveal();
    first.wipe();
    expect(revealed.every((byte) => byte === 0)).toBe(true);
    expect((await errorOf(() => first.reveal())).code).toBe("Locked");
    expect(digits(second)).toBe("07".repeat(32));
  });

  it("have 32 bytes", async () => {
    expect((await errorOf(() => new RootKey(new Uint8Array(31)))).code).toBe("InvalidKey");
  });
});

describe("encodings", () => {
  it("have a fixed width and refuse what doesn't fit", async () => {
    expect(toDigits(number(258, 4, "n"))).toBe("00000102");
    expect(toDigits(number(2 ** 48, 8, "n"))).toBe("0001000000000000");
    for (const value of [-1, 256, 1.5, Number.NaN]) {
      expect((await errorOf(() => number(value, 1, "n"))).code).toBe("InvalidInput");
    }
    for (const text of [
      "",
      `0x${"0".repeat(39)}`,
      `0X${"0".repeat(40)}`,
      `0x${"g".repeat(40)}`,
      `0x${" 0".repeat(20)}`,
    ]) {
      expect((await errorOf(() => address(text))).code).toBe("InvalidInput");
    }
  });
});
