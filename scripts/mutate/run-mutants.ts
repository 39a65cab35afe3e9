import { duplicateCopy } from "../hardhat/project-copy.ts";
import { runBaseline } from "./baseline.ts";
import type { BuiltProject } from "./built-project.ts";
import type { Mutant } from "./find-mutants.ts";
import { type Judge, judgeAll, type Judged } from "./judge-all.ts";
import { MutantBench } from "./mutant-bench.ts";
import type { MutateOptions } from "./options.ts";
import { ProgressLine } from "./progress.ts";
import { ResumeFile } from "./resume.ts";
import type { Stratum } from "./sample.ts";
import { Suites } from "./suites.ts";

/**
 * Runs the tests on the contracts as they are, and then on one mutant after the other. `copies` begins with the folder of the built
 * project; what is copied for more jobs is added, for the caller to remove. Throws when the tests fail without any mutant.
 */
export async function runMutants(
  project: BuiltProject,
  strata: readonly Stratum[],
  { jobs, resume: resumePath }: Pick<MutateOptions, "jobs" | "resume">,
  copies: [string, ...string[]],
): Promise<Judged[]> {
  const [copy] = copies;
  const quota = strata.reduce((sum, stratum) => sum + stratum.quota, 0);
  const progress = new ProgressLine(quota, process.stdout);
  progress.say("running the tests on the contracts as they are");
  const suites = Suites.load(copy, project);
  const grounds = { contracts: contractsOf(project), tests: suites.digests() };
  const resume = resumePath === undefined ? undefined : await ResumeFile.open(resumePath, grounds);
  const { originals, limits } = await runBaseline(copy, project, suites);

  for (let job = 1; job < jobs; job++) copies.push(duplicateCopy(copy));
  const benches = copies.map((folder) => new MutantBench(folder, project, suites, originals, limits));
  try {
    await Promise.all(benches.map(async (bench) => await bench.start()));
    const judges = benches.map((bench) => remembering(bench, resume));
    const isKnown = ({ id }: Mutant): boolean => resume?.known.has(id) ?? false;
    return await judgeAll(strata, judges, isKnown, (one) => progress.add(one));
  } finally {
    await Promise.all(benches.map(async (bench) => await bench.stop()));
    progress.end();
  }
}

/** All that the contracts' code follows from: the compiler's input without the tests. */
function contractsOf({ input, sourceNames, solcLongVersion }: BuiltProject): unknown {
  const tests = new Set([...sourceNames].filter(([path]) => path.startsWith("test/")).map(([, name]) => name));
  const sources = Object.entries(input.sources).filter(([name]) => !tests.has(name));
  return { solcLongVersion, settings: input.settings, sources: sources.toSorted(([a], [b]) => (a < b ? -1 : 1)) };
}

function remembering(bench: MutantBench, resume: ResumeFile | undefined): Judge {
  return async (mutant) => {
    const known = resume?.known.get(mutant.id);
    if (known !== undefined) return known;
    const verdict = await bench.judge(mutant);
    await resume?.add(verdict);
    return verdict;
  };
}
