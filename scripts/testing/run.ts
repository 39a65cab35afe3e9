// The process that runs the tests, started by scripts/test.ts, which judges how it ends.
import { parseArgs } from "node:util";

import hre from "hardhat";

import { createCountingReporter } from "./counting-reporter.ts";
import type { TestCounts } from "./protocol.ts";
import { selectFiles, solidityTests, type Selection, type TestFiles } from "./select-files.ts";

type Counts = Omit<TestCounts, "isFinal">;

interface SolidityResults {
  readonly suiteResults: readonly { readonly testResults: readonly { readonly status: string }[] }[];
}

/** What `npm run test:long` plays of the contracts' fuzz tests and invariants. */
const LONG_GAME = { fuzzRuns: 4_096, runs: 256, depth: 128 };
/** And of the executions' simulation, `test/helpers/simulation/settings.ts`. */
const LONG_SIMULATION = { files: ["test/simulation/executions.test.ts"], seeds: "200" };
const LONG_CHANNEL_SIMULATION = { files: ["test/simulation-channel/channels.test.ts"], seeds: "2000" };
/** And of the calls that a channel's sandbox and another EVM come to the same for, `test/helpers/channel-settings.ts`. */
const LONG_CHANNEL = { files: ["test/src/channel/sandbox/differential.test.ts"], calls: "24000" };
/** And of those that three nodes of a channel play without growing. */
const LONG_MEMORY = { files: ["test/e2e/channel-memory.test.ts"], calls: "1000000" };

/** And of the model of channels: the searches that take minutes, `test/model/channel/searches.ts`. */
const LONG_MODEL = { files: ["test/model/channel/search.test.ts"], searches: "full" };

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    e2e: { type: "boolean", default: false },
    "real-parts": { type: "boolean", default: false },
    long: { type: "boolean", default: false },
    build: { type: "string", default: "first" },
    grep: { type: "string" },
    bail: { type: "boolean" },
  },
});

let rejections = 0;
const seen = new WeakSet<Promise<unknown>>();
// Hardhat listens to this event, which keeps Node from ending the process; and mocha repeats it for each rejection.
process.on("unhandledRejection", (reason, promise) => {
  if (seen.has(promise)) return;
  seen.add(promise);
  rejections++;
  console.error("A promise was rejected and nobody handled it:", reason);
});

const files = filesToRun();
if (options.build !== "never") await hre.tasks.getTask("build").run({ quiet: true });
const solidity = await runSolidity();
const mocha = await runMocha();
// A rejection of the last test is reported only after its microtasks.
await new Promise((resolve) => setImmediate(resolve));

await report(mocha, { isFinal: true });
process.exit();

function filesToRun(): TestFiles {
  if (options.build === "only") return { mocha: [], solidity: [] };
  return options.long ? longGame() : selectFiles(positionals, selection());
}

function selection(): Selection {
  if (options["real-parts"]) return "real-parts";
  return options.e2e ? "end-to-end" : "node-only";
}

/**
 * The Solidity tests with more runs, Hardhat knows no other profile than the default one, the simulations with more seeds, more calls of
 * channels, and their model to its bounds.
 */
function longGame(): TestFiles {
  const profile = hre.config.test.solidity.profiles["default"];
  if (profile === undefined) throw new Error("Hardhat has no profile for Solidity tests");
  profile.fuzz = { ...profile.fuzz, runs: LONG_GAME.fuzzRuns };
  profile.invariant = { ...profile.invariant, runs: LONG_GAME.runs, depth: LONG_GAME.depth };
  process.env["SPRF_SIMULATION_SEEDS"] ??= LONG_SIMULATION.seeds;
  process.env["SPRF_CHANNEL_SIMULATION_SEEDS"] ??= LONG_CHANNEL_SIMULATION.seeds;
  process.env["SPRF_CHANNEL_CALLS"] ??= LONG_CHANNEL.calls;
  process.env["SPRF_CHANNEL_MODEL"] ??= LONG_MODEL.searches;
  process.env["SPRF_CHANNEL_MEMORY_CALLS"] ??= LONG_MEMORY.calls;
  if (positionals.length > 0) return selectFiles(positionals, selection());
  const long = [LONG_SIMULATION, LONG_CHANNEL_SIMULATION, LONG_CHANNEL, LONG_MEMORY, LONG_MODEL];
  const files = long.flatMap((each) => each.files);
  return { mocha: files, solidity: solidityTests() };
}

async function runSolidity(): Promise<Pick<Counts, "passed" | "failed">> {
  if (files.solidity.length === 0) return { passed: 0, failed: 0 };
  const outcome: unknown = await hre.tasks.getTask(["test", "solidity"]).run({
    testFiles: files.solidity,
    noCompile: true,
    ...(options.grep === undefined ? {} : { grep: options.grep }),
  });
  const { passed, failed, skipped } = summaryOf(outcome);
  // A skipped test proves nothing; an error outside of any test is one too.
  return { passed, failed: Math.max(failed + skipped, isSuccess(outcome) ? 0 : 1) };
}

async function runMocha(): Promise<Counts> {
  let counts: Counts = { passed: 0, failed: 0, failures: [], seconds: {} };
  if (files.mocha.length === 0) return counts;
  hre.config.test.mocha.reporter = createCountingReporter((told) => {
    counts = { ...told, failed: told.failures.length };
    void report(counts, { isFinal: false });
  });
  const outcome: unknown = await hre.tasks.getTask(["test", "mocha"]).run({
    testFiles: files.mocha,
    noCompile: true,
    bail: options.bail ?? false,
    ...(options.grep === undefined ? {} : { grep: options.grep }),
  });
  return { ...counts, failed: Math.max(counts.failed, isSuccess(outcome) ? 0 : 1) };
}

function isSuccess(outcome: unknown): boolean {
  return typeof outcome === "object" && outcome !== null && "success" in outcome && outcome.success === true;
}

/** Counted from the results themselves: Hardhat fills its own summary only in the task that runs all kinds of tests. */
function summaryOf(outcome: unknown): Pick<Counts, "passed" | "failed"> & { readonly skipped: number } {
  const { value, error } = outcome as { value?: SolidityResults; error?: SolidityResults };
  const suites = (value ?? error)?.suiteResults;
  if (suites === undefined) throw new Error("Hardhat's Solidity test task gave no results");
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const { status } of suites.flatMap(({ testResults }) => testResults)) {
    if (status === "Success") counts.passed++;
    else if (status === "Skipped") counts.skipped++;
    else counts.failed++;
  }
  return counts;
}

/** Tells the process that watches this one how the tests stand: the Solidity ones are over when Mocha's begin. */
async function report({ passed, failed, ...rest }: Counts, { isFinal }: Pick<TestCounts, "isFinal">): Promise<void> {
  const message: TestCounts = {
    passed: solidity.passed + passed,
    failed: solidity.failed + failed + rejections,
    ...rest,
    isFinal,
  };
  await new Promise<void>((resolve, reject) => {
    if (process.send === undefined) resolve();
    else process.send(message, (error: Error | null) => (error === null ? resolve() : reject(error)));
  });
}
