import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { JsonRpcProvider } from "ethers";

import { adoptMarket, readDevnetFile, writeDevnetFile, type DevnetFile } from "../../src/config/devnet-file.ts";
import { deployDevnetMarket, type MarketSettings } from "../../src/devnet/deploy-market.ts";
import { DEVNET_MARKET_SETTINGS } from "../../src/devnet/market-settings.ts";
import { startDaemon } from "./daemon.ts";
import { startFleetDaemon, type FleetDaemon } from "./fleet-daemon.ts";
import { paceOf } from "./market-pace.ts";

const FIRST_WORKER_ACCOUNT = 10;
const LIAR_ACCOUNT = 20;
const FIRST_TESTER_ACCOUNT = 24;
/** Twenty processes that all poll every 50 ms would keep a core busy. */
const POLLING_MS = 1_000;
const LEDGER_CLOSE_MS = 500;
/** Daemons that start at a time: as many as there are cores in CI. */
const STARTS_AT_ONCE = 2;
const GWEI = 10n ** 9n;
const WORKER = { slots: 24, maxLengthBlocks: 240 };
const TESTER = { capacity: 40 };

/** All that honest workers ask for a block; the liar asks more, so that a ceiling keeps it out of a purchase. */
export const HONEST_PRICE_WEI = 20_000n * GWEI;
const LIAR_PRICE_WEI = 25_000n * GWEI;

/** Epochs that pass within a test. */
export const MARKET_SETTINGS: MarketSettings = {
  ...DEVNET_MARKET_SETTINGS,
  epochLength: 30n,
  revealLength: 8n,
  appealLength: 5n,
  maxLength: 240n,
};

/** Devnet, workers on Waku relay and testers as light clients, each a process of its own; the last worker lies in a share of its answers. */
export interface MarketFleet {
  readonly devnet: DevnetFile;
  readonly honest: readonly FleetDaemon[];
  readonly liar: FleetDaemon;
  readonly testers: readonly FleetDaemon[];
  readonly blockMs: number;
  /** What went wrong with daemons that nobody had killed. */
  readonly problems: readonly string[];
  /** From now on blocks come at a pace of their own, as on a real chain, and no longer with each transaction. */
  startPace(): Promise<void>;
  /** Ends all daemons in order but devnet; rejects when one does not end well. */
  stopDaemons(): Promise<void>;
  stop(): Promise<void>;
}

export interface MarketFleetInit {
  readonly honestWorkers: number;
  readonly testers: number;
  readonly lieShare: number;
  readonly seed: number;
  readonly blockMs?: number | undefined;
  readonly keep?: string | undefined;
}

export async function startMarketFleet(init: MarketFleetInit): Promise<MarketFleet> {
  const directory = init.keep ?? (await mkdtemp(join(tmpdir(), "sprf-market-")));
  await mkdir(directory, { recursive: true });
  const file = join(directory, "devnet.json");
  const problems: string[] = [];
  const daemons: FleetDaemon[] = [];
  const closers: (() => Promise<void>)[] = [];
  if (init.keep === undefined) closers.push(async () => await rm(directory, { recursive: true, force: true }));

  async function stopDaemons(): Promise<void> {
    const ends = await Promise.allSettled(daemons.splice(0).map(async (daemon) => await daemon.stop()));
    const failed = ends.flatMap((end) => (end.status === "rejected" ? [end.reason as unknown] : []));
    if (failed.length > 0) throw new AggregateError(failed, failed.map(String).join("\n"));
  }
  async function stop(): Promise<void> {
    await stopDaemons().catch((error: unknown) => problems.push(String(error)));
    for (const close of closers.splice(0).reverse()) await close();
  }

  try {
    const closing = ["--ledger-close-ms", `${LEDGER_CLOSE_MS}`];
    const networkLog = { logFile: join(directory, "devnet.log") };
    const network = await startDaemon("devnet", ["--file", file, "--json", ...closing], networkLog);
    let isStopping = false;
    void network.ended.then(({ how, log }) => {
      if (!isStopping) problems.push(`devnet ended by itself with ${how}:\n${log}`);
    });
    closers.push(async () => {
      isStopping = true;
      await network.stop();
    });
    const devnet = await adoptTestMarket(file);
    const configs = { worker: join(directory, "worker.json"), tester: join(directory, "tester.json") };
    await writeFile(configs.worker, JSON.stringify({ worker: WORKER }));
    await writeFile(configs.tester, JSON.stringify({ tester: TESTER, networks: { waku: { messenger: "light" } } }));
    const startedAtMs = performance.now();
    const plans = plansOf(init);
    for (let from = 0; from < plans.length; from += STARTS_AT_ONCE) {
      const started = plans.slice(from, from + STARTS_AT_ONCE).map(async ({ own, ...plan }) => {
        const { role, account } = plan;
        const data = join(directory, `${role}-${account}`);
        const common = ["--devnet", file, "--config", configs[role], "--account", `${account}`, "--data", data];
        return await startFleetDaemon({
          ...plan,
          options: [...common, "--log-level", "info", "--json", ...own],
          logFile: `${data}.log`,
          onFailure: (what) => problems.push(what),
        });
      });
      daemons.push(...(await Promise.all(started)));
    }
    const startMs = ((performance.now() - startedAtMs) * STARTS_AT_ONCE) / plans.length;
    const blockMs = init.blockMs ?? paceOf(startMs);
    const all = [...daemons];
    return {
      devnet,
      honest: all.slice(0, init.honestWorkers),
      liar: all[init.honestWorkers]!,
      testers: all.slice(init.honestWorkers + 1),
      blockMs,
      problems,
      startPace: async () => await mineEvery(devnet.networks.chain.rpcUrl, blockMs),
      stopDaemons,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface DaemonPlan extends Pick<FleetDaemon, "name" | "role" | "account"> {
  readonly script: string;
  readonly own: readonly string[];
}

function plansOf({ honestWorkers, testers, lieShare, seed }: MarketFleetInit): readonly DaemonPlan[] {
  const lies = ["--lie-share", `${lieShare}`, "--lie-secret", `${seed}`];
  return [
    ...range(honestWorkers).map((n) => ({
      name: `worker ${n + 1}`,
      role: "worker" as const,
      account: FIRST_WORKER_ACCOUNT + n,
      script: "worker",
      own: ["--price", `${HONEST_PRICE_WEI}`],
    })),
    {
      name: "liar",
      role: "worker",
      account: LIAR_ACCOUNT,
      script: "test/helpers/market-liar.ts",
      own: ["--price", `${LIAR_PRICE_WEI}`, ...lies],
    },
    ...range(testers).map((n) => ({
      name: `tester ${n + 1}`,
      role: "tester" as const,
      account: FIRST_TESTER_ACCOUNT + n,
      script: "tester",
      own: [],
    })),
  ];
}

/** A market of short epochs in place of the one that devnet came with. */
async function adoptTestMarket(file: string): Promise<DevnetFile> {
  const { rpcUrl } = (await readDevnetFile(file)).networks.chain;
  await adoptMarket(file, { rpcUrl, contracts: await deployDevnetMarket(rpcUrl, MARKET_SETTINGS) });
  const devnet = await readDevnetFile(file);
  const { networks } = devnet;
  const slower = { ...devnet, networks: { ...networks, chain: { ...networks.chain, pollingIntervalMs: POLLING_MS } } };
  await writeDevnetFile(file, slower);
  return slower;
}

async function mineEvery(rpcUrl: string, blockMs: number): Promise<void> {
  const provider = new JsonRpcProvider(rpcUrl, undefined, { staticNetwork: true, batchMaxCount: 1, cacheTimeout: -1 });
  try {
    await provider.send("evm_setAutomine", [false]);
    await provider.send("evm_setIntervalMining", [blockMs]);
  } finally {
    provider.destroy();
  }
}

function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index);
}
