/** A record by its number in the tree. */
export type RecordId = number;

/** Record 0, which everybody has; as a certificate it stands for none. */
export const GENESIS: RecordId = 0;

/** Different records that one leader can make at one place: two show all that equivocation can do where two are a quorum with a liar. */
const VALUES = 2;

/**
 * All records that there can be within the bounds. A record names the one before it, so a record is a whole chain: this is a tree, and
 * two records agree when one stands above the other.
 */
export interface RecordTree {
  readonly parent: readonly RecordId[];
  readonly height: readonly number[];
  readonly term: readonly number[];
  /** The record that the leader of `term` makes behind `parent`; undefined past the bounds. */
  child(parent: RecordId, term: number, value: number): RecordId | undefined;
  /** Whether `tip` is this record or stands above it. */
  isBelow(record: RecordId, tip: RecordId): boolean;
  /** The record of each height up to it, without genesis. */
  chain(tip: RecordId): readonly RecordId[];
  /** For traces: the terms of its chain from genesis, `1-1-2`; the second one that a leader made at one place has a `'`. */
  name(record: RecordId): string;
}

export function createRecordTree(bounds: { readonly terms: number; readonly heights: number }): RecordTree {
  const parent: RecordId[] = [GENESIS];
  const height = [0];
  const term = [0];
  const names = ["nothing"];
  const chains: RecordId[][] = [[]];
  const children = new Map<number, RecordId>();
  const place = (record: RecordId, of: number, value: number): number =>
    (record * (bounds.terms + 1) + of) * VALUES + value;
  for (let record = 0; record < parent.length; record += 1) {
    const above = (height[record] ?? 0) + 1;
    if (above > bounds.heights) continue;
    for (let of = Math.max(1, term[record] ?? 0); of <= bounds.terms; of += 1) {
      for (let value = 0; value < VALUES; value += 1) {
        const id = parent.length;
        children.set(place(record, of, value), id);
        parent.push(record);
        height.push(above);
        term.push(of);
        const before = record === GENESIS ? "" : `${names[record]}-`;
        names.push(`${before}${of}${"'".repeat(value)}`);
        chains.push([...(chains[record] ?? []), id]);
      }
    }
  }
  const size = parent.length;
  const below = new Uint8Array(size * size);
  for (const [tip, chain] of chains.entries()) for (const record of [GENESIS, ...chain]) below[tip * size + record] = 1;
  return {
    parent,
    height,
    term,
    child: (of, inTerm, value) => children.get(place(of, inTerm, value)),
    isBelow: (record, tip) => below[tip * size + record] === 1,
    chain: (tip) => chains[tip] ?? [],
    name: (record) => names[record] ?? "?",
  };
}
