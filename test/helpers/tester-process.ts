import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";

import { createEthersChain, type MarketContracts } from "../../src/adapters/chain/ethers.ts";
import { createSqliteStore } from "../../src/adapters/store/sqlite.ts";
import { deriveTwinKeys } from "../../src/domain/identity/keys.ts";
import { createDutyStore } from "../../src/tester/duty-store.ts";
import { createTesterService } from "../../src/tester/tester.ts";
import { MNEMONIC } from "./market-chain.ts";
import { joinMesh, standIns } from "./tester-scene.ts";

const POLLING_MS = 20;
const LOOK_MS = 10;

/** What a tester in a process of its own is started with. */
export interface TesterProcessInit {
  readonly rpcUrl: string;
  readonly contracts: MarketContracts;
  readonly accountIndex: number;
  readonly workerIndexes: readonly number[];
  readonly storePath: string;
  /** The mesh; without one the tester reports alone. */
  readonly hub?: readonly string[];
  readonly gasPriceWei: string;
  /** Says so when its first duty is in this phase. */
  readonly agreement: string;
}

export interface TesterProcess {
  /** Resolves when the tester has written down that its duty is in this phase. */
  reaches(phase: string): Promise<void>;
  /** `kill -9` */
  kill(): Promise<void>;
}

/** Starts a tester in a process that can be killed at any instant. */
export async function startTesterProcess(init: TesterProcessInit): Promise<TesterProcess> {
  const child = fork(fileURLToPath(import.meta.url), [JSON.stringify(init)]);
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const phases = new Set<string>();
  child.on("message", (message) => {
    if (typeof message === "string") phases.add(message);
  });
  await nextMessage(child, phases, "started");
  return {
    reaches: async (phase) => await nextMessage(child, phases, phase),
    async kill() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

async function nextMessage(child: ChildProcess, seen: ReadonlySet<string>, wanted: string): Promise<void> {
  if (seen.has(wanted)) return;
  await new Promise<void>((resolve, reject) => {
    const onExit = (): void => reject(new Error(`the process ended before ${wanted}`));
    const onMessage = (message: unknown): void => {
      if (message !== wanted) return;
      child.off("exit", onExit);
      child.off("message", onMessage);
      resolve();
    };
    child.once("exit", onExit);
    child.on("message", onMessage);
  });
}

async function main(init: TesterProcessInit): Promise<void> {
  const keysOf = (accountIndex: number): ReturnType<typeof deriveTwinKeys> =>
    deriveTwinKeys(MNEMONIC, { accountIndex });
  const keys = keysOf(init.accountIndex);
  const { rpcUrl, contracts } = init;
  const real = await createEthersChain({
    rpcUrl,
    contracts,
    privateKey: keys.accountPrivateKey,
    pollingIntervalMs: POLLING_MS,
  });
  const chain = { ...real, gasPriceWei: async () => await Promise.resolve(BigInt(init.gasPriceWei)) };
  const store = createSqliteStore(init.storePath);
  const parts = standIns(chain, init.workerIndexes.map(keysOf), { lying: [1] });
  await parts.content.start();
  const messenger = init.hub === undefined ? undefined : (await joinMesh(keys, init.hub)).messenger;
  const messageKeys = { publicKey: keys.messageKey, privateKey: keys.messagePrivateKey };
  const service = createTesterService({
    ...parts,
    store,
    ...(messenger === undefined ? {} : { messaging: { messenger, messageKeys } }),
  });
  await service.start();
  process.send?.("started");
  const duties = createDutyStore(store);
  let last = "";
  setInterval(() => {
    void duties.of(init.agreement).then(([duty]) => {
      if (duty === undefined || duty.phase === last) return;
      last = duty.phase;
      process.send?.(last);
    });
  }, LOOK_MS);
  process.on("disconnect", () => process.exit(0));
}

if (import.meta.main) await main(JSON.parse(process.argv[2] ?? "") as TesterProcessInit);
