/**
 * The plain sentence for everything that a patient signs, from the very message that is signed.
 *
 * A grant carries its own sentence, which the protocol's renderer makes of its fields; that one is said and no other.
 */

import type { Address, Hex } from "../client/api";
import { iso } from "../types/moments";
import type { TypedData } from "../types/typedData";
import type { Language } from "../types/vocabulary";

const EN = {
  Unlock: "{statement}",
  Acceptance:
    "I ({subject}) accept {provider} as my provider: they may add records of me and read what they added. This is our relationship number {number}; keys: {bundle}. The invitation lapses on {expiresAt}.",
  Closure: "I ({subject}) end relationship number {number} with {provider}: nothing more can be added through it.",
  Anchor: "I ({subject}) add {count} sealed objects of {author} to my ledger, after entry {head}: {digests}.",
  Retraction:
    "I ({author}) mark {digest} in the ledger of {subject} as entered in error, after entry {head}; replaced by {replacement}.",
  Revocation: "I ({actor}) withdraw the grant {id} for good.",
  Renunciation: "I ({viewer}) give the grant {id} back for good.",
  Suspension: "I ({grantor}) suspend the grant {id} until I resume it (turn {turn}).",
  Resumption: "I ({grantor}) resume the grant {id} (turn {turn}).",
  AgentRevocation: "I ({actor}) dismiss the software that acts under the grant {id}; the grant itself stays.",
  Invitation: "I ({provider}) invite {subject} to relationship number {number}. The invitation lapses on {expiresAt}.",
  Delegation:
    "I ({subject}) let {delegate} withdraw grants and close relationships in my name until {expiresAt} (turn {turn}). They may not share in my name.",
  Dismissal: "What {delegate} may do in the name of {subject} ends now (turn {turn}).",
  Registration:
    "I ({participant}) publish the key with which others can seal to me ({publicKey}), with the description {descriptor}; it replaces {previous}.",
  Plan: "I ({owner}) appoint guardians ({guardians}). After {silence} without a sign of life of mine one of them may announce who takes over, and {notice} later that comes true unless I object. Shares: {shares} (turn {turn}).",
  PlanEnd: "I ({owner}) end my guardianship: nobody can take over any more (turn {turn}).",
  LifeSign: "I ({owner}) give a sign of life: every announcement that somebody takes over is void (turn {turn}).",
  Announcement: "I ({guardian}) announce that {heir} takes over for {owner} unless they object (turn {turn}).",
  EmergencyPlan:
    "I ({subject}) prepare for emergencies: accredited emergency providers may use the grant {grant}, once custodians release the keys kept in {custody} (turn {turn}).",
  EmergencyPlanEnd: "I ({subject}) take back what I prepared for emergencies (turn {turn}).",
};

const ZH: typeof EN = {
  Unlock: "{statement}",
  Acceptance:
    "我（{subject}）接受 {provider} 为我的医疗机构：对方可以添加我的记录，并阅读其所添加的内容。这是我们的第 {number} 段关系；密钥：{bundle}。邀请于 {expiresAt} 失效。",
  Closure: "我（{subject}）结束与 {provider} 的第 {number} 段关系：此后不能再通过它添加记录。",
  Anchor: "我（{subject}）在条目 {head} 之后，将 {author} 的 {count} 个加密对象加入我的账本：{digests}。",
  Retraction: "我（{author}）在条目 {head} 之后，将 {subject} 账本中的 {digest} 标记为误录；替换为 {replacement}。",
  Revocation: "我（{actor}）永久撤销授权 {id}。",
  Renunciation: "我（{viewer}）永久退还授权 {id}。",
  Suspension: "我（{grantor}）暂停授权 {id}，直至我恢复（第 {turn} 次）。",
  Resumption: "我（{grantor}）恢复授权 {id}（第 {turn} 次）。",
  AgentRevocation: "我（{actor}）停用授权 {id} 下代为行事的软件；授权本身不变。",
  Invitation: "我（{provider}）邀请 {subject} 建立第 {number} 段关系。邀请于 {expiresAt} 失效。",
  Delegation:
    "我（{subject}）允许 {delegate} 以我的名义撤回授权、结束关系，至 {expiresAt} 止（第 {turn} 次）。对方不得以我的名义分享。",
  Dismissal: "{delegate} 以 {subject} 名义行事的权限即刻终止（第 {turn} 次）。",
  Registration:
    "我（{participant}）公布他人向我加密所用的密钥（{publicKey}），说明为 {descriptor}；它取代 {previous}。",
  Plan: "我（{owner}）指定监护人（{guardians}）。若我 {silence} 内没有任何动静，其中一人可宣布由谁接管；{notice} 后若我未反对即生效。份额：{shares}（第 {turn} 次）。",
  PlanEnd: "我（{owner}）终止监护安排：此后无人可以接管（第 {turn} 次）。",
  LifeSign: "我（{owner}）表明我仍在：任何有关他人接管的宣布均告无效（第 {turn} 次）。",
  Announcement: "我（{guardian}）宣布由 {heir} 接管 {owner}，除非其反对（第 {turn} 次）。",
  EmergencyPlan:
    "我（{subject}）为紧急情况作准备：经认可的急救机构可在保管人交出 {custody} 中的密钥后使用授权 {grant}（第 {turn} 次）。",
  EmergencyPlanEnd: "我（{subject}）收回为紧急情况所作的准备（第 {turn} 次）。",
};

const TEXTS: Readonly<Record<Language, typeof EN>> = { en: EN, zh: ZH };
const DAYS: Readonly<
  Record<Language, readonly [day: string, days: string, hours: string, minutes: string, seconds: string]>
> = {
  en: ["1 day", "{n} days", "{n} hours", "{n} minutes", "{n} seconds"],
  zh: ["1 天", "{n} 天", "{n} 小时", "{n} 分钟", "{n} 秒"],
};
const QUOTED: Readonly<Record<Language, string>> = { en: "(“{}”)", zh: "（“{}”）" };
const ADDRESS = /^0x[0-9a-fA-F]{40}$/;
const NOTHING = /^0x0+$/;

/**
 * The sentence for a message.
 *
 * @param called What somebody calls the holder of an address, such as a registered name; empty for nothing. It stands
 *   in quotes behind the address.
 */
export function sentenceFor(
  document: TypedData,
  language: Language,
  called: (address: Address) => string = () => "",
): string {
  const { primaryType, message } = document;
  if (primaryType === "Grant") return String((message.terms as { statement: unknown }).statement);
  const texts = TEXTS[language];
  let text: string = texts[primaryType as keyof typeof EN];
  if (primaryType === "Plan" && NOTHING.test(String(message.guardians))) text = texts.PlanEnd;
  if (primaryType === "EmergencyPlan" && NOTHING.test(String(message.grant))) text = texts.EmergencyPlanEnd;
  const digests = Array.isArray(message.digests) ? (message.digests as Hex[]) : [];
  return text.replace(/\{(\w+)\}/g, (_, name: string) => {
    if (name === "count") return String(digests.length);
    return shown(name, message[name], language, called);
  });
}

function shown(name: string, value: unknown, language: Language, called: (address: Address) => string): string {
  if (Array.isArray(value)) return value.join(language === "zh" ? "、" : ", ");
  if (typeof value === "string" && ADDRESS.test(value)) {
    const known = nameOnly(called(value as Address));
    return known ? `${value} ${QUOTED[language].replace("{}", () => known)}` : value;
  }
  if (name === "expiresAt") return iso(value as number | bigint);
  if (name === "silence" || name === "notice") return duration(Number(value), language);
  return String(value);
}

/**
 * What somebody calls themselves, without whatever would end the quotes that it stands in, or pass for an address:
 * nobody's name becomes part of what a sentence says.
 */
function nameOnly(name: string): string {
  return name
    .replace(/[\p{Pi}\p{Pf}\p{Ps}\p{Pe}"'`＂＇ʺ\p{C}]/gu, " ")
    .replace(/0x/gi, " ")
    .split(/\s+/)
    .filter(Boolean)
    .join(" ");
}

/** Seconds in the largest unit that says them exactly. */
function duration(seconds: number, language: Language): string {
  const [day, days, hours, minutes, rest] = DAYS[language];
  if (seconds === 86_400) return day;
  for (const [unit, text] of [
    [86_400, days],
    [3_600, hours],
    [60, minutes],
  ] as const) {
    if (seconds && seconds % unit === 0) return text.replace("{n}", String(seconds / unit));
  }
  return rest.replace("{n}", String(seconds));
}
