// A runner in a process of its own, whose engine does what its inputs say: node runner-process.ts <database> <directory> <name> <runs>
import { createMemoryLogger } from "../../src/adapters/logger/memory.ts";
import { createRunner } from "../../src/create-runner.ts";
import { createPlainEngine } from "./plain-engine.ts";

const [databaseUrl = "", dataDirectory = "", name, runs = "2"] = process.argv.slice(2);

if (process.argv[1]?.endsWith("runner-process.ts") === true) {
  const runner = await createRunner({
    databaseUrl,
    dataDirectory,
    name,
    engines: { kinds: ["wasi"] },
    capacity: Number(runs),
    logger: createMemoryLogger(),
    wrapEngine: () => createPlainEngine(),
  });
  await runner.start();
  process.stdout.write(`${JSON.stringify({ runner: runner.name })}\n`);
  process.once("SIGTERM", () => {
    runner.stop().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  });
}
