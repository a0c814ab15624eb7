/**
 * The plain sentence that says what a grant says, so that any wallet shows words and not bit masks.
 *
 * `render` is canonical: the same fields give the same text, byte for byte, for a version and a language, both named in
 * the tag that ends it. Whoever is handed a grant renders it again and refuses it when the text differs: what the
 * patient read is then what the fields say.
 */

import type { Address } from "viem";
import { PageError } from "../errors";
import { iso, isoDay } from "./moments";
import { NO_EXPIRY, NO_FIRST_DATE, NO_LAST_DATE, Operation, type Terms, ZERO_ADDRESS, ZERO_BYTES32 } from "./terms";
import { classNames, type Language, purposeNames } from "./vocabulary";

export const VERSION = 1;
const TAG = /\[medrec:([0-9]{1,9}):([a-z]{2})\]$/;

const EN = {
  who: "I allow {viewer} to {operations} the medical records of these kinds: {classes}.",
  purposes: "Only for: {purposes}.",
  from: "Valid from {start}",
  until: " until {end}.",
  forever: " until I revoke it; it does not end by itself.",
  dates: "Only records dated from {first} to {last}.",
  datesFrom: "Only records dated {first} or later.",
  datesUntil: "Only records dated {last} or earlier.",
  datesAll: "Records of any date.",
  agent: "The software {agent} may act for them.",
  delegations: "They may pass this on, through at most {count} further hands.",
  noDelegation: "They may not pass this on.",
  condition: "Only while the contract {condition} says that its condition holds.",
  parent: "Passed on under grant {parent}.",
  separator: ", ",
  space: " ",
};

const ZH: typeof EN = {
  who: "我允许 {viewer} {operations}以下类别的医疗记录：{classes}。",
  purposes: "仅用于：{purposes}。",
  from: "自 {start} 起",
  until: "至 {end} 止有效。",
  forever: "有效，直至我撤销；不会自行终止。",
  dates: "仅限日期为 {first} 至 {last} 的记录。",
  datesFrom: "仅限日期为 {first} 及以后的记录。",
  datesUntil: "仅限日期为 {last} 及以前的记录。",
  datesAll: "不限记录日期。",
  agent: "软件 {agent} 可代其行事。",
  delegations: "对方可以转授，最多再经 {count} 手。",
  noDelegation: "对方不得转授。",
  condition: "仅当合约 {condition} 表明其条件成立时有效。",
  parent: "依据授权 {parent} 转授。",
  separator: "、",
  space: "",
};

const TEXTS: Readonly<Record<Language, typeof EN>> = { en: EN, zh: ZH };

const OPERATIONS: Readonly<Record<Language, readonly (readonly [bit: number, text: string])[]>> = {
  en: [
    [Operation.READ, "read"],
    [Operation.QUERY, "ask questions of"],
    [Operation.DERIVE, "derive results from"],
    [Operation.EXPORT, "export"],
    [Operation.TRAIN, "train models on"],
  ],
  zh: [
    [Operation.READ, "阅读"],
    [Operation.QUERY, "查询"],
    [Operation.DERIVE, "据以推导"],
    [Operation.EXPORT, "导出"],
    [Operation.TRAIN, "用于训练模型"],
  ],
};

/**
 * The sentence for the fields of `terms`, granted to `viewer` (an EIP-55 address); `terms.statement` plays no part.
 *
 * @throws PageError UnknownLanguage, or UnknownCode: a class or purpose has no entry in the vocabulary.
 */
export function render(terms: Omit<Terms, "statement">, viewer: Address, language: Language): string {
  if (!Object.hasOwn(TEXTS, language)) throw new PageError("UnknownLanguage", { language });
  const texts = TEXTS[language];
  const operations = OPERATIONS[language].filter(([bit]) => terms.operations & bit).map(([, text]) => text);
  const until = terms.expiresAt === NO_EXPIRY ? texts.forever : fill(texts.until, { end: momentOf(terms.expiresAt) });
  const sentences = [
    fill(texts.who, {
      viewer,
      operations: operations.join(texts.separator),
      classes: classNames(terms.classes, language).join(texts.separator),
    }),
    fill(texts.purposes, { purposes: purposeNames(terms.purposes, language).join(texts.separator) }),
    fill(texts.from, { start: momentOf(terms.startsAt) }) + until,
    dates(terms, texts),
  ];
  if (terms.agent !== ZERO_ADDRESS) sentences.push(fill(texts.agent, { agent: terms.agent }));
  sentences.push(
    terms.delegations ? fill(texts.delegations, { count: String(terms.delegations) }) : texts.noDelegation,
  );
  if (terms.condition !== ZERO_ADDRESS) sentences.push(fill(texts.condition, { condition: terms.condition }));
  if (terms.parent !== ZERO_BYTES32) sentences.push(fill(texts.parent, { parent: terms.parent }));
  return `${sentences.join(texts.space)} [medrec:${VERSION}:${language}]`;
}

/**
 * Refuses terms whose sentence is not the one that their fields make.
 *
 * @throws PageError StatementMismatch: no tag, an unknown version or language, or it says something else.
 */
export function requireStatement(terms: Terms, viewer: Address): void {
  const tag = TAG.exec(terms.statement);
  const language = tag?.[2] as Language;
  if (!tag || Number(tag[1]) !== VERSION || !Object.hasOwn(TEXTS, language)) {
    throw new PageError("StatementMismatch", { statement: terms.statement.slice(-80), expected: "" });
  }
  const expected = render(terms, viewer, language);
  if (terms.statement !== expected) {
    throw new PageError("StatementMismatch", { statement: terms.statement, expected });
  }
}

function momentOf(seconds: bigint): string {
  const text = iso(seconds);
  return text.startsWith("@") ? text : `${text.slice(0, 10)} ${text.slice(11, 19)} UTC`;
}

function dates(terms: Omit<Terms, "statement">, texts: typeof EN): string {
  const [first, last] = [isoDay(terms.recordsFrom), isoDay(terms.recordsUntil)];
  const isFromFirst = terms.recordsFrom === NO_FIRST_DATE;
  if (terms.recordsUntil === NO_LAST_DATE) return isFromFirst ? texts.datesAll : fill(texts.datesFrom, { first });
  return isFromFirst ? fill(texts.datesUntil, { last }) : fill(texts.dates, { first, last });
}

function fill(text: string, values: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\{(\w+)\}/g, (gap, name: string) => values[name] ?? gap);
}
