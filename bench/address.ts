import { startAddressProcess } from "../test/helpers/address-process.ts";
import type { AddressProcess } from "../test/helpers/address-process.ts";
import { percentile, writeReport } from "./report.ts";

const WARM_UP = 10;
const RUNS = 200;
const TARGET_P50_MS = 60;

/** Milliseconds of each run, measured inside the client's process; the two ways in turn, so that both see the same machine. */
async function measure(client: AddressProcess, worker: AddressProcess): Promise<{ find: number[]; ping: number[] }> {
  const [multiaddr = ""] = worker.multiaddrs;
  const find: number[] = [];
  const ping: number[] = [];
  for (let run = 0; run < WARM_UP + RUNS; run += 1) {
    const found = await client.call({ do: "find", worker: "worker" });
    const pinged = await client.call({ do: "ping", multiaddr });
    const error = found.error ?? pinged.error;
    if (error !== undefined) throw new Error(`run ${run} failed: ${error}`);
    if (run < WARM_UP) continue;
    find.push(found.tookMs);
    ping.push(pinged.tookMs);
  }
  return { find, ping };
}

const hub = await startAddressProcess("hub", "hub", []);
const worker = await startAddressProcess("worker", "worker", hub.multiaddrs);
const client = await startAddressProcess("client", "client", hub.multiaddrs);
try {
  const { find, ping } = await measure(client, worker);
  const [p50, p99] = [percentile(find, 0.5), percentile(find, 0.99)];
  const [pingP50, pingP99] = [percentile(ping, 0.5), percentile(ping, 0.99)];
  await writeReport("address", [
    {
      name: "address look-up: ask, signed answer, verified (client, hub and worker in 3 processes, loopback TCP)",
      value: round(p50),
      unit: "ms",
      p50: round(p50),
      p99: round(p99),
      bound: round(pingP50),
      ratio: round(p50 / pingP50),
      target: TARGET_P50_MS,
      met: p50 <= TARGET_P50_MS,
    },
    {
      name: "bound: libp2p ping of the worker, direct connection, the same run",
      value: round(pingP50),
      unit: "ms",
      p50: round(pingP50),
      p99: round(pingP99),
    },
  ]);
} finally {
  await Promise.all([client, worker, hub].map(async (process) => await process.kill()));
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
