import type { Command } from "commander";
import { z } from "zod";

import { createMarketIndexer, type MarketIndexer } from "../create-indexer.ts";
import { createLogger } from "../create-logger.ts";
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
  withIndexOptions(command)
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
  const indexer = await createMarketIndexer(
    {
      chain: settings.networks.chain,
      dataDirectory,
      rebuild: options.rebuild,
      logger: createLogger(settings.logLevel),
      ...(fromBlock === undefined ? {} : { fromBlock }),
    },
    { signal },
  );
  try {
    await run(indexer, options, signal);
  } finally {
    await indexer.close();
  }
}

async function run(indexer: MarketIndexer, { follow, json }: IndexerOptions, signal: AbortSignal): Promise<void> {
  const { block, events } = await indexer.catchUp({ signal });
  if (json) console.log(JSON.stringify({ block, events }));
  else console.log(`indexed up to block ${block}: ${events} events${follow ? "; Ctrl-C ends it" : ""}`);
  if (follow) await indexer.follow({ signal });
}
