import { execFileSync } from "node:child_process";
import { cpus, release, totalmem } from "node:os";

import { z } from "zod";

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

const COUNT = z.int().nonnegative();
const DESCRIBED = z.object({
  id: z.string(),
  contract: z.string(),
  function: z.string(),
  operator: z.string(),
  source: z.string(),
  nth: z.int().positive(),
  line: z.string(),
  replacement: z.string(),
  unjudged: z.string().optional(),
});

/**
 * What one or several runs found, for a file that people and programs read: the totals, where and on what each run was, and every
 * survivor with the fields by which `equivalent-mutants.json` names one.
 */
export const REPORT = z.object({
  mutants: COUNT,
  survived: COUNT,
  equivalent: COUNT,
  outcomes: z.object({
    killed: COUNT,
    "timed-out": COUNT,
    survived: COUNT,
    unjudged: COUNT,
    stillborn: COUNT,
    "same-code": COUNT,
  }),
  runs: z.array(
    z.object({
      commit: z.string(),
      contractsAndTestsAsCommitted: z.boolean(),
      machine: z.string(),
      versions: z.object({ node: z.string(), solc: z.string() }),
      date: z.string(),
      seed: z.int(),
      secondsPerKill: z.number(),
      contracts: z.array(z.string()),
    }),
  ),
  contracts: z.record(z.string(), z.object({ mutants: COUNT, survived: COUNT, equivalent: COUNT })),
  survivors: z.array(DESCRIBED),
  equivalents: z.array(DESCRIBED.extend({ reason: z.string() })),
});

export type Report = z.infer<typeof REPORT>;

/** What a run found. */
export function reportOf({ root, solcLongVersion, seed, judged, totals, argued }: Run): Report {
  const contracts = [...new Set(judged.map(({ mutant }) => mutant.key.contract))].sort();
  const run = {
    commit: git(root, "rev-parse", "HEAD"),
    contractsAndTestsAsCommitted: git(root, "status", "--porcelain", "--", "contracts", "test/contracts") === "",
    machine: `${cpus().length} x ${cpus()[0]?.model.trim() ?? "?"}, ${Math.round(totalmem() / GIB)} GiB, ${process.platform} ${release()}`,
    versions: { node: process.versions.node, solc: solcLongVersion },
    date: new Date().toISOString(),
    seed,
    secondsPerKill: totals.secondsPerKill,
    contracts,
  };
  return {
    mutants: totals.mutants,
    survived: totals.survivors.length,
    equivalent: totals.equivalents.length,
    outcomes: totals.counts,
    runs: [run],
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
