/**
 * How the bytes of an object become blocks: the UnixFS file layout of IPFS.
 *
 * The layout is that of the profile `unixfs-v1-2025` (IPIP-499), which Kubo, Helia and others share: CIDv1, sha2-256,
 * chunks of 1 MiB as raw leaves, a balanced tree of dag-pb nodes with at most 1024 links. An object of at most one chunk
 * is that one raw leaf. A node is the canonical protobuf of a PBNode: the links first, each with Hash (a binary CID),
 * Name (empty) and Tsize (bytes of the whole subtree's blocks), then Data: a UnixFS message of type File with the file's
 * size and the size under each link.
 *
 * The reader is stricter than IPFS: only canonical file nodes with raw leaves and no inline data. It takes other chunk
 * sizes and numbers of links, so an object that somebody added with other settings is read all the same.
 */

import type { Hex } from "viem";
import { PageError } from "../errors";
import { concat, fromHex, toHex } from "../types/bytes";
import { CID_BYTES, type Codec, cidBytes, cidFromBytes, DAG_PB, RAW, sha256Of } from "./cid";

export const CHUNK_BYTES = 1 << 20;
export const MAX_LINKS = 1024;
/** The largest block that IPFS nodes exchange; larger ones are refused unread. */
export const MAX_BLOCK_BYTES = 2 << 20;
/** Levels of nodes the reader follows; three levels of this layout already hold 1 PiB. */
export const MAX_DEPTH = 8;

const LINK_TAG = 0x12; // PBNode.Links = 2, length-delimited
const DATA_TAG = 0x0a; // PBNode.Data = 1, length-delimited
const HASH_HEAD = [0x0a, CID_BYTES]; // PBLink.Hash = 1, length-delimited, a binary CID
const NAME_TSIZE = [0x12, 0x00, 0x18]; // PBLink.Name = 2, empty; PBLink.Tsize = 3, varint
const FILE_SIZE = [0x08, 0x02, 0x18]; // Data.Type = 1: File; Data.filesize = 3, varint
const BLOCK_SIZE_TAG = 0x20; // Data.blocksizes = 4, varint, unpacked
const LINK_FIXED = HASH_HEAD.length + CID_BYTES + NAME_TSIZE.length;

/** A node's link to a child. */
export interface Link {
  readonly codec: Codec;
  readonly digest: Hex;
  /** Bytes of the file below this link. */
  readonly size: number;
  /** Bytes of all blocks below this link, nodes included (dag-pb's Tsize). */
  readonly total: number;
}

/** An inner node of a file: its links in the order of the file's bytes. */
export interface FileNode {
  readonly links: readonly Link[];
  /** Bytes of the file below this node. */
  readonly size: number;
}

/** What was made of an object's bytes. */
export interface Built extends Link {
  /** Blocks emitted, equal ones counted each time. */
  readonly blocks: number;
}

/** Called with each block as soon as it is complete: leaves in the file's order, a node after its children. */
export type Emit = (codec: Codec, digest: Hex, block: Uint8Array) => void;

/** The block of an inner node, byte for byte as Kubo writes it. */
export function encodeNode(links: readonly Link[]): Uint8Array {
  const out: number[] = [];
  const sizes: number[] = [];
  for (const { codec, digest, size, total } of links) {
    const tail = varint(total);
    out.push(LINK_TAG, LINK_FIXED + tail.length, ...HASH_HEAD, ...cidBytes(codec, fromHex(digest)));
    out.push(...NAME_TSIZE, ...tail);
    sizes.push(BLOCK_SIZE_TAG, ...varint(size));
  }
  const head = [...FILE_SIZE, ...varint(links.reduce((sum, link) => sum + link.size, 0))];
  out.push(DATA_TAG, ...varint(head.length + sizes.length));
  return concat(Uint8Array.from(out), Uint8Array.from(head), Uint8Array.from(sizes));
}

/**
 * Reads an inner node, whose hash was compared already.
 *
 * @throws PageError ObjectMalformed: it is no canonical file node.
 */
export function parseNode(block: Uint8Array): FileNode {
  if (block.length > MAX_BLOCK_BYTES) throw malformed();
  const reader = new NodeReader(block);
  const found: { codec: Codec; digest: Hex; total: number }[] = [];
  while (block[reader.at] === LINK_TAG) {
    reader.at++;
    const length = reader.varint();
    const end = reader.at + length;
    if (length <= LINK_FIXED || end > block.length) throw malformed();
    reader.expect(HASH_HEAD);
    const { codec, digest } = reader.cid();
    reader.expect(NAME_TSIZE);
    found.push({ codec, digest, total: reader.varint() });
    if (reader.at !== end) throw malformed();
  }
  if (!found.length) throw malformed();
  reader.expect([DATA_TAG]);
  const length = reader.varint();
  if (reader.at + length !== block.length) throw malformed();
  reader.expect(FILE_SIZE);
  const size = reader.varint();
  let sum = 0;
  const links = found.map((link) => {
    reader.expect([BLOCK_SIZE_TAG]);
    const below = reader.varint();
    const isLeaf = link.codec === RAW;
    if (!below || link.total < below || (isLeaf && (below !== link.total || below > MAX_BLOCK_BYTES))) {
      throw malformed();
    }
    sum += below;
    return { ...link, size: below };
  });
  if (reader.at !== block.length || sum !== size) throw malformed();
  return { links, size };
}

/**
 * Which codec a block has whose bare digest is known: the rule that makes a 32-byte digest name one object.
 *
 * A block that is a canonical file node is `DAG_PB`; every other block is `RAW`. A file node begins with 0x12 and a
 * sealed object with its magic, so no sealed object is ever taken for a node.
 */
export function codecOf(block: Uint8Array): Codec {
  if (block[0] !== LINK_TAG) return RAW;
  try {
    parseNode(block);
    return DAG_PB;
  } catch {
    return RAW;
  }
}

/**
 * Makes the blocks of an object; without `emit` only its digest is computed.
 *
 * @throws PageError InvalidInput: the object is one chunk that is itself a file node, so that its digest alone would
 *   name another object.
 */
export async function addFile(data: Uint8Array, emit?: Emit): Promise<Built> {
  let blocks = 0;
  const put = async (codec: Codec, block: Uint8Array, size: number, total: number): Promise<Link> => {
    const digest = toHex(await sha256Of(block));
    blocks++;
    emit?.(codec, digest, block);
    return { codec, digest, size, total };
  };
  let level: Link[] = [];
  for (let start = 0; start < data.length || !level.length; start += CHUNK_BYTES) {
    const chunk = data.subarray(start, start + CHUNK_BYTES);
    level.push(await put(RAW, chunk, chunk.length, chunk.length));
  }
  if (level.length === 1 && codecOf(data) === DAG_PB) {
    throw new PageError("InvalidInput", { name: "object", value: data.length });
  }
  while (level.length > 1) {
    const above: Link[] = [];
    for (let start = 0; start < level.length; start += MAX_LINKS) {
      const links = level.slice(start, start + MAX_LINKS);
      const block = encodeNode(links);
      const size = links.reduce((sum, link) => sum + link.size, 0);
      const total = links.reduce((sum, link) => sum + link.total, block.length);
      above.push(await put(DAG_PB, block, size, total));
    }
    level = above;
  }
  return { ...(level[0] as Link), blocks };
}

class NodeReader {
  at = 0;

  constructor(private readonly block: Uint8Array) {}

  expect(bytes: readonly number[]): void {
    for (const byte of bytes) if (this.block[this.at++] !== byte) throw malformed();
  }

  cid() {
    const end = this.at + CID_BYTES;
    try {
      return cidFromBytes(this.block.subarray(this.at, end));
    } catch (cause) {
      throw malformed(cause);
    } finally {
      this.at = end;
    }
  }

  /** An unsigned LEB128 varint, refused when cut short, not minimal, or larger than any object is. */
  varint(): number {
    let value = 0;
    for (let factor = 1; factor <= Number.MAX_SAFE_INTEGER; factor *= 128) {
      const byte = this.block[this.at++];
      if (byte === undefined || (byte === 0 && factor > 1)) throw malformed();
      value += (byte & 0x7f) * factor;
      if (!Number.isSafeInteger(value)) throw malformed();
      if (byte < 0x80) return value;
    }
    throw malformed();
  }
}

function varint(value: number): number[] {
  const out: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) out.push((rest % 128) | 0x80);
  return [...out, rest];
}

function malformed(cause?: unknown): PageError {
  return new PageError("ObjectMalformed", {}, { cause });
}
