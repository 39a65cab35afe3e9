import type { Command } from "commander";

import { createWorker, type Worker } from "../create-worker.ts";
import {
  daemonInit,
  withAdminOptions,
  withDaemonOptions,
  withEngineOption,
  type DaemonOptions,
} from "./daemon-options.ts";
import { nodeInitOf } from "./node-init.ts";
import { runDaemon } from "./run-daemon.ts";
import { runCommand } from "./run-command.ts";
import { addWorkerStatus } from "./worker-status.ts";

/** What {@link withWorkerOptions} gives. */
export interface WorkerOptions extends DaemonOptions {
  readonly port?: string;
  readonly publicUrl?: string;
  readonly price?: string;
  readonly vetted?: string;
  readonly withdrawFactor?: string;
  readonly drain?: boolean;
  readonly node?: boolean;
  readonly farm?: string;
  readonly consent?: string;
}

/** Options and work of `sprf worker`. */
export function defineWorker(command: Command): void {
  command.enablePositionalOptions();
  addWorkerStatus(command);
  withWorkerOptions(command)
    .option("--node", "be a node of the grid as well: run deployments on this machine's Docker Engine")
    .action(async (options: WorkerOptions) => await runWorker(options));
}

/** Options of a daemon that works. */
export function withWorkerOptions(command: Command): Command {
  return withAdminOptions(withEngineOption(withDaemonOptions(command)))
    .option("--port <port>", "of the HTTP API; 0 takes a free one")
    .option("--public-url <url>", "what clients are told; at most 64 characters")
    .option("--price <wei>", "per block, when it registers")
    .option("--vetted <digests>", "images that it has found deterministic, when it registers; 64 hex digits each")
    .option("--withdraw-factor <times>", "how many times its gas a withdrawal has to bring")
    .option("--farm <id>", "which farm the node joins, when it is none yet")
    .option("--consent <file>", "the consent of the farm's owner, when that is another account")
    .option("--drain", "take no more agreements, serve those that it has to their end, and exit");
}

/** Works until it is told to end. */
export async function runWorker(options: WorkerOptions): Promise<void> {
  await runCommand(async (signal) => await serve(options, signal), options);
}

async function serve(options: WorkerOptions, signal: AbortSignal): Promise<void> {
  const { settings, peer, engines, admin } = await daemonInit("worker", options, {
    "http.port": options.port,
    "http.publicUrl": options.publicUrl,
    "worker.pricePerBlockWei": options.price,
    "worker.vettedDigests": options.vetted,
    "worker.withdrawFactor": options.withdrawFactor,
    "node.enabled": options.node,
    "node.farmId": options.farm,
    "node.consentFile": options.consent,
  });
  const { host, port, publicUrl } = settings.http;
  const { stakeWei, withdrawFactor, ...terms } = settings.worker;
  const drain = options.drain === true;
  const worker = await createWorker({
    ...peer,
    engines,
    http: { host, port, ...(publicUrl === undefined ? {} : { publicUrl }) },
    registration: { terms, ...(stakeWei === undefined ? {} : { stakeWei }) },
    withdrawFactor,
    runs: settings.runs,
    drain,
    ...(settings.node.enabled ? { node: await nodeInitOf(settings) } : {}),
  });
  const over = new AbortController();
  let draining: Promise<void> = Promise.resolve();
  await runDaemon(admin.around(worker), AbortSignal.any([signal, over.signal]), () => {
    const { workerId, account, apiUrl, nodeId } = worker;
    if (options.json) console.log(JSON.stringify({ workerId, account, apiUrl, nodeId, adminUrl: admin.url }));
    else {
      const until = drain ? "ends when its agreements do" : "Ctrl-C ends it";
      const asNode = nodeId === undefined ? "" : ` and is node ${nodeId} of the grid`;
      console.log(`worker ${workerId} (${account}) serves ${apiUrl}${asNode}; ${until}`);
    }
    if (drain) draining = waitForTheEnd(worker, options, signal).finally(() => over.abort());
  });
  await draining;
}

/** Says how many agreements are still open whenever the number changes. */
async function waitForTheEnd(worker: Worker, { json }: WorkerOptions, signal: AbortSignal): Promise<void> {
  let last: number | undefined;
  const say = (open: number, untilBlock: number | undefined): void => {
    if (open === last) return;
    last = open;
    if (json) console.log(JSON.stringify({ open, ...(untilBlock === undefined ? {} : { untilBlock }) }));
    else if (untilBlock === undefined) console.log("no agreement is open any more");
    else
      console.log(`${open} ${open === 1 ? "agreement is" : "agreements are"} open; work ends with block ${untilBlock}`);
  };
  try {
    await worker.drained({
      signal,
      onProgress: (open) => say(open.length, Math.max(...open.map(({ endBlock }) => endBlock - 1))),
    });
    say(0, undefined);
  } catch (error) {
    // Ctrl-C ends it earlier, and the next start goes on.
    if (!signal.aborted) throw error;
  }
}
