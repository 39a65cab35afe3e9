// A runner in a process of its own, whose engine does what its inputs say:
// node runner-process.ts <database> <directory> <name> <runs> [deaf]
// One that is deaf does not hear of runs that it has lost, and what it makes has its name in it.
import { createMemoryLogger } from "../../src/adapters/logger/memory.ts";
import { createRunner } from "../../src/create-runner.ts";
import { createDeafDesk } from "./deaf-desk.ts";
import { createPlainEngine } from "./plain-engine.ts";
import { serveRunner } from "./serve-runner.ts";

const [databaseUrl = "", dataDirectory = "", name, runs = "2", manner] = process.argv.slice(2);

if (process.argv[1]?.endsWith("runner-process.ts") === true) {
  const runner = await createRunner({
    databaseUrl,
    dataDirectory,
    name,
    engines: { kinds: ["wasi"] },
    capacity: Number(runs),
    logger: createMemoryLogger(),
    ...(manner === "deaf"
      ? {
          wrapEngine: () => createPlainEngine({ lie: () => ` by ${name}` }),
          wrapDesk: (desk) => createDeafDesk(desk, (event) => void process.stderr.write(`${JSON.stringify(event)}\n`)),
        }
      : { wrapEngine: () => createPlainEngine() }),
  });
  await serveRunner(runner);
}
