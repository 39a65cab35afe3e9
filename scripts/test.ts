// Runs the tests in processes of their own and ends with the line `N passed, N failed`. Whatever happens to those processes, the
// line never says `0 failed` unless every test ran and passed.
import { runTests, stopTests, type Outcome } from "./testing/run-tests.ts";
import { processesAtOnce, splitByDocker, splitIntoBatches } from "./testing/batches.ts";
import { readSeconds, writeSeconds, type Seconds } from "./testing/seconds.ts";
import { selectFiles } from "./testing/select-files.ts";

/** Runs everything, and keeps what each file took for the batches of later runs. */
const RECORD = "--record";
/** `npm run e2e -- --real-parts`: runs what `npm test` leaves out. */
const REAL_PARTS = ["--e2e", "--real-parts"];

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => stopTests(signal));

const given = process.argv.slice(2);
const isRecorded = given[0] === RECORD;
report(await runWhatIsGiven());

async function runWhatIsGiven(): Promise<readonly Outcome[]> {
  if (given.length === 0) return await runNodeOnly();
  if (given.join() === REAL_PARTS.join()) return await runRealParts();
  if (!isRecorded) return [await runTests(given, { isShown: true })];
  const outcomes = await runNodeOnly();
  const isGood = outcomes.every(({ failed, problem }) => failed === 0 && problem === undefined);
  if (isGood) writeSeconds(Object.assign({}, ...outcomes.map(({ seconds }) => seconds)) as Seconds);
  return outcomes;
}

/** What needs only Node, in batches side by side. */
async function runNodeOnly(): Promise<readonly Outcome[]> {
  const atOnce = processesAtOnce();
  const batches = [...splitIntoBatches(selectFiles([], "node-only"), atOnce, readSeconds())];
  return await runSideBySide(Array.from({ length: atOnce }, () => [batches]));
}

/** One process at a time for what uses the Docker Engine, and one beside it; whichever is done first goes on with the rest. */
async function runRealParts(): Promise<readonly Outcome[]> {
  const { docker, free } = splitByDocker(selectFiles([], "real-parts").mocha);
  return await runSideBySide([[docker, free], [free]]);
}

/**
 * Runs as many processes at a time as there are lanes. Each takes the next batch of its queues, the first ones first; what it prints
 * is shown when it ends.
 */
async function runSideBySide(lanes: readonly (readonly (readonly string[])[][])[]): Promise<readonly Outcome[]> {
  const build = await runTests(["--build=only"], { isShown: true });
  if (build.problem !== undefined) return [build];
  const ended: Outcome[] = [];
  const turns = lanes.map(async (queues) => {
    const next = (): readonly string[] | undefined => queues.find((queue) => queue.length > 0)?.shift();
    for (let batch = next(); batch !== undefined; batch = next()) {
      // A compiler, if only to find nothing to do, takes memory that is copied with every process that a test starts.
      ended.push(await runTests(["--build=never", ...batch], { isShown: false }));
    }
  });
  await Promise.all(turns);
  return ended;
}

function report(outcomes: readonly Outcome[]): void {
  const passed = sum(outcomes.map((outcome) => outcome.passed));
  const problems = outcomes.flatMap((outcome) => outcome.problem ?? []);
  if (passed + sum(outcomes.map((outcome) => outcome.failed)) === 0) problems.push("no test was found");
  const failures = outcomes.flatMap((outcome) => outcome.failures);
  // Once more at the end: what failed may stand far above.
  if (outcomes.length > 1) for (const title of failures) console.error(`failed: ${title}`);
  for (const problem of problems) console.error(problem);
  const failed = Math.max(sum(outcomes.map((outcome) => outcome.failed)), problems.length > 0 ? 1 : 0);
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed > 0 ? 1 : 0;
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
