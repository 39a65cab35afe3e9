// docs/commands.md is what the commands themselves say, docs/benchmarks.md what bench/results says; `--write` makes both anew.
import { stalePages, writePages } from "../docs/pages.ts";

if (process.argv.includes("--write")) await writePages();
for (const path of await stalePages()) {
  console.error(`${path} is stale; run: node scripts/checks/docs-reference.ts --write`);
  process.exitCode = 1;
}
