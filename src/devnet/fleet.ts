import { join } from "node:path";

import { createTester, type Tester } from "../create-tester.ts";
import { createWorker, type Worker } from "../create-worker.ts";
import type { EngineSettings } from "../create-engines.ts";
import type { Logger } from "../ports/logger.ts";
import type { Startable } from "../ports/startable.ts";
import { devnetKeys } from "./accounts.ts";
import type { Devnet } from "./create-devnet.ts";
import { fundAccount } from "./fund.ts";

/** The general market, which `buyContract` buys from. */
const GENERAL_APPLICATION = `0x${"0".repeat(64)}`;

const GWEI = 10n ** 9n;
const PRICE_PER_BLOCK_WEI = 20_000n * GWEI;
const PRICE_STEP_WEI = 1_000n * GWEI;
const MAX_LENGTH_BLOCKS = 1_000;
const SLOTS = 8;
const TESTER_FEE_WEI = 50_000n * GWEI;
const TESTER_CAPACITY = 4;

export interface FleetInit {
  readonly devnet: Devnet;
  readonly workers: number;
  readonly testers: number;
  /** Devnet account of the first worker; the others and the testers follow. */
  readonly firstAccount: number;
  readonly engines: EngineSettings;
  /** Each daemon has a folder below it. */
  readonly dataDirectory: string;
  readonly logger: Logger;
}

export interface Fleet {
  readonly workers: readonly Worker[];
  readonly testers: readonly Tester[];
  stop(): Promise<void>;
}

/** Starts workers and testers of devnet in this process, each with an identity and a store of its own. */
export async function startFleet(init: FleetInit): Promise<Fleet> {
  const { devnet, engines, logger } = init;
  const { networks } = devnet;
  const started: Startable[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(started.splice(0).map(async (daemon) => await daemon.stop()));
  };
  const launch = async <T extends Startable>(daemon: T): Promise<T> => {
    started.push(daemon);
    await daemon.start();
    return daemon;
  };
  try {
    const workers = await Promise.all(
      range(init.workers).map(async (index) => {
        const terms = {
          pricePerBlockWei: PRICE_PER_BLOCK_WEI + BigInt(index) * PRICE_STEP_WEI,
          maxLengthBlocks: MAX_LENGTH_BLOCKS,
          slots: SLOTS,
          applicationType: GENERAL_APPLICATION,
          vettedDigests: [],
        };
        const keys = devnetKeys(init.firstAccount + index);
        // Batches of prepaid requests are submitted at a worker's cost.
        await fundAccount(devnet.friendbotUrl, keys.ledgerKeypair.publicKey());
        const dataDirectory = join(init.dataDirectory, `worker-${index + 1}`);
        return await launch(
          await createWorker({ networks, keys, dataDirectory, logger, engines, http: {}, registration: { terms } }),
        );
      }),
    );
    const testers = await Promise.all(
      range(init.testers).map(async (index) => {
        const keys = devnetKeys(init.firstAccount + init.workers + index);
        await fundAccount(devnet.friendbotUrl, keys.ledgerKeypair.publicKey());
        const dataDirectory = join(init.dataDirectory, `tester-${index + 1}`);
        const registration = { feePerEpochWei: TESTER_FEE_WEI, capacity: TESTER_CAPACITY };
        return await launch(await createTester({ networks, keys, dataDirectory, logger, engines, registration }));
      }),
    );
    return { workers, testers, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function range(length: number): readonly number[] {
  return Array.from({ length }, (_, index) => index);
}
