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

const MS_PER_MINUTE = 60_000;

/**
 * Judges one mutant after the other. Before the first whose verdict is not known, the tests are run on the contracts as they are.
 * `copies` begins with the folder of the built project; what is copied for more jobs is added, for the caller to remove. Throws when
 * the tests fail without any mutant.
 */
export async function runMutants(
  project: BuiltProject,
  strata: readonly Stratum[],
  { jobs, minutes, resume: resumePath }: Pick<MutateOptions, "jobs" | "minutes" | "resume">,
  copies: [string, ...string[]],
): Promise<Judged[]> {
  const quota = strata.reduce((sum, stratum) => sum + stratum.quota, 0);
  const progress = new ProgressLine(quota, process.stdout);
  const suites = Suites.load(copies[0], project);
  const grounds = { contracts: contractsOf(project), tests: suites.digests() };
  const resume = resumePath === undefined ? undefined : await ResumeFile.open(resumePath, grounds);

  const start = async (): Promise<MutantBench[]> => {
    progress.say("running the tests on the contracts as they are");
    const mutants = strata.flatMap(({ order }) => order);
    const { originals, limits } = await runBaseline(copies[0], project, suites, mutants);
    for (let job = 1; job < jobs; job++) copies.push(duplicateCopy(copies[0]));
    const benches = copies.map((folder) => new MutantBench(folder, project, suites, originals, limits));
    await Promise.all(benches.map(async (bench) => await bench.start()));
    return benches;
  };
  let benches: Promise<MutantBench[]> | undefined;
  const judgeWith =
    (index: number): Judge =>
    async (mutant) => {
      const known = resume?.known.get(mutant.id);
      if (known !== undefined) return known;
      benches ??= start();
      const bench = (await benches)[index] as MutantBench;
      const verdict = await bench.judge(mutant);
      await resume?.add(verdict);
      return verdict;
    };

  const isKnown = ({ id }: Mutant): boolean => resume?.known.has(id) ?? false;
  const isTimeUp = (): boolean => performance.now() >= minutes * MS_PER_MINUTE;
  try {
    const judges = Array.from({ length: jobs }, (_, index) => judgeWith(index));
    return await judgeAll(strata, judges, { isKnown, isTimeUp }, (one) => progress.add(one));
  } finally {
    const started = await benches?.catch(() => []);
    await Promise.all((started ?? []).map(async (bench) => await bench.stop()));
    progress.end();
  }
}

/** All that the contracts' code follows from: the compiler's input without the tests. */
function contractsOf({ input, sourceNames, solcLongVersion }: BuiltProject): unknown {
  const tests = new Set([...sourceNames].filter(([path]) => path.startsWith("test/")).map(([, name]) => name));
  const sources = Object.entries(input.sources).filter(([name]) => !tests.has(name));
  return { solcLongVersion, settings: input.settings, sources: sources.toSorted(([a], [b]) => (a < b ? -1 : 1)) };
}
