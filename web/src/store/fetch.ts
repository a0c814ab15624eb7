/**
 * Objects from a trustless gateway, block by block: every block is hashed before anything of it is used, so a gateway
 * can withhold an object and can't alter one.
 */

import type { Fetch } from "../chain/rpc";
import type { Hex } from "../client/api";
import { PageError } from "../errors";
import { concat, fromHex, plain, toHex } from "../types/bytes";
import { type Codec, cidText, DAG_PB, digestOfCid, RAW } from "./cid";
import { addFile, codecOf, MAX_BLOCK_BYTES, MAX_DEPTH, parseNode } from "./unixfs";

/** What the page holds of one object at most: more than any parcel of records, less than what stops a telephone. */
export const MAX_OBJECT_BYTES = 256 << 20;
/** Objects from here on are fetched one after the other. */
const LARGE_BYTES = 8 << 20;
/** Blocks of one object: enough for 64 KiB each. Whoever makes them of single bytes has the page ask without end. */
const MOST_BLOCKS = 4096;
const TIMEOUT_MILLISECONDS = 60_000;
const AT_ONCE = 12;
const TRIES = 2;
const MISSING = new Set([404, 410, 451]);

/** A store of sealed objects that is asked over HTTP. */
export class Gateway {
  private running = 0;
  private large: Promise<unknown> = Promise.resolve();
  private readonly queue: (() => void)[] = [];

  /**
   * @param url Of a trustless gateway (https://specs.ipfs.tech/http-gateways/trustless-gateway/), up to before the CID.
   * @param objects Takes new objects by POST; null where the page can only read.
   * @param patience Milliseconds after which an answer is not waited for any longer.
   */
  constructor(
    private readonly url: string,
    private readonly objects: string | null,
    private readonly fetch: Fetch,
    private readonly patience = TIMEOUT_MILLISECONDS,
  ) {}

  /**
   * A whole object.
   *
   * @param digest What the chain keeps of its CID.
   * @throws PageError ObjectMissing, ObjectTampered (other bytes came), ObjectMalformed, ObjectTooLarge,
   *   StoreUnavailable.
   */
  async get(digest: Hex, limit = MAX_OBJECT_BYTES): Promise<Uint8Array> {
    const root = await this.block(RAW, digest, digest, limit);
    if (codecOf(root) === RAW) return root;
    const gather = async () => {
      const parts: Uint8Array[] = [];
      const size = await this.collect(root, digest, limit, parts, 0, { blocks: MOST_BLOCKS });
      const whole = concat(...parts);
      if (whole.length !== size) throw new PageError("ObjectMalformed", { digest });
      return whole;
    };
    if (readNode(root, digest).size < LARGE_BYTES) return gather();
    const gathered = this.large.then(gather);
    this.large = gathered.catch(() => {});
    return gathered;
  }

  /**
   * Stores an object.
   *
   * @returns The digest of its CID, computed here: the store has to say the same.
   * @throws PageError StoreReadOnly, StoreUnavailable; ObjectTampered when the store names another.
   */
  async put(data: Uint8Array): Promise<Hex> {
    if (this.objects === null) throw new PageError("StoreReadOnly");
    const digest = await digestOf(data);
    const response = await this.ask(this.objects, {
      method: "POST",
      body: plain(data),
      headers: { "content-type": "application/octet-stream" },
    });
    if (!response.ok) throw new PageError("StoreUnavailable", { reason: `HTTP ${response.status}` });
    const { cid } = (await response.json().catch(() => ({}))) as { cid?: unknown };
    if (typeof cid !== "string" || !names(cid, digest)) throw new PageError("ObjectTampered", { digest });
    return digest;
  }

  /** Fetches the leaves below a node, in order; gives back how many bytes the node says that there are. */
  private async collect(
    block: Uint8Array,
    digest: Hex,
    limit: number,
    parts: Uint8Array[],
    depth: number,
    budget: { blocks: number },
  ): Promise<number> {
    const node = readNode(block, digest);
    budget.blocks -= node.links.length;
    if (budget.blocks < 0) throw new PageError("ObjectTooLarge", { digest });
    const size = node.links.reduce((sum, link) => sum + link.size, 0);
    if (depth > MAX_DEPTH) throw new PageError("ObjectMalformed", { digest });
    if (size > limit) throw new PageError("ObjectTooLarge", { digest });
    const blocks = await Promise.all(
      node.links.map((link) => this.block(link.codec, link.digest, digest, link.codec === RAW ? link.size : limit)),
    );
    for (const [at, child] of blocks.entries()) {
      const link = node.links[at] as (typeof node.links)[number];
      if (link.codec === RAW) {
        if (child.length !== link.size) throw new PageError("ObjectMalformed", { digest });
        parts.push(child);
      } else if ((await this.collect(child, digest, limit, parts, depth + 1, budget)) !== link.size) {
        throw new PageError("ObjectMalformed", { digest });
      }
    }
    return size;
  }

  /** One block, compared with its hash. */
  private async block(codec: Codec, digest: Hex, object: Hex, limit: number): Promise<Uint8Array> {
    const most = Math.min(MAX_BLOCK_BYTES, Math.max(limit, 1));
    let response = await this.askForBlock(codec, digest);
    // A store that keeps blocks by their whole CID knows the root of a large object under its other codec only.
    if (MISSING.has(response.status) && codec === RAW && digest === object) {
      response = await this.askForBlock(DAG_PB, digest);
    }
    if (MISSING.has(response.status)) throw new PageError("ObjectMissing", { digest: object });
    if (!response.ok) throw new PageError("StoreUnavailable", { reason: `HTTP ${response.status}` });
    const data = await bytesOf(response, most, object);
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", plain(data)));
    if (toHex(hash) !== digest) throw new PageError("ObjectTampered", { digest: object });
    return data;
  }

  private async askForBlock(codec: Codec, digest: Hex): Promise<Response> {
    const url = `${this.url.replace(/\/$/, "")}/${cidText(codec, fromHex(digest))}?format=raw`;
    await this.turn();
    try {
      for (let tried = 1; ; tried++) {
        try {
          return await this.ask(url, { headers: { accept: "application/vnd.ipld.raw" } });
        } catch (error) {
          if (tried >= TRIES) throw error;
        }
      }
    } finally {
      this.running--;
      this.queue.shift()?.();
    }
  }

  /** Waits while too many requests are under way. */
  private async turn(): Promise<void> {
    while (this.running >= AT_ONCE) await new Promise<void>((resolve) => this.queue.push(resolve));
    this.running++;
  }

  private async ask(url: string, init: RequestInit): Promise<Response> {
    try {
      return await this.fetch(url, {
        ...init,
        signal: AbortSignal.timeout(this.patience),
        referrerPolicy: "no-referrer",
        credentials: "omit",
      });
    } catch (cause) {
      throw new PageError("StoreUnavailable", { reason: cause instanceof Error ? cause.name : "" }, { cause });
    }
  }
}

function names(cid: string, digest: Hex): boolean {
  try {
    return digestOfCid(cid) === digest;
  } catch {
    return false;
  }
}

/** The digest of the CID that bytes have: what a store says of them is compared with it. */
export async function digestOf(data: Uint8Array): Promise<Hex> {
  return (await addFile(data)).digest;
}

/** Reads an answer up to a limit: a gateway that sends without end is cut off. */
async function bytesOf(response: Response, most: number, object: Hex): Promise<Uint8Array> {
  const reader = response.body?.getReader();
  if (!reader) return new Uint8Array();
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      size += value.length;
      if (size > most) throw new PageError("ObjectTooLarge", { digest: object });
      parts.push(value);
    }
  } catch (error) {
    await reader.cancel().catch(() => {});
    if (error instanceof PageError) throw error;
    throw new PageError("StoreUnavailable", { reason: "cut off" }, { cause: error });
  }
  return parts.length === 1 ? (parts[0] as Uint8Array) : concat(...parts);
}

function readNode(block: Uint8Array, digest: Hex) {
  try {
    return parseNode(block);
  } catch (cause) {
    throw new PageError("ObjectMalformed", { digest }, { cause });
  }
}
