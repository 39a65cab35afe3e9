import { equalBytes } from "../../utils/bytes.ts";
import { keccak256, WORD_BYTES } from "../../utils/keccak.ts";
import { bitAt, leafHash, type StateProof } from "./state-tree.ts";

const MAX_DEPTH = 256;

/**
 * Whether the proof shows that under `root` the path holds `value`, or nothing when that is undefined. Paths and values are of
 * 32 bytes.
 */
export function verifyStateProof(
  root: Uint8Array,
  path: Uint8Array,
  value: Uint8Array | undefined,
  { siblings, terminal }: StateProof,
): boolean {
  if (siblings.length > MAX_DEPTH) return false;
  const isThere = terminal !== undefined && equalBytes(terminal.path, path);
  if (isThere ? value === undefined || !equalBytes(terminal.value, value) : value !== undefined) return false;
  // Another leaf shows that the path is empty only where the ways to both are the same.
  if (terminal !== undefined && !isThere && !shareBits(terminal.path, path, siblings.length)) return false;

  let hash = terminal === undefined ? new Uint8Array(WORD_BYTES) : leafHash(terminal.path, terminal.value);
  const pair = new Uint8Array(2 * WORD_BYTES);
  for (const [index, sibling] of siblings.entries()) {
    const bit = bitAt(path, siblings.length - 1 - index);
    pair.set(hash, WORD_BYTES * bit);
    pair.set(sibling, WORD_BYTES * (1 - bit));
    hash = keccak256(pair);
  }
  return equalBytes(hash, root);
}

function shareBits(a: Uint8Array, b: Uint8Array, count: number): boolean {
  for (let depth = 0; depth < count; depth++) if (bitAt(a, depth) !== bitAt(b, depth)) return false;
  return true;
}
