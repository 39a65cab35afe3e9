import { seededRandom } from "../seeded-random.ts";
import type { NetworkRates } from "./network.ts";

/** Something that goes wrong at a time after the start. */
export type Mishap = { readonly atMs: number } & (
  | { readonly kind: "kill"; readonly member: number; readonly downMs: number; readonly steps: number }
  | { readonly kind: "part"; readonly side: readonly number[]; readonly forMs: number }
  /** Two members accuse a leader that did nothing: the office goes to the first of them. */
  | { readonly kind: "oust"; readonly order: number }
  /** Whoever leads then. */
  | { readonly kind: "fall"; readonly downMs: number }
  | { readonly kind: "leave"; readonly member: number }
  | { readonly kind: "delegate"; readonly member: number; readonly to: number }
  | { readonly kind: "settle"; readonly member: number }
);

/** What a seed plays. */
export interface ChannelPlan {
  readonly members: number;
  /** Those that join later: when. */
  readonly lateMs: readonly number[];
  /** How many lie; the first members, so that liars lead. */
  readonly liars: number;
  /** How many do what they like with what they pass on; the members after the liars. */
  readonly lyingRelays: number;
  /** From when on until `healMs` whoever leads keeps all records from another one; 0: nobody does. */
  readonly withheldFromMs: number;
  readonly users: number;
  readonly callsEach: number;
  readonly tickMs: number;
  readonly mode: number;
  /** How long members have to answer accusations on chain; none accuses where it is 0. */
  readonly answerSeconds: number;
  /** Or how often they have to say there that they are there. */
  readonly aliveSeconds: number;
  readonly settleEveryMs: number;
  readonly confirmations: number;
  readonly blockMs: number;
  readonly reorged: number;
  readonly unanswered: number;
  readonly syncMs: number;
  readonly network: NetworkRates;
  readonly mishaps: readonly Mishap[];
  readonly healMs: number;
}

const MEMBERS = [1, 2, 3, 3, 3, 4, 4, 4, 5, 5, 6, 7];
const SETTLEMENT_MODES = 2;

/** Of so many seeds one has a channel of up to 40 members. */
const LARGE_EVERY = 40;
/** And of so many one a storm. */
const STORM_EVERY = 5;
/** And of so many one in which relays lie. */
const RELAYED_EVERY = 20;
const RELAYED_MEMBERS = { least: 7, most: 13 };
const LARGE_MEMBERS = { least: 12, most: 40 };
const DELEGATIONS = 8;
/** And of so many one in which members are away for long. */
const ABSENT_EVERY = 20;
const ABSENT_AT = 17;
const MS = 1_000;
/** Long enough for some accusations of a member that is not silent. */
const WITHHELD_MS = 300_000;
export const FAIL_OVER_ANSWER_SECONDS = 30;

/** The plan of a seed. */
export function planOf(seed: number): ChannelPlan {
  if (seed % LARGE_EVERY === 0) return largePlanOf(seed);
  if (seed % RELAYED_EVERY === RELAYED_EVERY / 2) return relayedPlanOf(seed);
  if (seed % ABSENT_EVERY === ABSENT_AT) return absentPlanOf(seed);
  return seed % STORM_EVERY === STORM_EVERY - 1 ? stormPlanOf(seed) : usualPlanOf(seed);
}

/** Three to five members that hardly get anything done: they die and come back, and the office moves, every second or two. */
function stormPlanOf(seed: number): ChannelPlan {
  const random = seededRandom(seed * 32_452_843 + 5);
  const members = 3 + random.below(3);
  const plan = usualPlanOf(seed, { members, lateMs: [], callsEach: 20, settleEveryMs: 1_500 });
  const at = (): number => 500 + random.below(plan.healMs);
  const many = (count: number, make: () => Mishap): Mishap[] => Array.from({ length: count }, make);
  const mishaps: Mishap[] = [
    ...plan.mishaps.filter(({ kind }) => kind === "leave"),
    ...many(24, () => {
      const member = random.below(100) < 40 ? 0 : random.below(members);
      return { kind: "kill", atMs: at(), member, downMs: 20 + random.below(800), steps: random.below(40) };
    }),
    ...many(5, () => ({ kind: "oust", atMs: at(), order: random.below(1_000) })),
    ...many(6, () => {
      const side = Array.from({ length: members }, (_, member) => member).filter(() => random.below(2) === 0);
      return { kind: "part", atMs: at(), side, forMs: 200 + random.below(4_000) };
    }),
    ...many(5, () => ({ kind: "settle", atMs: at(), member: random.below(members) })),
  ];
  const network = { ...plan.network, delayMs: 1 + random.below(60), lost: random.below(60), broken: random.below(20) };
  return { ...plan, network, mishaps: mishaps.sort((a, b) => a.atMs - b.atMs) };
}

/** Many members, some of which delegate; fewer calls, since everybody plays them. */
function largePlanOf(seed: number): ChannelPlan {
  const random = seededRandom(seed * 104_729 + 7);
  const { least, most } = LARGE_MEMBERS;
  const members = least + random.below(most - least + 1);
  const liars = random.below(3);
  const plan = usualPlanOf(seed, { members, liars, users: 2, callsEach: 6, lateMs: [] });
  const delegations = Array.from({ length: DELEGATIONS }, (): Mishap => {
    const atMs = 2_000 + random.below(plan.healMs);
    return { kind: "delegate", atMs, member: random.below(members), to: random.below(members) };
  });
  const mishaps = [...plan.mishaps.filter(({ kind }, index) => kind !== "kill" || index % 4 === 0), ...delegations];
  return { ...plan, mishaps: mishaps.sort((a, b) => a.atMs - b.atMs) };
}

/** Whether a member does what it likes with what it passes on. */
export function isLyingRelay({ liars, lyingRelays }: ChannelPlan, member: number): boolean {
  return member >= liars && member < liars + lyingRelays;
}

/** Members of which up to three of the four that relay lie in that: the others delegate to them, so that they are candidates. */
function relayedPlanOf(seed: number): ChannelPlan {
  const random = seededRandom(seed * 86_028_121 + 11);
  const { least, most } = RELAYED_MEMBERS;
  const members = least + random.below(most - least + 1);
  const liars = random.below(3) === 0 ? 1 : 0;
  const lyingRelays = 1 + random.below(3);
  const plan = usualPlanOf(seed, { members, liars, lyingRelays, users: 3, callsEach: 25, lateMs: [] });
  const delegations = Array.from({ length: members - liars - lyingRelays }, (_, index): Mishap => {
    const member = liars + lyingRelays + index;
    return { kind: "delegate", atMs: 3 * plan.blockMs, member, to: liars + (index % lyingRelays) };
  });
  const mishaps = [...plan.mishaps.filter(({ kind }, index) => kind !== "kill" || index % 4 === 0), ...delegations];
  // There is always something that they could pass on, and time enough between to be at one record.
  const tickMs = 3_000 + random.below(2_000);
  return { ...plan, tickMs, mishaps: mishaps.sort((a, b) => a.atMs - b.atMs) };
}

/**
 * Two to four members, of which some are away so long that the others are no quorum: the chain is asked who is there, or members say
 * so there all the time.
 */
function absentPlanOf(seed: number): ChannelPlan {
  const random = seededRandom(seed * 67_867_979 + 17);
  // All others are away, and have gone on without it before: it must not take itself for the channel.
  const isLone = random.below(3) === 0;
  const members = isLone ? 4 : 2 + random.below(3);
  const answerSeconds = 5 + random.below(15);
  const aliveSeconds = random.below(4) === 0 ? 15 : 0;
  const rest = { liars: 0, lateMs: [], users: 3, callsEach: 30 };
  const plan = usualPlanOf(seed, { members, answerSeconds, aliveSeconds, ...rest });
  const away = Array.from({ length: 1 + random.below(members) }, (_, index): Mishap => {
    const atMs = 4 * plan.blockMs + 5_000 + random.below(30_000);
    const member = index === 0 ? 0 : random.below(members);
    return { kind: "kill", atMs, member, downMs: 20_000 + random.below(60_000), steps: 0 };
  });
  const healMs = 60_000 + random.below(40_000);
  if (isLone) {
    const lone = random.below(members);
    const atMs = 4 * plan.blockMs + 3_000 + random.below(3_000);
    const rest = Array.from({ length: members }, (_, member) => member).filter((member) => member !== lone);
    const mishaps: Mishap[] = [
      { kind: "part", atMs, side: [lone], forMs: 10_000 },
      ...rest.map((member): Mishap => {
        return { kind: "kill", atMs: atMs + 2_000 + random.below(3_000), member, downMs: 2 * healMs, steps: 0 };
      }),
    ];
    return { ...plan, mishaps: mishaps.sort((a, b) => a.atMs - b.atMs), healMs: healMs + 4 * MS * answerSeconds };
  }
  const others = plan.mishaps.filter(({ kind }) => kind !== "leave" && kind !== "oust");
  return { ...plan, mishaps: [...others, ...away].sort((a, b) => a.atMs - b.atMs), healMs };
}

/**
 * One of 4 to 7 members dies while it leads and does not come back before a minute is over; nothing else goes wrong. Or one of two or
 * three, which must have the chain say that it is absent.
 */
export function failOverPlanOf(seed: number, few?: 2 | 3): ChannelPlan {
  const random = seededRandom(seed * 15_485_863 + 3);
  const members = few ?? 4 + random.below(4);
  const answerSeconds = few === undefined ? 0 : FAIL_OVER_ANSWER_SECONDS;
  const rest = { lateMs: [], liars: 0, users: 3, callsEach: 60, reorged: 0, unanswered: 0 };
  const plan = usualPlanOf(seed, { members, answerSeconds, ...rest });
  const network = { delayMs: 1 + random.below(40), slow: 0, broken: 0, lost: 0, doubled: 0, overtaken: 0 };
  // Members have joined and heard of each other by then, and users still have calls.
  const atMs = 4 * plan.blockMs + 8_000 + random.below(4_000);
  const healMs = atMs + 30_000 + 4 * MS * answerSeconds;
  return { ...plan, network, mishaps: [{ kind: "fall", atMs, downMs: healMs }], healMs };
}

/** The leader of two or three members keeps all records from one for minutes, and has it accused of acking nothing; one may die. */
export function withheldPlanOf(seed: number): ChannelPlan {
  const random = seededRandom(seed * 49_979_687 + 19);
  const members = 2 + (seed % 2);
  const rest = { liars: 0, lateMs: [], users: 2, callsEach: 25, settleEveryMs: 0, withheldFromMs: 10_000 };
  const answerSeconds = 15 + random.below(15);
  const plan = usualPlanOf(seed, { members, answerSeconds, tickMs: 3_000 + random.below(3_000), ...rest });
  const network = { ...plan.network, broken: 0 };
  const atMs = 120_000 + random.below(100_000);
  const kill: Mishap = { kind: "kill", atMs, member: random.below(members), downMs: 1_000, steps: random.below(20) };
  return { ...plan, network, mishaps: random.below(2) === 0 ? [kill] : [], healMs: WITHHELD_MS };
}

/** Up to seven members. */
function usualPlanOf(seed: number, changes: Partial<ChannelPlan> = {}): ChannelPlan {
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
    lyingRelays: 0,
    withheldFromMs: 0,
    users: 2 + random.below(3),
    callsEach: 10 + random.below(25),
    tickMs: chance(30) ? 700 + random.below(3_000) : 0,
    mode: random.below(SETTLEMENT_MODES),
    answerSeconds: 0,
    aliveSeconds: 0,
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
