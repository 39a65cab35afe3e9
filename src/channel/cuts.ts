import type { LogEntry } from "../ports/record-log.ts";
import type { Logged } from "./log-entries.ts";

/**
 * Up to which height the records of an entry were kept, by the entry's number, ascending. What was taken back cannot be played on a
 * snapshot: it may follow what that has no more.
 */
export async function readCuts(
  entries: AsyncIterable<LogEntry>,
  read: (entry: LogEntry) => Logged,
): Promise<(number: number) => number> {
  const cuts: { readonly number: number; height: number }[] = [];
  let number = 0;
  for await (const entry of entries) {
    const logged = read(entry);
    if (logged.kind === "cut") cuts.push({ number, height: logged.height });
    number += 1;
  }
  let lowest = Number.POSITIVE_INFINITY;
  for (const cut of cuts.toReversed()) cut.height = lowest = Math.min(lowest, cut.height);
  let next = 0;
  return (of) => {
    while ((cuts[next]?.number ?? of) < of) next += 1;
    return cuts[next]?.height ?? Number.POSITIVE_INFINITY;
  };
}
