// `npm run bench:all`: docs/benchmarks.md of what is in bench/results; with `--run`, all of it is measured anew before.
import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";

import { writePage } from "./docs/pages.ts";

const PAGE = "docs/benchmarks.md";
const { values } = parseArgs({ options: { run: { type: "boolean", default: false } } });
if (values.run) {
  const { status } = spawnSync(process.execPath, ["bench/all.ts"], { stdio: "inherit" });
  // What could be measured is in the report all the same.
  if (status !== 0) process.exitCode = 1;
}
await writePage(PAGE);
console.log(`${PAGE} is what bench/results has`);
