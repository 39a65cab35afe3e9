// `npm run bench`: every benchmark in turn, each in a process of its own; `npm run bench -- ledger gas` runs some of them.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";

/** Files in this folder that benchmarks share. */
const NOT_BENCHMARKS = new Set([
  "all",
  "bare-docker",
  "bare-reports",
  "channel-pipeline",
  "counting-proxy",
  "gas-rows",
  "gas-rows-channels",
  "gas-rows-grid",
  "grid-network",
  "grid-overhead",
  "grid-reports",
  "processes",
  "report",
  "scale-engines",
  "scale-memory",
  "scale-runner",
]);

const known = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith(".ts"))
  .map((file) => file.slice(0, -".ts".length))
  .filter((name) => !NOT_BENCHMARKS.has(name));
const named = process.argv.slice(2);
const unknown = named.find((name) => !known.includes(name));
if (unknown === undefined) for (const name of named.length > 0 ? named : known) run(name);
else {
  console.error(`there is no benchmark ${unknown}; known: ${known.join(", ")}`);
  process.exitCode = 2;
}

/** One that fails does not keep the others from running. */
function run(name: string): void {
  console.log(`--- ${name}`);
  const { status } = spawnSync(process.execPath, [join(import.meta.dirname, `${name}.ts`)], { stdio: "inherit" });
  if (status !== 0) process.exitCode = 1;
}
