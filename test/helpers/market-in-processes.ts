import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { createMemoryLogger } from "../../src/adapters/logger/memory.ts";
import { readDevnetFile, type DevnetFile } from "../../src/config/devnet-file.ts";
import { connect, type SprfClient } from "../../src/create-client.ts";
import { devnetKeys } from "../../src/devnet/accounts.ts";
import type { ProgramReference } from "../../src/ports/engine.ts";
import { startDaemon, type Daemon } from "./daemon.ts";

const FIRST_WORKER_ACCOUNT = 10;
const LIAR_ACCOUNT = 20;
const FIRST_TESTER_ACCOUNT = 24;
const CLIENT_ACCOUNT = 1;

/** Devnet, workers and testers, each a process of the product's own commands; one worker lies. */
export interface MarketInProcesses {
  readonly devnet: DevnetFile;
  readonly client: SprfClient;
  readonly workers: readonly RunningWorker[];
  readonly liar: RunningWorker;
  stop(): Promise<void>;
}

export interface RunningWorker {
  readonly workerId: number;
  readonly apiUrl: string;
  kill(): Promise<void>;
  /** Starts it again with the same data on the same port. */
  restart(): Promise<void>;
}

export async function startMarketInProcesses(init: {
  readonly workers: number;
  readonly testers: number;
  readonly engines: readonly ProgramReference["kind"][];
  /** Digests that every worker lists as deterministic. */
  readonly vetted: readonly string[];
}): Promise<MarketInProcesses> {
  const directory = await mkdtemp(join(tmpdir(), "sprf-e2e-"));
  const file = join(directory, "devnet.json");
  const closers: (() => Promise<void>)[] = [async () => await rm(directory, { recursive: true, force: true })];
  const stop = async (): Promise<void> => {
    const problems: unknown[] = [];
    for (const close of closers.splice(0).reverse()) await close().catch((error: unknown) => problems.push(error));
    if (problems.length > 0) throw new AggregateError(problems, `${problems.length} daemons did not end well`);
  };
  try {
    const network = await startDaemon("devnet", ["--file", file, "--json"]);
    closers.push(async () => await network.stop());
    const devnet = await readDevnetFile(file);
    const common = ["--devnet", file, "--engines", init.engines.join(), "--log-level", "warn", "--json"];
    const vetted = init.vetted.length === 0 ? [] : ["--vetted", init.vetted.join()];

    const startWorker = async (script: string, account: number): Promise<RunningWorker> => {
      const options = [...common, "--account", `${account}`, "--data", join(directory, `worker-${account}`), ...vetted];
      let daemon: Daemon = await startDaemon(script, options);
      closers.push(async () => await daemon.stop());
      const { workerId, apiUrl } = daemon.info as { workerId: number; apiUrl: string };
      return {
        workerId,
        apiUrl,
        kill: async () => await daemon.kill(),
        async restart() {
          daemon = await startDaemon(script, [...options, "--port", new URL(apiUrl).port]);
        },
      };
    };
    const startTester = async (account: number): Promise<void> => {
      const data = join(directory, `tester-${account}`);
      const daemon = await startDaemon("tester", [...common, "--account", `${account}`, "--data", data]);
      closers.push(async () => await daemon.stop());
    };
    const [workers, liar] = await Promise.all([
      Promise.all(range(init.workers).map((n) => startWorker("worker", FIRST_WORKER_ACCOUNT + n))),
      startWorker("test/helpers/lying-worker.ts", LIAR_ACCOUNT),
      Promise.all(range(init.testers).map((n) => startTester(FIRST_TESTER_ACCOUNT + n))),
    ]);
    const client = await connect({
      networks: {
        ...devnet.networks,
        waku: { peers: devnet.networks.waku.peers, clusterId: devnet.networks.waku.clusterId, shard: 0 },
      },
      keys: devnetKeys(CLIENT_ACCOUNT),
      logger: createMemoryLogger(),
    });
    closers.push(async () => await client.close());
    return { devnet, client, workers, liar, stop };
  } catch (error) {
    await stop().catch(() => undefined);
    throw error;
  }
}

function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index);
}
