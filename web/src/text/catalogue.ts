/**
 * The page's texts, one catalogue a language. No text shown to people stands anywhere else.
 *
 * `{name}` in a text is a gap. `one|other` gives the form for a count of one and for every other count; a language
 * that doesn't tell them apart writes the text once.
 */

import { computed, signal } from "@preact/signals";
import type { ComponentChild } from "preact";
import type en from "./en.json";

export type Language = "en" | "zh";
export const LANGUAGES: readonly Language[] = ["en", "zh"];

type Leaves<T, Path extends string = ""> = T extends string
  ? Path
  : { [K in keyof T & string]: Leaves<T[K], Path extends "" ? K : `${Path}.${K}`> }[keyof T & string];

export type TextKey = Leaves<typeof en>;
export type Values = Readonly<Record<string, string | number>>;

const current = signal<{ language: Language; texts: ReadonlyMap<string, string> }>({
  language: "en",
  texts: new Map(),
});

/** The language that the page speaks now; reading it in a component makes the component follow it. */
export const language = computed(() => current.value.language);

/** A catalogue as a flat map; `a.b` names `{a: {b: …}}`. */
export function flatten(tree: unknown, path = ""): Map<string, string> {
  const flat = new Map<string, string>();
  if (typeof tree === "string") return flat.set(path, tree);
  if (typeof tree !== "object" || tree === null) return flat;
  for (const [key, branch] of Object.entries(tree)) {
    for (const [leaf, text] of flatten(branch, path ? `${path}.${key}` : key)) flat.set(leaf, text);
  }
  return flat;
}

/** Fetches a catalogue (each is a file of its own, so nobody loads the language they don't read) and speaks it. */
export async function speak(chosen: Language): Promise<void> {
  const module = chosen === "zh" ? await import("./zh.json") : await import("./en.json");
  current.value = { language: chosen, texts: flatten(module.default) };
  document.documentElement.lang = chosen === "zh" ? "zh-Hans" : "en";
  document.title = text("page.title");
}

/** The first language of the reader's that there is a catalogue for. */
export function preferred(languages: readonly string[]): Language {
  for (const tag of languages) {
    const primary = tag.toLowerCase().split("-")[0];
    const found = LANGUAGES.find((known) => known === primary);
    if (found) return found;
  }
  return "en";
}

/** The text of a key with its gaps filled. */
export function text(key: TextKey, values: Values = {}): string {
  return fill(lookup(key), values);
}

/** The text of a key that comes from data, such as an error's code; undefined when the catalogue has none. */
export function textOf(section: string, code: string, values: Values = {}): string | undefined {
  const found = current.value.texts.get(`${section}.${code}`);
  return found === undefined ? undefined : fill(found, values);
}

/** The text for a count; `{count}` in it is the count, written as the language writes numbers. */
export function counted(key: TextKey, count: number, values: Values = {}): string {
  const forms = lookup(key).split("|");
  const isOne = new Intl.PluralRules(language.value).select(count) === "one";
  const form = isOne ? forms[0] : forms.at(-1);
  return fill(form ?? "", { count: new Intl.NumberFormat(language.value).format(count), ...values });
}

/** The text of a key with elements in its gaps. */
export function rich(key: TextKey, values: Readonly<Record<string, ComponentChild>>): ComponentChild[] {
  return lookup(key)
    .split(/(\{\w+\})/)
    .map((part) => (/^\{\w+\}$/.test(part) ? values[part.slice(1, -1)] : part));
}

function lookup(key: string): string {
  // A missing text shows its key: ugly enough to be noticed, and a test looks for it.
  return current.value.texts.get(key) ?? key;
}

function fill(template: string, values: Values): string {
  return template.replace(/\{(\w+)\}/g, (gap, name: string) => {
    const value = values[name];
    return value === undefined ? gap : String(value);
  });
}
