/** EIP-712 `encodeType`: the key of a message's format in a descriptor, and the fields that it has. */

import { PageError } from "../errors";

/** One value of a message, or one array of them. */
export interface Leaf {
  /** As descriptors write it: `terms.statement`, `digests.[]`. */
  readonly path: string;
  /** Solidity type of the value, or of the array's elements. */
  readonly kind: string;
  readonly isArray: boolean;
}

type Types = Readonly<Record<string, readonly { readonly name: string; readonly type: string }[]>>;

const STRUCT = /([A-Za-z_]\w*)\(([^()]*)\)/y;
const FIELD = /^([A-Za-z_]\w*)(\[\])? ([A-Za-z_]\w*)$/;
const PLAIN = /^(address|bool|string|bytes([1-9]|[12]\d|3[0-2])?|uint(8|16|32|64|128|256))$/;
const DEEPEST = 8;

/** `encodeType` of a document's types: the primary one, then those it refers to, by name. */
export function typeKey(types: Types, primaryType: string): string {
  const used = new Set<string>();
  const visit = (name: string): void => {
    if (used.has(name) || !Object.hasOwn(types, name)) return;
    used.add(name);
    for (const field of types[name] ?? []) visit(field.type.replace(/\[\d*\]$/, ""));
  };
  visit(primaryType);
  const others = [...used].filter((name) => name !== primaryType).sort();
  return [primaryType, ...others]
    .map((name) => `${name}(${(types[name] ?? []).map((field) => `${field.type} ${field.name}`).join(",")})`)
    .join("");
}

/**
 * All values of a message whose type is written out.
 *
 * @throws PageError InvalidInput: that is no such text, a type in it is missing, or one contains itself.
 */
export function leavesOf(key: string): Leaf[] {
  const structs = new Map<string, { kind: string; isArray: boolean; name: string }[]>();
  STRUCT.lastIndex = 0;
  let primary = "";
  let end = 0;
  for (let found = STRUCT.exec(key); found; found = STRUCT.exec(key)) {
    const [, name = "", fields = ""] = found;
    if (structs.has(name)) throw malformed(key);
    primary ||= name;
    end = STRUCT.lastIndex;
    const parts = fields.split(",").map((field) => {
      const [, kind = "", array, called = ""] = FIELD.exec(field) ?? [];
      if (!kind) throw malformed(key);
      return { kind, isArray: array !== undefined, name: called };
    });
    structs.set(name, parts);
  }
  if (end === 0 || end !== key.length) throw malformed(key);
  const leaves: Leaf[] = [];
  const walk = (struct: string, prefix: string, depth: number): void => {
    if (depth > DEEPEST) throw malformed(key);
    for (const { kind, isArray, name } of structs.get(struct) ?? []) {
      const path = `${prefix}${name}${isArray ? ".[]" : ""}`;
      if (PLAIN.test(kind)) leaves.push({ path, kind, isArray });
      else if (structs.has(kind) && !isArray) walk(kind, `${path}.`, depth + 1);
      else throw malformed(key);
    }
  };
  walk(primary, "", 0);
  return leaves;
}

function malformed(key: string): PageError {
  return new PageError("InvalidInput", { name: "encodeType", value: key.slice(0, 80) });
}
