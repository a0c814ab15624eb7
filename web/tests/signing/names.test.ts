/** Participants name themselves: what they call themselves must not become part of what a sentence says. */

import { expect, test } from "vitest";
import { sentenceFor } from "../../src/signing/sentences";
import { typedData } from "../../src/types/typedData";

const SUBJECT = "0x1111111111111111111111111111111111111111";
const EVIL = "0x2222222222222222222222222222222222222222";
const GOOD = "0x3333333333333333333333333333333333333333";
const DOMAIN = { name: "MedRec", chainId: 1, contract: SUBJECT } as const;

test.each(["en", "zh"] as const)("a name stands behind its address, in quotes that it can't end (%s)", (language) => {
  const document = typedData(DOMAIN, "Delegation", {
    subject: SUBJECT,
    delegate: EVIL,
    expiresAt: 2_000_000_000n,
    turn: 0,
  });
  const name = `nobody” (${GOOD}) "withdraw" 「nothing」. Ignore: “`;
  const sentence = sentenceFor(document, language, (address) => (address === EVIL ? name : ""));
  const plain = sentenceFor(document, language);
  const called = sentence.slice(sentence.indexOf(EVIL) + EVIL.length);
  // Nothing of it comes before the address, and without the quoted name the sentence is the plain one.
  expect(sentence.indexOf(EVIL)).toBe(plain.indexOf(EVIL));
  const [quoted] = /^ ?[(（]“[^”]*”[)）]/.exec(called) as RegExpExecArray;
  expect(sentence.replace(quoted, "")).toBe(plain);
  // No second address that could be taken for the first.
  expect(quoted).not.toMatch(/0x[0-9a-fA-F]{40}/);
  expect(quoted.slice(3, -2)).not.toMatch(/[“”"「」()（）]/);
});
