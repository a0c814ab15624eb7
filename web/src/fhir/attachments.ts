/** Texts and pictures inside records: text stays text, and only still pictures of known types become pictures. */

import { asObjects, asText, at, concept, type Resource } from "./elements.ts";

/** Types that a browser draws without running anything. SVG is none of them: it can hold scripts and links. */
const PICTURES: readonly string[] = ["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp"];

export interface Attachment {
  title: string | undefined;
  type: string;
  /** Base64 as it was sent; undefined where the record only points elsewhere. */
  data: string | undefined;
  url: string | undefined;
}

/** Everything attached to a resource. */
export function attachments(resource: Resource): Attachment[] {
  switch (resource.resourceType) {
    case "DocumentReference":
      return asObjects(resource.content).map((content) => attachment(at(content, "attachment"), resource));
    case "DiagnosticReport":
      return asObjects(resource.presentedForm).map((form) => attachment(form, resource));
    case "Media":
      return resource.content === undefined ? [] : [attachment(resource.content, resource)];
    case "Communication":
      return asObjects(resource.payload)
        .filter((payload) => payload.contentAttachment !== undefined)
        .map((payload) => attachment(payload.contentAttachment, resource));
    case "Binary":
      return [{ title: undefined, type: mediaType(resource.contentType), data: asText(resource.data), url: undefined }];
    case "Patient":
    case "Practitioner":
      return asObjects(resource.photo).map((photo) => attachment(photo, resource));
    default:
      return [];
  }
}

export function isText(attached: Attachment): boolean {
  return attached.type.startsWith("text/") || attached.type === "application/json" || attached.type.endsWith("+xml");
}

export function isPicture(attached: Attachment): boolean {
  return PICTURES.includes(attached.type);
}

/** The bytes of base64; undefined when it isn't. */
export function bytesOf(base64: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    const binary = atob(base64.replace(/\s+/g, ""));
    const bytes = new Uint8Array(binary.length);
    for (let index = 0; index < binary.length; index++) bytes[index] = binary.charCodeAt(index);
    return bytes;
  } catch {
    return undefined;
  }
}

/** The text of an attachment; of HTML and XML only the words. */
export function textOfAttachment(attached: Attachment): string | undefined {
  if (attached.data === undefined || !isText(attached)) return undefined;
  const bytes = bytesOf(attached.data);
  if (!bytes) return undefined;
  const decoded = new TextDecoder().decode(bytes);
  return attached.type === "text/html" || attached.type.endsWith("xml") ? wordsOfMarkup(decoded) : decoded;
}

/** A picture as a blob for an object URL, of an allowed type; undefined for anything else. */
export function pictureOf(attached: Attachment): Blob | undefined {
  if (!isPicture(attached) || attached.data === undefined) return undefined;
  const bytes = bytesOf(attached.data);
  return bytes && new Blob([bytes], { type: attached.type });
}

/** What the sender wrote as the resource's narrative, as words. */
export function narrative(resource: Resource): string | undefined {
  const markup = asText(at(resource, "text", "div"));
  return markup === undefined ? undefined : asText(wordsOfMarkup(markup));
}

/** Tags at whose end a line ends. */
const BLOCKS: ReadonlySet<string> = new Set([
  "p",
  "div",
  "li",
  "tr",
  "table",
  "ul",
  "ol",
  "h1",
  "h2",
  "h3",
  "h4",
  "h5",
  "h6",
]);

/**
 * The words of markup. It is shown as text whatever this leaves over, so it need not be a parser, only readable:
 * blocks become lines, other tags go, entities become characters. It takes time in proportion to the length, also for
 * markup that was made to take longer: what is not found once is not looked for again.
 */
export function wordsOfMarkup(markup: string): string {
  const parts: string[] = [];
  let here = 0;
  while (here < markup.length) {
    const open = markup.indexOf("<", here);
    if (open < 0) break;
    parts.push(markup.slice(here, open));
    here = open;
    if (markup.startsWith("<!--", open)) {
      const end = markup.indexOf("-->", open);
      here = end < 0 ? markup.length : end + 3;
      continue;
    }
    const [, slash = "", written] = /^<([/!?]?)([a-z][a-z0-9]*)/i.exec(markup.slice(open, open + 16)) ?? [];
    if (written === undefined) {
      parts.push("<");
      here = open + 1;
      continue;
    }
    const close = markup.indexOf(">", open);
    if (close < 0) break;
    here = close + 1;
    const name = written.toLowerCase();
    if (name === "br" || name === "hr" || (slash && BLOCKS.has(name))) parts.push("\n");
    else if (slash && (name === "td" || name === "th")) parts.push("\t");
    else if (!slash && (name === "script" || name === "style")) {
      const ends = new RegExp(`</${name}`, "gi");
      ends.lastIndex = here;
      here = ends.exec(markup)?.index ?? markup.length;
    }
  }
  parts.push(markup.slice(here));
  const words = parts
    .join("")
    .replace(/&(#x?[0-9a-f]{1,8}|amp|lt|gt|quot|apos|nbsp);/gi, (entity, name: string) => character(name) ?? entity);
  return withoutEmptyRuns(words);
}

/** Lines without spaces at their ends, and no more than one empty line after another. */
function withoutEmptyRuns(words: string): string {
  const kept: string[] = [];
  for (const line of words.split("\n")) {
    const trimmed = line.trimEnd();
    if (trimmed || (kept.length && kept.at(-1) !== "")) kept.push(trimmed);
  }
  return kept.join("\n").trim();
}

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: " " };

function character(name: string): string | undefined {
  if (!name.startsWith("#")) return ENTITIES[name.toLowerCase()];
  const code = /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : Number.parseInt(name.slice(1), 10);
  return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : undefined;
}

function attachment(value: unknown, resource: Resource): Attachment {
  return {
    title: asText(at(value, "title")) ?? concept(resource.type) ?? concept(resource.code),
    type: mediaType(at(value, "contentType")),
    data: asText(at(value, "data")),
    url: asText(at(value, "url")),
  };
}

/** A media type without its parameters, in lower case. */
function mediaType(value: unknown): string {
  return (asText(value) ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
}
