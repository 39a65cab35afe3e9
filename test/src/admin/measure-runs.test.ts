import { expect } from "chai";

import { createPrometheusMetrics, type PrometheusMetrics } from "../../../src/adapters/metrics/prometheus.ts";
import { measureRuns } from "../../../src/admin/measure-runs.ts";
import { SprfError } from "../../../src/errors.ts";
import type { RunQueueView, RunnerView } from "../../../src/ports/run-queue.ts";
import { createManualClock } from "../../helpers/manual-clock.ts";

describe("admin/measure-runs", () => {
  const runner: RunnerView = {
    id: "first",
    engines: ["wasi"],
    capacity: 2,
    version: "0",
    startedMs: 0,
    seenMs: 0,
    isLive: true,
    done: 31,
    failed: 2,
    busyMs: 4_500,
    donePerMinute: 6,
    failedPerMinute: 0,
  };
  const view: RunQueueView = {
    waiting: 4,
    running: 2,
    oldestMs: 2_500,
    requests: { waiting: 0, oldestMs: 0 },
    runners: [runner, { ...runner, id: "second", isLive: false }, { ...runner, id: "odd", setAside: "it lies" }],
  };
  let metrics: PrometheusMetrics;
  let looks: number;
  let found: () => Promise<RunQueueView>;

  beforeEach(() => {
    metrics = createPrometheusMetrics({ part: "worker" });
    looks = 0;
    found = async () => await Promise.resolve(view);
    measureRuns(
      async () => {
        looks += 1;
        return await found();
      },
      { metrics, clock: createManualClock() },
    );
  });
  afterEach(() => metrics.close());

  const lines = async (): Promise<readonly string[]> =>
    (await metrics.exposition()).split("\n").filter((line) => line.startsWith("sprf_runner_"));

  it("should show what waits, and what each runner did, by one look", async () => {
    const shown = [
      'sprf_runner_queue_runs{state="waiting",part="worker"} 4',
      'sprf_runner_queue_runs{state="running",part="worker"} 2',
      'sprf_runner_oldest_run_seconds{part="worker"} 2.5',
      'sprf_runner_known_runners{state="up",part="worker"} 1',
      'sprf_runner_known_runners{state="away",part="worker"} 1',
      'sprf_runner_known_runners{state="aside",part="worker"} 1',
      'sprf_runner_runs_total{runner="first",outcome="done",part="worker"} 31',
      'sprf_runner_runs_total{runner="first",outcome="failed",part="worker"} 2',
      'sprf_runner_busy_seconds_total{runner="first",part="worker"} 4.5',
    ];
    expect(await lines()).to.include.members(shown);
    // A count that is kept elsewhere is shown as it is, however often somebody asks.
    expect(await lines()).to.include.members(shown);
    expect(looks).to.equal(1);
  });

  it("should show nothing of a database that is away, and all the rest", async () => {
    found = async () => await Promise.reject(new SprfError("DATABASE_UNAVAILABLE", "it is away"));
    expect(await lines()).to.deep.equal([]);
    expect(await metrics.exposition()).to.match(/^process_resident_memory_bytes/m);
  });
});
