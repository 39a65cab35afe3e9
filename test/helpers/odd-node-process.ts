import { createPinoLogger } from "../../src/adapters/logger/pino.ts";
import { readDevnetFile } from "../../src/config/devnet-file.ts";
import { createNode } from "../../src/create-node.ts";
import { createPeer } from "../../src/create-peer.ts";
import { devnetKeys } from "../../src/devnet/accounts.ts";
import type { Workloads } from "../../src/ports/workloads.ts";
import { startDaemon, type Daemon } from "./daemon.ts";
import { GIB } from "./grid-workloads.ts";

const SCRIPT = "test/helpers/odd-node-process.ts";

/** A node of a devnet account in a process of its own that is not as it should be: what it is made of is the product's, with this in between. */
export interface OddNodeInit {
  readonly devnetFile: string;
  readonly account: number;
  readonly farmId: number;
  readonly dataDirectory: string;
  /** On its containers. */
  readonly label: string;
  readonly loopback: string;
  /** What it says that deployments use, in multiples of what they do. */
  readonly usageTimes: number;
  /** By how much its clock is ahead of this machine's. */
  readonly clockAheadMs: number;
}

/** Starts it; its log goes to `logFile`, and its first line has its `nodeId`. */
export async function startOddNode(init: OddNodeInit, logFile: string): Promise<Daemon> {
  return await startDaemon(SCRIPT, [JSON.stringify(init)], { logFile });
}

/** The same usage, many times over. */
function exaggerate(real: Workloads, times: number): Workloads {
  return {
    ...real,
    async usage(contractId, options) {
      const { containers, disk } = await real.usage(contractId, options);
      const [factor, start] = [BigInt(times), 1_000_000_000n];
      return {
        containers: containers.map((each) => ({
          ...each,
          cpuNanoseconds: each.cpuNanoseconds * factor,
          memoryBytes: each.memoryBytes * times,
          // So that there is much even where nobody has asked for anything.
          sentBytes: (each.sentBytes + start) * factor,
        })),
        disk: disk.map((each) => ({ ...each, bytes: each.bytes * times })),
      };
    },
  };
}

async function main(init: OddNodeInit): Promise<void> {
  const { networks } = await readDevnetFile(init.devnetFile);
  const { peers, clusterId, shard } = networks.waku;
  const peer = await createPeer({
    networks: { ...networks, waku: { peers, clusterId, shard } },
    keys: devnetKeys(init.account),
    dataDirectory: init.dataDirectory,
    logger: createPinoLogger({ level: "info" }),
  });
  await peer.start();
  const clock = { ...peer.clock, now: () => peer.clock.now() + init.clockAheadMs };
  const node = createNode(
    { ...peer, clock },
    {
      farmId: init.farmId,
      resources: { cruCores: 16, sruBytes: 16n * GIB, hruBytes: 0n, mruBytes: 16n * GIB },
      addresses: { loopback: init.loopback },
      pollIntervalMs: 500,
      sampleIntervalMs: 500,
      reportIntervalMs: 1_000,
      docker: { label: init.label, firewall: "managed-elsewhere" },
      wrapWorkloads: (real) => exaggerate(real, init.usageTimes),
    },
    { directory: init.dataDirectory },
  );
  await node.start();
  process.stdout.write(`${JSON.stringify({ nodeId: node.nodeId })}\n`);
  process.once("SIGTERM", () => {
    void node
      .stop()
      .then(async () => await peer.stop())
      .then(() => process.exit(0));
  });
}

if (import.meta.main) await main(JSON.parse(process.argv[2] ?? "") as OddNodeInit);
