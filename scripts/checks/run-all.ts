// `npm run check`: every gate in turn, a line each. `--no-tests` leaves the tests out, `--only <name>` runs one gate.
import { spawn } from "node:child_process";
import { parseArgs } from "node:util";

interface Gate {
  readonly name: string;
  readonly command: string;
}

/** Gates of one stage may run at the same time: none of them writes what another reads. */
const STAGES: readonly (readonly Gate[])[] = [
  [
    { name: "build", command: "hardhat build" },
    { name: "lock", command: "node scripts/complete-lock.mjs --check" },
    { name: "secrets", command: "node scripts/checks/no-secrets.ts" },
    { name: "docs-commands", command: "node scripts/checks/docs-commands.ts" },
    { name: "docs-settings", command: "node scripts/checks/docs-settings.ts" },
    { name: "docs-reference", command: "node scripts/checks/docs-reference.ts" },
    { name: "architecture", command: "node scripts/checks/architecture.ts" },
    { name: "format", command: "npm run --silent format:check" },
  ],
  [{ name: "typechain", command: "node scripts/checks/typechain-fresh.ts" }],
  [
    { name: "lint", command: "npm run --silent lint" },
    { name: "typecheck", command: "npm run --silent typecheck" },
    { name: "solhint", command: "npm run --silent lint:sol" },
    { name: "knip", command: "npm run --silent knip" },
    { name: "api-docs", command: "npm run --silent docs" },
    { name: "programs", command: "node scripts/checks/programs-fresh.ts" },
  ],
  [
    { name: "gas", command: "node scripts/checks/gas.ts" },
    { name: "coverage", command: "node scripts/checks/coverage.ts" },
  ],
  // By itself: it takes all processors.
  [{ name: "channels", command: "node scripts/simulate-channels.ts --seeds 200" }],
];
const TESTS: Gate = { name: "test", command: "node scripts/test.ts" };
const AT_ONCE = 2;

const { values: options } = parseArgs({
  options: { "no-tests": { type: "boolean", default: false }, only: { type: "string", multiple: true } },
});
const failed: string[] = [];
for (const stage of STAGES) {
  const waiting = stage.filter(isWanted);
  await Promise.all(Array.from({ length: AT_ONCE }, () => drain(waiting)));
}
if (isWanted(TESTS) && !options["no-tests"]) await runGate(TESTS, true);

console.log(failed.length === 0 ? "check: everything passed" : `check: failed: ${failed.join(", ")}`);
process.exitCode = failed.length === 0 ? 0 : 1;

function isWanted({ name }: Gate): boolean {
  return options.only === undefined || options.only.includes(name);
}

async function drain(waiting: Gate[]): Promise<void> {
  for (let gate = waiting.shift(); gate !== undefined; gate = waiting.shift()) await runGate(gate, false);
}

async function runGate({ name, command }: Gate, isStreamed: boolean): Promise<void> {
  const started = performance.now();
  const { code, output } = await run(command, isStreamed);
  if (code !== 0) {
    failed.push(name);
    process.stdout.write(output);
  }
  const seconds = ((performance.now() - started) / 1_000).toFixed(1);
  console.log(`${code === 0 ? "ok  " : "FAIL"} ${name} (${seconds} s)${code === 0 ? "" : `: ${command}`}`);
}

async function run(command: string, isStreamed: boolean): Promise<{ code: number; output: string }> {
  return await new Promise((resolve, reject) => {
    const child = spawn(command, { shell: true, stdio: ["ignore", ...outputs(isStreamed)] });
    let output = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => (output += text));
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (output += text));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code: code ?? 1, output }));
  });
}

function outputs(isStreamed: boolean): ["inherit" | "pipe", "inherit" | "pipe"] {
  return isStreamed ? ["inherit", "inherit"] : ["pipe", "pipe"];
}
