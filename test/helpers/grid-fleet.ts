import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { createEthersChain, type EthersChain, type EthersGrid } from "../../src/adapters/chain/ethers.ts";
import { createMemoryLogger } from "../../src/adapters/logger/memory.ts";
import { createDockerWorkloads } from "../../src/adapters/workloads/docker/create-docker-workloads.ts";
import { adoptMarket, readDevnetFile, type DevnetFile } from "../../src/config/devnet-file.ts";
import { devnetKeys } from "../../src/devnet/accounts.ts";
import { deployDevnetGrid } from "../../src/devnet/deploy-grid.ts";
import { DEVNET_GRID_TIMES, type GridTimes } from "../../src/devnet/grid-settings.ts";
import type { Workloads } from "../../src/ports/workloads.ts";
import { toHex } from "../../src/utils/bytes.ts";
import { startDaemon, type Daemon } from "./daemon.ts";
import { GIB } from "./grid-workloads.ts";

const FIRST_NODE_ACCOUNT = 10;
const CONSENT_SECONDS = 86_400;
const RESOURCES = { cruCores: 16, sruBytes: 16n * GIB, hruBytes: 0n, mruBytes: 16n * GIB };
/** Short beside the grid's interval, so that a node that is slow now and then misses no interval. */
const PACE = { pollMs: 1_000, sampleMs: 1_000, reportMs: 2_000 };

/** An account's connection to the grid. */
export interface GridAccess {
  readonly chain: EthersChain;
  readonly grid: EthersGrid;
}

/** A node in a process of its own: the worker's daemon. */
export interface GridNodeProcess {
  readonly name: string;
  readonly nodeId: number;
  readonly farmId: number;
  /** What runs on its machine, whether the daemon is up or not. */
  readonly machine: Workloads;
  /** Where deployments publish that have no public IP. */
  readonly loopback: string;
  isUp(): boolean;
  /** SIGKILL. Its containers run on. */
  kill(): Promise<void>;
  /** The same command again, on the same data; resolves when it is up. */
  start(pace?: Partial<typeof PACE>): Promise<void>;
  /** While it is down: its disk is lost, and all that it ran. */
  loseMachine(): Promise<void>;
}

/** Devnet with a grid of the given times, and its nodes, each a process of the product's own commands, on this machine's Docker Engine. */
export interface GridFleet {
  readonly devnet: DevnetFile;
  readonly directory: string;
  readonly farmIds: readonly number[];
  readonly nodes: readonly GridNodeProcess[];
  /** What went wrong with daemons that nobody had killed. */
  readonly problems: readonly string[];
  /** The grid, as a devnet account sees it. */
  access(account: number): Promise<GridAccess>;
  /** Ends the nodes that are up in order; rejects when one does not end well. */
  stopNodes(): Promise<void>;
  stop(): Promise<void>;
}

export interface GridFleetInit {
  /** How many nodes each farm has: the first is its owner's, others join by consent. */
  readonly nodesOfFarms: readonly number[];
  readonly ipsOfFarm: number;
  readonly times: Partial<GridTimes>;
}

export async function startGridFleet(init: GridFleetInit): Promise<GridFleet> {
  const directory = await mkdtemp(join(tmpdir(), "sprf-grid-"));
  const file = join(directory, "devnet.json");
  const problems: string[] = [];
  const nodes: (GridNodeProcess & { end(): Promise<void> })[] = [];
  const closers: (() => Promise<void>)[] = [async () => await rm(directory, { recursive: true, force: true })];

  async function stopNodes(): Promise<void> {
    const ends = await Promise.allSettled(nodes.map(async (node) => await node.end()));
    const failed = ends.flatMap((end) => (end.status === "rejected" ? [end.reason as unknown] : []));
    if (failed.length > 0) throw new AggregateError(failed, failed.map(String).join("\n"));
  }
  async function stop(): Promise<void> {
    await stopNodes().catch((error: unknown) => problems.push(String(error)));
    for (const close of closers.splice(0).reverse()) await close();
  }

  try {
    const network = await startDaemon("devnet", ["--file", file, "--json"]);
    closers.push(async () => await network.stop());
    const devnet = await adoptTestGrid(file, { ...DEVNET_GRID_TIMES, ...init.times });
    const access = async (account: number): Promise<GridAccess> => {
      const { networks } = devnet;
      const keys = devnetKeys(account);
      const chain = await createEthersChain({ ...networks.chain, privateKey: keys.accountPrivateKey });
      closers.push(async () => chain.close());
      const ledgerKey = new Uint8Array(keys.ledgerKeypair.rawPublicKey());
      await chain.ensureTwin({ messagePrivateKey: keys.messagePrivateKey, ledgerKey });
      if (chain.grid === undefined) throw new Error("devnet has no grid");
      return { chain, grid: chain.grid };
    };

    const farmIds: number[] = [];
    for (const [farm, count] of init.nodesOfFarms.entries()) {
      const account = FIRST_NODE_ACCOUNT + nodes.length;
      const owner = await access(account);
      const { registry } = owner.grid;
      const payoutAddress = owner.chain.account;
      const farmId = await registry.createFarm({ name: `farm-${farm + 1}`, pricingPolicyId: 1, payoutAddress });
      farmIds.push(farmId);
      for (let ip = 0; ip < init.ipsOfFarm; ip++) {
        await registry.addPublicIp(farmId, {
          ip: addressOf(100 + farm * 20 + ip),
          gateway: addressOf(254),
          prefix: 24,
        });
      }
      for (let n = 0; n < count; n++) {
        const own = account + n;
        const consent = join(directory, `consent-${own}.json`);
        if (n > 0) await writeFile(consent, await consentOf(owner, farmId, await access(own)));
        const node = await startNode({
          account: own,
          farmId,
          directory,
          common: ["--devnet", file, "--farm", `${farmId}`, ...(n > 0 ? ["--consent", consent] : [])],
          onFailure: (what) => problems.push(what),
        });
        nodes.push(node);
        closers.push(async () => await node.loseMachine());
      }
    }
    return { devnet, directory, farmIds, nodes, problems, access, stopNodes, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface NodePlan {
  readonly account: number;
  readonly farmId: number;
  readonly directory: string;
  readonly common: readonly string[];
  readonly onFailure: (what: string) => void;
}

async function startNode({ account, farmId, directory, common, onFailure }: NodePlan) {
  const name = `node of account ${account}`;
  const loopback = addressOf(account);
  const label = `e2e-${process.pid}-${account}`;
  const data = join(directory, `node-${account}`);
  const config = `${data}.json`;
  const options = [...common, "--config", config, "--account", `${account}`, "--data", data, "--node", "--json"];
  const machine = createDockerWorkloads(
    { logger: createMemoryLogger() },
    { owner: label, firewall: "managed-elsewhere" },
  );
  let daemon: Daemon | undefined;

  async function start(pace: Partial<typeof PACE> = {}): Promise<void> {
    const resources = {
      cruCores: RESOURCES.cruCores,
      sruGib: `${RESOURCES.sruBytes / GIB}`,
      mruGib: `${RESOURCES.mruBytes / GIB}`,
    };
    const node = { ...PACE, ...pace, resources, label, loopbackAddress: loopback, firewall: "managed-elsewhere" };
    await writeFile(config, JSON.stringify({ node }));
    const started = await startDaemon("worker", options, { logFile: `${data}.log` });
    daemon = started;
    void started.ended.then(({ how, log }) => {
      if (daemon === started) onFailure(`${name} ended by itself with ${how}:\n${log.slice(-4_000)}`);
    });
  }

  await mkdir(data, { recursive: true });
  await start();
  return {
    name,
    nodeId: Number(daemon!.info["nodeId"]),
    farmId,
    machine,
    loopback,
    isUp: () => daemon !== undefined,
    start,
    async kill() {
      const killed = daemon;
      daemon = undefined;
      await killed?.kill();
    },
    async loseMachine() {
      for (const { contractId } of await machine.list()) await machine.remove(contractId);
      await rm(data, { recursive: true, force: true });
    },
    async end() {
      const ended = daemon;
      daemon = undefined;
      await ended?.stop();
    },
  };
}

/** Addresses of the loopback that no other run of this test has. */
function addressOf(last: number): string {
  return `127.0.${(process.pid % 200) + 20}.${last}`;
}

/** The file that `sprf grid farm consent --out` writes. */
async function consentOf(owner: GridAccess, farmId: number, node: GridAccess): Promise<string> {
  const twin = await node.chain.twinOf(node.chain.account);
  if (twin === undefined) throw new Error("the node has no twin");
  const { deadlineSeconds, signature } = await owner.grid.registry.consentToNode({
    farmId,
    twinId: twin.id,
    nodeAccount: node.chain.account,
    resources: RESOURCES,
    deadlineSeconds: Math.floor(Date.now() / 1_000) + CONSENT_SECONDS,
  });
  const { cruCores, sruBytes, hruBytes, mruBytes } = RESOURCES;
  const resources = { cruCores, sruBytes: `${sruBytes}`, hruBytes: `${hruBytes}`, mruBytes: `${mruBytes}` };
  return JSON.stringify({ farmId, deadlineSeconds, signature: `0x${toHex(signature)}`, resources });
}

/** A grid of short times in place of the one that devnet came with. */
async function adoptTestGrid(file: string, times: GridTimes): Promise<DevnetFile> {
  const { rpcUrl, contracts } = (await readDevnetFile(file)).networks.chain;
  await adoptMarket(file, { rpcUrl, contracts, grid: await deployDevnetGrid(rpcUrl, contracts.twins, times) });
  return await readDevnetFile(file);
}
