import { setTimeout } from "node:timers/promises";

import { startAddressProcess } from "../test/helpers/address-process.ts";
import type { AddressAnswer, AddressProcess, FindMany } from "../test/helpers/address-process.ts";
import { percentile, round, writeReport } from "./report.ts";
import type { ReportRow } from "./report.ts";

const LOOK_UPS = 300;
const AT_ONCE = 8;
const WARM_UP = 20;
const SEED = 20_261_121;
const FLOOD = 1_000;
const MAX_GROWTH_MIB = 150;
const WATCH_EVERY_MS = 250;
const MIB = 2 ** 20;

const hub = await startAddressProcess("service", "hub", []);
const worker = await startAddressProcess("worker", "worker", hub.multiaddrs);
const clients = {
  relay: await startAddressProcess("client", "client", hub.multiaddrs),
  light: await startAddressProcess("light-client", "client", hub.multiaddrs),
};

try {
  const rows: ReportRow[] = [];
  for (const kind of ["relay", "light"] as const) {
    await findMany(clients[kind], { count: WARM_UP, atOnce: AT_ONCE, loss: 0 });
    for (const loss of [0, 0.1, 0.3]) rows.push(...(await measure(kind, loss)));
  }
  rows.push(...(await flood()));
  await writeReport("messages", rows);
} finally {
  await Promise.all([clients.relay, clients.light, worker, hub].map(async (process) => await process.kill()));
}

async function measure(kind: keyof typeof clients, loss: number): Promise<ReportRow[]> {
  const { tookMs, outcomes = [] } = await findMany(clients[kind], { count: LOOK_UPS, atOnce: AT_ONCE, loss });
  const answeredMs = outcomes.filter((outcome) => typeof outcome === "number");
  const name = `address look-ups over ${kind}, ${AT_ONCE} at a time, ${loss * 100} % lost each way`;
  return [
    { name: `${name}: answered of ${LOOK_UPS}`, value: answeredMs.length, unit: "requests" },
    {
      name,
      value: round((answeredMs.length / tookMs) * 1_000),
      unit: "requests/s",
      p50: round(percentile(answeredMs, 0.5)),
      p99: round(percentile(answeredMs, 0.99)),
    },
  ];
}

/** A thousand at once: how many are answered, what it costs the worker in memory, and how long the next one takes. */
async function flood(): Promise<ReportRow[]> {
  const before = await memoryOf(worker);
  let peak = before;
  const over = new AbortController();
  const watching = (async () => {
    while (!over.signal.aborted) {
      peak = Math.max(peak, await memoryOf(worker));
      await setTimeout(WATCH_EVERY_MS);
    }
  })();
  const { outcomes = [] } = await findMany(clients.relay, { count: FLOOD, atOnce: FLOOD, loss: 0 });
  const next = await clients.light.call({ do: "find", worker: "worker" });
  if (next.error !== undefined) throw new Error(`the worker does not answer after the flood: ${next.error}`);
  over.abort();
  await watching;
  const answeredMs = outcomes.filter((outcome) => typeof outcome === "number");
  const failed = outcomes.filter((outcome) => typeof outcome === "string");
  if (failed.some((code) => code !== "ADDRESS_NOT_FOUND")) throw new Error(`failed otherwise: ${failed.join()}`);
  const growthMib = round((peak - before) / MIB);
  const name = `${FLOOD} address look-ups of one worker at once, 10 s each`;
  return [
    {
      name: `${name}: answered, the others told in time that nobody did`,
      value: answeredMs.length,
      unit: "requests",
      ...(answeredMs.length === 0
        ? {}
        : { p50: round(percentile(answeredMs, 0.5)), p99: round(percentile(answeredMs, 0.99)) }),
    },
    {
      name: `${name}: growth of the worker's memory`,
      value: growthMib,
      unit: "MiB",
      bound: MAX_GROWTH_MIB,
      met: growthMib <= MAX_GROWTH_MIB,
    },
    { name: `${name}: the next look-up, by another client`, value: round(next.tookMs), unit: "ms" },
  ];
}

async function memoryOf(process: AddressProcess): Promise<number> {
  return (await process.call({ do: "memory" })).rssBytes ?? 0;
}

async function findMany(client: AddressProcess, parts: Omit<FindMany, "worker" | "seed">): Promise<AddressAnswer> {
  const answer = await client.call({ do: "find-many", worker: "worker", seed: SEED, ...parts });
  if (answer.error !== undefined) throw new Error(answer.error);
  return answer;
}
