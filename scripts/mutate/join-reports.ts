import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";

import { z } from "zod";

import type { BuiltProject } from "./built-project.ts";
import type { Mutant } from "./find-mutants.ts";
import { REPORT, type Report } from "./report.ts";

/** Reads what an earlier `--json` wrote. Throws when it is something else. */
export async function readReport(path: string): Promise<Report> {
  const parsed = REPORT.safeParse(JSON.parse(await readFile(path, "utf8")));
  if (!parsed.success) throw new Error(`${path} is no report of this check: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/**
 * Throws unless all that a report is about is still what it was: for each of its runs, the contracts and what they import are in the
 * working folder as in the run's commit.
 */
export function checkUnchanged(
  { runs }: Report,
  root: string,
  { closures, sourceNames }: BuiltProject,
  mutants: readonly Mutant[],
): void {
  const paths = new Map([...sourceNames].map(([path, name]) => [name, path]));
  for (const { commit, contracts } of runs) {
    const names = contracts.map((contract) => {
      const mutant = mutants.find(({ key }) => key.contract === contract);
      if (mutant === undefined) throw new Error(`there is no ${contract} any more, which the earlier report is about`);
      return mutant.sourceName;
    });
    const imported = new Set(names.flatMap((name) => [...(closures.get(name) ?? [])]));
    const files = [...imported].flatMap((name) => paths.get(name) ?? []);
    try {
      execFileSync("git", ["diff", "--exit-code", "--name-only", commit, "--", ...files], {
        cwd: root,
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      });
    } catch (error) {
      const changed = (error as { stdout?: string }).stdout?.trim() || "git does not know its commit";
      throw new Error(`the earlier report, of ${commit}, is about other contracts: ${changed}`, { cause: error });
    }
  }
}

/** Two reports as one. Throws when both judged the same contract: what counts would not be a sample. */
export function joinReports(one: Report, other: Report): Report {
  const twice = Object.keys(one.contracts).find((name) => name in other.contracts);
  if (twice !== undefined) throw new Error(`both runs judged ${twice}`);
  const sumOf = (count: (report: Report) => number): number => count(one) + count(other);
  const contracts = Object.entries({ ...one.contracts, ...other.contracts }).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return {
    mutants: sumOf(({ mutants }) => mutants),
    survived: sumOf(({ survived }) => survived),
    equivalent: sumOf(({ equivalent }) => equivalent),
    outcomes: {
      killed: sumOf(({ outcomes }) => outcomes.killed),
      "timed-out": sumOf(({ outcomes }) => outcomes["timed-out"]),
      survived: sumOf(({ outcomes }) => outcomes.survived),
      unjudged: sumOf(({ outcomes }) => outcomes.unjudged),
      stillborn: sumOf(({ outcomes }) => outcomes.stillborn),
      "same-code": sumOf(({ outcomes }) => outcomes["same-code"]),
    },
    runs: [...one.runs, ...other.runs],
    contracts: Object.fromEntries(contracts),
    survivors: [...one.survivors, ...other.survivors],
    equivalents: [...one.equivalents, ...other.equivalents],
  };
}
