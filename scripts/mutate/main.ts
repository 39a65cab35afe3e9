// `npm run mutate`: see options.ts for what it does and takes.
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { copyProject, hardhatIn, removeCopy } from "../hardhat/project-copy.ts";
import { readBuild } from "./built-project.ts";
import { allMutants, chooseMutants } from "./choose-mutants.ts";
import { EQUIVALENTS_FILE, readEquivalents } from "./equivalents.ts";
import { checkUnchanged, joinReports, readReport } from "./join-reports.ts";
import { HELP, type MutateOptions, parseOptions } from "./options.ts";
import { reportOf } from "./report.ts";
import { runMutants } from "./run-mutants.ts";
import { closingLine, isGoodEnough, totalsOf } from "./totals.ts";

const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url));
const NOTHING_JUDGED = 2;
const INTERRUPTED = 130;

try {
  const options = parseOptions(process.argv.slice(2), REPOSITORY);
  if (options.help) console.log(HELP);
  else process.exitCode = await mutate(options);
} catch (error) {
  console.error(`mutate: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = NOTHING_JUDGED;
}

async function mutate(options: MutateOptions): Promise<number> {
  const copies: [string, ...string[]] = [copyProject(resolve(options.root))];
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => {
      copies.forEach(removeCopy);
      // The processes that run tests end when this one does.
      process.exit(INTERRUPTED);
    });
  }
  try {
    return await mutateIn(copies, options);
  } finally {
    copies.forEach(removeCopy);
  }
}

async function mutateIn(copies: [string, ...string[]], options: MutateOptions): Promise<number> {
  const root = resolve(options.root);
  await hardhatIn(copies[0], ["build", "--no-typechain"]);
  const project = await readBuild(copies[0]);
  const mutants = allMutants(project);
  const strata = chooseMutants(mutants, options);
  if (options.list) {
    for (const { id, key, replacement } of strata.flatMap(({ order, quota }) => order.slice(0, quota))) {
      console.log(`${id}: ${key.source} -> ${replacement}`);
    }
    return 0;
  }
  const argued = await readEquivalents(root, mutants);
  for (const entry of argued.stale) console.error(`mutate: ${EQUIVALENTS_FILE}: no such mutant: ${entry}`);
  if (argued.stale.length > 0) return 1;

  const earlier = options.join === undefined ? undefined : await readReport(options.join);
  if (earlier !== undefined) checkUnchanged(earlier, root, project, mutants);

  const judged = await runMutants(project, strata, options, copies);
  const totals = totalsOf(judged, argued);
  if (options.json !== undefined) {
    const { solcLongVersion } = project;
    const report = reportOf({ root, solcLongVersion, seed: options.seed, judged, totals, argued });
    const whole = earlier === undefined ? report : joinReports(earlier, report);
    await writeFile(options.json, `${JSON.stringify(whole, undefined, 2)}\n`);
  }
  for (const { mutant, verdict } of totals.refuted) {
    console.error(`mutate: ${EQUIVALENTS_FILE}: ${mutant.id} is not equivalent: ${verdict.by ?? verdict.status}`);
  }
  console.log(closingLine(totals));
  return isGoodEnough(totals) ? 0 : 1;
}
