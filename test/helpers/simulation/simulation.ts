import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { ExecutionResult } from "../../../src/client/execute.ts";
import { resume } from "../../../src/client/resume.ts";
import { SprfError } from "../../../src/errors.ts";
import { examineProgram, examineTask } from "./examine.ts";
import { startFleet, type Fleet } from "./fleet.ts";
import { createJournalEngine } from "./journal-engine.ts";
import type { SimulationPlan } from "./plan.ts";
import { setUp, type Setting } from "./set-up.ts";
import { simulateUser, type MadeRequest } from "./user.ts";
import { createWorld, type World } from "./world.ts";

/** More than anything takes that is still on its way. */
const DRAIN_MS = 20_000;
const LAST_EVENTS = 60;

/** What came of a simulation. */
export interface SimulationOutcome {
  /** Breaches of the invariants, in words; empty when all is well. */
  readonly breaches: readonly string[];
  /** Equal in all runs of one seed. */
  readonly traceHash: string;
  readonly lastEvents: readonly string[];
  readonly events: number;
  readonly landed: number;
  readonly answers: number;
  readonly kills: number;
  /** What users were told, by code; `ok` for results. */
  readonly told: Readonly<Record<string, number>>;
}

/**
 * Plays a plan: real services, the development ledger and their users in this process, on a clock that jumps, over a network and
 * among crashes that `seed` decides; then looks whether the invariants of `programs.md` held.
 */
export async function simulate(seed: number, plan: SimulationPlan): Promise<SimulationOutcome> {
  const scratchDirectory = await mkdtemp(join(tmpdir(), "sprf-simulation-"));
  const world = createWorld(seed, plan, scratchDirectory);
  const { watch, trace, clock, ledger } = world;
  let counts = { kills: 0, told: {} };
  try {
    counts = await clock.run(play(world));
  } catch (error) {
    watch.breach(`the simulation ended early: ${error instanceof Error ? error.stack : String(error)}`);
  } finally {
    await ledger.stop();
    await rm(scratchDirectory, { recursive: true, force: true });
  }
  return {
    ...counts,
    breaches: watch.breaches,
    traceHash: trace.hash(),
    lastEvents: trace.last(LAST_EVENTS),
    events: trace.length,
    landed: watch.landed.length,
    answers: watch.signedAnswers,
  };
}

async function play(world: World): Promise<Pick<SimulationOutcome, "kills" | "told">> {
  const { plan, clock, trace, faults, watch, ledger } = world;
  await ledger.start();
  const fleet = await startFleet(world);
  const content = await world.content();
  const setting = await setUp(world, fleet, content);
  const { programs, users } = setting;
  watch.begin({ programs, workers: fleet.workers });

  const healed = clock.sleep(plan.healMs).then(() => {
    trace.event("network", "healed");
    faults.heal();
  });
  await Promise.all(users.map(simulateUser));
  await healed;
  await fleet.restartAll();
  await watch.settled();
  await examine(world, setting, { ...world, ledger: ledger.port, content, engine: createJournalEngine() });
  const { kills } = fleet;
  await drain(world, fleet);
  return { kills, told: countTold(setting) };
}

async function examine(
  { watch }: World,
  { programs, users }: Setting,
  components: Parameters<typeof examineProgram>[0],
): Promise<void> {
  const requests = new Set<string>();
  for (const program of programs) {
    for (const request of await examineProgram(components, program)) requests.add(request);
  }
  for (const { tasks, components: parts, wallet } of users) {
    for (const task of tasks) {
      const again = async (made: MadeRequest): Promise<ExecutionResult> => await resume(parts, { ...made, wallet });
      await examineTask({ watch, requests }, task, again);
    }
  }
  for (const request of requests) watch.breach(`P5: ${request} landed, and no user knows of it`);
}

/** Lets end what still runs, which has files open. */
async function drain({ clock }: World, fleet: Fleet): Promise<void> {
  fleet.stop();
  await clock.sleep(DRAIN_MS);
}

function countTold({ users }: Setting): Record<string, number> {
  const told: Record<string, number> = {};
  for (const { outcome } of users.flatMap(({ tasks }) => tasks)) {
    const code = outcome instanceof SprfError ? outcome.code : "ok";
    told[code] = (told[code] ?? 0) + 1;
  }
  return told;
}
