// `npm run mutate`: see options.ts for what it does and takes.
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { copyProject, duplicateCopy, hardhatIn, removeCopy } from "../hardhat/project-copy.ts";
import { runBaseline } from "./baseline.ts";
import { type BuiltProject, readBuild } from "./built-project.ts";
import { EQUIVALENTS_FILE, readEquivalents } from "./equivalents.ts";
import { findMutants, type Mutant } from "./find-mutants.ts";
import { type Judge, judgeAll, type Judged } from "./judge-all.ts";
import { MutantBench } from "./mutant-bench.ts";
import { HELP, type MutateOptions, parseOptions } from "./options.ts";
import { ProgressLine } from "./progress.ts";
import { reportOf } from "./report.ts";
import { ResumeFile } from "./resume.ts";
import { planSample, type Stratum } from "./sample.ts";
import { Suites } from "./suites.ts";
import { closingLine, isGoodEnough, totalsOf } from "./totals.ts";

/** What is mutated unless a contract is named: the market, and the libraries that it uses. */
const MARKET = "contracts/market/";
const DEFAULT_FOLDERS = [MARKET, "contracts/libraries/"];
const NEVER = ["contracts/interfaces/", "contracts/mocks/"];

const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url));
const NOTHING_JUDGED = 2;

const copies: string[] = [];
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.once(signal, () => {
    copies.forEach(removeCopy);
    process.exit(130);
  });
}
try {
  process.exitCode = await run(parseOptions(process.argv.slice(2), REPOSITORY));
} catch (error) {
  console.error(`mutate: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = NOTHING_JUDGED;
} finally {
  copies.forEach(removeCopy);
}

async function run(options: MutateOptions): Promise<number> {
  if (options.help) {
    console.log(HELP);
    return 0;
  }
  const root = resolve(options.root);
  const copy = copyProject(root);
  copies.push(copy);
  await hardhatIn(copy, ["build", "--no-typechain"]);
  const project = await readBuild(copy);
  const mutants = allMutants(project);
  const strata = choose(mutants, options);
  if (options.list) {
    for (const { id, key, replacement } of strata.flatMap(({ order, quota }) => order.slice(0, quota))) {
      console.log(`${id}: ${key.source} -> ${replacement}`);
    }
    return 0;
  }
  const equivalents = await readEquivalents(root, mutants);
  for (const entry of equivalents.stale) console.error(`mutate: ${EQUIVALENTS_FILE}: no such mutant: ${entry}`);
  if (equivalents.stale.length > 0) return 1;

  const progress = new ProgressLine(
    strata.reduce((sum, { quota }) => sum + quota, 0),
    process.stdout,
  );
  progress.say("running the tests on the contracts as they are");
  const suites = await Suites.load(copy, project);
  const { originals, limits } = await runBaseline(copy, project, suites);
  const resume =
    options.resume === undefined ? undefined : await ResumeFile.open(options.resume, [project.input, suites.texts()]);

  for (let job = 1; job < options.jobs; job++) copies.push(duplicateCopy(copy));
  const benches = copies.map((folder) => new MutantBench(folder, project, suites, originals, limits));
  const judges = benches.map((bench): Judge => async (mutant) => {
    const known = resume?.known.get(mutant.id);
    if (known !== undefined) return known;
    const verdict = await bench.judge(mutant);
    await resume?.add(verdict);
    return verdict;
  });
  const judged: Judged[] = [];
  try {
    await Promise.all(benches.map(async (bench) => await bench.start()));
    judged.push(...(await judgeAll(strata, judges, (one) => progress.add(one))));
  } finally {
    await Promise.all(benches.map(async (bench) => await bench.stop()));
    progress.end();
  }

  const totals = totalsOf(judged, equivalents);
  if (options.json !== undefined) {
    const report = reportOf(root, options.seed, judged, totals, equivalents);
    await writeFile(options.json, `${JSON.stringify(report, undefined, 2)}\n`);
  }
  for (const { mutant, verdict } of totals.refuted) {
    console.error(`mutate: ${EQUIVALENTS_FILE}: ${mutant.id} is not equivalent: ${verdict.by ?? verdict.status}`);
  }
  console.log(closingLine(totals));
  return isGoodEnough(totals) ? 0 : 1;
}

function allMutants({ asts, input, sourceNames }: BuiltProject): Mutant[] {
  return [...sourceNames]
    .filter(([path]) => path.startsWith("contracts/") && !NEVER.some((folder) => path.startsWith(folder)))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, name]) => findMutants(name, asts.get(name), input.sources[name]?.content ?? ""));
}

function choose(mutants: readonly Mutant[], { only, contracts, seed, max }: MutateOptions): Stratum[] {
  if (only.length > 0) {
    const chosen = only.map((id) => {
      const mutant = mutants.find((one) => one.id === id);
      if (mutant === undefined) throw new Error(`there is no mutant ${id}; --list --all shows them`);
      return mutant;
    });
    return [{ contract: "", order: chosen, quota: chosen.length }];
  }
  const unknown = contracts.find((name) => !mutants.some(({ key }) => key.contract === name));
  if (unknown !== undefined) throw new Error(`there is nothing to mutate in ${unknown}`);
  const candidates = mutants.filter(({ key, sourceName }) =>
    contracts.length > 0
      ? contracts.includes(key.contract)
      : DEFAULT_FOLDERS.some((folder) => sourceName.includes(folder)),
  );
  if (candidates.length === 0) throw new Error("there is nothing to mutate");
  return planSample(candidates, seed, max, ({ sourceName }) => sourceName.includes(MARKET));
}
