import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import { createWasiEngine } from "../../../../src/adapters/engine/wasi/create-wasi-engine.ts";
import { createMemoryLogger } from "../../../../src/adapters/logger/memory.ts";
import { engineCompliance } from "../../../compliance/engine.ts";
import { contentOf } from "../../../helpers/content-of.ts";

const PROBE = fileURLToPath(new URL("fixtures/probe.wasm", import.meta.url));

engineCompliance("wasi", async () => {
  const content = contentOf({ probe: await readFile(PROBE) });
  return {
    create: (scratchDirectory) => createWasiEngine({ content, logger: createMemoryLogger() }, { scratchDirectory }),
    probe: { kind: "wasi", cid: "probe" },
    unknown: { kind: "wasi", cid: "unknown" },
    constantEnvironment: {},
    fixesClockAndRandomness: true,
    memoryBomb: "rejected",
    trapExitCode: 134,
    crashingWorker: { modulePath: PROBE },
    leftOvers: processesOf,
    close: () => Promise.resolve(),
  };
});

/** The processes that were started with a path in `directory`. */
async function processesOf(directory: string): Promise<string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^[0-9]+$/.test(name));
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")));
  return lines.filter((line) => line.split("\0").some((argument) => argument.startsWith(`${directory}/`)));
}
