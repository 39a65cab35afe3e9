import { majorityOf } from "../../../src/domain/program/smart-account.ts";
import { seededRandom, type SeededRandom } from "../seeded-random.ts";
import type { FaultRates } from "./faults.ts";
import { REJECTED_INPUT } from "./journal-engine.ts";

/** What a seed deals: who takes part, what they want, and what goes wrong. */
export interface SimulationPlan {
  readonly workers: number;
  /** Workers, from the first, that sign what their forging engine gives; all forge alike. */
  readonly liars: number;
  readonly programs: number;
  /** Fees that bring a program enough for a payout, or next to nothing. */
  readonly baseFeeStroops: bigint;
  /** What each user wants. */
  readonly users: readonly { readonly kills: number; readonly tasks: readonly PlannedTask[] }[];
  /** How often each worker's process is killed. */
  readonly workerKills: readonly number[];
  /** Workers that come back without their store, once. */
  readonly lostStores: number;
  /** Workers, up to the last one, that never come back once they are killed. */
  readonly dead: number;
  readonly rates: FaultRates;
  /** When the ledger's service is down, in ms since the start. */
  readonly outages: readonly { readonly fromMs: number; readonly toMs: number }[];
  /** Whose service of the ledger is behind the others', by the names of processes. */
  readonly lags: readonly PlannedLag[];
  /** What the programs' owners change. */
  readonly changes: readonly PlannedChange[];
  /** When messages stop being lost. */
  readonly healMs: number;
}

interface PlannedTask {
  /** By number. */
  readonly program: number;
  readonly input: string;
  readonly form: "direct" | "prepaid";
  readonly maxGas: bigint;
}

/** For a while a process sees the ledger as it was so many ledgers ago. */
export interface PlannedLag {
  readonly who: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly ledgers: number;
}

/** An owner puts the spare worker in the place of the one with this index, or changes prices. */
export interface PlannedChange {
  readonly program: number;
  readonly atMs: number;
  readonly change:
    | { readonly kind: "worker"; readonly index: number }
    | { readonly kind: "price"; readonly baseFeeStroops: bigint; readonly gasPriceStroops: bigint };
}

const WORKER_COUNTS = [3, 3, 3, 3, 4, 5, 5, 6, 7];
/** Neighbouring seeds begin alike; this takes them apart. */
const SPREAD = 0x9e3779b1;
const USERS = 5;
/** How many tasks a user may have. */
const TASKS = [1, 1, 2];
const MOST_PROGRAMS = 2;
const MOST_KILLS = 2;
const MOST_OUTAGES = 2;
const OUTAGE_MS = 15_000;
const FAULTY_MS = 75_000;
/** Which forms of executions a seed plays; of a mixed one each task draws its own. */
const FORMS = ["direct", "prepaid", "mixed", "mixed"] as const;
const PRICES = [
  { baseFeeStroops: 1_000n, maxGas: 50_000n },
  // Enough for a payout; and what is owed to one user is more than what stays after it.
  { baseFeeStroops: 30_000_000n, maxGas: 50_000_000n },
];
export const GAS_PRICE_STROOPS = 1_000n;
const OTHER_GAS_PRICES = [0n, 1n, 333n, 2_000n, 5_000n];
/** How many times as much the base fee becomes. */
const BASE_FEE_TIMES = [1n, 1n, 3n];
/** Less than any run takes; a direct one's user pays nothing for finding out. */
const TOO_LITTLE_GAS = 100n;
const MOST_LAGS = 3;
const LAG_LEDGERS = 8;
const LAG_MS = 40_000;

/** What a test decides in place of the seed. */
type PlanChanges = Partial<Pick<SimulationPlan, "workers" | "liars" | "dead">> & {
  readonly form?: (typeof FORMS)[number];
};

/** Draws a plan; those that lie, die or lose their store are a minority, so that the others are enough. */
export function planOf(seed: number, changes: PlanChanges = {}): SimulationPlan {
  const random = seededRandom(seed * SPREAD);
  const workers = changes.workers ?? random.pick(WORKER_COUNTS);
  const minority = workers - majorityOf(workers);
  const liars = changes.liars ?? random.below(minority + 1);
  const programs = 1 + random.below(MOST_PROGRAMS);
  const lost = random.pick([0, 2, 5, 10]);
  const { baseFeeStroops, maxGas } = random.pick(PRICES);
  const form = changes.form ?? random.pick(FORMS);
  const lostStores = random.below(Math.max(minority - liars, 0) + 1);
  const dead = changes.dead ?? random.below(Math.max(minority - liars - lostStores, 0) + 1);
  const within = (mostMs: number): { readonly fromMs: number; readonly toMs: number } => {
    const fromMs = random.below(FAULTY_MS);
    return { fromMs, toMs: fromMs + random.below(mostMs) };
  };
  return {
    workers,
    liars,
    programs,
    baseFeeStroops,
    users: Array.from({ length: USERS }, (_, user) => ({
      kills: random.below(MOST_KILLS + 1),
      tasks: Array.from({ length: random.pick(TASKS) }, (_task, task) => ({
        program: random.below(programs),
        input: inputOf(random, `user ${user + 1} entry ${task + 1}`),
        form: form === "mixed" ? random.pick(["direct", "prepaid"] as const) : form,
        maxGas: random.pick([maxGas, maxGas, maxGas, maxGas, maxGas, TOO_LITTLE_GAS]),
      })),
    })),
    workerKills: Array.from({ length: workers }, () => random.below(MOST_KILLS + 1)),
    lostStores: Math.min(lostStores, Math.max(minority - liars - dead, 0)),
    dead,
    rates: { lost, doubled: random.pick([0, 5, 20]), delayMs: random.pick([20, 200, 800]), slow: random.pick([0, 5]) },
    outages: Array.from({ length: random.below(MOST_OUTAGES + 1) }, () => within(OUTAGE_MS)),
    lags: Array.from({ length: random.below(MOST_LAGS + 1) }, () => ({
      who: random.below(2) === 0 ? userName(random.below(USERS)) : workerName(1 + random.below(workers)),
      ledgers: 1 + random.below(LAG_LEDGERS),
      ...within(LAG_MS),
    })),
    changes: Array.from({ length: programs }, (_, program) => ({ program, atMs: random.below(FAULTY_MS) })).flatMap(
      (place) =>
        random.pick<readonly PlannedChange[]>([
          [],
          [{ ...place, change: { kind: "worker", index: random.below(workers) } }],
          [
            {
              ...place,
              change: {
                kind: "price",
                baseFeeStroops: baseFeeStroops * random.pick(BASE_FEE_TIMES),
                gasPriceStroops: random.pick(OTHER_GAS_PRICES),
              },
            },
          ],
        ]),
    ),
    healMs: FAULTY_MS,
  };
}

export const workerName = (n: number): string => `worker ${n}`;
export const userName = (index: number): string => `user ${index + 1}`;

/** Most are entries; some only read, some are refused by the program. */
function inputOf(random: SeededRandom, entry: string): string {
  return random.pick([entry, entry, entry, entry, entry, entry, "", REJECTED_INPUT]);
}
