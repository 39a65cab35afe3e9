import { stateOf } from "../admin/measure-runs.ts";
import type { RunQueueView, RunnerView } from "../ports/run-queue.ts";
import { formatRows } from "./text-table.ts";

const MS_PER_SECOND = 1_000;

/** What waits, in one line: with a database, requests in the worker and runs that were made of them are one number. */
export function queueText(queue: {
  readonly waiting: number;
  readonly running: number;
  readonly oldestMs: number;
  readonly requests?: RunQueueView["requests"];
}): string {
  const waiting = queue.waiting + (queue.requests?.waiting ?? 0);
  const oldestMs = Math.max(queue.oldestMs, queue.requests?.oldestMs ?? 0);
  const oldest = waiting === 0 ? "" : `, the oldest for ${(oldestMs / MS_PER_SECOND).toFixed(1)} s`;
  return `${waiting} waiting${oldest}; ${queue.running} running`;
}

/** Runners, one a line. */
export function runnersText(runners: readonly RunnerView[]): string {
  if (runners.length === 0) return "no runner was here lately";
  const heads = ["runner", "stands", "engines", "at once", "done", "failed", "ms each", "done/min", "failed/min"];
  return formatRows(
    heads,
    runners.map((runner) => [
      runner.id,
      stateOf(runner) === "aside" ? `set aside: ${runner.setAside}` : stateOf(runner),
      runner.engines.join(" "),
      String(runner.capacity),
      String(runner.done),
      String(runner.failed),
      runner.done + runner.failed === 0 ? "-" : String(Math.round(runner.busyMs / (runner.done + runner.failed))),
      runner.donePerMinute.toFixed(1),
      runner.failedPerMinute.toFixed(1),
    ]),
  );
}
