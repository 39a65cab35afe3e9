import { equalBytes } from "../../utils/bytes.ts";
import { keccak256, WORD_BYTES } from "../../utils/keccak.ts";
import { ZERO_HASH } from "./record.ts";

/**
 * Root of a Merkle tree over hashes, its pairs hashed in ascending order (OpenZeppelin's MerkleProof); a node without a partner is
 * carried up as it is. One leaf is its own root, none have zeros.
 */
export function merkleRoot(leaves: readonly Uint8Array[]): Uint8Array {
  let level = leaves;
  while (level.length > 1) level = levelAbove(level);
  return level[0] ?? ZERO_HASH;
}

/** The siblings of the leaf at `index`, bottom-up; levels at which it has none are left out. */
export function merkleProof(leaves: readonly Uint8Array[], index: number): Uint8Array[] {
  const proof: Uint8Array[] = [];
  let level = leaves;
  let at = index;
  while (level.length > 1) {
    const sibling = level[at ^ 1];
    if (sibling !== undefined) proof.push(sibling);
    level = levelAbove(level);
    at >>= 1;
  }
  return proof;
}

/** Whether `leaf` is under `root`. */
export function verifyMerkleProof(root: Uint8Array, leaf: Uint8Array, proof: readonly Uint8Array[]): boolean {
  return equalBytes(rootByProof(leaf, proof), root);
}

/** The root that a leaf and its siblings come to. */
export function rootByProof(leaf: Uint8Array, proof: readonly Uint8Array[]): Uint8Array {
  return proof.reduce(hashPair, leaf);
}

const pair = new Uint8Array(2 * WORD_BYTES);

function hashPair(a: Uint8Array, b: Uint8Array): Uint8Array {
  const inOrder = Buffer.compare(a, b) <= 0;
  pair.set(inOrder ? a : b);
  pair.set(inOrder ? b : a, WORD_BYTES);
  return keccak256(pair);
}

function levelAbove(level: readonly Uint8Array[]): Uint8Array[] {
  const above: Uint8Array[] = [];
  for (let i = 0; i < level.length; i += 2) {
    const left = level[i] ?? ZERO_HASH;
    const right = level[i + 1];
    above.push(right === undefined ? left : hashPair(left, right));
  }
  return above;
}
