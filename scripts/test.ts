// Runs the tests in a process of their own and ends with the line `N passed, N failed`. Whatever happens to that process, the
// line never says `0 failed` unless every test ran and passed.
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";

import { isTestCounts, type TestCounts } from "./testing/protocol.ts";

let counts: TestCounts = { passed: 0, failed: 0, isFinal: false };
const child = fork(fileURLToPath(new URL("./testing/run.ts", import.meta.url)), process.argv.slice(2));
child.on("message", (message) => {
  if (isTestCounts(message)) counts = message;
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => child.kill(signal));

child.on("close", (code, signal) => {
  const problem = whatWentWrong(code, signal);
  if (problem !== undefined) console.error(problem);
  const failed = counts.failed + (problem !== undefined && counts.failed === 0 ? 1 : 0);
  console.log(`${counts.passed} passed, ${failed} failed`);
  process.exitCode = failed > 0 ? 1 : 0;
});

function whatWentWrong(code: number | null, signal: NodeJS.Signals | null): string | undefined {
  if (!counts.isFinal) return `the tests did not run to their end (${signal ?? `exit code ${code}`})`;
  if (counts.passed + counts.failed === 0) return "no test was found";
  return code === 0 ? undefined : `the tests ended with ${signal ?? `exit code ${code}`}`;
}
