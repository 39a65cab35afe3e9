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
  /** For each user: program (by number) and input of each task. */
  readonly users: readonly { readonly kills: number; readonly tasks: readonly PlannedTask[] }[];
  /** How often each worker's process is killed. */
  readonly workerKills: readonly number[];
  /** Workers that come back without their store, once. */
  readonly lostStores: number;
  readonly rates: FaultRates;
  /** When the ledger's service is down, in ms since the start. */
  readonly outages: readonly { readonly fromMs: number; readonly toMs: number }[];
  /** When messages stop being lost. */
  readonly healMs: number;
}

interface PlannedTask {
  readonly program: number;
  readonly input: string;
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

/** Draws a plan; the minority that lies or loses its store is at most one less than what a majority needs the rest for. */
export function planOf(seed: number, changes: Partial<Pick<SimulationPlan, "workers" | "liars">> = {}): SimulationPlan {
  const random = seededRandom(seed * SPREAD);
  const workers = changes.workers ?? random.pick(WORKER_COUNTS);
  const minority = workers - majorityOf(workers);
  const liars = changes.liars ?? random.below(minority + 1);
  const programs = 1 + random.below(MOST_PROGRAMS);
  const lost = random.pick([0, 2, 5, 10]);
  return {
    workers,
    liars,
    programs,
    users: Array.from({ length: USERS }, (_, user) => ({
      kills: random.below(MOST_KILLS + 1),
      tasks: Array.from({ length: random.pick(TASKS) }, (_task, task) => ({
        program: random.below(programs),
        input: inputOf(random, `user ${user + 1} entry ${task + 1}`),
      })),
    })),
    workerKills: Array.from({ length: workers }, () => random.below(MOST_KILLS + 1)),
    lostStores: random.below(Math.max(minority - liars, 0) + 1),
    rates: { lost, doubled: random.pick([0, 5, 20]), delayMs: random.pick([20, 200, 800]), slow: random.pick([0, 5]) },
    outages: Array.from({ length: random.below(MOST_OUTAGES + 1) }, () => {
      const fromMs = random.below(FAULTY_MS);
      return { fromMs, toMs: fromMs + random.below(OUTAGE_MS) };
    }),
    healMs: FAULTY_MS,
  };
}

/** Most are entries; some only read, some are refused by the program. */
function inputOf(random: SeededRandom, entry: string): string {
  return random.pick([entry, entry, entry, entry, entry, entry, "", REJECTED_INPUT]);
}
