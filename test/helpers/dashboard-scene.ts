import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Browser } from "playwright-core";

import { createEthersChain, type EthersChain } from "../../src/adapters/chain/ethers.ts";
import { createDashboard, type Dashboard } from "../../src/create-dashboard.ts";
import { createLogger } from "../../src/create-logger.ts";
import { devnetKeys } from "../../src/devnet/accounts.ts";
import { mineBlocks } from "../../src/devnet/advance.ts";
import { startDevnet, type Devnet } from "../../src/devnet/create-devnet.ts";
import { startFleet, type Fleet } from "../../src/devnet/fleet.ts";
import { settleJob } from "../../src/devnet/settle-job.ts";
import type { TwinKeys } from "../../src/domain/identity/keys.ts";
import { startBrowser } from "./browser.ts";
import { registerTwin } from "./market-chain.ts";

const CLIENT_ACCOUNT = 1;
const FIRST_DAEMON_ACCOUNT = 3;
const LENGTH_BLOCKS = 60;
/** It runs still when the last test looks at it, a block a second. */
const RUNNING_BLOCKS = 900;
const PASSED_BLOCKS = 535;

/** Devnet with three workers and three testers, one agreement that is over and one that runs, a dashboard and a browser. */
export interface DashboardScene {
  readonly devnet: Devnet;
  readonly fleet: Fleet;
  readonly client: { readonly keys: TwinKeys; readonly chain: EthersChain };
  /** Address of the agreement that is over. */
  readonly finished: string;
  readonly browser: Browser;
  /** The running dashboard's address, with the slash. */
  readonly url: string;
  /** Buys from the workers that are named, or the market draws. */
  buy(lengthBlocks: number): Promise<string>;
  /** Ends the dashboard's process, as far as a page can tell. */
  stopDashboard(): Promise<void>;
  /** And starts it again at the same address. */
  startDashboard(): Promise<void>;
  stop(): Promise<void>;
}

export async function startDashboardScene(): Promise<DashboardScene> {
  const logger = createLogger("error");
  const folder = await mkdtemp(join(tmpdir(), "sprf-dashboard-"));
  const closers: (() => Promise<unknown> | void)[] = [async () => await rm(folder, { recursive: true, force: true })];
  const stop = async (): Promise<void> => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  try {
    const devnet = await startDevnet({ logger });
    closers.push(async () => await devnet.stop());
    const fleet = await startFleet({
      devnet,
      workers: 3,
      testers: 3,
      firstAccount: FIRST_DAEMON_ACCOUNT,
      engines: { kinds: ["wasi"] },
      dataDirectory: folder,
      logger,
    });
    closers.push(async () => await fleet.stop());
    const keys = devnetKeys(CLIENT_ACCOUNT);
    const chain = await createEthersChain({ ...devnet.networks.chain, privateKey: keys.accountPrivateKey });
    closers.push(() => chain.close());
    await registerTwin({ keys, chain });
    const buy = async (lengthBlocks: number): Promise<string> => {
      const request = { redundancy: 3, lengthBlocks, testerCount: 3 } as const;
      return (await chain.buy(request, await chain.quote(request))).agreement;
    };
    const finished = await buy(LENGTH_BLOCKS);
    await settleJob(devnet.networks.chain, keys, finished, () => undefined);

    // Some of its epochs are over; nobody was tested in time, since time was made to pass at once.
    const running = await buy(RUNNING_BLOCKS);
    await mineBlocks(devnet.networks.chain.rpcUrl, PASSED_BLOCKS);
    await chain.settle(running, RUNNING_BLOCKS);

    let dashboard: Dashboard | undefined;
    let port = 0;
    const startDashboard = async (): Promise<void> => {
      const init = { chain: devnet.networks.chain, dataDirectory: join(folder, "dashboard"), logger };
      dashboard = await createDashboard({ ...init, http: { port } });
      port = Number(new URL(dashboard.url).port);
    };
    await startDashboard();
    closers.push(async () => await dashboard?.close());
    const browser = await startBrowser();
    closers.push(async () => await browser.close());
    return {
      devnet,
      fleet,
      client: { keys, chain },
      finished,
      browser,
      buy,
      url: `http://127.0.0.1:${port}/`,
      stopDashboard: async () => await dashboard?.close(),
      startDashboard,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
