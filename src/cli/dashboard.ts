import { join } from "node:path";

import type { Command } from "commander";
import { z } from "zod";

import { devnetDataDirectory, devnetFilePath } from "../config/devnet-file.ts";
import { loadDashboardSettings, type DashboardSettings } from "../config/dashboard-settings.ts";
import { createDashboard } from "../create-dashboard.ts";
import { secretsOf } from "../config/secrets-of.ts";
import { createKeys } from "../create-keys.ts";
import { createLogger } from "../create-logger.ts";
import { enginesOf } from "./daemon-options.ts";
import { DATA_DIRECTORY, withIndexOptions, type IndexOptions } from "./index-options.ts";
import { parseOptions } from "./parse-options.ts";
import { runCommand } from "./run-command.ts";
import { untilAborted } from "./run-daemon.ts";

const DEFAULT_PORT = "7707";
const MAX_PORT = 65_535;
const MAX_NODES = 32;
/** Beside that of `sprf indexer`: of two indexers of one folder, one fails. */
const FOLDER = "dashboard";

const optionsSchema = z.object({
  host: z.string().min(1),
  port: z.coerce.number().int().min(0).max(MAX_PORT),
  allowHost: z.array(z.string().regex(/^[\w.:[\]-]+$/, "expected a name without a port")),
  channelNode: z.array(z.url({ protocol: /^wss?$/, error: "expected a ws:// address" })).max(MAX_NODES),
});

interface DashboardOptions extends IndexOptions {
  readonly account?: string;
}

/** Options and work of `sprf dashboard`. */
export function defineDashboard(command: Command): void {
  withIndexOptions(command)
    .option("--host <address>", "the address to listen on; whoever reaches it sees what the chain says", "127.0.0.1")
    .option("--port <port>", "0 takes a free one", DEFAULT_PORT)
    .option("--allow-host <name...>", "further names under which browsers may ask for it", [])
    .option("--channel-node <url...>", "ws:// of members' nodes, by which channels are shown live", [])
    .option("--account <index>", "as which account of the settings channels are read that are their members' alone")
    .action(async (options: DashboardOptions) => {
      await runCommand(async (signal) => await serve(options, signal), options);
    });
}

async function serve(options: DashboardOptions, signal: AbortSignal): Promise<void> {
  const { host, port, allowHost, channelNode } = parseOptions(optionsSchema, options);
  const { settings, dataDirectory } = await settingsOf(options);
  const { chain, ledger } = settings.networks;
  const keys = options.account === undefined ? undefined : await createKeys(settings);
  const dashboard = await createDashboard(
    {
      chain,
      programs: ledger === undefined ? undefined : { ledger, engines: enginesOf(settings) },
      channels: { channelNodes: channelNode, privateKey: keys?.accountPrivateKey },
      dataDirectory,
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

async function settingsOf(
  options: DashboardOptions,
): Promise<{ readonly settings: DashboardSettings; readonly dataDirectory: string }> {
  const devnetFile = options.devnet === true ? devnetFilePath() : options.devnet || undefined;
  const settings = await loadDashboardSettings({
    flags: { dataDirectory: options.data, logLevel: options.logLevel, "identity.accountIndex": options.account },
    ...(options.config === undefined ? {} : { file: options.config }),
    ...(devnetFile === undefined ? {} : { devnetFile }),
  });
  const base = devnetFile === undefined ? DATA_DIRECTORY : devnetDataDirectory(devnetFile);
  return { settings, dataDirectory: settings.dataDirectory ?? join(base, FOLDER) };
}
