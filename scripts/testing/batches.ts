import { availableParallelism } from "node:os";

import type { TestFiles } from "./select-files.ts";

/** Batches take turns on the processors, so that one that happens to be long does not leave the others idle for long. */
const BATCHES_PER_PROCESSOR = 4;
/** More processes at once than this wait for each other's containers, ports and disks more than they gain. */
const MAX_AT_ONCE = 4;

/** Batches of tests with real parts are short, so that something is shown now and then. */
const SHOWN_TOGETHER = 3;
/** By name: tests that use the Docker Engine. */
const DOCKER = /docker|grid|compose|image|runsc|workloads|postgresql|create-node|commands-(?:audit|program|start)/;

interface Batch {
  readonly files: string[];
  seconds: number;
}

/** How many processes run tests at the same time. */
export function processesAtOnce(): number {
  return Math.min(availableParallelism(), MAX_AT_ONCE);
}

/**
 * Splits all tests into runs of a process each, as lists of files: batches of about the same length, the longest file of each first,
 * then the Solidity tests, which use every processor that is idle by then.
 */
export function splitIntoBatches(
  { mocha, solidity }: TestFiles,
  atOnce: number,
  secondsOf: (file: string) => number,
): readonly (readonly string[])[] {
  const count = Math.min(mocha.length, atOnce * BATCHES_PER_PROCESSOR);
  const batches: Batch[] = Array.from({ length: count }, () => ({ files: [], seconds: 0 }));
  const longestFirst = mocha.map((file) => ({ file, seconds: secondsOf(file) })).sort((a, b) => b.seconds - a.seconds);
  for (const { file, seconds } of longestFirst) {
    const shortest = batches.reduce((least, batch) => (isShorter(batch, least) ? batch : least));
    shortest.files.push(file);
    shortest.seconds += seconds;
  }
  return [...batches.map(({ files }) => files), ...(solidity.length === 0 ? [] : [solidity])];
}

/**
 * Splits tests that need real parts into batches: those of the Docker Engine, its networks and addresses, which run one after the
 * other, and all others.
 */
export function splitByDocker(files: readonly string[]): Record<"docker" | "free", string[][]> {
  const usesDocker = (file: string): boolean => DOCKER.test(file);
  return {
    docker: chunked(files.filter(usesDocker)),
    free: chunked(files.filter((file) => !usesDocker(file))),
  };
}

function chunked(files: readonly string[]): string[][] {
  return Array.from({ length: Math.ceil(files.length / SHOWN_TOGETHER) }, (_, index) =>
    files.slice(index * SHOWN_TOGETHER, (index + 1) * SHOWN_TOGETHER),
  );
}

function isShorter(one: Batch, other: Batch): boolean {
  return one.seconds < other.seconds || (one.seconds === other.seconds && one.files.length < other.files.length);
}
