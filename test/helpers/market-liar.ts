import { createCommand } from "../../src/cli/create-command.ts";
import { daemonInit, withDaemonOptions, withEngineOption, type DaemonOptions } from "../../src/cli/daemon-options.ts";
import { runCommand } from "../../src/cli/run-command.ts";
import { runDaemon } from "../../src/cli/run-daemon.ts";
import { createWorker } from "../../src/create-worker.ts";
import { createSometimesLyingEngine } from "./sometimes-lying-engine.ts";

interface LiarOptions extends DaemonOptions {
  readonly port?: string;
  readonly price?: string;
  readonly lieShare: string;
  readonly lieSecret: string;
}

// `npx sprf worker` with an engine that falsifies a share of the states that programs leave.
if (import.meta.main) {
  const command = withEngineOption(
    withDaemonOptions(createCommand("market-liar", "A worker that lies in a share of its answers.")),
  )
    .option("--port <port>")
    .option("--price <wei>")
    .requiredOption("--lie-share <share>")
    .requiredOption("--lie-secret <text>")
    .action(async (options: LiarOptions) => {
      await runCommand(async (signal) => {
        const { settings, peer, engines } = await daemonInit("worker", options, {
          "http.port": options.port,
          "worker.pricePerBlockWei": options.price,
        });
        const { stakeWei: _, ...terms } = settings.worker;
        const worker = await createWorker({
          ...peer,
          engines,
          http: { port: settings.http.port },
          registration: { terms },
          wrapEngine: (engine) =>
            createSometimesLyingEngine(engine, { share: Number(options.lieShare), secret: options.lieSecret }),
        });
        await runDaemon(worker, signal, () => {
          const { workerId, apiUrl } = worker;
          process.stdout.write(`${JSON.stringify({ workerId, apiUrl })}\n`);
        });
      });
    });
  await command.parseAsync();
}
