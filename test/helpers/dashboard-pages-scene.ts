import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Browser } from "playwright-core";

import { entriesToCsv, generateEntries } from "../../examples/programs/journal.ts";
import { createEthersChain, type EthersChain, type EthersGrid } from "../../src/adapters/chain/ethers.ts";
import { writeDevnetFile } from "../../src/config/devnet-file.ts";
import { connectChannels } from "../../src/create-channels.ts";
import { connect, type SprfClient } from "../../src/create-client.ts";
import { chatProgramAbi } from "../../src/client/channel/program-abis.ts";
import { createDashboard } from "../../src/create-dashboard.ts";
import { createLogger } from "../../src/create-logger.ts";
import { DEVNET_MNEMONIC, devnetKeys } from "../../src/devnet/accounts.ts";
import { startDevnet, type Devnet } from "../../src/devnet/create-devnet.ts";
import { exampleModule } from "../../src/devnet/example-program.ts";
import { startFleet } from "../../src/devnet/fleet.ts";
import { runMainJob } from "../../src/devnet/main-job.ts";
import { startBrowser } from "./browser.ts";
import { startDaemon, type Daemon } from "./daemon.ts";
import { smallWorkload } from "./grid-scene.ts";
import { GIB, MIB } from "./grid-workloads.ts";
import { hashDeployment } from "../../src/wire/grid/workload.ts";
import { until } from "./until.ts";

const CLIENT_ACCOUNT = 1;
const SECOND_USER_ACCOUNT = 2;
const FIRST_DAEMON_ACCOUNT = 3;
const GRID_ACCOUNT = 12;
const FIRST_MEMBER_ACCOUNT = 15;
const MEMBERS = 3;
const LENGTH_BLOCKS = 1_000;
const ENTRIES = 10;
const ETHER = 10n ** 18n;
const RESOURCES = { cruCores: 8, sruBytes: 100n * GIB, hruBytes: 0n, mruBytes: 8n * GIB };
const CONSENT_SECONDS = 86_400;

/** Devnet with a program that ran, a node of the grid with a deployment, a channel of three members, a dashboard and a browser. */
export interface DashboardPagesScene {
  /** The running dashboard's address, with the slash. */
  readonly url: string;
  readonly browser: Browser;
  /** The smart account. */
  readonly program: string;
  /** Runs a further input. */
  execute(): Promise<void>;
  readonly nodeId: number;
  readonly contractId: number;
  /** Has the node report what the deployment uses. */
  report(cruCores: number, mruBytes: bigint): Promise<void>;
  readonly channel: bigint;
  /** Of the members, in the order in which they joined. */
  readonly accounts: readonly string[];
  /** Of the members' processes. */
  readonly nodes: readonly Daemon[];
  say(text: string): Promise<void>;
  settle(): Promise<number>;
  stop(): Promise<void>;
}

export async function startDashboardPagesScene(): Promise<DashboardPagesScene> {
  const logger = createLogger("error");
  const folder = await mkdtemp(join(tmpdir(), "sprf-pages-"));
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
    const programs = await startProgram(devnet, closers);
    const grid = await startGrid(devnet, closers);
    const channel = await startChannel(devnet, folder, closers);
    const dashboard = await createDashboard({
      chain: devnet.networks.chain,
      programs: { ledger: devnet.networks.ledger, engines: { kinds: ["wasi"] } },
      channels: { channelNodes: channel.urls, privateKey: devnetKeys(FIRST_MEMBER_ACCOUNT).accountPrivateKey },
      dataDirectory: join(folder, "dashboard"),
      http: { port: 0 },
      logger,
    });
    closers.push(async () => await dashboard.close());
    const browser = await startBrowser();
    closers.push(async () => await browser.close());
    return { url: dashboard.url, browser, ...programs, ...grid, ...channel, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

type Closers = (() => Promise<unknown> | void)[];

async function startProgram(
  devnet: Devnet,
  closers: Closers,
): Promise<Pick<DashboardPagesScene, "program" | "execute">> {
  const logger = createLogger("error");
  const client: SprfClient = await connect({ networks: devnet.networks, keys: devnetKeys(CLIENT_ACCOUNT), logger });
  closers.push(async () => await client.close());
  let runs = 0;
  const input = (): Uint8Array<ArrayBuffer> => new TextEncoder().encode(entriesToCsv(generateEntries(ENTRIES, ++runs)));
  const { program } = await runMainJob(
    {
      client,
      friendbotUrl: devnet.friendbotUrl,
      secondUser: SECOND_USER_ACCOUNT,
      program: await exampleModule(async (bytes) => await client.putFile(bytes)),
      inputs: [input(), input()],
      lengthBlocks: LENGTH_BLOCKS,
    },
    () => undefined,
  );
  return {
    program,
    async execute() {
      await client.execute({ program, input: { bytes: input() }, maxGas: 1_000_000n });
    },
  };
}

async function startGrid(
  devnet: Devnet,
  closers: Closers,
): Promise<Pick<DashboardPagesScene, "nodeId" | "contractId" | "report">> {
  const party = async (
    index: number,
  ): Promise<{ readonly chain: EthersChain; readonly grid: EthersGrid; readonly twinId: number }> => {
    const keys = devnetKeys(index);
    const chain = await createEthersChain({ ...devnet.networks.chain, privateKey: keys.accountPrivateKey });
    closers.push(() => chain.close());
    const ledgerKey = new Uint8Array(keys.ledgerKeypair.rawPublicKey());
    const twin = await chain.ensureTwin({ messagePrivateKey: keys.messagePrivateKey, ledgerKey });
    if (chain.grid === undefined) throw new Error("devnet has no grid");
    return { chain, grid: chain.grid, twinId: twin.id };
  };
  const farmer = await party(GRID_ACCOUNT);
  const machine = await party(GRID_ACCOUNT + 1);
  const user = await party(GRID_ACCOUNT + 2);
  const { registry } = farmer.grid;
  const payoutAddress = farmer.chain.account;
  const farmId = await registry.createFarm({ name: "green-acres", pricingPolicyId: 1, payoutAddress });
  await registry.addPublicIp(farmId, { ip: "203.0.113.7", gateway: "203.0.113.1", prefix: 24 });
  const { contracts } = machine.grid;
  const consent = await registry.consentToNode({
    farmId,
    twinId: machine.twinId,
    nodeAccount: machine.chain.account,
    resources: RESOURCES,
    deadlineSeconds: (await contracts.headSeconds()) + CONSENT_SECONDS,
  });
  const location = { country: "BE", latitude: 50.8, longitude: 4.3, city: "Brussels" };
  const nodeId = await machine.grid.registry.createNode({ farmId, resources: RESOURCES, location, consent });
  await user.grid.contracts.depositWei(ETHER);
  const workload = smallWorkload({ publicIps: 1 });
  const { limits, publicIps } = workload;
  const contractId = await user.grid.contracts.createContract({
    nodeId,
    deploymentHash: hashDeployment(workload),
    data: new Uint8Array(),
    publicIps,
    limits,
  });
  await contracts.confirmDeployment(contractId);
  let reportedAt = await contracts.headSeconds();
  return {
    nodeId,
    contractId,
    async report(cruCores, mruBytes) {
      const before = reportedAt;
      await until(async () => (reportedAt = await contracts.headSeconds()) > before);
      const used = { cruCores, mruBytes, sruBytes: 0n, hruBytes: 0n, nruBytes: MIB };
      const outcomes = await contracts.addReports(nodeId, [{ contractId, timestampSeconds: reportedAt, ...used }]);
      if (outcomes[0] !== "accepted") throw new Error(`the report was taken as ${outcomes.join()}`);
    },
  };
}

async function startChannel(
  devnet: Devnet,
  folder: string,
  closers: Closers,
): Promise<
  Pick<DashboardPagesScene, "channel" | "accounts" | "nodes" | "say" | "settle"> & { readonly urls: readonly string[] }
> {
  const file = join(folder, "devnet.json");
  const { networks, friendbotUrl, contentMultiaddrs } = devnet;
  await writeDevnetFile(file, {
    networks: {
      chain: { ...networks.chain, pollingIntervalMs: networks.chain.pollingIntervalMs ?? 1_000 },
      ledger: networks.ledger,
      waku: {
        peers: [...networks.waku.peers],
        clusterId: networks.waku.clusterId,
        shard: networks.waku.shard,
        messenger: "relay",
        serviceNodes: [],
      },
    },
    friendbotUrl,
    contentMultiaddrs: [...contentMultiaddrs],
    mnemonic: DEVNET_MNEMONIC,
  });
  const members = await Promise.all(
    Array.from({ length: MEMBERS }, async (_, index) => {
      const channels = await connectChannels({ networks, keys: devnetKeys(FIRST_MEMBER_ACCOUNT + index) });
      closers.push(async () => await channels.close());
      return channels;
    }),
  );
  const [first] = members;
  if (first === undefined) throw new Error("a channel of nobody");
  const channel = await first.apps.openChat({ group: 1n, title: "Gardeners" });
  const nodes: Daemon[] = [];
  for (const [index, member] of members.entries()) {
    await member.join(channel);
    const account = String(FIRST_MEMBER_ACCOUNT + index);
    const options = ["node", `${channel}`, "--devnet", file, "--account", account, "--data", join(folder, account)];
    const node = await startDaemon("channel", [...options, "--json"]);
    closers.push(async () => await node.kill());
    nodes.push(node);
  }
  const urls = nodes.map(({ info }) => String(info["apiUrl"]));
  const client = await first.connect({ url: urls[0] ?? "", channel, abi: chatProgramAbi });
  closers.push(async () => await client.disconnect());
  return {
    channel,
    accounts: members.map(({ account }) => account.toLowerCase()),
    nodes,
    urls,
    async say(text) {
      await (await client.call("say", [text])).committed();
    },
    settle: async () => await client.settle(),
  };
}
