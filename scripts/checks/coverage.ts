// The tests of the contracts run at least 98 % of their lines, all contracts together. Runs in a copy, because a build for coverage
// is not one that anything else may use; leaves its report in coverage/. The invariants' random play is left out: it is slow, and a
// line that only chance reaches has no test. What was measured is kept with a digest of the contracts and their tests, and measured
// again where that is another one, or with `--again`; `--write` keeps it.
import { createHash } from "node:crypto";
import { cpSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { copyProject, hardhatIn, removeCopy } from "../hardhat/project-copy.ts";
import { readLcov } from "./lcov.ts";

const LEAST = 0.98;
const TESTS = ["test/contracts/**/*.test.ts", "test/contracts/**/*.t.sol"];
const SLOW = "test/contracts/invariant";
const NOT_COUNTED = "contracts/mocks/";
/** What decides on the result. */
const MEASURED = [
  "contracts/**/*.sol",
  "test/contracts/**/*.{ts,sol}",
  "hardhat.config.ts",
  "scripts/checks/coverage.ts",
];
const TOOLS = ["hardhat", "solc"];

/** Kept in coverage.json. */
interface Coverage {
  readonly digest: string;
  readonly lines: number;
  readonly covered: number;
}

const { values: options } = parseArgs({
  options: { again: { type: "boolean", default: false }, write: { type: "boolean", default: false } },
});
const root = fileURLToPath(new URL("../..", import.meta.url));
const kept = new URL("coverage.json", import.meta.url);
const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => stop.abort());
try {
  const digest = digestOf();
  const before = JSON.parse(readFileSync(kept, "utf8")) as Coverage;
  const isKept = before.digest === digest && !options.again;
  const coverage = isKept ? before : await measure(digest);
  if (options.write) writeFileSync(kept, `${JSON.stringify(coverage, undefined, 2)}\n`);
  const { lines, covered } = coverage;
  const percent = lines === 0 ? "0" : ((100 * covered) / lines).toFixed(2);
  const when = isKept ? ", as measured before: no contract and no test of one has changed" : "";
  console.log(`coverage: ${covered} of ${lines} lines, ${percent} %; wanted ${100 * LEAST} %${when}`);
  process.exitCode = lines > 0 && covered >= lines * LEAST ? 0 : 1;
} catch (error) {
  console.error(`coverage: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}

function digestOf(): string {
  const hash = createHash("sha256");
  const require = createRequire(import.meta.url);
  for (const tool of TOOLS)
    hash.update(`${tool} ${(require(`${tool}/package.json`) as { version: string }).version}\n`);
  for (const path of globSync(MEASURED, { cwd: root }).sort()) {
    hash
      .update(`${path}\n`)
      .update(readFileSync(join(root, path)))
      .update("\n");
  }
  return hash.digest("hex");
}

async function measure(digest: string): Promise<Coverage> {
  const copy = copyProject(root);
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
    return { digest, lines, covered: lines - uncovered };
  } finally {
    removeCopy(copy);
  }
}
