// A runner in a process of its own whose engine does what its inputs say, and which can be asked for its heap:
// node scale-runner.ts <database> <directory> <name> <runs> <file>
// On SIGUSR2 it collects its garbage and writes into the file what is left, in MiB.
import { rename, writeFile } from "node:fs/promises";

import { createMemoryLogger } from "../src/adapters/logger/memory.ts";
import { createRunner } from "../src/create-runner.ts";
import { createPlainEngine } from "../test/helpers/plain-engine.ts";
import { serveRunner } from "../test/helpers/serve-runner.ts";
import { heapMib } from "./processes.ts";

const [databaseUrl = "", dataDirectory = "", name, runs = "2", file = ""] = process.argv.slice(2);

const logger = createMemoryLogger([]);
const runner = await createRunner({
  databaseUrl,
  dataDirectory,
  name,
  engines: { kinds: ["wasi"] },
  capacity: Number(runs),
  // It would keep all lines.
  logger: { ...logger, debug() {}, info() {}, child: () => ({ ...logger, debug() {}, info() {} }) },
  wrapEngine: () => createPlainEngine(),
});
process.on("SIGUSR2", () => {
  // Whole or not at all: the other side waits for the file.
  void writeFile(`${file}.part`, String(heapMib())).then(async () => await rename(`${file}.part`, file));
});
await serveRunner(runner);
