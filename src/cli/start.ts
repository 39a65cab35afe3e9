import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Option, type Command } from "commander";

import { balancesCsv, entriesToCsv, generateEntries, type JournalEntry } from "../../examples/programs/journal.ts";
import { connect, type SprfClient } from "../create-client.ts";
import { createDashboard } from "../create-dashboard.ts";
import { createLogger } from "../create-logger.ts";
import { devnetKeys } from "../devnet/accounts.ts";
import { startDevnet, type Devnet } from "../devnet/create-devnet.ts";
import { exampleImage, exampleModule } from "../devnet/example-program.ts";
import { startFleet } from "../devnet/fleet.ts";
import { runMainJob, type MainJobResult, type Report } from "../devnet/main-job.ts";
import { DEVNET_MARKET_SETTINGS } from "../devnet/market-settings.ts";
import { settleJob } from "../devnet/settle-job.ts";
import { SprfError } from "../errors.ts";
import type { ProgramReference } from "../ports/engine.ts";
import type { Logger } from "../ports/logger.ts";
import { createProgress } from "./progress.ts";
import { runCommand } from "./run-command.ts";
import { untilAborted } from "./run-daemon.ts";

const WORKERS = 3;
const TESTERS = 3;
const CLIENT_ACCOUNT = 1;
const SECOND_USER_ACCOUNT = 2;
const FIRST_DAEMON_ACCOUNT = 3;
const EXECUTIONS = 3;
const ENTRIES_AN_EXECUTION = 40;
const JOURNAL_SEED = 2026;

interface StartOptions {
  readonly keep: boolean;
  readonly engine: ProgramReference["kind"];
  readonly registry: string;
  readonly json: boolean;
  readonly verbose: boolean;
}

/** Options and work of `sprf start`. */
export function defineStart(command: Command): void {
  command
    .option("--keep", "stay up afterwards, until Ctrl-C", false)
    .addOption(new Option("--engine <kind>", "what runs the program").choices(["wasi", "docker"]).default("wasi"))
    .option("--registry <host:port>", "where the image is pushed to, with --engine docker", "127.0.0.1:5000")
    .option("--json", "one JSON object a line", false)
    .option("--verbose", "the daemons' logs on stderr", false)
    .action(async (options: StartOptions) => {
      await runCommand(async (signal) => await start(options, signal), options);
    });
}

async function start(options: StartOptions, signal: AbortSignal): Promise<void> {
  const report = createProgress(options);
  const logger = createLogger(options.verbose ? "info" : "error");
  const dataDirectory = await mkdtemp(join(tmpdir(), "sprf-"));
  const closers: (() => Promise<void>)[] = [async () => await rm(dataDirectory, { recursive: true, force: true })];
  try {
    const devnet = await startDevnet({ logger });
    closers.push(async () => await devnet.stop());
    reportDevnet(devnet, report);
    const fleet = await startFleet({
      devnet,
      workers: WORKERS,
      testers: TESTERS,
      firstAccount: FIRST_DAEMON_ACCOUNT,
      engines: { kinds: options.engine === "docker" ? ["wasi", "docker"] : ["wasi"] },
      dataDirectory,
      logger,
    });
    closers.push(async () => await fleet.stop());
    report(`${WORKERS} workers and ${TESTERS} testers registered, with stake`, {
      ...Object.fromEntries(fleet.workers.map(({ workerId, account }) => [`worker ${workerId}`, account])),
      ...Object.fromEntries(fleet.testers.map(({ testerId, account }) => [`tester ${testerId}`, account])),
    });
    const client = await connect({ networks: devnet.networks, keys: devnetKeys(CLIENT_ACCOUNT), logger });
    closers.push(async () => await client.close());
    const { result, entries } = await runJob(client, devnet, options, report, signal);
    await settleJob(devnet.networks.chain, devnetKeys(CLIENT_ACCOUNT), result.agreement, report, { signal });
    conclude(result, entries, options, report);
    if (options.keep) await keepUp(result, devnet, { dataDirectory, logger, closers, report, signal });
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

async function runJob(
  client: SprfClient,
  devnet: Devnet,
  { engine, registry }: StartOptions,
  report: Report,
  signal: AbortSignal,
): Promise<{ readonly result: MainJobResult; readonly entries: readonly JournalEntry[] }> {
  const program =
    engine === "docker"
      ? await exampleImage(registry, { signal })
      : await exampleModule(async (bytes) => await client.putFile(bytes, { signal }));
  const entries = generateEntries(EXECUTIONS * ENTRIES_AN_EXECUTION, JOURNAL_SEED);
  const inputs = Array.from({ length: EXECUTIONS }, (_, index) =>
    new TextEncoder().encode(
      entriesToCsv(entries.slice(index * ENTRIES_AN_EXECUTION, (index + 1) * ENTRIES_AN_EXECUTION)),
    ),
  );
  const result = await runMainJob(
    {
      client,
      friendbotUrl: devnet.friendbotUrl,
      secondUser: SECOND_USER_ACCOUNT,
      program,
      inputs,
      lengthBlocks: Number(DEVNET_MARKET_SETTINGS.epochLength),
    },
    report,
    { signal },
  );
  return { result, entries };
}

function conclude(
  result: MainJobResult,
  entries: readonly JournalEntry[],
  { keep, json }: StartOptions,
  report: Report,
): void {
  const output = new TextDecoder().decode(result.executions.at(-1)?.output);
  if (output !== balancesCsv(entries)) {
    throw new SprfError("INTERNAL", "the anchored balances are not those that follow from the entries");
  }
  report(`anchored: the state after ${entries.length} entries is on the ledger, and it is the right one`, {
    "smart account": result.program,
    current_state: result.state.cid,
    ledger: result.state.ledger.toString(),
    size: `${result.state.bytes.length} bytes`,
    ...(json ? { balances: output } : {}),
  });
  if (!json) console.log(`\n${output}`);
  if (!keep) {
    report("to look further: npm start -- --keep leaves everything up; docs/concepts.md tells what you have just seen");
  }
}

interface Kept {
  readonly dataDirectory: string;
  readonly logger: Logger;
  readonly closers: (() => Promise<void>)[];
  readonly report: Report;
  readonly signal: AbortSignal;
}

/** Leaves everything up, with the market in the browser besides. */
async function keepUp(
  result: MainJobResult,
  devnet: Devnet,
  { dataDirectory, logger, closers, report, signal }: Kept,
): Promise<void> {
  const dashboard = await createDashboard(
    {
      chain: devnet.networks.chain,
      programs: { ledger: devnet.networks.ledger, engines: { kinds: ["wasi", "docker"] } },
      dataDirectory: join(dataDirectory, "dashboard"),
      http: {},
      logger,
    },
    { signal },
  );
  closers.push(async () => await dashboard.close());
  report("everything stays up until Ctrl-C", {
    "the market in the browser": dashboard.url,
    "the program in the browser": `${dashboard.url}programs/${result.program}`,
    "the account on the ledger": `curl -s ${devnet.networks.ledger.rpcUrl} -H 'content-type: application/json' -d '{"jsonrpc":"2.0","id":1,"method":"getLatestLedger"}'`,
    "the agreement on the chain": `${result.agreement} at ${devnet.networks.chain.rpcUrl}`,
  });
  await Promise.race([untilAborted(signal), dashboard.ended]);
}

function reportDevnet(devnet: Devnet, report: Report): void {
  const { chain, ledger, waku } = devnet.networks;
  report("devnet is up: an Ethereum node, a Stellar development ledger, a Waku relay mesh and an IPFS node", {
    ethereum: chain.rpcUrl,
    dispatcher: chain.contracts.dispatcher,
    stellar: ledger.rpcUrl,
    waku: waku.peers.join(" "),
    ipfs: devnet.contentMultiaddrs.join(" "),
  });
}
