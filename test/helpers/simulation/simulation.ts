import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { ExecutionResult } from "../../../src/client/execute.ts";
import { resume } from "../../../src/client/resume.ts";
import { topUp } from "../../../src/client/top-up.ts";
import type { Wallet } from "../../../src/client/wallet.ts";
import { SprfError } from "../../../src/errors.ts";
import { owedStroops } from "../../../src/domain/program/credits.ts";
import { loadSmartAccount } from "../../../src/execution/load-smart-account.ts";
import { readChainRecord } from "../../../src/execution/read-record.ts";
import { findTip } from "../../../src/execution/tip.ts";
import { walkRecords } from "../../../src/execution/walk-records.ts";
import type { ExaminedProgram } from "./examine-money.ts";
import { examineProgram, examineTask, type LandedStatus } from "./examine.ts";
import { startFleet, type Fleet } from "./fleet.ts";
import { createJournalEngine } from "./journal-engine.ts";
import { simulateOwner } from "./owner.ts";
import type { SimulationPlan } from "./plan.ts";
import { setUp, type Setting } from "./set-up.ts";
import { simulateUser, type MadeRequest } from "./user.ts";
import { createWorld, type World } from "./world.ts";

/** More than anything takes that is still on its way. */
const DRAIN_MS = 20_000;
/** Each worker has its turn in it, and more. */
const REFUND_MS = 300_000;
const LOOK_MS = 1_000;
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
  /** Transactions of programs, by the kind of their records. */
  readonly records: Readonly<Record<string, number>>;
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
  let counts: Counts = { kills: 0, told: {}, records: {} };
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

type Counts = Pick<SimulationOutcome, "kills" | "told" | "records">;

async function play(world: World): Promise<Counts> {
  const { plan, clock, trace, faults, watch, ledger } = world;
  await ledger.start();
  const fleet = await startFleet(world);
  const content = await world.content();
  const setting = await setUp(world, fleet, content);
  const { owners, users } = setting;
  watch.begin({ programs: setting.programs, workers: fleet.workers });
  const programs = await Promise.all(
    setting.programs.map(async (id): Promise<ExaminedProgram> => {
      const { spendableStroops } = await loadSmartAccount(ledger.port, id);
      return { id, spendableStroops };
    }),
  );

  const healed = clock.sleep(plan.healMs).then(() => {
    trace.event("network", "healed");
    faults.heal();
  });
  await Promise.all([...users.map(simulateUser), ...owners.map(simulateOwner)]);
  await healed;
  await fleet.restartAll();
  const components = { ...world, ledger: ledger.port, content, engine: createJournalEngine() };
  for (const owner of owners) await untilPaidBack(components, { id: owner.program, owner: owner.wallet });
  await watch.settled();
  await examine(world, { programs, users }, components);
  const { kills } = fleet;
  const records: Record<string, number> = {};
  for (const { id } of programs) await countRecords(components, id, records);
  await drain(world, fleet);
  return { kills, records, told: countTold(setting) };
}

/**
 * What users are owed is paid back once nothing is waiting; the watch says so if it is not. Workers may have been paid out of a
 * payment whose request no worker had heard of yet (ADR 28): then the rest comes with what comes in next.
 */
async function untilPaidBack(
  { ledger, content, clock }: Examining,
  { id: program, owner: wallet }: { readonly id: string; readonly owner: Wallet },
): Promise<void> {
  const untilMs = clock.now() + REFUND_MS;
  while (clock.now() < untilMs) {
    const account = await loadSmartAccount(ledger, program);
    const { recordCid } = await findTip(ledger, account);
    const missing = owedStroops(await readChainRecord(content, recordCid)) - account.spendableStroops;
    if (missing + account.spendableStroops === 0n) return;
    if (missing > 0n) await topUp({ ledger, clock }, { program, wallet, stroops: missing });
    await clock.sleep(LOOK_MS);
  }
}

type Examining = Parameters<typeof examineProgram>[0];

async function examine(
  { watch }: World,
  { programs, users }: { readonly programs: readonly ExaminedProgram[]; readonly users: Setting["users"] },
  components: Examining,
): Promise<void> {
  const requests = new Map<string, LandedStatus>();
  for (const program of programs) {
    for (const [request, status] of await examineProgram(components, program)) requests.set(request, status);
  }
  for (const { tasks, components: parts, wallet } of users) {
    for (const task of tasks) {
      const again = async (made: MadeRequest): Promise<ExecutionResult> => await resume(parts, { ...made, wallet });
      await examineTask({ watch, requests }, task, again);
    }
  }
  for (const request of requests.keys()) watch.breach(`P5: ${request} landed, and no user knows of it`);
}

async function countRecords(
  { ledger, content }: Examining,
  program: string,
  counts: Record<string, number>,
): Promise<void> {
  for await (const { record } of walkRecords({ ledger, content }, await loadSmartAccount(ledger, program))) {
    counts[record.kind] = (counts[record.kind] ?? 0) + 1;
  }
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
