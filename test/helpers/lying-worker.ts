import { createCommand } from "../../src/cli/create-command.ts";
import { daemonInit, withDaemonOptions, withEngineOption, type DaemonOptions } from "../../src/cli/daemon-options.ts";
import { runCommand } from "../../src/cli/run-command.ts";
import { runDaemon } from "../../src/cli/run-daemon.ts";
import { createWorker } from "../../src/create-worker.ts";
import { createLyingEngine } from "./lying-engine.ts";

// A worker like any other but for its engine, which falsifies each state that a program leaves.
if (import.meta.main) {
  const command = withEngineOption(withDaemonOptions(createCommand("lying-worker", "A worker with a lying engine.")))
    .option("--vetted <digests>")
    .action(async (options: DaemonOptions & { readonly vetted?: string }) => {
      await runCommand(async (signal) => {
        const { settings, peer, engines } = await daemonInit("worker", options, {
          "worker.vettedDigests": options.vetted,
        });
        const { stakeWei: _, ...terms } = settings.worker;
        const wrapEngine = createLyingEngine;
        const worker = await createWorker({ ...peer, engines, http: {}, registration: { terms }, wrapEngine });
        await runDaemon(worker, signal, () => {
          process.stdout.write(`${JSON.stringify({ workerId: worker.workerId, apiUrl: worker.apiUrl })}\n`);
        });
      });
    });
  await command.parseAsync();
}
