import { execFileSync } from "node:child_process";
import { cpus, totalmem } from "node:os";

import type { Equivalents } from "./equivalents.ts";
import type { Judged } from "./judge-all.ts";
import type { Totals } from "./totals.ts";

const GIB = 2 ** 30;

/** What a run found, for a file that people and programs read: where and on what, the totals, and every survivor. */
export function reportOf(root: string, seed: number, judged: readonly Judged[], totals: Totals, argued: Equivalents) {
  const contracts = [...new Set(judged.map(({ mutant }) => mutant.key.contract))].sort();
  return {
    commit: git(root, "rev-parse", "HEAD"),
    contractsAndTestsAsCommitted: git(root, "status", "--porcelain", "--", "contracts", "test/contracts") === "",
    machine: {
      processor: cpus()[0]?.model ?? "",
      cores: cpus().length,
      memoryGib: Math.round(totalmem() / GIB),
      node: process.version,
    },
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
  return { id, function: key.function, line: lineText, source: key.source, nth: key.nth, replacement, ...why };
}

/** Empty where there is no repository. */
function git(root: string, ...args: string[]): string {
  try {
    return execFileSync("git", args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return "";
  }
}
