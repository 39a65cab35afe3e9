import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** In git, since a fresh clone has no run to learn from; what it says of a file that has changed only costs balance. */
const FILE = fileURLToPath(new URL("./seconds.json", import.meta.url));
/** Shorter files are not worth a line. */
const LEAST_WRITTEN = 2;
const OF_OTHERS = 0.3;

export type Seconds = Readonly<Record<string, number>>;

/** What each file took when `npm test -- --record` was run last; a guess for a file that is new or short. */
export function readSeconds(): (file: string) => number {
  const seconds = JSON.parse(readFileSync(FILE, "utf8")) as Seconds;
  return (file) => seconds[file] ?? OF_OTHERS;
}

/** Keeps what the files of a whole run have taken. */
export function writeSeconds(seconds: Seconds): void {
  const lines = Object.entries(seconds)
    .map(([file, taken]) => [file, Math.round(taken)] as const)
    .filter(([, taken]) => taken >= LEAST_WRITTEN)
    .sort(([one], [other]) => (one < other ? -1 : 1));
  writeFileSync(FILE, `${JSON.stringify(Object.fromEntries(lines), null, 2)}\n`);
}
