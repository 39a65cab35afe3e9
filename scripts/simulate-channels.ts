// Plays seeds of the channels' simulation in as many processes as there are processors, or as are said:
// `node scripts/simulate-channels.ts [--seeds 200] [--first 1] [--minutes 5] [--processes 1] [--write]`; none is begun after so many minutes.
// `--fault NAME` has all nodes do what they must not (test/helpers/channel-simulation/faults.ts), and ends when a seed has found it.
// `--keep FILE` appends a line of JSON for each seed; `--write` puts what came of them, and of all that FILE has, into
// bench/results/simulation-channels.json. So many seeds can be played in pieces, the last one with both.
// `--fail-overs` plays members of which the leader dies, and nothing else goes wrong, in the place of everything that may; with `--few 2`
// or `--few 3` channels of so many, in which the chain has to say that it is absent.
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { appendFile, readFile, writeFile } from "node:fs/promises";
import { availableParallelism, cpus, release, totalmem } from "node:os";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";

import { FAIL_OVER_ANSWER_SECONDS, failOverPlanOf, planOf } from "../test/helpers/channel-simulation/plan.ts";
import { replayOf } from "../test/helpers/channel-simulation/settings.ts";
import { simulateChannel, type ChannelOutcome } from "../test/helpers/channel-simulation/simulation.ts";

const MS_PER_MINUTE = 60_000;
const PROGRESS_SEEDS = 20;
/** Members from which a channel is a large one. */
const LARGE = 12;
/** Three intervals of heartbeats. */
const TARGET_MS = 15_000;
/** An accusation and its end. */
const TRANSACTIONS = 2;
const SLOWEST_BLOCK = 1.5;
const MS = 1_000;
const QUANTILES = [0.5, 0.9, 0.99, 1];
const FAULT_HOOK = new URL("../test/helpers/channel-simulation/seed-fault.ts", import.meta.url);
const RESULT = new URL("../bench/results/simulation-channels.json", import.meta.url);

interface Played extends Omit<ChannelOutcome, "lastEvents" | "traceHash"> {
  readonly seed: number;
  readonly members: number;
  readonly liars: number;
  readonly lyingRelays: number;
  readonly cpuMs: number;
  readonly blockMs: number;
  readonly confirmations: number;
}

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "200" },
    first: { type: "string", default: "1" },
    minutes: { type: "string", default: "15" },
    processes: { type: "string", default: `${availableParallelism()}` },
    part: { type: "string" },
    fault: { type: "string" },
    keep: { type: "string" },
    few: { type: "string" },
    "fail-overs": { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
});
const range = { first: Number(values.first), last: Number(values.first) + Number(values.seeds) - 1 };
const few = values.few === "2" ? 2 : values.few === "3" ? 3 : undefined;
if (values.part === undefined) await playAll();
else await playPart(values.part);

/** In a process of its own: every so many-th seed, a line of JSON for each. */
async function playPart(part: string): Promise<void> {
  const [offset = 0, step = 1] = part.split("/").map(Number);
  const untilMs = Date.now() + Number(values.minutes) * MS_PER_MINUTE;
  for (let seed = range.first + offset; seed <= range.last && Date.now() < untilMs; seed += step) {
    const before = process.cpuUsage();
    const plan = values["fail-overs"] ? failOverPlanOf(seed, few) : planOf(seed);
    const { lastEvents: _last, traceHash: _hash, ...outcome } = await simulateChannel(seed, plan);
    const cpuMs = Math.round(process.cpuUsage(before).user / 1_000);
    const { members, liars, lyingRelays, blockMs, confirmations } = plan;
    const of = { seed, members, liars, lyingRelays, blockMs, confirmations, cpuMs };
    console.log(JSON.stringify({ ...of, ...outcome } satisfies Played));
  }
}

async function playAll(): Promise<void> {
  const startMs = Date.now();
  const processes = Number(values.processes);
  const played: Played[] = [];
  const children: ChildProcess[] = [];
  await Promise.all(
    Array.from({ length: processes }, async (_, n) => {
      const { seeds, first, minutes, fault } = values;
      const args = ["--seeds", seeds, "--first", first, "--minutes", minutes, "--part", `${n}/${processes}`];
      if (values["fail-overs"]) args.push("--fail-overs");
      if (values.few !== undefined) args.push("--few", values.few);
      const hook = fault === undefined ? [] : ["--import", FAULT_HOOK.href, "--no-warnings"];
      const child = spawn(process.execPath, [...hook, import.meta.filename, ...args], {
        stdio: ["ignore", "pipe", "inherit"],
        env: { ...process.env, ...(fault !== undefined && { SPRF_CHANNEL_FAULT: fault }) },
      });
      children.push(child);
      const ended = once(child, "close");
      for await (const line of createInterface({ input: child.stdout })) {
        const each = JSON.parse(line) as Played;
        played.push(each);
        if (values.keep !== undefined) await appendFile(values.keep, `${line}\n`);
        if (played.length % PROGRESS_SEEDS === 0) console.log(`${played.length} seeds played`);
        if (each.breaches.length > 0)
          console.error(`seed ${each.seed}: ${each.breaches.join("; ")}\n  ${replayOf(each.seed)}`);
        if (each.breaches.length > 0 && values.fault !== undefined) for (const one of children) one.kill();
      }
      await ended;
    }),
  );
  const seconds = Math.round((Date.now() - startMs) / 1_000);
  if (values.write) {
    const kept = values.keep === undefined ? played : linesIn(await readFile(values.keep, "utf8"));
    const part = few === undefined ? { failOver: failOverOf(kept) } : { [`failOverOf${few}`]: failOverOf(kept) };
    await writeResult(values["fail-overs"] ? part : resultOf(kept));
  }
  const failed = played.filter(({ breaches }) => breaches.length > 0).length;
  console.log(`${played.length} of ${values.seeds} seeds played in ${seconds} s, ${failed} failed`);
  if (failed > 0 || played.length < Number(values.seeds)) process.exitCode = 1;
}

/** The newest of each seed. */
function linesIn(text: string): Played[] {
  const lines = text.split("\n").filter((line) => line !== "");
  return [...new Map(lines.map((line) => JSON.parse(line) as Played).map((each) => [each.seed, each])).values()];
}

/** Keeps what the other kind of run has written. */
async function writeResult(part: Record<string, unknown>): Promise<void> {
  const before = JSON.parse(await readFile(RESULT, "utf8")) as Record<string, unknown>;
  await writeFile(RESULT, `${JSON.stringify({ ...before, ...part }, undefined, 2)}\n`);
}

function resultOf(played: readonly Played[]): Record<string, unknown> {
  const git = (...args: readonly string[]): string => execFileSync("git", args, { encoding: "utf8" }).trim();
  const sum = (count: (each: Played) => number): number => played.reduce((total, each) => total + count(each), 0);
  const failures = played.filter(({ breaches }) => breaches.length > 0).map(({ seed }) => seed);
  const seeds = played.map(({ seed }) => seed);
  return {
    commit: git("rev-parse", "HEAD"),
    treeAsCommitted: git("status", "--porcelain", "--untracked-files=no", "src", "test") === "",
    machine: `${cpus().length} x ${cpus()[0]?.model.trim() ?? "?"}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform} ${release()}`,
    versions: { node: process.versions.node },
    date: new Date().toISOString(),
    cpuSeconds: Math.round(sum(({ cpuMs }) => cpuMs) / 1_000),
    seeds: { first: Math.min(...seeds), last: Math.max(...seeds), played: played.length },
    failures: failures.toSorted((a, b) => a - b),
    withLiars: played.filter(({ liars }) => liars > 0).length,
    withLyingRelays: played.filter(({ lyingRelays }) => lyingRelays > 0).length,
    large: played.filter(({ members }) => members >= LARGE).length,
    virtualSeconds: Math.round(sum(({ virtualMs }) => virtualMs) / 1_000),
    calls: sum(({ calls }) => calls),
    committed: sum(({ committed }) => committed),
    kills: sum(({ kills }) => kills),
    terms: sum(({ terms }) => terms),
    reorgs: sum(({ reorgs }) => reorgs),
    settlements: sum(({ settlements }) => settlements),
    messages: sum(({ messages }) => messages),
    judgedEvents: sum(({ judged }) => judged),
    failOverMs: quantilesOf(played.flatMap(({ failOverMs }) => failOverMs)),
    progressMs: quantilesOf(played.map(({ progressMs }) => progressMs)),
    replay: replayOf(0).replace("=0", "=<seed>"),
  };
}

/**
 * How long it took until a record of the next leader was committed, beside what is aimed at: three heartbeats' intervals, and where the
 * chain has to say who is absent, the time to answer (W) and two transactions after these.
 */
function failOverOf(played: readonly Played[]): Record<string, unknown> {
  const times = played.flatMap(({ failOverMs }) => failOverMs);
  const answerMs = few === undefined ? 0 : FAIL_OVER_ANSWER_SECONDS * MS;
  const targetOf = ({ blockMs, confirmations }: Played): number =>
    TARGET_MS + (few === undefined ? 0 : answerMs + TRANSACTIONS * slowestMs({ blockMs, confirmations }));
  return {
    members: few === undefined ? "4 to 7, of which the leader dies" : `${few}, of which the leader dies`,
    seeds: played.length,
    failures: played.filter(({ breaches }) => breaches.length > 0).map(({ seed }) => seed),
    targetMs: few === undefined ? TARGET_MS : { heartbeats: TARGET_MS, answer: answerMs, transactions: TRANSACTIONS },
    withinTarget: played.flatMap((each) => each.failOverMs.filter((ms) => ms <= targetOf(each))).length,
    ms: quantilesOf(times),
    ...(few !== undefined && { answerMs, transactionMs: quantilesOf(played.map(slowestMs)) }),
  };
}

/** Of a transaction, until a node that waits for so many confirmations has seen it: blocks take up to half as long again. */
function slowestMs({ blockMs, confirmations }: Pick<Played, "blockMs" | "confirmations">): number {
  return (1 + confirmations) * SLOWEST_BLOCK * blockMs;
}

function quantilesOf(numbers: readonly number[]): Record<string, number> {
  const sorted = numbers.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return { count: sorted.length, ...Object.fromEntries(QUANTILES.map((share) => [`p${share * 100}`, at(share)])) };
}
