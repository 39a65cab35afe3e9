// The tests of the contracts run at least 98 % of their lines, all contracts together. Runs in a copy, because a build for coverage
// is not one that anything else may use; leaves its report in coverage/. The invariants' random play is left out: it is slow, and a
// line that only chance reaches has no test.
import { cpSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { copyProject, hardhatIn, removeCopy } from "../hardhat/project-copy.ts";
import { readLcov } from "./lcov.ts";

const LEAST = 0.98;
const TESTS = ["test/contracts/**/*.test.ts", "test/contracts/**/*.t.sol"];
const SLOW = "test/contracts/invariant";
const NOT_COUNTED = "contracts/mocks/";

const root = fileURLToPath(new URL("../..", import.meta.url));
const copy = copyProject(root);
const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => stop.abort());
try {
  const tests = globSync(TESTS, { cwd: copy }).filter((path) => !path.startsWith(SLOW));
  await hardhatIn(copy, ["--coverage", "--no-typechain", "test", ...tests.sort()], stop.signal);
  cpSync(join(copy, "coverage"), join(root, "coverage"), { recursive: true });
  const files = readLcov(readFileSync(join(copy, "coverage/lcov.info"), "utf8")).filter(
    ({ path }) => path.startsWith("contracts/") && !path.startsWith(NOT_COUNTED),
  );
  const lines = files.reduce((sum, file) => sum + file.lines, 0);
  const uncovered = files.reduce((sum, file) => sum + file.uncovered.length, 0);
  for (const file of files.filter((one) => one.uncovered.length > 0)) {
    console.log(`coverage: ${file.path}: no test runs line ${file.uncovered.join(", ")}`);
  }
  const isEnough = lines > 0 && uncovered <= lines * (1 - LEAST);
  const percent = lines === 0 ? "0" : ((100 * (lines - uncovered)) / lines).toFixed(2);
  console.log(`coverage: ${lines - uncovered} of ${lines} lines, ${percent} %; wanted ${100 * LEAST} %`);
  process.exitCode = isEnough ? 0 : 1;
} catch (error) {
  console.error(`coverage: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  removeCopy(copy);
}
