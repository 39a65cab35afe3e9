import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { createMemoryContentStore } from "../../../src/adapters/content-store/memory.ts";
import { createMemoryLogger } from "../../../src/adapters/logger/memory.ts";
import type { RunDesk, TakenRun } from "../../../src/ports/run-queue.ts";
import { createServeRuns } from "../../../src/runner/serve-runs.ts";
import { planOf } from "../../compliance/runs.ts";
import { createManualClock } from "../../helpers/manual-clock.ts";
import { createPlainEngine } from "../../helpers/plain-engine.ts";
import { until } from "../../helpers/until.ts";

const JUST_BEFORE_MS = 9_000;
const LEASE_MS = 10_000;

describe("runner/serve-runs", () => {
  it("should end its runs with their lease when nothing answers a sign of life, not even with an error", async () => {
    const directory = await mkdtemp(join(tmpdir(), "sprf-serve-"));
    const clock = createManualClock();
    const logger = createMemoryLogger();
    const engine = createPlainEngine();
    const content = createMemoryContentStore({ clock, logger });
    await content.start();
    const given: TakenRun[] = [
      {
        id: "8a5c3f0e-2f5c-4a55-9f57-6f0f3f6f3a01",
        attempt: 0,
        queue: "run.wasi",
        worker: "0xworker",
        deadlineMs: clock.now() + 180_000,
        plan: await planOf(content, "sleep 100000"),
      },
    ];
    let signs = 0;
    const desk: RunDesk = {
      start: async () => await Promise.resolve(),
      stop: async () => await Promise.resolve(),
      async take(_most, { signal }) {
        const runs = given.splice(0);
        if (runs.length === 0) await clock.sleep(1_000_000, { signal }).catch(() => undefined);
        return runs;
      },
      // As over a wire that was cut.
      async renew() {
        return signs++ === 0 ? { lost: [], setAside: undefined } : await new Promise(() => undefined);
      },
      onTakenBack: () => undefined,
      report: async () => await Promise.resolve(false),
      released: async () => await Promise.resolve([]),
      workers: async () => await Promise.resolve([]),
      async view() {
        const nothing = { waiting: 0, oldestMs: 0 };
        return await Promise.resolve({ ...nothing, running: 0, requests: nothing, runners: [] });
      },
    };
    const parts = { desk, content, engines: new Map([[engine.kind, engine]]), clock, logger };
    const runner = createServeRuns({ ...parts, scratchDirectory: directory }, { capacity: 1 });
    await runner.start();
    await until(() => engine.begun === 1, { what: "the run" });
    await clock.advance(JUST_BEFORE_MS);
    expect({ signs, ended: engine.ended }).to.deep.equal({ signs: 2, ended: 0 });
    await clock.advance(LEASE_MS - JUST_BEFORE_MS);
    await until(() => engine.ended === 1, { what: "the run's end" });
    const stopping = runner.stop();
    await clock.advance(LEASE_MS);
    await stopping;
    await content.stop();
    await rm(directory, { recursive: true, force: true });
  });
});
