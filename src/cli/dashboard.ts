import { join } from "node:path";

import type { Command } from "commander";
import { z } from "zod";

import { createDashboard } from "../create-dashboard.ts";
import { secretsOf } from "../config/secrets-of.ts";
import { createLogger } from "../create-logger.ts";
import { indexInit, withIndexOptions, type IndexOptions } from "./index-options.ts";
import { parseOptions } from "./parse-options.ts";
import { runCommand } from "./run-command.ts";
import { untilAborted } from "./run-daemon.ts";

const DEFAULT_PORT = "7707";
const MAX_PORT = 65_535;
/** Beside that of `sprf indexer`: of two indexers of one folder, one fails. */
const FOLDER = "dashboard";

const optionsSchema = z.object({
  host: z.string().min(1),
  port: z.coerce.number().int().min(0).max(MAX_PORT),
  allowHost: z.array(z.string().regex(/^[\w.:[\]-]+$/, "expected a name without a port")),
});

/** Options and work of `sprf dashboard`. */
export function defineDashboard(command: Command): void {
  withIndexOptions(command)
    .option("--host <address>", "the address to listen on; whoever reaches it sees what the chain says", "127.0.0.1")
    .option("--port <port>", "0 takes a free one", DEFAULT_PORT)
    .option("--allow-host <name...>", "further names under which browsers may ask for it", [])
    .action(async (options: IndexOptions) => {
      await runCommand(async (signal) => await serve(options, signal), options);
    });
}

async function serve(options: IndexOptions, signal: AbortSignal): Promise<void> {
  const { host, port, allowHost } = parseOptions(optionsSchema, options);
  const { settings, dataDirectory } = await indexInit(options);
  const dashboard = await createDashboard(
    {
      chain: settings.networks.chain,
      dataDirectory: settings.dataDirectory ?? join(dataDirectory, "..", FOLDER),
      http: { host, port, allowedHosts: allowHost },
      logger: createLogger(settings.logLevel, secretsOf(settings)),
    },
    { signal },
  );
  try {
    if (options.json) console.log(JSON.stringify({ url: dashboard.url }));
    else console.log(`the dashboard is at ${dashboard.url}; Ctrl-C ends it`);
    await Promise.race([untilAborted(signal), dashboard.ended]);
  } finally {
    await dashboard.close();
  }
}
