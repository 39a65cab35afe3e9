import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import { createWasiEngine } from "../../../../src/adapters/engine/wasi/create-wasi-engine.ts";
import { createMemoryLogger } from "../../../../src/adapters/logger/memory.ts";
import { engineCompliance, type EngineFixture } from "../../../compliance/engine.ts";
import { engineDirectories } from "../../../compliance/engine-directories.ts";
import { engineEscapes } from "../../../compliance/engine-escapes.ts";
import { withSection } from "../../../helpers/wasm-module.ts";
import { contentOf } from "../../../helpers/content-of.ts";

/** Hundredths of a second of CPU. */
const BUSY_TICKS = 30;
const PROBE = fileURLToPath(new URL("fixtures/probe.wasm", import.meta.url));

async function setUp(): Promise<EngineFixture> {
  const probe = await readFile(PROBE);
  const content = contentOf({ probe, directory: withSection(probe, "sprf.state", "directory") });
  return {
    create: (scratchDirectory) => createWasiEngine({ content, logger: createMemoryLogger() }, { scratchDirectory }),
    probe: { kind: "wasi", cid: "probe" },
    directoryProbe: { kind: "wasi", cid: "directory" },
    unknown: { kind: "wasi", cid: "unknown" },
    constantEnvironment: {},
    fixesClockAndRandomness: true,
    memoryBomb: "rejected",
    trapExitCode: 134,
    crashingWorker: { modulePath: PROBE },
    isRunning: isBusy,
    leftOvers: processesOf,
    close: () => Promise.resolve(),
  };
}

engineCompliance("wasi", setUp);
engineEscapes("wasi", setUp);
engineDirectories("wasi", setUp);

/** The processes that were started with a path in `directory`. */
async function processesOf(directory: string): Promise<string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^[0-9]+$/.test(name));
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")));
  return pids.filter((_, index) => lines[index]?.split("\0").some((argument) => argument.startsWith(`${directory}/`)));
}

/** Whether one of the sandboxes has worked for longer than its start takes. */
async function isBusy(directory: string): Promise<boolean> {
  const pids = await processesOf(directory);
  const stats = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, "utf8").catch(() => "")));
  return stats.some((line) => Number(line.replace(/^.*\) /, "").split(" ")[11]) > BUSY_TICKS);
}
