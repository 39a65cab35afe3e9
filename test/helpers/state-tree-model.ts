import { AbiCoder, concat, keccak256, toBeHex, ZeroHash } from "ethers";

const coder = AbiCoder.defaultAbiCoder();

/** As contracts/types/ChannelTypes.sol has it. */
export interface SlotProof {
  readonly siblings: string[];
  readonly leafPath: string;
  readonly leafValue: string;
}

export interface SlotOpening {
  readonly isLeaf: boolean;
  readonly first: string;
  readonly second: string;
}

interface Leaf {
  readonly path: string;
  readonly value: string;
}

export const NO_OPENING: SlotOpening = { isLeaf: false, first: ZeroHash, second: ZeroHash };

/** The state tree as its definition reads, hashed from scratch each time. Slots and values are hex words. */
export class StateTreeModel {
  readonly #values = new Map<string, string>();

  set(slot: string, value: string): void {
    if (value === ZeroHash) this.#values.delete(pathOf(slot));
    else this.#values.set(pathOf(slot), value);
  }

  root(): string {
    return rootOf(this.#leaves(), 0);
  }

  prove(slot: string): SlotProof {
    const path = pathOf(slot);
    const siblings: string[] = [];
    let leaves = this.#leaves();
    for (let depth = 0; leaves.length > 1; depth++) {
      const isBeside = (leaf: Leaf): boolean => bitOf(leaf.path, depth) !== bitOf(path, depth);
      siblings.unshift(rootOf(leaves.filter(isBeside), depth + 1));
      leaves = leaves.filter((leaf) => !isBeside(leaf));
    }
    return { siblings, leafPath: leaves[0]?.path ?? ZeroHash, leafValue: leaves[0]?.value ?? ZeroHash };
  }

  /** What stands beside a slot's leaf. */
  open(slot: string): SlotOpening {
    const depth = this.prove(slot).siblings.length - 1;
    const path = pathOf(slot);
    const beside = this.#leaves().filter(
      (leaf) => commonBits(leaf.path, path) === depth && bitOf(leaf.path, depth) !== bitOf(path, depth),
    );
    const [only] = beside;
    if (only === undefined) return NO_OPENING;
    if (beside.length === 1) return { isLeaf: true, first: only.path, second: only.value };
    const [first, second] = childrenOf(beside, depth + 1);
    return { isLeaf: false, first, second };
  }

  #leaves(): Leaf[] {
    return [...this.#values].map(([path, value]) => ({ path, value }));
  }
}

export function pathOf(slot: string): string {
  return keccak256(slot);
}

export function commonBits(a: string, b: string): number {
  const difference = BigInt(a) ^ BigInt(b);
  return 256 - (difference === 0n ? 0 : difference.toString(2).length);
}

export function word(value: bigint): string {
  return toBeHex(value, 32);
}

function rootOf(leaves: readonly Leaf[], depth: number): string {
  const [only] = leaves;
  if (only === undefined) return ZeroHash;
  if (leaves.length > 1) return keccak256(concat(childrenOf(leaves, depth)));
  return keccak256(coder.encode(["bytes32", "bytes32", "uint256"], [only.path, only.value, 1n]));
}

function childrenOf(leaves: readonly Leaf[], depth: number): [string, string] {
  const below = (bit: bigint): string =>
    rootOf(
      leaves.filter(({ path }) => bitOf(path, depth) === bit),
      depth + 1,
    );
  return [below(0n), below(1n)];
}

function bitOf(path: string, depth: number): bigint {
  return (BigInt(path) >> BigInt(255 - depth)) & 1n;
}
