import type { Command } from "commander";

import { createMarket } from "../create-market.ts";
import { explainChoice } from "../domain/market/explain-choice.ts";
import { SprfError } from "../errors.ts";
import type { PurchaseRequest } from "../ports/chain.ts";
import { confirm } from "./confirm.ts";
import { marketSettingsOf, withMarketOptions, type MarketOptions } from "./market-options.ts";
import { printJson } from "./market-views.ts";
import { parseOptions } from "./parse-options.ts";
import { PURCHASE_FIELDS, hasConditions, policyOf, purchaseSchema, type PurchaseOrder } from "./purchase-options.ts";
import { runCommand } from "./run-command.ts";
import { etherOf, formatRows } from "./text-table.ts";

type Market = Awaited<ReturnType<typeof createMarket>>;

/** What a purchase would be. */
interface Offer {
  readonly priceWei: bigint;
  /** Absent where the market draws them. */
  readonly workers?: readonly number[];
  readonly why?: string;
}

/** Commands that ask for prices and buy. */
export function addBuyCommands(market: Command): void {
  command(market, "quote", "What an agreement would cost now, and which workers would be chosen.").action(
    async (options: MarketOptions) => {
      await withMarket(options, async (opened, order, signal) => {
        const offer = await offerOf(opened, order, signal);
        if (options.json) printJson(offer);
        else printOffer(offer, order);
      });
    },
  );
  command(market, "buy", "Buys an agreement, with workers that the market draws or that the conditions choose.")
    .option("--yes", "pay without asking", false)
    .action(async (options: MarketOptions & { readonly yes: boolean }) => {
      await withMarket(options, async (opened, order, signal) => await buy(opened, order, options, signal));
    });
}

function command(market: Command, name: string, description: string): Command {
  const made = withMarketOptions(market.command(name).description(description));
  for (const { flags, help } of Object.values(PURCHASE_FIELDS)) made.option(flags, help);
  return made;
}

async function buy(
  market: Market,
  order: PurchaseOrder,
  options: MarketOptions & { readonly yes: boolean },
  signal: AbortSignal,
): Promise<void> {
  const { chain, keys } = market;
  const offer = await offerOf(market, order, signal);
  if (!options.json && !options.yes) printOffer(offer, order);
  await confirm(options, signal);
  const ledgerKey = new Uint8Array(keys.ledgerKeypair.rawPublicKey());
  await chain.ensureTwin({ messagePrivateKey: keys.messagePrivateKey, ledgerKey }, { signal });
  const { priceWei: maxPriceWei } = offer;
  const bought = hasConditions(order)
    ? await market.buyBest(policyOf(order), { signal, maxPriceWei })
    : await chain.buy(requestOf(order), maxPriceWei, { signal });
  const agreement = await chain.agreement(bought.agreement, { signal });
  const { startBlock = 0, endBlock = 0, workerIds = [] } = agreement ?? {};
  const { agreement: address, paidWei, transactionHash } = bought;
  if (options.json) {
    printJson({ agreement: address, paidWei, workers: workerIds, startBlock, endBlock, transactionHash });
    return;
  }
  console.log(`agreement ${address}`);
  console.log(
    formatRows(
      ["", ""],
      [
        ["paid", `${etherOf(paidWei)} ether`],
        ["workers", workerIds.join(", ")],
        ["blocks", `${startBlock} to ${endBlock - 1}`],
      ],
    ).trimStart(),
  );
}

async function offerOf(market: Market, order: PurchaseOrder, signal: AbortSignal): Promise<Offer> {
  if (!hasConditions(order)) return { priceWei: await market.chain.quote(requestOf(order), { signal }) };
  const choice = await market.chooseWorkers(policyOf(order), { signal });
  const why = explainChoice(choice.tally);
  if (choice.kind === "none") throw new SprfError("NO_MATCH", why);
  const workers = choice.workers.map(({ workerId }) => workerId);
  return { priceWei: await market.chain.quoteWith(workers, order.length, { signal }), workers, why };
}

function requestOf({ redundancy, length, testerCount = 1 }: PurchaseOrder): PurchaseRequest {
  return { redundancy, lengthBlocks: length, testerCount };
}

function printOffer({ priceWei, workers, why }: Offer, { redundancy, length }: PurchaseOrder): void {
  const rows = [
    ["cost", `at most ${etherOf(priceWei)} ether`],
    ["work", `${length} blocks of ${redundancy} workers`],
    ["workers", workers?.join(", ") ?? "drawn by the market"],
    ...(why === undefined ? [] : [["why", why]]),
  ];
  console.log(formatRows(["quote", ""], rows));
}

async function withMarket(
  options: MarketOptions,
  work: (market: Market, order: PurchaseOrder, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  await runCommand(async (signal) => {
    const order = parseOptions(purchaseSchema, options);
    const market = await createMarket(marketSettingsOf(options));
    try {
      await work(market, order, signal);
    } finally {
      market.chain.close();
    }
  }, options);
}
