import type { Command } from "commander";

import { createLogger } from "../create-logger.ts";
import { createMarket, type Market } from "../create-market.ts";
import { readQueue } from "../create-run-view.ts";
import { SprfError } from "../errors.ts";
import { printJson } from "./market-views.ts";
import { marketSettingsOf, withMarketOptions, type MarketOptions } from "./market-options.ts";
import { queueText, runnersText } from "./queue-views.ts";
import { runCommand } from "./run-command.ts";
import { etherOf, formatRows, percentOf } from "./text-table.ts";

/** Agreements that one look shows, the newest first; nobody has room for as many at a time. */
const SHOWN_AGREEMENTS = 100;

interface WorkerStatusOptions extends MarketOptions {
  readonly adminPort?: string;
  readonly adminHost?: string;
}

interface OpenAgreement {
  readonly agreement: string;
  /** Its last block of work. */
  readonly untilBlock: number;
}

/** How a worker stands on the market: `sprf worker status`. */
export function addWorkerStatus(worker: Command): void {
  withMarketOptions(worker.command("status"))
    .description("What the market knows of this account's worker, the agreements that it has to serve, and what waits.")
    .option("--admin-port <port>", "of the worker's listener for metrics, which knows what waits without a database")
    .option("--admin-host <host>", "on which that one listens (default: 127.0.0.1)")
    .action(async (options: WorkerStatusOptions) => {
      await runCommand(async (signal) => await show(options, signal), options);
    });
}

async function show(options: WorkerStatusOptions, signal: AbortSignal): Promise<void> {
  const { flags, ...from } = marketSettingsOf(options);
  const { chain, keys, settings } = await createMarket({
    ...from,
    flags: { ...flags, "admin.port": options.adminPort, "admin.host": options.adminHost },
  });
  try {
    const { account } = keys;
    const workerId = await chain.workerOf(account, settings.worker.applicationType, { signal });
    const entry = workerId === undefined ? undefined : await chain.worker(workerId, { signal });
    if (workerId === undefined || entry === undefined) {
      throw new SprfError("NOT_REGISTERED", `${account} has no worker: \`npx sprf worker\` registers one`);
    }
    const [balanceWei, reputation, block] = await Promise.all([
      chain.balanceWei(account, { signal }),
      chain.reputationOf(workerId, { signal }),
      chain.blockNumber({ signal }),
    ]);
    const open = await openAgreements(chain, { workerId, newest: entry.lastAgreement ?? 0, block }, signal);
    const queue = await readQueue(settings, { logger: createLogger("silent"), signal });
    if (options.json) return printJson({ worker: entry, account, balanceWei, reputation, block, open, queue });
    const { status, listed, pricePerBlockWei, slotsUsed, slots, stakeWei, lockedWei } = entry;
    console.log(
      formatRows(
        ["worker", String(workerId)],
        [
          ["account", account],
          ["status", listed ? status : `${status}, not drawn`],
          ["price", `${etherOf(pricePerBlockWei)} ether a block`],
          ["slots", `${slotsUsed} of ${slots} taken`],
          ["stake", `${etherOf(stakeWei)} ether, ${etherOf(lockedWei)} of it locked`],
          ["balance", `${etherOf(balanceWei)} ether`],
          ["reputation", `${percentOf(reputation.reputation)}, ${percentOf(reputation.uptime)} uptime`],
          ["queue", "unknown" in queue ? `not known: ${queue.unknown}` : queueText(queue)],
        ],
      ),
    );
    const rows = open.map(({ agreement, untilBlock }) => [agreement, String(untilBlock)]);
    console.log(rows.length === 0 ? "\nno agreement is open" : `\n${formatRows(["open", "until block"], rows)}`);
    if ("runners" in queue && queue.runners !== undefined) console.log(`\n${runnersText(queue.runners)}`);
  } finally {
    chain.close();
  }
}

/** From the newest back: each agreement says which one its worker had before. */
async function openAgreements(
  chain: Market["chain"],
  { workerId, newest, block }: { readonly workerId: number; readonly newest: number; readonly block: number },
  signal: AbortSignal,
): Promise<readonly OpenAgreement[]> {
  const open: OpenAgreement[] = [];
  for (let number = newest, looked = 0; number > 0 && looked < SHOWN_AGREEMENTS; looked++) {
    const agreement = await chain.agreement(await chain.agreementAt(number, { signal }), { signal });
    if (agreement === undefined) break;
    const { address, endBlock, workerIds, previousAgreements } = agreement;
    if (endBlock > block) open.push({ agreement: address, untilBlock: endBlock - 1 });
    number = previousAgreements[workerIds.indexOf(workerId)] ?? 0;
  }
  return open;
}
