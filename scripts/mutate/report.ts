import { execFileSync } from "node:child_process";
import { cpus, release, totalmem } from "node:os";

import type { Equivalents } from "./equivalents.ts";
import type { Judged } from "./judge-all.ts";
import type { Totals } from "./totals.ts";

const GIB = 2 ** 30;

/** One run of the check, from which its report is made. */
interface Run {
  readonly root: string;
  readonly solcLongVersion: string;
  readonly seed: number;
  readonly judged: readonly Judged[];
  readonly totals: Totals;
  readonly argued: Equivalents;
}

/**
 * What a run found, for a file that people and programs read: where and on what, the totals, and every survivor with the fields by
 * which `equivalent-mutants.json` names one.
 */
export function reportOf({ root, solcLongVersion, seed, judged, totals, argued }: Run) {
  const contracts = [...new Set(judged.map(({ mutant }) => mutant.key.contract))].sort();
  return {
    commit: git(root, "rev-parse", "HEAD"),
    contractsAndTestsAsCommitted: git(root, "status", "--porcelain", "--", "contracts", "test/contracts") === "",
    machine: `${cpus().length} x ${cpus()[0]?.model.trim() ?? "?"}, ${Math.round(totalmem() / GIB)} GiB, ${process.platform} ${release()}`,
    versions: { node: process.versions.node, solc: solcLongVersion },
    date: new Date().toISOString(),
    seed,
    mutants: totals.mutants,
    survived: totals.survivors.length,
    equivalent: totals.equivalents.length,
    outcomes: totals.counts,
    secondsPerKill: totals.secondsPerKill,
    contracts: Object.fromEntries(contracts.map((name) => [name, countsOf(name, judged, totals)])),
    survivors: totals.survivors.map(describe),
    equivalents: totals.equivalents.map((one) => ({
      ...describe(one),
      reason: argued.reasons.get(one.mutant.id) ?? "compiles to the same bytecode",
    })),
  };
}

function countsOf(contract: string, judged: readonly Judged[], { survivors, equivalents }: Totals) {
  const count = (list: readonly Judged[]): number =>
    list.filter(({ mutant }) => mutant.key.contract === contract).length;
  const compiled = judged.filter(({ verdict }) => verdict.status !== "stillborn");
  return { mutants: count(compiled), survived: count(survivors), equivalent: count(equivalents) };
}

function describe({ mutant, verdict }: Judged) {
  const { key, id, lineText, replacement } = mutant;
  const why = verdict.status === "unjudged" ? { unjudged: verdict.by } : {};
  return { id, ...key, line: lineText, replacement, ...why };
}

/** Empty where there is no repository. */
function git(root: string, ...args: string[]): string {
  try {
    return execFileSync("git", args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return "";
  }
}
