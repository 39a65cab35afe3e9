import { join } from "node:path";

import { connect, type Connection } from "../src/adapters/chain/connection.ts";
import { createEciesCipher } from "../src/adapters/cipher/ecies.ts";
import { systemClock } from "../src/adapters/clock/system.ts";
import { createMemoryContentStore } from "../src/adapters/content-store/memory.ts";
import { createMemoryLogger } from "../src/adapters/logger/memory.ts";
import { createSqliteStore } from "../src/adapters/store/sqlite.ts";
import { connectGridOnChain } from "../src/create-grid.ts";
import { devnetKeys } from "../src/devnet/accounts.ts";
import { createDeploymentStore } from "../src/node/deployment-store.ts";
import { createKeyedTurns } from "../src/node/keyed-turns.ts";
import { createMeter, type Meter } from "../src/node/meter.ts";
import { createContractReader } from "../src/node/read-contracts.ts";
import type { Clock } from "../src/ports/clock.ts";
import type { GridContracts } from "../src/ports/grid-contracts.ts";
import { fromHex } from "../src/utils/bytes.ts";
import { encodeWorkload, hashEncodedDeployment, type Workload } from "../src/wire/grid/workload.ts";
import { exampleContainer, GIB, MIB } from "../test/helpers/grid-workloads.ts";
import { createMemoryWorkloads } from "../test/helpers/memory-workloads.ts";
import { deployBareReports } from "./bare-reports.ts";
import { startCountingProxy } from "./counting-proxy.ts";
import type { GridAccount, GridNetwork } from "./grid-network.ts";
import { percentile, round, timing, type ReportRow } from "./report.ts";

const NODE_ACCOUNT = 1;
const FIRST_USER_ACCOUNT = 2;
const BARE_ACCOUNT = 9;
const USERS = 4;
const CONTRACTS_OF_A_USER = 100;
const PASSES = 10;
const BILLS = 20;
const MS_PER_SECOND = 1_000;
const ETHER = 10n ** 18n;
const LIMITS = { cruCores: 1, sruBytes: 0n, hruBytes: 0n, mruBytes: 16n * MIB, nruBytesPerHour: GIB };
const RESOURCES = { cruCores: 1_000, sruBytes: 0n, hruBytes: 0n, mruBytes: 16n * GIB };

/** Contracts of a node, and the meter that reports them. */
interface Reporting {
  readonly contractIds: readonly number[];
  /** How many a transaction takes. */
  readonly batch: number;
  readonly meter: Meter;
  /** Reports that the chain took since this was asked last. */
  takeAccepted(): number;
  close(): Promise<void>;
}

/** Reports of a node's meter, and bills of one of its users. */
export async function measureReportsAndBills(network: GridNetwork, directory: string): Promise<ReportRow[]> {
  const node = await network.account(NODE_ACCOUNT);
  const nodeId = await network.makeNode(node, await network.makeFarm(node), RESOURCES);
  const bought = await Promise.all(
    Array.from({ length: USERS }, async (_, index) => await buyAll(network, FIRST_USER_ACCOUNT + index, nodeId)),
  );
  const { rpcUrl, pollingIntervalMs = MS_PER_SECOND } = network.networks.chain;
  const privateKey = devnetKeys(BARE_ACCOUNT).accountPrivateKey;
  const connection = await connect({ rpcUrl, pollingIntervalMs, privateKey, clock: systemClock });
  const clock = await chainsClock(connection);
  const reporting = await startMeter(node, nodeId, new Map(bought.flat()), {
    path: join(directory, "meter.sqlite"),
    clock,
  });
  try {
    return [...(await measureReports(connection, reporting)), ...(await measureBills(network))];
  } finally {
    await reporting.close();
    connection.close();
  }
}

/** Devnet's chain may be seconds behind the machine's clock, and takes no report from the future. */
async function chainsClock({ provider }: Connection): Promise<Clock> {
  const block = await provider.getBlock("latest");
  const behindMs = Date.now() - (block?.timestamp ?? 0) * MS_PER_SECOND;
  return { ...systemClock, now: () => systemClock.now() - behindMs };
}

async function measureReports(connection: Connection, reporting: Reporting): Promise<ReportRow[]> {
  const { contractIds, batch, meter } = reporting;
  const { signal } = new AbortController();
  const sendBare = await deployBareReports(connection);
  const passes: number[] = [];
  const bare: number[] = [];
  let accepted = 0;
  // In turns, so that whatever else the machine does falls on both. The first pass makes what later ones change.
  for (let pass = 0; pass <= PASSES; pass++) {
    await untilNextSecond();
    const began = performance.now();
    await meter.report({ signal });
    const reported = performance.now();
    for (let at = 0; at < contractIds.length; at += batch) {
      await sendBare(contractIds.slice(at, at + batch), BigInt(pass + 1));
    }
    const count = reporting.takeAccepted();
    if (pass === 0) continue;
    if (count < contractIds.length) throw new Error(`the chain took ${count} of ${contractIds.length} reports`);
    accepted += count;
    passes.push(reported - began);
    bare.push(performance.now() - reported);
  }
  const perSecond = (count: number, samplesMs: readonly number[]): number =>
    round((count * MS_PER_SECOND) / samplesMs.reduce((sum, each) => sum + each, 0));
  const [value, bound] = [perSecond(accepted, passes), perSecond(contractIds.length * PASSES, bare)];
  return [
    {
      name: `reports that the chain took, of ${contractIds.length} contracts of ${USERS} users, ${batch} a transaction`,
      value,
      unit: "reports/s",
      bound,
      ratio: round(value / bound),
    },
    { name: "bound: bare transactions that store and log as much", value: bound, unit: "items/s" },
    timing(`the meter's pass over ${contractIds.length} deployments, usage from memory`, passes),
  ];
}

/** Of the first user, who has a hundred contracts. */
async function measureBills({ networks }: GridNetwork): Promise<ReportRow[]> {
  const { chain } = networks;
  const keys = devnetKeys(FIRST_USER_ACCOUNT);
  const samples: number[] = [];
  const user = await connectGridOnChain({ networks, keys });
  for (let bill = 0; bill < BILLS; bill++) {
    const began = performance.now();
    const { contracts } = await user.bill();
    samples.push(performance.now() - began);
    if (contracts.length !== CONTRACTS_OF_A_USER) throw new Error(`a bill of ${contracts.length} contracts`);
  }
  await user.close();

  const proxy = await startCountingProxy(chain.rpcUrl);
  const counted = await connectGridOnChain({
    networks: { ...networks, chain: { ...chain, rpcUrl: proxy.rpcUrl } },
    keys,
  });
  const before = proxy.count();
  await counted.bill();
  const after = proxy.count();
  await counted.close();
  await proxy.stop();
  const name = `bill of a user with ${CONTRACTS_OF_A_USER} contracts`;
  return [
    { name: `${name}, one after the other`, value: round(MS_PER_SECOND / percentile(samples, 0.5)), unit: "bills/s" },
    timing(name, samples),
    { name: `${name}: JSON-RPC calls`, value: after.calls - before.calls, unit: "calls" },
    { name: `${name}: HTTP requests`, value: after.requests - before.requests, unit: "requests" },
  ];
}

/** A user's contracts on a node, with their encoded workloads. */
async function buyAll(
  network: GridNetwork,
  account: number,
  nodeId: number,
): Promise<(readonly [number, Uint8Array])[]> {
  const { contracts } = (await network.account(account)).grid;
  await contracts.depositWei(ETHER);
  const bought: (readonly [number, Uint8Array])[] = [];
  for (let index = 0; index < CONTRACTS_OF_A_USER; index++) {
    const workload = encodeWorkload(workloadOf(account, index));
    const contractId = await contracts.createContract({
      nodeId,
      deploymentHash: hashEncodedDeployment(workload),
      data: new Uint8Array(),
      publicIps: 0,
      limits: LIMITS,
    });
    bought.push([contractId, workload]);
  }
  return bought;
}

function workloadOf(account: number, index: number): Workload {
  return {
    version: 1,
    salt: new Uint8Array(16).fill(account).fill(index, 8),
    containers: [exampleContainer({ name: "web", cpuMillicores: 100, memoryBytes: LIMITS.mruBytes })],
    volumes: [],
    publicIps: 0,
    limits: LIMITS,
  };
}

/** Confirms contracts, and makes the meter of the node as its daemon does, with a store on disk; what containers use it reads from memory. */
async function startMeter(
  { chain, grid }: GridAccount,
  nodeId: number,
  workloadsById: ReadonlyMap<number, Uint8Array>,
  { path, clock }: { readonly path: string; readonly clock: Clock },
): Promise<Reporting> {
  const contractIds = [...workloadsById.keys()].toSorted((a, b) => a - b);
  const store = createSqliteStore(path);
  const deployments = createDeploymentStore(store);
  const logger = createMemoryLogger();
  const engine = createMemoryWorkloads();
  let accepted = 0;
  const contracts: GridContracts = {
    ...grid.contracts,
    async addReports(id, reports, options) {
      const outcomes = await grid.contracts.addReports(id, reports, options);
      accepted += outcomes.filter((outcome) => outcome === "accepted").length;
      return outcomes;
    },
  };
  for (const contractId of contractIds) await contracts.confirmDeployment(contractId);
  for (const [contractId, workload] of workloadsById) {
    const deploymentHash = new Uint8Array(hashEncodedDeployment(workload));
    const current = {
      deploymentHash,
      workload: new Uint8Array(workload),
      creator: new Uint8Array(fromHex(chain.account.toLowerCase())),
      publicIps: [],
    };
    await deployments.commit({ contractId, current, isPaused: false }, clock.now());
  }
  const used = (contractId: string) => ({
    containers: [
      {
        name: "web",
        identity: contractId,
        cpuNanoseconds: process.hrtime.bigint() / 100n,
        memoryBytes: Number(8n * MIB),
        receivedBytes: BigInt(Date.now()),
        sentBytes: 0n,
      },
    ],
    disk: [],
  });
  const meter = createMeter({
    node: {
      nodeId: BigInt(nodeId),
      resources: RESOURCES,
      addresses: { loopback: "127.0.0.1", node: "127.0.0.1" },
      ownPorts: [],
    },
    multiaddrs: () => [],
    chain,
    contracts,
    reader: createContractReader({ chain, contracts, clock }),
    workloads: { ...engine, usage: async (contractId) => used(contractId) },
    content: createMemoryContentStore({ clock, logger }),
    cipher: createEciesCipher({ messageKey: devnetKeys(NODE_ACCOUNT).messagePrivateKey }),
    deployments,
    turns: createKeyedTurns(),
    clock,
    logger,
  });
  return {
    contractIds,
    // One is left to the contract that rents the node.
    batch: contracts.maxReports - 1,
    meter,
    takeAccepted() {
      const taken = accepted;
      accepted = 0;
      return taken;
    },
    close: async () => await store.close(),
  };
}

/** The chain takes one report a second of a contract. */
async function untilNextSecond(): Promise<void> {
  await systemClock.sleep(MS_PER_SECOND - (Date.now() % MS_PER_SECOND) + 1);
}
