import { createHash } from "node:crypto";

import { keyText, type Mutant } from "./find-mutants.ts";

/** The mutants of one contract in the order in which they are tried, and how many of them shall be judged. */
export interface Stratum {
  readonly contract: string;
  readonly order: readonly Mutant[];
  readonly quota: number;
}

/** Of a sample, what the market's and the grid's own contracts get at least; the rest goes to the libraries. */
const MAIN_SHARE = 0.75;

/**
 * Divides a sample over contracts and their functions. The order depends on the seed and on what a mutant is, not on its line, so
 * that a sample keeps its mutants when code above them moves. A candidate that does not compile or changes nothing does not use
 * up the quota: the next in the order takes its place.
 */
export function planSample(
  mutants: readonly Mutant[],
  seed: number,
  size: number,
  isMain: (mutant: Mutant) => boolean,
): Stratum[] {
  const wanted = Math.min(size, mutants.length);
  const main = byContract(mutants.filter((mutant) => isMain(mutant)));
  const rest = byContract(mutants.filter((mutant) => !isMain(mutant)));
  const mainCount = sizeOf(main);
  const natural = (wanted * mainCount) / mutants.length;
  const mainQuota = rest.size === 0 ? wanted : Math.min(mainCount, Math.ceil(Math.max(natural, wanted * MAIN_SHARE)));
  return [...divide(main, mainQuota), ...divide(rest, wanted - mainQuota)].map(([contract, quota, own]) => ({
    contract,
    quota,
    order: roundRobin(own, seed),
  }));
}

function byContract(mutants: readonly Mutant[]): Map<string, Mutant[]> {
  return Map.groupBy(mutants, ({ key }) => key.contract);
}

function sizeOf(groups: ReadonlyMap<string, readonly Mutant[]>): number {
  return [...groups.values()].reduce((sum, { length }) => sum + length, 0);
}

/** Quotas in proportion to the groups' sizes that add up to `total`: largest remainders first. */
function divide(groups: ReadonlyMap<string, readonly Mutant[]>, total: number): [string, number, readonly Mutant[]][] {
  const all = sizeOf(groups);
  const shares = [...groups].map(([name, own]) => ({ name, own, exact: all === 0 ? 0 : (total * own.length) / all }));
  let left = total - shares.reduce((sum, { exact }) => sum + Math.floor(exact), 0);
  const byRemainder = shares.toSorted((a, b) => (b.exact % 1) - (a.exact % 1) || a.name.localeCompare(b.name));
  return byRemainder.map(({ name, own, exact }) => [name, Math.floor(exact) + (left-- > 0 ? 1 : 0), own]);
}

/** One mutant of each function in turn, functions and their mutants in the seed's order. */
function roundRobin(mutants: readonly Mutant[], seed: number): Mutant[] {
  const rank = (name: string): string => createHash("sha256").update(`${seed} ${name}`).digest("hex");
  const functions = [...Map.groupBy(mutants, ({ key }) => key.function)]
    .map(([name, own]) => ({ rank: rank(name), own: sortBy(own, (mutant) => rank(keyText(mutant.key))) }))
    .toSorted((a, b) => (a.rank < b.rank ? -1 : 1));
  const rounds = Math.max(0, ...functions.map(({ own }) => own.length));
  return Array.from({ length: rounds }, (_, round) => functions.flatMap(({ own }) => own[round] ?? [])).flat();
}

function sortBy(mutants: readonly Mutant[], rankOf: (mutant: Mutant) => string): Mutant[] {
  return mutants
    .map((mutant) => ({ mutant, rank: rankOf(mutant) }))
    .toSorted((a, b) => (a.rank < b.rank ? -1 : 1))
    .map(({ mutant }) => mutant);
}
