import { seededRandom } from "../seeded-random.ts";
import type { NetworkRates } from "./network.ts";

/** Something that goes wrong at a time after the start. */
export type Mishap = { readonly atMs: number } & (
  | { readonly kind: "kill"; readonly member: number; readonly downMs: number; readonly steps: number }
  | { readonly kind: "part"; readonly side: readonly number[]; readonly forMs: number }
  /** Two members accuse a leader that did nothing: the office goes to the first of them. */
  | { readonly kind: "oust"; readonly order: number }
  | { readonly kind: "leave"; readonly member: number }
  | { readonly kind: "settle"; readonly member: number }
);

/** What a seed plays. */
export interface ChannelPlan {
  readonly members: number;
  /** Those that join later: when. */
  readonly lateMs: readonly number[];
  /** How many lie; the first members, so that liars lead. */
  readonly liars: number;
  readonly users: number;
  readonly callsEach: number;
  readonly tickMs: number;
  readonly mode: number;
  readonly settleEveryMs: number;
  readonly confirmations: number;
  readonly blockMs: number;
  readonly reorged: number;
  readonly unanswered: number;
  readonly syncMs: number;
  readonly network: NetworkRates;
  readonly mishaps: readonly Mishap[];
  readonly healMs: number;
  /** Faults of the code that the simulation has to find. */
  readonly seeded?: SeededFault;
}

export type SeededFault = "ack-before-fsync";

const MEMBERS = [1, 2, 3, 3, 3, 4, 4, 4, 5, 5, 6, 7];
const SETTLEMENT_MODES = 2;

/** The plan of a seed. */
export function planOf(seed: number, changes: Partial<ChannelPlan> = {}): ChannelPlan {
  const random = seededRandom(seed * 7_919 + 13);
  const chance = (perCent: number): boolean => random.below(100) < perCent;
  const members = changes.members ?? random.pick(MEMBERS);
  const isWild = chance(35);
  const healMs = 12_000 + random.below(25_000);
  const lateMs = Array.from({ length: chance(40) ? 1 + random.below(2) : 0 }, () => 2_000 + random.below(healMs));
  const liars = changes.liars ?? (members >= 4 && chance(35) ? Math.floor((members - 1) / 3) : 0);
  const mishaps: Mishap[] = [];
  const at = (): number => 500 + random.below(healMs);
  const kills = random.below(2 + members * 2);
  for (let i = 0; i < kills; i += 1) {
    mishaps.push({
      kind: "kill",
      atMs: at(),
      // The first one leads at the beginning: it is the most interesting.
      member: chance(40) ? 0 : random.below(members + lateMs.length),
      downMs: 20 + random.below(chance(30) ? 12_000 : 1_500),
      steps: chance(60) ? 1 + random.below(40) : 0,
    });
  }
  const parts = members > 1 ? random.below(3) : 0;
  for (let i = 0; i < parts; i += 1) {
    const side = Array.from({ length: members }, (_, member) => member).filter(() => chance(45));
    mishaps.push({ kind: "part", atMs: at(), side, forMs: 300 + random.below(9_000) });
  }
  if (members >= 3) {
    const ousts = chance(60) ? 1 + random.below(4) : 0;
    for (let i = 0; i < ousts; i += 1) mishaps.push({ kind: "oust", atMs: at(), order: random.below(1_000) });
  }
  if (members >= 2 && chance(35))
    mishaps.push({ kind: "leave", atMs: at(), member: chance(50) ? 0 : random.below(members) });
  if (chance(50)) mishaps.push({ kind: "settle", atMs: at(), member: random.below(members) });
  return {
    members,
    lateMs,
    liars,
    users: 2 + random.below(3),
    callsEach: 10 + random.below(25),
    tickMs: chance(30) ? 700 + random.below(3_000) : 0,
    mode: random.below(SETTLEMENT_MODES),
    settleEveryMs: chance(70) ? 3_000 + random.below(8_000) : 0,
    confirmations: 2,
    blockMs: 1_000 + random.below(3_000),
    reorged: chance(50) ? 8 + random.below(20) : 0,
    unanswered: chance(40) ? random.below(6) : 0,
    syncMs: 1 + random.below(20),
    network: {
      delayMs: 1 + random.below(chance(30) ? 300 : 40),
      slow: chance(50) ? random.below(30) : 0,
      broken: chance(50) ? random.below(12) : 0,
      lost: chance(50) ? random.below(40) : 0,
      doubled: isWild ? random.below(60) : 0,
      overtaken: isWild ? random.below(60) : 0,
    },
    mishaps: mishaps.sort((a, b) => a.atMs - b.atMs),
    healMs,
    ...changes,
  };
}
