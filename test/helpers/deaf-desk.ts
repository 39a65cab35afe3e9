import { readFileSync } from "node:fs";

import type { RunDesk, TakenRun } from "../../src/ports/run-queue.ts";

/** What a runner has done, in the order in which it did it. */
export interface DeskEvent {
  readonly what: "taken" | "kept" | "refused";
  readonly run: string;
  readonly attempt: number;
}

/**
 * A desk that never tells its runner what is no longer its own, so that it makes and reports all that it has taken, however late; and
 * that tells `onEvent` of it.
 */
export function createDeafDesk(desk: RunDesk, onEvent: (event: DeskEvent) => void): RunDesk {
  const tell = (what: DeskEvent["what"], { id, attempt }: TakenRun): void => onEvent({ what, run: id, attempt });
  return {
    ...desk,
    async take(most, options) {
      const runs = await desk.take(most, options);
      for (const run of runs) tell("taken", run);
      return runs;
    },
    async renew(runs) {
      await desk.renew(runs).catch(() => undefined);
      return { lost: [], setAside: undefined };
    },
    async report(run, claim, options) {
      const isKept = await desk.report(run, claim, options);
      tell(isKept ? "kept" : "refused", run);
      return isKept;
    },
  };
}

/** What a runner has told of itself, a line each, in the file of its log. */
export function readDeskEvents(file: string): readonly DeskEvent[] {
  const whole = readFileSync(file, "utf8").split("\n").slice(0, -1);
  return whole.filter((line) => line.startsWith('{"what":')).map((line) => JSON.parse(line) as DeskEvent);
}
