import { keccak256, WORD_BYTES } from "../../utils/keccak.ts";

/** A node: 0 is the empty subtree, a positive number an inner node, a negative one a leaf. */
type NodeRef = number;

const FIRST_CAPACITY = 1024;
/** An inner node's hash is over its two children, a leaf's over path, value and the number 1. */
const INNER_BYTES = 2 * WORD_BYTES;
const LEAF_BYTES = 3 * WORD_BYTES;

/** What a walk along a path ends at: nothing, or the only leaf below there, of this path or another. */
export interface Terminal {
  readonly path: Uint8Array;
  readonly value: Uint8Array;
}

/** Proves what is at a path: hashes beside the way, the deepest first, and what the way ends at. */
export interface StateProof {
  readonly siblings: readonly Uint8Array[];
  readonly terminal?: Terminal;
}

/** What an inner node or a leaf is the hash of: the hashes of both sides, or a path and its value. */
export interface NodeOpening {
  readonly isLeaf: boolean;
  readonly first: Uint8Array;
  readonly second: Uint8Array;
}

/**
 * A sparse Merkle tree of 2^256 leaves in which a subtree of one leaf is that leaf (docs/spec/channel-state.md). Changes mark
 * the inner nodes above them; {@link StateTree.root} hashes each marked node once. Nodes lie in typed arrays, since a hundred
 * thousand objects keep the garbage collector busy.
 */
export interface StateTree {
  /** Sets the value at a path; undefined removes it. */
  set(path: Uint8Array, value: Uint8Array | undefined): void;
  /** The root's hash; 32 zero bytes for the empty tree. */
  root(): Uint8Array;
  prove(path: Uint8Array): StateProof;
  /** What stands beside the end of the way to a path; undefined for nothing. */
  beside(path: Uint8Array): NodeOpening | undefined;
}

export function createStateTree(): StateTree {
  let root: NodeRef = 0;
  const inner = createInnerNodes();
  const leaves = createLeaves();
  const pair = new Uint8Array(INNER_BYTES);

  const hashOf = (node: NodeRef, into: Uint8Array, at: number): void => {
    if (node === 0) into.fill(0, at, at + WORD_BYTES);
    else if (node > 0) into.set(inner.hashOf(node), at);
    else into.set(leaves.hashOf(-node), at);
  };

  /** Hashes the marked nodes from here down. */
  const settle = (node: NodeRef): void => {
    if (node <= 0 || !inner.isMarked(node)) return;
    const left = inner.child(node, 0);
    const right = inner.child(node, 1);
    settle(left);
    settle(right);
    hashOf(left, pair, 0);
    hashOf(right, pair, WORD_BYTES);
    inner.setHash(node, keccak256(pair));
  };

  /** Makes `node` what hangs below the last of `way`. */
  const hang = (way: readonly number[], path: Uint8Array, node: NodeRef): void => {
    const parent = way.at(-1);
    if (parent === undefined) root = node;
    else inner.setChild(parent, bitAt(path, way.length - 1), node);
  };

  /** The inner nodes from the root towards a path, and what comes below them: nothing or a leaf. */
  const walk = (path: Uint8Array): { way: number[]; end: NodeRef } => {
    const way: number[] = [];
    let node = root;
    while (node > 0) {
      way.push(node);
      node = inner.child(node, bitAt(path, way.length - 1));
    }
    return { way, end: node };
  };

  const insert = (path: Uint8Array, value: Uint8Array): void => {
    const { way, end } = walk(path);
    for (const node of way) inner.mark(node);
    if (end !== 0 && leaves.isAt(-end, path)) {
      leaves.setValue(-end, value);
      return;
    }
    const leaf: NodeRef = -leaves.add(path, value);
    if (end === 0) {
      hang(way, path, leaf);
      return;
    }
    // Two leaves that share bits: inner nodes with one child until they part.
    const other = leaves.pathOf(-end);
    for (;;) {
      const depth = way.length;
      const fork = inner.add();
      hang(way, path, fork);
      way.push(fork);
      if (bitAt(path, depth) === bitAt(other, depth)) continue;
      inner.setChild(fork, bitAt(path, depth), leaf);
      inner.setChild(fork, bitAt(other, depth), end);
      return;
    }
  };

  const remove = (path: Uint8Array): void => {
    const { way, end } = walk(path);
    if (end === 0 || !leaves.isAt(-end, path)) return;
    leaves.remove(-end);
    // A leaf that is left alone moves up for as long as it is.
    let rest: NodeRef = 0;
    while (way.length > 0) {
      const parent = way.at(-1) as number;
      const sibling = inner.child(parent, 1 - bitAt(path, way.length - 1));
      if (rest === 0 ? sibling > 0 : sibling !== 0) {
        inner.setChild(parent, bitAt(path, way.length - 1), rest);
        break;
      }
      if (rest === 0) rest = sibling;
      inner.remove(parent);
      way.pop();
    }
    if (way.length === 0) root = rest;
    for (const node of way) inner.mark(node);
  };

  return {
    set(path, value) {
      if (value === undefined) remove(path);
      else insert(path, value);
    },
    root() {
      settle(root);
      const hash = new Uint8Array(WORD_BYTES);
      hashOf(root, hash, 0);
      return hash;
    },
    prove(path) {
      settle(root);
      const { way, end } = walk(path);
      const siblings = way.map((node, depth) => {
        const hash = new Uint8Array(WORD_BYTES);
        hashOf(inner.child(node, 1 - bitAt(path, depth)), hash, 0);
        return hash;
      });
      siblings.reverse();
      if (end === 0) return { siblings };
      return { siblings, terminal: { path: leaves.pathOf(-end).slice(), value: leaves.valueOf(-end).slice() } };
    },
    beside(path) {
      settle(root);
      const { way } = walk(path);
      const parent = way.at(-1);
      const node = parent === undefined ? 0 : inner.child(parent, 1 - bitAt(path, way.length - 1));
      if (node === 0) return undefined;
      if (node < 0) {
        return { isLeaf: true, first: leaves.pathOf(-node).slice(), second: leaves.valueOf(-node).slice() };
      }
      const [first, second] = [new Uint8Array(WORD_BYTES), new Uint8Array(WORD_BYTES)];
      hashOf(inner.child(node, 0), first, 0);
      hashOf(inner.child(node, 1), second, 0);
      return { isLeaf: false, first, second };
    },
  };
}

/** The bit of a path that decides at a depth; the root's is the most significant. */
export function bitAt(path: Uint8Array, depth: number): 0 | 1 {
  return (((path[depth >> 3] as number) >> (7 - (depth & 7))) & 1) as 0 | 1;
}

const leafInput = new Uint8Array(LEAF_BYTES);
leafInput[LEAF_BYTES - 1] = 1;

/** The hash of a leaf. */
export function leafHash(path: Uint8Array, value: Uint8Array): Uint8Array {
  leafInput.set(path);
  leafInput.set(value, WORD_BYTES);
  return keccak256(leafInput);
}

/** Inner nodes by number, from 1. */
function createInnerNodes() {
  let children = new Int32Array(2 * FIRST_CAPACITY);
  let hashes = new Uint8Array(WORD_BYTES * FIRST_CAPACITY);
  let marked = new Uint8Array(FIRST_CAPACITY);
  const numbers = createNumbers((capacity) => {
    children = grown(children, new Int32Array(2 * capacity));
    hashes = grown(hashes, new Uint8Array(WORD_BYTES * capacity));
    marked = grown(marked, new Uint8Array(capacity));
  });
  return {
    /** A node without children, marked. */
    add(): number {
      const node = numbers.take();
      children.fill(0, 2 * node, 2 * node + 2);
      marked[node] = 1;
      return node;
    },
    remove: (node: number) => numbers.give(node),
    child: (node: number, bit: number): NodeRef => children[2 * node + bit] as number,
    setChild(node: number, bit: number, child: NodeRef): void {
      children[2 * node + bit] = child;
    },
    isMarked: (node: number) => marked[node] === 1,
    mark(node: number): void {
      marked[node] = 1;
    },
    hashOf: (node: number) => hashes.subarray(WORD_BYTES * node, WORD_BYTES * (node + 1)),
    setHash(node: number, hash: Uint8Array): void {
      hashes.set(hash, WORD_BYTES * node);
      marked[node] = 0;
    },
  };
}

/** Leaves by number, from 1: path, value and hash, one after the other. */
function createLeaves() {
  const size = 3 * WORD_BYTES;
  let words = new Uint8Array(size * FIRST_CAPACITY);
  const numbers = createNumbers((capacity) => {
    words = grown(words, new Uint8Array(size * capacity));
  });
  const part = (leaf: number, index: number): Uint8Array =>
    words.subarray(size * leaf + WORD_BYTES * index, size * leaf + WORD_BYTES * (index + 1));
  const setValue = (leaf: number, value: Uint8Array): void => {
    words.set(value, size * leaf + WORD_BYTES);
    words.set(leafHash(part(leaf, 0), value), size * leaf + 2 * WORD_BYTES);
  };
  return {
    add(path: Uint8Array, value: Uint8Array): number {
      const leaf = numbers.take();
      words.set(path, size * leaf);
      setValue(leaf, value);
      return leaf;
    },
    remove: (leaf: number) => numbers.give(leaf),
    isAt: (leaf: number, path: Uint8Array) => Buffer.compare(part(leaf, 0), path) === 0,
    pathOf: (leaf: number) => part(leaf, 0),
    valueOf: (leaf: number) => part(leaf, 1),
    hashOf: (leaf: number) => part(leaf, 2),
    setValue,
  };
}

/** Hands out numbers from 1, used ones first; `grow` is told when there must be room for more. */
function createNumbers(grow: (capacity: number) => void) {
  let capacity = FIRST_CAPACITY;
  let next = 1;
  const free: number[] = [];
  return {
    take(): number {
      const used = free.pop();
      if (used !== undefined) return used;
      if (next === capacity) {
        capacity *= 2;
        grow(capacity);
      }
      return next++;
    },
    give(number: number): void {
      free.push(number);
    },
  };
}

function grown<T extends Int32Array | Uint8Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
