// Events a second that the indexer takes from a node into a fresh index on disk, against what the same node gives by eth_getLogs
// alone in the same run: the same filter, ranges as long as it likes, nothing decoded and nothing kept.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { network } from "hardhat";

import { EVENT_TOPICS } from "../src/adapters/chain/event-decoders.ts";
import { createMemoryLogger } from "../src/adapters/logger/memory.ts";
import { createMarketIndexer } from "../src/create-indexer.ts";
import { KEPT_BLOCKS } from "../src/indexer/indexer.ts";
import { GWEI, buy, deployMarket, makeTester, makeTwin, makeWorker } from "../test/contracts/helpers/market.ts";
import { percentile, round, writeReport } from "./report.ts";

const AGREEMENTS = Number(process.argv[2] ?? 120);
const RUNS = 5;
const WORKERS = 6;
const TESTERS = 6;
const EPOCHS = 8n;
const MS_PER_SECOND = 1_000;

const server = await network.createServer({ network: "default" }, "127.0.0.1", 0);
const { port } = await server.listen();
const rpcUrl = `http://127.0.0.1:${port}`;
const connection = await network.create({ network: "devnet", override: { url: rpcUrl } });
const folder = await mkdtemp(join(tmpdir(), "sprf-bench-index-"));
try {
  const { ethers } = connection;
  const market = await deployMarket(ethers);
  const [client, ...others] = await ethers.getSigners();
  if (client === undefined) throw new Error("the node has no accounts");
  await makeTwin(market, client);
  for (const worker of others.slice(0, WORKERS)) {
    await makeWorker(market, worker, { pricePerBlock: GWEI, slots: 200n, maxLength: 200n });
  }
  for (const tester of others.slice(WORKERS, WORKERS + TESTERS)) await makeTester(market, tester);
  const { epochLength } = await market.dispatcher.settings();
  const agreements = [];
  for (let i = 0; i < AGREEMENTS; i++) agreements.push(await buy(market, client, { length: EPOCHS * epochLength }));
  await connection.provider.request({
    method: "hardhat_mine",
    params: [`0x${(EPOCHS * epochLength + 40n).toString(16)}`],
  });
  for (const agreement of agreements) {
    await agreement.finalize();
    await agreement.withdraw();
  }
  // Behind the blocks that are taken one by one.
  await connection.provider.request({ method: "hardhat_mine", params: [`0x${(KEPT_BLOCKS + 1).toString(16)}`] });

  const contracts = {
    twins: await market.twins.getAddress(),
    dispatcher: await market.dispatcher.getAddress(),
    testers: await market.testers.getAddress(),
    disputes: await market.disputes.getAddress(),
    records: await market.records.getAddress(),
  };
  const head = Number(await connection.provider.request({ method: "eth_blockNumber", params: [] }));
  const raw: number[] = [];
  const indexed: number[] = [];
  let events = 0;
  // In turns, so that whatever else the machine does falls on both.
  for (let run = 0; run < RUNS; run++) {
    raw.push(await rawRate(head));
    const dataDirectory = join(folder, String(run));
    const indexer = await createMarketIndexer({
      chain: { rpcUrl, contracts },
      dataDirectory,
      logger: createMemoryLogger(),
    });
    const began = performance.now();
    ({ events } = await indexer.catchUp());
    indexed.push((events * MS_PER_SECOND) / (performance.now() - began));
    await indexer.close();
  }
  const bound = round(percentile(raw, 0.5));
  const value = round(percentile(indexed, 0.5));
  await writeReport("indexer", [
    {
      name: `events of ${AGREEMENTS} agreements, into an index`,
      value,
      unit: "events/s",
      bound,
      ratio: round(value / bound),
    },
    { name: "the same events, by eth_getLogs alone", value: bound, unit: "events/s" },
    { name: "events", value: events, unit: "events" },
  ]);
} finally {
  await connection.close();
  await server.close();
  await rm(folder, { recursive: true, force: true });
}

async function rawRate(head: number): Promise<number> {
  const began = performance.now();
  const filter = { fromBlock: "0x0", toBlock: `0x${head.toString(16)}`, topics: [EVENT_TOPICS] };
  const response = await fetch(rpcUrl, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_getLogs", params: [filter] }),
  });
  const { result } = (await response.json()) as { readonly result: readonly unknown[] };
  return (result.length * MS_PER_SECOND) / (performance.now() - began);
}
