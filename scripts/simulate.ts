// Plays seeds of the executions' simulation in as many processes as there are processors, and writes what came of them to
// bench/results/simulation.json: `node scripts/simulate.ts [count] [minutes]`; none is begun after so many minutes.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { availableParallelism, cpus, release, totalmem } from "node:os";
import { createInterface } from "node:readline";

import { planOf } from "../test/helpers/simulation/plan.ts";
import { simulate, type SimulationOutcome } from "../test/helpers/simulation/simulation.ts";

const USUAL_COUNT = 200;
const USUAL_MINUTES = 15;
const MS_PER_MINUTE = 60_000;
const PROGRESS_SEEDS = 20;
const RESULT = new URL("../bench/results/simulation.json", import.meta.url);

type Played = { readonly seed: number } & Pick<
  SimulationOutcome,
  "breaches" | "records" | "told" | "kills" | "answers"
>;

const [count = String(USUAL_COUNT), minutes = String(USUAL_MINUTES), part] = process.argv.slice(2);
if (part === undefined) await playAll(Number(count), Number(minutes));
else await playPart(Number(count), Number(minutes), part);

/** In a process of its own: every so many-th seed, a line of JSON for each. */
async function playPart(seeds: number, forMinutes: number, which: string): Promise<void> {
  const [first = 0, step = 1] = which.split("/").map(Number);
  const untilMs = Date.now() + forMinutes * MS_PER_MINUTE;
  for (let seed = first + 1; seed <= seeds && Date.now() < untilMs; seed += step) {
    const { breaches, records, told, kills, answers } = await simulate(seed, planOf(seed));
    console.log(JSON.stringify({ seed, breaches, records, told, kills, answers } satisfies Played));
  }
}

async function playAll(seeds: number, forMinutes: number): Promise<void> {
  const startMs = Date.now();
  const git = (...args: readonly string[]): string => execFileSync("git", args, { encoding: "utf8" }).trim();
  const commit = git("rev-parse", "HEAD");
  const treeAsCommitted = git("status", "--porcelain", "src", "test") === "";
  const processes = availableParallelism();
  const played: Played[] = [];
  await Promise.all(
    Array.from({ length: processes }, async (_, n) => {
      const args = [import.meta.filename, String(seeds), String(forMinutes), `${n}/${processes}`];
      const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
      const ended = once(child, "close");
      for await (const line of createInterface({ input: child.stdout })) {
        const each = JSON.parse(line) as Played;
        played.push(each);
        if (played.length % PROGRESS_SEEDS === 0) console.log(`${played.length} seeds played`);
        if (each.breaches.length > 0) console.error(`seed ${each.seed}: ${each.breaches.join("; ")}`);
      }
      await ended;
    }),
  );
  const failures = played.filter(({ breaches }) => breaches.length > 0).map(({ seed }) => seed);
  const summary = {
    commit,
    treeAsCommitted,
    machine: `${cpus().length} x ${cpus()[0]?.model.trim() ?? "?"}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform} ${release()}`,
    versions: { node: process.versions.node },
    date: new Date(startMs).toISOString(),
    seconds: Math.round((Date.now() - startMs) / 1_000),
    seeds: { first: 1, last: seeds, played: played.length },
    failures: failures.toSorted((a, b) => a - b),
    kills: played.reduce((sum, { kills }) => sum + kills, 0),
    answers: played.reduce((sum, { answers }) => sum + answers, 0),
    landed: sumOf(played.map(({ records }) => records)),
    told: sumOf(played.map(({ told }) => told)),
    replay: "SPRF_SIMULATION_SEED=<seed> npm test -- test/simulation",
  };
  await writeFile(RESULT, `${JSON.stringify(summary, undefined, 2)}\n`);
  console.log(`${played.length} of ${seeds} seeds played in ${summary.seconds} s, ${failures.length} failed`);
  if (failures.length > 0 || played.length < seeds) process.exitCode = 1;
}

function sumOf(counts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const [name, count] of counts.flatMap((each) => Object.entries(each))) sum[name] = (sum[name] ?? 0) + count;
  return Object.fromEntries(Object.entries(sum).sort(([a], [b]) => (a < b ? -1 : 1)));
}
