import type { Member, State } from "./state.ts";

/** Different members that a set can tell apart; their cube times the liar's terms is a whole number that a double holds exactly. */
const MAX_MEMBERS = 100_000;
const LIAR_TERMS = 8;
const MAX_HONEST = 3;
const FIRST_CAPACITY = 1 << 16;
const FULLEST = 0.5;

/**
 * States in the order in which they were met, each with the one that it was first reached from. Members are told apart by what they hold
 * alone and not by their names: states that differ by a permutation of members are one. A state is kept as one number.
 */
export interface StateSet {
  readonly size: number;
  /** Nothing happens when it is there already. */
  add(state: State, from: number): void;
  get(number: number): State;
  /** The number of a state that is there. */
  find(state: State): number | undefined;
  /** From one of the first states to this one. */
  wayTo(number: number): number[];
}

export function createStateSet(honest: number): StateSet {
  if (honest > MAX_HONEST) throw new Error(`at most ${MAX_HONEST} honest members fit a key`);
  const members: Member[] = [];
  const numberOfMember = new Map<string, number>();
  let keys = new Float64Array(FIRST_CAPACITY);
  let from = new Int32Array(FIRST_CAPACITY);
  /** Positions in `keys` plus one, by hash; 0 is free. */
  let table = new Int32Array(FIRST_CAPACITY / FULLEST);
  let size = 0;

  function numberOf(member: Member): number {
    const { log, certificate, term, pending, leads, changes, acked, holds, voted } = member;
    const waits =
      pending === undefined ? "" : pending.certificate === undefined ? `r${pending.record}` : `c${pending.certificate}`;
    const name = `${log},${certificate},${term},${waits},${leads},${changes.join()},${acked.join()};${holds.join()};${voted.join()}`;
    const known = numberOfMember.get(name);
    if (known !== undefined) return known;
    if (members.length >= MAX_MEMBERS) throw new Error(`more than ${MAX_MEMBERS} different members`);
    members.push(member);
    numberOfMember.set(name, members.length - 1);
    return members.length - 1;
  }

  function keyOf({ members: all, liarLeads }: State): number {
    const numbers = all.map(numberOf).sort((a, b) => a - b);
    return numbers.reduce((key, number) => key * MAX_MEMBERS + number, 0) * LIAR_TERMS + (liarLeads >> 1);
  }

  /** Where a key is in the table, or would be. */
  function slotOf(key: number): number {
    const mask = table.length - 1;
    const high = Math.floor(key / 2 ** 32);
    let slot = (Math.imul(key >>> 0, 0x9e3779b1) ^ Math.imul(high, 0x85ebca6b)) >>> 0;
    slot = (slot ^ (slot >>> 15)) & mask;
    for (let at = table[slot]; at !== undefined && at !== 0 && keys[at - 1] !== key; at = table[slot]) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  function grow(): void {
    const [oldKeys, oldFrom] = [keys, from];
    keys = new Float64Array(oldKeys.length * 2);
    from = new Int32Array(oldKeys.length * 2);
    keys.set(oldKeys);
    from.set(oldFrom);
    table = new Int32Array(keys.length / FULLEST);
    for (let position = 0; position < size; position += 1) table[slotOf(keys[position] ?? 0)] = position + 1;
  }

  return {
    get size() {
      return size;
    },
    add(state, reachedFrom) {
      const key = keyOf(state);
      let slot = slotOf(key);
      if (table[slot] !== 0) return;
      if (size === keys.length) {
        grow();
        slot = slotOf(key);
      }
      keys[size] = key;
      from[size] = reachedFrom;
      size += 1;
      table[slot] = size;
    },
    get(number) {
      const key = keys[number] ?? 0;
      let rest = Math.floor(key / LIAR_TERMS);
      const found: Member[] = [];
      for (let index = 0; index < honest; index += 1) {
        const member = members[rest % MAX_MEMBERS];
        if (member !== undefined) found.unshift(member);
        rest = Math.floor(rest / MAX_MEMBERS);
      }
      return { members: found, liarLeads: (key % LIAR_TERMS) << 1 };
    },
    find(state) {
      const position = table[slotOf(keyOf(state))] ?? 0;
      return position === 0 ? undefined : position - 1;
    },
    wayTo(number) {
      const way: number[] = [];
      for (let at = number; at >= 0; at = from[at] ?? -1) way.unshift(at);
      return way;
    },
  };
}
