/**
 * Complete binary Merkle trees as `@openzeppelin/merkle-tree` lays them out, for OpenZeppelin's `MerkleProof`.
 *
 * A tree is one array: the root first, the leaves last and in reverse; each pair is hashed in sorted order.
 */

import { keccak_256 } from "@noble/hashes/sha3.js";
import type { Hex } from "viem";
import { PageError } from "../errors";
import { concat, fromHex, toHex } from "../types/bytes";

/** The tree over at least one leaf. */
export function treeOver(leafHashes: readonly Hex[]): Hex[] {
  if (!leafHashes.length) throw new PageError("InvalidInput", { name: "leaves", value: 0 });
  const size = 2 * leafHashes.length - 1;
  const tree = new Array<Hex>(size);
  for (const [at, leaf] of leafHashes.entries()) tree[size - 1 - at] = leaf;
  for (let at = size - leafHashes.length - 1; at >= 0; at--) {
    tree[at] = pair(tree[2 * at + 1] as Hex, tree[2 * at + 2] as Hex);
  }
  return tree;
}

/** The proof of the leaf at `position`, counted as the leaves were given; throws PageError InvalidInput: no such. */
export function proofIn(tree: readonly Hex[], position: number): Hex[] {
  if (!Number.isInteger(position) || position < 0 || position >= (tree.length + 1) / 2) {
    throw new PageError("InvalidInput", { name: "position", value: position });
  }
  const siblings: Hex[] = [];
  for (let at = tree.length - 1 - position; at > 0; at = Math.floor((at - 1) / 2)) {
    siblings.push(tree[at % 2 ? at + 1 : at - 1] as Hex);
  }
  return siblings;
}

/** Whether the leaf is under the root, as OpenZeppelin's `MerkleProof.verify` finds. */
export function verifyProof(root: Hex, leafHash: Hex, proof: readonly Hex[]): boolean {
  return proof.reduce(pair, leafHash) === root;
}

function pair(first: Hex, second: Hex): Hex {
  const [low, high] = first < second ? [first, second] : [second, first];
  return toHex(keccak_256(concat(fromHex(low), fromHex(high))));
}
