import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import PQueue from "p-queue";

import { createMemoryLogger } from "../src/adapters/logger/memory.ts";
import { systemClock } from "../src/adapters/clock/system.ts";
import { createDockerWorkloads } from "../src/adapters/workloads/docker/create-docker-workloads.ts";
import { connectGrid } from "../src/create-grid.ts";
import { devnetKeys } from "../src/devnet/accounts.ts";
import type { WorkloadDraft } from "../src/wire/grid/file/convert.ts";
import { startDaemon } from "../test/helpers/daemon.ts";
import { busyboxImage } from "../test/helpers/docker-workloads-fixture.ts";
import { exampleContainer, GIB, MIB } from "../test/helpers/grid-workloads.ts";
import type { GridNetwork } from "./grid-network.ts";
import { cpuMsOf, residentMibOf } from "./processes.ts";
import { round, type ReportRow } from "./report.ts";

const NODE_ACCOUNT = 10;
const USER_ACCOUNT = 11;
const AT_ONCE = 4;
const DEPLOY_TIMEOUT_MS = 300_000;
const ETHER = 10n ** 18n;
const MEMORY_BYTES = 8n * MIB;
const MS_PER_SECOND = 1_000;
/** What was done before it is over: messages, garbage. */
const SETTLE_MS = 20_000;

/** What a daemon took in some time. */
interface Cost {
  readonly cpuPercent: number;
  readonly residentMib: number;
}

/**
 * What the daemon of a worker that is a node costs its machine while it runs nothing, and while it runs deployments at its own pace:
 * everything compared with the chain and measured every ten seconds, and reported once a minute. Neither the Docker Engine nor the
 * containers count.
 */
export async function measureOverhead(
  network: GridNetwork,
  {
    directory,
    deployments,
    seconds,
  }: { readonly directory: string; readonly deployments: number; readonly seconds: number },
): Promise<ReportRow[]> {
  const label = `bench-${process.pid}`;
  const machine = createDockerWorkloads(
    { logger: createMemoryLogger() },
    { owner: label, firewall: "managed-elsewhere" },
  );
  const farmId = await network.makeFarm(await network.account(NODE_ACCOUNT));
  const data = join(directory, "node");
  const config = join(directory, "node.json");
  const resources = {
    cruCores: deployments,
    sruGib: "1",
    mruGib: `${(BigInt(deployments) * MEMORY_BYTES) / GIB + 1n}`,
  };
  await mkdir(data);
  await writeFile(config, JSON.stringify({ node: { resources, label, firewall: "managed-elsewhere" } }));
  const common = ["--devnet", network.file, "--config", config, "--account", `${NODE_ACCOUNT}`, "--json"];
  const options = [...common, "--data", data, "--node", "--farm", `${farmId}`];
  const daemon = await startDaemon("worker", options);
  try {
    const idle = await costOf(daemon.pid, seconds);
    await deployAll(network, Number(daemon.info["nodeId"]), join(directory, "user"), deployments);
    const running = (await machine.list()).filter(({ containers }) => containers.some((each) => each.running)).length;
    if (running !== deployments) throw new Error(`${running} of ${deployments} deployments run`);
    const busy = await costOf(daemon.pid, seconds);
    return [
      { name: "node's daemon, no deployment: CPU", value: idle.cpuPercent, unit: "% of a core" },
      { name: `node's daemon, ${deployments} deployments: CPU`, value: busy.cpuPercent, unit: "% of a core" },
      {
        name: "of which a deployment",
        value: round((busy.cpuPercent - idle.cpuPercent) / deployments),
        unit: "% of a core",
      },
      { name: "node's daemon, no deployment: memory", value: idle.residentMib, unit: "MiB" },
      { name: `node's daemon, ${deployments} deployments: memory`, value: busy.residentMib, unit: "MiB" },
    ];
  } finally {
    await daemon.stop();
    for (const { contractId } of await machine.list()) await machine.remove(contractId);
  }
}

async function costOf(pid: number, seconds: number): Promise<Cost> {
  await systemClock.sleep(SETTLE_MS);
  const [began, before] = [performance.now(), await cpuMsOf(pid)];
  await systemClock.sleep(seconds * MS_PER_SECOND);
  const cpuMs = (await cpuMsOf(pid)) - before;
  return {
    cpuPercent: round((100 * cpuMs) / (performance.now() - began)),
    residentMib: Math.round(await residentMibOf(pid)),
  };
}

/** By a user's own means. */
async function deployAll(network: GridNetwork, nodeId: number, dataDirectory: string, count: number): Promise<void> {
  const user = await connectGrid({
    networks: network.networks,
    keys: devnetKeys(USER_ACCOUNT),
    dataDirectory,
    logger: createMemoryLogger(),
  });
  try {
    await user.ensureTwin();
    await user.deposit(ETHER);
    const draft = draftOf(await busyboxImage());
    const queue = new PQueue({ concurrency: AT_ONCE });
    await queue.addAll(
      Array.from({ length: count }, (_, index) => async () => {
        const request = { name: `idle-${index}`, draft, secretValues: new Map<string, string>(), nodeId };
        await user.deploy(request, { timeoutMs: DEPLOY_TIMEOUT_MS });
      }),
    );
  } finally {
    await user.close();
  }
}

/** A container that sleeps. */
function draftOf(image: string): WorkloadDraft {
  const container = { name: "idle", image, entrypoint: ["sleep", "1000000"], cpuMillicores: 20 };
  return {
    version: 1,
    containers: [exampleContainer({ ...container, memoryBytes: MEMORY_BYTES })],
    volumes: [],
    publicIps: 0,
    limits: { cruCores: 1, sruBytes: 0n, hruBytes: 0n, mruBytes: MEMORY_BYTES, nruBytesPerHour: GIB },
  };
}
