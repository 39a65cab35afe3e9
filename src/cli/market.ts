import type { Command } from "commander";

import { SprfError } from "../errors.ts";
import { openIndex } from "../create-indexer.ts";
import type { ReadModel } from "../indexer/read-model.ts";
import { indexInit, withIndexOptions, type IndexOptions } from "./index-options.ts";
import { addBuyCommands } from "./market-buy.ts";
import { printAgreements, printDue, printWorker, printWorkers } from "./market-views.ts";
import { printStatement } from "./market-statement.ts";
import { runCommand } from "./run-command.ts";

interface StatementOptions extends IndexOptions {
  readonly csv?: string;
}

interface ListOptions extends IndexOptions {
  readonly worker?: string;
  readonly client?: string;
  readonly limit: string;
}

const MAX_LIMIT = 1_000;
const ADDRESS = /^0x[0-9a-fA-F]{40}$/;

/** The commands of `sprf market`. */
export function defineMarket(market: Command): void {
  addBuyCommands(market);
  view(market, "workers", "Workers with price, reputation and stake.")
    .option("--limit <number>", "how many, from worker 1 on", "100")
    .action(async (options: ListOptions) => {
      await answer(options, async (model) => await printWorkers(model, { ...options, limit: limitOf(options) }));
    });
  view(market, "worker <id>", "One worker, with its history.")
    .option("--limit <number>", "entries of its history, newest first", "100")
    .action(async (id: string, options: ListOptions) => {
      await answer(options, async (model) => {
        await printWorker(model, numberOf("worker", id), { ...options, limit: limitOf(options) });
      });
    });
  view(market, "agreements", "Agreements, newest first.")
    .option("--worker <id>", "only those that name this worker")
    .option("--client <twin>", "only those that this twin (id or account) bought")
    .option("--limit <number>", "how many", "100")
    .action(async (options: ListOptions) => {
      await answer(options, async (model) => {
        const workerId = options.worker === undefined ? {} : { workerId: numberOf("--worker", options.worker) };
        const client = options.client === undefined ? {} : { client: await accountOf(model, options.client) };
        await printAgreements(model, { ...workerId, ...client, limit: limitOf(options) }, options);
      });
    });
  view(market, "due <twin>", "What a twin (id or account) can withdraw.").action(
    async (twin: string, options: IndexOptions) => {
      await answer(options, async (model) => await printDue(model, await accountOf(model, twin), options));
    },
  );
  view(market, "statement <twin>", "All that a twin (id or account) has paid, earned, staked and withdrawn.")
    .option("--csv <file>", "write it there as CSV (RFC 4180, amounts in wei); - is stdout")
    .action(async (twin: string, options: StatementOptions) => {
      await answer(options, async (model) => await printStatement(model, await accountOf(model, twin), options));
    });
}

function view(market: Command, name: string, description: string): Command {
  return withIndexOptions(market.command(name).description(description));
}

async function answer(options: IndexOptions, print: (model: ReadModel) => Promise<void>): Promise<void> {
  await runCommand(async () => {
    const { dataDirectory } = await indexInit(options);
    const index = await openIndex(dataDirectory);
    try {
      await print(index.model);
    } finally {
      await index.close();
    }
  }, options);
}

async function accountOf(model: ReadModel, twin: string): Promise<string> {
  if (ADDRESS.test(twin)) return twin;
  const account = await model.accountOf(numberOf("twin", twin));
  if (account === undefined) throw new SprfError("INVALID_INPUT", `there is no twin ${twin}`);
  return account;
}

function limitOf({ limit }: ListOptions): number {
  const number = numberOf("--limit", limit);
  if (number <= MAX_LIMIT) return number;
  throw new SprfError("INVALID_INPUT", `--limit: at most ${MAX_LIMIT}`);
}

function numberOf(name: string, text: string): number {
  const number = Number(text);
  if (/^\d{1,12}$/.test(text) && number > 0) return number;
  throw new SprfError("INVALID_INPUT", `${name}: expected a number from 1 on, got ${JSON.stringify(text)}`);
}
