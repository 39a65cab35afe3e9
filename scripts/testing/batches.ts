import { availableParallelism } from "node:os";

import type { TestFiles } from "./select-files.ts";

/** Batches take turns on the processors, so that one that happens to be long does not leave the others idle for long. */
const BATCHES_PER_PROCESSOR = 3;
/** More processes at once than this wait for each other's containers, ports and disks more than they gain. */
const MAX_AT_ONCE = 4;

/** How many processes run tests at the same time. */
export function processesAtOnce(): number {
  return Math.min(availableParallelism(), MAX_AT_ONCE);
}

/**
 * Splits all tests into runs of a process each, as lists of files: the Solidity tests, which use every processor by themselves,
 * then the others in batches. Neighbours go to different batches, since what is slow stands together.
 */
export function splitIntoBatches({ mocha, solidity }: TestFiles, atOnce: number): readonly (readonly string[])[] {
  const count = Math.min(mocha.length, atOnce * BATCHES_PER_PROCESSOR);
  const batches = Array.from({ length: count }, (_, batch) => mocha.filter((_file, i) => i % count === batch));
  return [...(solidity.length === 0 ? [] : [solidity]), ...batches];
}
