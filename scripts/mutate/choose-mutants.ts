import type { BuiltProject } from "./built-project.ts";
import { findMutants, type Mutant } from "./find-mutants.ts";
import type { MutateOptions } from "./options.ts";
import { planSample, type Stratum } from "./sample.ts";

/** What is mutated unless a contract is named: the market and the grid, and the libraries that they use. */
const MAIN_FOLDERS = ["contracts/market/", "contracts/grid/"];
const DEFAULT_FOLDERS = [...MAIN_FOLDERS, "contracts/libraries/"];
const NEVER = ["contracts/interfaces/", "contracts/mocks/"];

/** Every mutant of every contract of a project. */
export function allMutants({ asts, input, sourceNames }: BuiltProject): Mutant[] {
  return [...sourceNames]
    .filter(([path]) => path.startsWith("contracts/") && !NEVER.some((folder) => path.startsWith(folder)))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, name]) => findMutants(name, asts.get(name), input.sources[name]?.content ?? ""));
}

/** Those that the options ask for. Throws when they ask for what does not exist. */
export function chooseMutants(mutants: readonly Mutant[], { only, contracts, seed, max }: MutateOptions): Stratum[] {
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
    contracts.length > 0 ? contracts.includes(key.contract) : isUnder(DEFAULT_FOLDERS, sourceName),
  );
  if (candidates.length === 0) throw new Error("there is nothing to mutate");
  return planSample(candidates, seed, max, ({ sourceName }) => isUnder(MAIN_FOLDERS, sourceName));
}

function isUnder(folders: readonly string[], sourceName: string): boolean {
  return folders.some((folder) => sourceName.includes(folder));
}
