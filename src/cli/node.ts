import type { Command } from "commander";

import { addNodeCommands } from "./grid-market.ts";
import { runWorker, withWorkerOptions, type WorkerOptions } from "./worker.ts";

/** The commands of `sprf node`: those of `sprf grid node`, and the daemon, which is a worker's. */
export function defineNode(node: Command): void {
  withWorkerOptions(node.command("run"))
    .description("Runs deployments on this machine's Docker Engine, in a worker's daemon: `sprf worker --node`.")
    .action(async (options: WorkerOptions) => await runWorker({ ...options, node: true }));
  addNodeCommands(node);
}
