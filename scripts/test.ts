// Runs the tests in processes of their own and ends with the line `N passed, N failed`. Whatever happens to those processes, the
// line never says `0 failed` unless every test ran and passed.
import { runTests, stopTests, type Outcome } from "./testing/run-tests.ts";
import { processesAtOnce, splitIntoBatches } from "./testing/batches.ts";
import { selectFiles } from "./testing/select-files.ts";

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => stopTests(signal));

const given = process.argv.slice(2);
report(given.length > 0 ? [await runTests(given, { isShown: true })] : await runEverything());

/** What needs only Node, in batches side by side; the output of each is shown as a whole when it ends. */
async function runEverything(): Promise<readonly Outcome[]> {
  const atOnce = processesAtOnce();
  const [first, ...rest] = splitIntoBatches(selectFiles([], "node-only"), atOnce);
  if (first === undefined) return [];
  // Alone: it builds what the others then find built.
  const outcomes = [await runTests(first, { isShown: true })];
  const turns = Array.from({ length: atOnce }, async () => {
    for (let batch = rest.shift(); batch !== undefined; batch = rest.shift()) {
      outcomes.push(await runTests(batch, { isShown: false }));
    }
  });
  await Promise.all(turns);
  return outcomes;
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
