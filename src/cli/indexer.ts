import type { Command } from "commander";
import { z } from "zod";

import { secretsOf } from "../config/secrets-of.ts";
import { createAdmin, type Checked } from "../create-admin.ts";
import { createMarketIndexer, type MarketIndexer } from "../create-indexer.ts";
import { createLogger } from "../create-logger.ts";
import { withAdminOptions } from "./daemon-options.ts";
import { indexInit, withIndexOptions, type IndexOptions } from "./index-options.ts";
import { parseOptions } from "./parse-options.ts";
import { runCommand } from "./run-command.ts";

interface IndexerOptions extends IndexOptions {
  readonly follow: boolean;
  readonly rebuild: boolean;
  readonly fromBlock?: string;
}

const numbersSchema = z.object({ fromBlock: z.coerce.number().int().min(0).optional() });

/** Options and work of `sprf indexer`. */
export function defineIndexer(command: Command): void {
  withAdminOptions(withIndexOptions(command))
    .option("-f, --follow", "go on with every new block until Ctrl-C", false)
    .option("--from-block <number>", "where a new index begins: at the market's deployment or before (default: 0)")
    .option("--rebuild", "forget the index and begin anew", false)
    .action(async (options: IndexerOptions) => {
      await runCommand(async (signal) => await index(options, signal), options);
    });
}

async function index(options: IndexerOptions, signal: AbortSignal): Promise<void> {
  const { fromBlock } = parseOptions(numbersSchema, options);
  const { settings, dataDirectory } = await indexInit(options);
  const admin = createAdmin({
    part: "indexer",
    // Nobody looks after what ends by itself.
    settings: options.follow ? settings.admin : { ...settings.admin, port: undefined },
    logger: createLogger(settings.logLevel, secretsOf(settings)),
  });
  const indexer = await createMarketIndexer(
    {
      chain: settings.networks.chain,
      dataDirectory,
      rebuild: options.rebuild,
      logger: admin.logger,
      metrics: admin.metrics,
      ...(fromBlock === undefined ? {} : { fromBlock }),
    },
    { signal },
  );
  const daemon = admin.around(daemonOf(indexer, options, () => admin.url));
  try {
    await daemon.start({ signal });
    if (options.follow) await indexer.follow({ signal });
  } finally {
    await daemon.stop();
  }
}

/** It has started once it is at the head of the chain. */
function daemonOf(
  indexer: MarketIndexer,
  { follow, json }: IndexerOptions,
  adminUrl: () => string | undefined,
): Checked {
  return {
    checks: indexer.checks,
    async start(options) {
      const { block, events } = await indexer.catchUp(options);
      if (json) console.log(JSON.stringify({ block, events, adminUrl: adminUrl() }));
      else console.log(`indexed up to block ${block}: ${events} events${follow ? "; Ctrl-C ends it" : ""}`);
    },
    stop: async () => await indexer.close(),
  };
}
