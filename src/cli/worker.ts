import { createWorker } from "../create-worker.ts";
import { daemonCommand, daemonInit, type DaemonOptions } from "./daemon-options.ts";
import { runDaemon } from "./run-daemon.ts";
import { runCommand } from "./run-command.ts";

interface WorkerOptions extends DaemonOptions {
  readonly port?: string;
  readonly publicUrl?: string;
  readonly price?: string;
  readonly vetted?: string;
}

const command = daemonCommand(
  "npm run worker --",
  "Registers as a worker where it is none yet, and serves its agreements until Ctrl-C.",
)
  .option("--port <port>", "of the HTTP API; 0 takes a free one")
  .option("--public-url <url>", "what clients are told; at most 64 characters")
  .option("--price <wei>", "per block, when it registers")
  .option("--vetted <digests>", "images that it has found deterministic, when it registers; 64 hex digits each")
  .action(async (options: WorkerOptions) => {
    await runCommand(async (signal) => await serve(options, signal), options);
  });

await command.parseAsync();

async function serve(options: WorkerOptions, signal: AbortSignal): Promise<void> {
  const { settings, peer, engines } = await daemonInit("worker", options, {
    "http.port": options.port,
    "http.publicUrl": options.publicUrl,
    "worker.pricePerBlockWei": options.price,
    "worker.vettedDigests": options.vetted,
  });
  const { host, port, publicUrl } = settings.http;
  const { stakeWei, ...terms } = settings.worker;
  const worker = await createWorker({
    ...peer,
    engines,
    http: { host, port, ...(publicUrl === undefined ? {} : { publicUrl }) },
    registration: { terms, ...(stakeWei === undefined ? {} : { stakeWei }) },
  });
  await runDaemon(worker, signal, () => {
    const { workerId, account, apiUrl } = worker;
    if (options.json) console.log(JSON.stringify({ workerId, account, apiUrl }));
    else console.log(`worker ${workerId} (${account}) serves ${apiUrl}; Ctrl-C ends it`);
  });
}
