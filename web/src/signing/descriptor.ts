/**
 * ERC-7730 descriptors (version 2) of typed messages, read by the rules of the schema, and by stricter ones of our own:
 * every field of a message has a format, and none may be hidden for good.
 */

import { getAddress, isAddress } from "viem";
import type { Address } from "../client/api";
import { PageError } from "../errors";
import { leavesOf } from "./typeKey";

export type FieldFormat = "raw" | "addressName" | "date" | "duration";
export type Visibility = "always" | "optional" | { readonly ifNotIn: readonly string[] };

export interface Field {
  readonly path: string;
  readonly label: string;
  readonly format: FieldFormat;
  readonly visible: Visibility;
}

export interface Format {
  readonly id: string;
  readonly intent: string;
  readonly interpolatedIntent: string;
  readonly fields: readonly Field[];
}

export interface Descriptor {
  readonly owner: string;
  readonly domain: { readonly name: string; readonly version: string };
  readonly deployments: readonly { readonly chainId: number; readonly address: Address }[];
  /** By the `encodeType` of the message. */
  readonly formats: ReadonlyMap<string, Format>;
}

type Json = Readonly<Record<string, unknown>>;

/** Which values of Solidity a format can show. */
const SHOWS: Readonly<Record<FieldFormat, RegExp>> = {
  raw: /./,
  addressName: /^address$/,
  date: /^uint/,
  duration: /^uint/,
};
const ADDRESS_TYPES: ReadonlySet<string> = new Set(["wallet", "eoa", "contract", "token", "collection"]);
/** Characters that a hardware wallet shows of a line before it cuts it off. */
const LONGEST_INTENT = 30;
const LONGEST_LABEL = 20;

/**
 * The descriptor of a JSON document.
 *
 * @throws PageError InvalidInput: it breaks a rule; names the place.
 */
export function readDescriptor(document: unknown): Descriptor {
  const whole = object(document, "$", ["$schema", "context", "metadata", "display"]);
  if (!/erc7730-v2\.schema\.json$/.test(text(whole.$schema, "$schema"))) throw broken("$schema");
  const context = object(whole.context, "context", ["$id", "eip712"]);
  const eip712 = object(context.eip712, "eip712", ["domain", "deployments"]);
  const domain = object(eip712.domain, "domain", ["name", "version"]);
  const metadata = object(whole.metadata, "metadata", ["owner", "contractName"]);
  const formats = object(object(whole.display, "display", ["formats"]).formats, "formats");
  const read = new Map(Object.entries(formats).map(([key, value]) => [key, readFormat(key, value)]));
  if (read.size === 0 || new Set([...read.values()].map((format) => format.id)).size !== read.size) {
    throw broken("formats");
  }
  return {
    owner: text(metadata.owner, "owner"),
    domain: { name: text(domain.name, "domain.name"), version: text(domain.version, "domain.version") },
    deployments: list(eip712.deployments, "deployments").map(readDeployment),
    formats: read,
  };
}

/** The same document for contracts that stand: descriptors are written before anybody knows where they will. */
export function bindDescriptor(document: Json, deployments: readonly { chainId: number; address: Address }[]): Json {
  const context = document.context as Json;
  return { ...document, context: { ...context, eip712: { ...(context.eip712 as Json), deployments } } };
}

function readDeployment(value: unknown): { chainId: number; address: Address } {
  const { chainId, address } = object(value, "deployment", ["chainId", "address"]);
  if (!Number.isSafeInteger(chainId) || (chainId as number) < 1) throw broken("chainId");
  const written = text(address, "address");
  if (!isAddress(written) || getAddress(written) !== written) throw broken("address");
  return { chainId: chainId as number, address: written };
}

function readFormat(key: string, value: unknown): Format {
  const format = object(value, key, ["$id", "intent", "interpolatedIntent", "fields"]);
  const id = text(format.$id, `${key}.$id`);
  const leaves = new Map(leavesOf(key).map((leaf) => [leaf.path, leaf]));
  const fields = list(format.fields, `${id}.fields`).map((field) => readField(id, field));
  for (const field of fields) {
    const leaf = leaves.get(field.path);
    // Each value once, and by a format that can show it.
    if (!leaf || !SHOWS[field.format].test(leaf.kind)) throw broken(`${id}.${field.path}`);
    leaves.delete(field.path);
  }
  const [forgotten] = leaves.keys();
  if (forgotten !== undefined) throw broken(`${id}.${forgotten}`);
  const intent = text(format.intent, `${id}.intent`);
  if (intent.length > LONGEST_INTENT) throw broken(`${id}.intent`);
  return { id, intent, interpolatedIntent: readSentence(id, format.interpolatedIntent, fields), fields };
}

function readSentence(id: string, value: unknown, fields: readonly Field[]): string {
  const sentence = text(value, `${id}.interpolatedIntent`);
  const rest = sentence.replace(/\{([^{}]+)\}/g, (_, path: string) => {
    if (!fields.some((field) => field.path === path && field.visible === "always")) throw broken(`${id}.{${path}}`);
    return "";
  });
  if (/[{}]/.test(rest)) throw broken(`${id}.interpolatedIntent`);
  return sentence;
}

function readField(id: string, value: unknown): Field {
  const field = object(value, `${id}.fields`, ["path", "label", "format", "params", "visible"]);
  const path = text(field.path, `${id}.path`);
  const format = text(field.format, `${id}.${path}.format`);
  if (!Object.hasOwn(SHOWS, format)) throw broken(`${id}.${path}.format`);
  const label = text(field.label, `${id}.${path}.label`);
  if (label.length > LONGEST_LABEL) throw broken(`${id}.${path}.label`);
  requireParameters(`${id}.${path}.params`, format as FieldFormat, field.params);
  return { path, label, format: format as FieldFormat, visible: readVisibility(`${id}.${path}`, field.visible) };
}

/** Dates say how they are written, addresses where names for them may come from; the others have nothing to say. */
function requireParameters(place: string, format: FieldFormat, value: unknown): void {
  if (format === "date") {
    if (object(value, place, ["encoding"]).encoding !== "timestamp") throw broken(place);
  } else if (format === "addressName") {
    const { types, sources } = object(value, place, ["types", "sources"]);
    if (!list(types, place).every((type) => ADDRESS_TYPES.has(text(type, place)))) throw broken(place);
    if (list(sources, place).map((source) => text(source, place)).length === 0) throw broken(place);
  } else if (value !== undefined) {
    throw broken(place);
  }
}

function readVisibility(place: string, value: unknown): Visibility {
  if (value === undefined || value === "always") return "always";
  if (value === "optional") return value;
  const values = list(object(value, `${place}.visible`, ["ifNotIn"]).ifNotIn, `${place}.ifNotIn`);
  if (values.length === 0) throw broken(`${place}.ifNotIn`);
  return { ifNotIn: values.map((each) => text(each, `${place}.ifNotIn`).toLowerCase()) };
}

function object(value: unknown, place: string, allowed?: readonly string[]): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw broken(place);
  const extra = allowed && Object.keys(value).find((name) => !allowed.includes(name));
  if (extra !== undefined) throw broken(`${place}.${extra}`);
  return value as Json;
}

function list(value: unknown, place: string): readonly unknown[] {
  if (!Array.isArray(value)) throw broken(place);
  return value;
}

function text(value: unknown, place: string): string {
  if (typeof value !== "string" || value === "") throw broken(place);
  return value;
}

function broken(place: string): PageError {
  return new PageError("InvalidInput", { name: "descriptor", value: place.slice(0, 120) });
}
