import { keccak256 } from "../../src/utils/keccak.ts";
import { concatBytes, fromHex } from "../../src/utils/bytes.ts";

const ONE = fromHex("01".padStart(64, "0"));

/** A path of 256 bits as text, and the value there. */
export type Leaf = readonly [bits: string, value: Uint8Array];

/** The root of a channel's state as its specification says it (docs/spec/channel-state.md), without any regard for time. */
export function naiveRoot(leaves: readonly Leaf[], depth = 0): Uint8Array {
  const [first] = leaves;
  if (first === undefined) return new Uint8Array(32);
  if (leaves.length === 1) return keccak256(concatBytes(bytesOfBits(first[0]), first[1], ONE));
  const [left, right] = ["0", "1"].map((bit) =>
    naiveRoot(
      leaves.filter(([bits]) => bits[depth] === bit),
      depth + 1,
    ),
  );
  return keccak256(concatBytes(left!, right!));
}

export function bitsOf(path: Uint8Array): string {
  return [...path].map((byte) => byte.toString(2).padStart(8, "0")).join("");
}

function bytesOfBits(bits: string): Uint8Array {
  return Uint8Array.from({ length: bits.length / 8 }, (_, index) => parseInt(bits.slice(8 * index, 8 * index + 8), 2));
}
