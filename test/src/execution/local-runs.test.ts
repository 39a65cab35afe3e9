import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { systemClock } from "../../../src/adapters/clock/system.ts";
import { createMemoryContentStore } from "../../../src/adapters/content-store/memory.ts";
import { createMemoryLogger } from "../../../src/adapters/logger/memory.ts";
import { createLocalRuns } from "../../../src/execution/local-runs.ts";
import { runsCompliance } from "../../compliance/runs.ts";

runsCompliance("in this process", async (engine) => {
  const scratchDirectory = await mkdtemp(join(tmpdir(), "sprf-runs-"));
  const content = createMemoryContentStore({ clock: systemClock, logger: createMemoryLogger([]) });
  await content.start();
  return {
    runs: createLocalRuns({ content, engines: new Map([["wasi", engine]]), scratchDirectory }),
    content,
    stop: async () => {
      await content.stop();
      await rm(scratchDirectory, { recursive: true, force: true });
    },
  };
});
