import { rm } from "node:fs/promises";

import { Option, type Command } from "commander";
import { z } from "zod";

import { devnetDataDirectory, devnetFilePath, removeDevnetFile, writeDevnetFile } from "../config/devnet-file.ts";
import { createAdmin, type Checked } from "../create-admin.ts";
import { createLogger } from "../create-logger.ts";
import { DEVNET_ACCOUNTS, DEVNET_MNEMONIC, devnetKeys } from "../devnet/accounts.ts";
import { devnetChecks } from "../devnet/checks.ts";
import { startDevnet, type Devnet, type DevnetInit } from "../devnet/create-devnet.ts";
import { fundAccount } from "../devnet/fund.ts";
import type { QueueRule } from "../devnet/stellar/ledger/transaction-queue.ts";
import { messageOf } from "../errors.ts";
import type { Logger } from "../ports/logger.ts";
import { refuseSecondDevnet } from "./devnet-is-up.ts";
import { withAdminOptions } from "./daemon-options.ts";
import { parseOptions } from "./parse-options.ts";
import { runCommand } from "./run-command.ts";
import { runDaemon } from "./run-daemon.ts";

const MAX_PORT = 65_535;
const SHOWN_ACCOUNTS = 10;

const MAX_LEDGER_CLOSE_MS = 3_600_000;

/** Rules of the ledger's queue by the names that the option takes. */
const QUEUE_RULES = { "one-per-source": "onePerSource", chain: "chain" } as const satisfies Record<string, QueueRule>;

const port = z.coerce.number().int().min(0).max(MAX_PORT);

const optionsSchema = z.object({
  chainPort: port,
  ledgerPort: port,
  wakuPort: port,
  contentPort: port,
  ledgerCloseMs: z.coerce.number().int().min(0).max(MAX_LEDGER_CLOSE_MS),
  ledgerQueue: z.enum(Object.keys(QUEUE_RULES) as (keyof typeof QUEUE_RULES)[]),
  ledgerFile: z.string().min(1).optional(),
  file: z.string(),
  host: z.ipv4(),
  adminPort: port.optional(),
  adminHost: z.string().default("127.0.0.1"),
  json: z.boolean(),
  verbose: z.boolean(),
});

type DevnetOptions = z.output<typeof optionsSchema>;

/** Options and work of `sprf devnet`. */
export function defineDevnet(command: Command): void {
  withAdminOptions(command)
    .option("--host <address>", "IPv4 address of this machine on which everything listens", "127.0.0.1")
    .option("--chain-port <port>", "Ethereum JSON-RPC; 0 takes a free one", "0")
    .option("--ledger-port <port>", "Stellar RPC and friendbot", "0")
    .option("--waku-port <port>", "the first Waku relay node; the second takes the next", "0")
    .option("--content-port <port>", "the IPFS node", "0")
    .option(
      "--ledger-close-ms <ms>",
      "how often a ledger closes: 1000, 5000 as on public networks, 0 on each transaction",
      "1000",
    )
    .addOption(
      new Option(
        "--ledger-queue <rule>",
        "transactions of one account that may wait: one as today, or a chain as before stellar-core 20",
      )
        .choices(Object.keys(QUEUE_RULES))
        .default("one-per-source"),
    )
    .option("--ledger-file <path>", "SQLite file that keeps the ledger over restarts; in memory without it")
    .option("--file <file>", "where its endpoints are written for other commands (SPRF_DEVNET_FILE)", devnetFilePath())
    .option("--json", "print one JSON object instead of text", false)
    .option("--verbose", "its log on stderr", false)
    .action(async (options: { readonly json: boolean }) => {
      await runCommand(async (signal) => await keepDevnet(parseOptions(optionsSchema, options), signal), options);
    });
}

async function keepDevnet(options: DevnetOptions, signal: AbortSignal): Promise<void> {
  await refuseSecondDevnet(options.file, signal);
  // What another devnet's daemons have kept: the contracts of this one have the same addresses.
  const removeData = async (): Promise<void> =>
    await rm(devnetDataDirectory(options.file), { recursive: true, force: true });
  await removeData();
  const admin = createAdmin({
    part: "devnet",
    settings: { port: options.adminPort, host: options.adminHost, maxHeadAgeSeconds: 0 },
    logger: createLogger(options.verbose ? "info" : "error"),
  });
  let devnet: Devnet | undefined;
  let accounts: Accounts = [];
  const daemon: Checked = {
    checks: devnetChecks(() => devnet),
    async start() {
      devnet = await startDevnet(initOf(options, admin.logger));
      accounts = await fundAccounts(devnet);
      await writeEndpoints(options.file, devnet);
    },
    async stop() {
      if (devnet === undefined) return;
      try {
        await removeDevnetFile(options.file);
        // Daemons that are still up write there, so that it may not be empty when it is to go; the next devnet removes it then.
        await removeData().catch((error: unknown) => admin.logger.info("data stays", { reason: messageOf(error) }));
      } finally {
        await devnet.stop();
      }
    },
  };
  await runDaemon(admin.around(daemon), signal, () => {
    if (devnet === undefined) return;
    const { networks, friendbotUrl, contentMultiaddrs } = devnet;
    if (options.json) {
      console.log(JSON.stringify({ networks, friendbotUrl, contentMultiaddrs, accounts, adminUrl: admin.url }));
    } else print(devnet, accounts, options.file);
  });
}

function initOf(options: DevnetOptions, logger: Logger): DevnetInit {
  return {
    host: options.host,
    ports: {
      chain: options.chainPort,
      ledger: options.ledgerPort,
      waku: options.wakuPort,
      content: options.contentPort,
    },
    ledger: {
      closeEveryMs: options.ledgerCloseMs,
      queueRule: QUEUE_RULES[options.ledgerQueue],
      ...(options.ledgerFile !== undefined && { databasePath: options.ledgerFile }),
    },
    logger,
  };
}

async function writeEndpoints(file: string, { networks, friendbotUrl, contentMultiaddrs }: Devnet): Promise<void> {
  await writeDevnetFile(file, {
    networks: {
      chain: { ...networks.chain, pollingIntervalMs: networks.chain.pollingIntervalMs ?? 1_000 },
      ledger: networks.ledger,
      waku: {
        peers: [...networks.waku.peers],
        clusterId: networks.waku.clusterId,
        shard: networks.waku.shard,
        messenger: "relay",
        serviceNodes: [...(networks.waku.serviceNodes ?? [])],
      },
    },
    friendbotUrl,
    contentMultiaddrs: [...contentMultiaddrs],
    mnemonic: DEVNET_MNEMONIC,
  });
}

type Accounts = readonly { readonly ethereum: string; readonly stellar: string }[];

async function fundAccounts(devnet: Devnet): Promise<Accounts> {
  const accounts = Array.from({ length: DEVNET_ACCOUNTS }, (_, index) => devnetKeys(index)).map((keys) => ({
    ethereum: keys.account,
    stellar: keys.ledgerKeypair.publicKey(),
  }));
  await Promise.all(accounts.map(async ({ stellar }) => await fundAccount(devnet.friendbotUrl, stellar)));
  return accounts;
}

function print({ networks, friendbotUrl, contentMultiaddrs }: Devnet, accounts: Accounts, file: string): void {
  const { chain, ledger, waku } = networks;
  const lines = [
    "devnet is up; for development only, its coins are worth nothing",
    "",
    `  Ethereum     ${chain.rpcUrl}`,
    `    Twins             ${chain.contracts.twins}`,
    `    WorkerDispatcher  ${chain.contracts.dispatcher}`,
    `    TesterRegistry    ${chain.contracts.testers}`,
    `    Disputes          ${chain.contracts.disputes}`,
    `    WorkerRecords     ${chain.contracts.records}`,
    ...gridLines(chain.grid),
    ...channelLines(chain.channels),
    `  Stellar      ${ledger.rpcUrl}  (network "${ledger.networkPassphrase}")`,
    `    friendbot         ${friendbotUrl}`,
    ...waku.peers.map((peer, index) => `  ${index === 0 ? "Waku" : "    "}         ${peer}`),
    ...contentMultiaddrs.map((address) => `  IPFS         ${address}`),
    "",
    `  accounts of "${DEVNET_MNEMONIC}", each with 10,000 ether and 10,000 XLM:`,
    ...accounts.slice(0, SHOWN_ACCOUNTS).map(({ ethereum, stellar }, index) => `  ${index}  ${ethereum}  ${stellar}`),
    `  and ${accounts.length - SHOWN_ACCOUNTS} more`,
    "",
    `written to ${file} for other commands; Ctrl-C ends it`,
  ];
  console.log(lines.join("\n"));
}

function gridLines(grid: Devnet["networks"]["chain"]["grid"]): readonly string[] {
  if (grid === undefined) return [];
  return [
    `    GridRegistry      ${grid.registry}`,
    `    GridContracts     ${grid.contracts}`,
    `    PriceBook         ${grid.prices}`,
    `    GridQuotes        ${grid.quotes}`,
  ];
}

function channelLines(channels: Devnet["networks"]["chain"]["channels"]): readonly string[] {
  if (channels === undefined) return [];
  const { hub, pool, court, chat, editor, land } = channels;
  return [
    `    ChannelHub        ${hub}`,
    `    StakingPool       ${pool}`,
    ...(court === undefined ? [] : [`    ChannelCourt      ${court}`]),
    ...(chat === undefined ? [] : [`    Chat              ${chat}`]),
    ...(editor === undefined ? [] : [`    DocumentEditor    ${editor}`]),
    ...(land === undefined ? [] : [`    LandCraft         ${land}`]),
  ];
}
