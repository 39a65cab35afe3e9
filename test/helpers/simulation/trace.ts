import { createHash } from "node:crypto";

/** What happened in a simulation, in order. Two runs of one seed have equal traces. */
export interface Trace {
  event(who: string, what: string): void;
  readonly length: number;
  /** sha256 over all events and their times, in hex. */
  hash(): string;
  /** The latest events, for people. */
  last(count: number): readonly string[];
}

const KEPT = 2_000;

/** Times are given relative to the start. */
export function createTrace(now: () => number): Trace {
  const startMs = now();
  const hash = createHash("sha256");
  const kept: string[] = [];
  let length = 0;
  return {
    event(who, what) {
      const line = `${String(now() - startMs).padStart(8)} ms  ${who}: ${what}`;
      hash.update(`${line}\n`);
      length += 1;
      kept.push(line);
      if (kept.length > 2 * KEPT) kept.splice(0, KEPT);
    },
    get length() {
      return length;
    },
    hash: () => hash.copy().digest("hex"),
    last: (count) => kept.slice(-count),
  };
}
