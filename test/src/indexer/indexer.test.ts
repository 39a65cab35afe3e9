import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

import { expect } from "chai";
import { AbiCoder, concat, id, toBeHex, zeroPadValue } from "ethers";

import { createEthersEventLog, type EthersEventLogInit } from "../../../src/adapters/chain/event-log.ts";
import { systemClock } from "../../../src/adapters/clock/system.ts";
import { createMemoryLogger } from "../../../src/adapters/logger/memory.ts";
import { createMemoryStore } from "../../../src/adapters/store/memory.ts";
import { createSqliteStore } from "../../../src/adapters/store/sqlite.ts";
import { KEPT_BLOCKS, createIndexer, type Indexer } from "../../../src/indexer/indexer.ts";
import { createReadModel } from "../../../src/indexer/read-model.ts";
import type { Store } from "../../../src/ports/store.ts";
import type { MarketContracts } from "../../../src/adapters/chain/ethers.ts";
import { deployMarket } from "../../contracts/helpers/market.ts";
import { codeOf } from "../../helpers/code-of.ts";
import { startIndexMarket, type IndexMarket } from "../../helpers/index-market.ts";
import { startTraffic, type MarketTraffic } from "../../helpers/market-traffic.ts";
import { readModelOf } from "../../helpers/read-model-of.ts";
import { startRefusingNode } from "../../helpers/refusing-node.ts";
import { until } from "../../helpers/until.ts";

const KILLS = 4;

describe("indexer", function () {
  this.timeout(180_000);
  let scene: IndexMarket;
  let traffic: MarketTraffic;
  let revert: () => Promise<void>;
  const closers: (() => void)[] = [];

  before(async () => {
    scene = await startIndexMarket();
    traffic = await startTraffic(scene, 3);
    await traffic.run(12);
  });
  after(async () => await scene?.close());
  beforeEach(async () => {
    revert = await scene.snapshot();
  });
  afterEach(async () => {
    for (const close of closers.splice(0)) close();
    await revert();
  });

  async function indexer(store: Store, init: Partial<EthersEventLogInit> = {}): Promise<Indexer> {
    const eventLog = await createEthersEventLog({ ...scene, ...init });
    closers.push(() => eventLog.close());
    const components = { eventLog, store, clock: systemClock, logger: createMemoryLogger() };
    return createIndexer(components, { pollingIntervalMs: 5 });
  }

  /** The model of the chain as it is, made in one go. */
  async function fresh(): Promise<unknown> {
    const store = createMemoryStore();
    await (await indexer(store)).catchUp();
    return await readModelOf(store);
  }

  it("should take back what a re-organised chain does not hold any more, and index what it holds instead", async () => {
    const store = createMemoryStore();
    const follower = await indexer(store);
    await follower.catchUp();
    const before = await readModelOf(store);
    const back = await scene.snapshot();
    await traffic.run(6);
    await scene.mine(3);
    await follower.catchUp();
    const abandoned = await readModelOf(store);
    expect(abandoned).to.not.deep.equal(before);
    await back();
    await traffic.run(4);
    await scene.mine(1);
    const { reorgs, block } = await follower.catchUp();
    expect(reorgs).to.equal(1);
    expect(block).to.equal(await scene.blockNumber());
    const after = await readModelOf(store);
    expect(after).to.not.deep.equal(abandoned);
    expect(after).to.deep.equal(await fresh());
  });

  it("should take back blocks after which nothing followed", async () => {
    const store = createMemoryStore();
    const follower = await indexer(store);
    await follower.catchUp();
    const before = await readModelOf(store);
    const back = await scene.snapshot();
    await traffic.run(3);
    await follower.catchUp();
    await back();
    await follower.catchUp();
    expect(await readModelOf(store)).to.deep.equal(before);
  });

  it("should say so when more blocks were replaced than it keeps", async () => {
    const store = createMemoryStore();
    const follower = await indexer(store);
    const back = await scene.snapshot();
    await scene.mine(KEPT_BLOCKS + 20);
    await follower.catchUp();
    await back();
    // Empty blocks at the same times would be the same blocks.
    await scene.rpc("evm_increaseTime", 1_000);
    await scene.mine(KEPT_BLOCKS + 30);
    expect(await codeOf(follower.catchUp())).to.equal("REORG_TOO_DEEP");
  });

  it("should make the same of ranges as short as the node gives, which has no times in its logs", async () => {
    await scene.mine(KEPT_BLOCKS + 10);
    const node = await startRefusingNode(scene.rpcUrl, 7);
    const store = createMemoryStore();
    await (await indexer(store, { rpcUrl: node.rpcUrl })).catchUp();
    expect(node.refused()).to.be.greaterThan(0);
    expect(await readModelOf(store)).to.deep.equal(await fresh());
    await node.close();
  });

  it("should ignore a stranger's contract that says what an agreement says", async () => {
    const before = await fresh();
    const [account] = traffic.accounts;
    const topics = [id("Withdrawn(address,uint256)"), zeroPadValue(account!.address, 32)];
    await account!.sendTransaction({
      data: emitting(topics, AbiCoder.defaultAbiCoder().encode(["uint256"], [10n ** 18n])),
    });
    await account!.sendTransaction({ data: emitting([id("Finalized()")], "0x") });
    await account!.sendTransaction({
      data: emitting([id("EpochSettled(uint256,uint8[],uint256)"), zeroPadValue("0x", 32)], `0x${"ff".repeat(32)}`),
    });
    expect(await fresh()).to.deep.equal(before);
  });

  it("should have one of two indexers on one store go on", async () => {
    const store = createMemoryStore();
    const [one, other] = [await indexer(store), await indexer(store)];
    await one.catchUp();
    await other.catchUp();
    await scene.mine(1);
    await one.catchUp();
    expect(await codeOf(other.catchUp())).to.equal("STORE_CONFLICT");
    expect(await readModelOf(store)).to.deep.equal(await fresh());
  });

  it("should refuse a store with the index of another market", async () => {
    const store = createMemoryStore();
    await (await indexer(store)).catchUp();
    const other = await startIndexMarket();
    try {
      await other.mine(1);
      const { rpcUrl } = other;
      const contracts = await secondMarketOf(other);
      expect(await codeOf((await indexer(store, { rpcUrl, contracts })).catchUp())).to.equal("INDEX_INVALID");
    } finally {
      await other.close();
    }
  });

  it("should say so when the first block comes after events of the market", async () => {
    const eventLog = await createEthersEventLog(scene);
    closers.push(() => eventLog.close());
    const components = { eventLog, store: createMemoryStore(), clock: systemClock, logger: createMemoryLogger() };
    const late = createIndexer(components, { fromBlock: (await scene.blockNumber()) - 30 });
    expect(await codeOf(late.catchUp())).to.equal("EVENTS_MISSING");
  });

  it("should follow the chain until it is told to stop", async () => {
    const store = createMemoryStore();
    const follower = await indexer(store);
    const stop = new AbortController();
    const following = follower.follow({ signal: stop.signal });
    await scene.mine(2);
    const target = await scene.blockNumber();
    const model = createReadModel(store);
    await until(async () => (await model.asOf().catch(() => ({ block: -1 }))).block === target);
    stop.abort();
    await following;
  });

  for (let kill = 0; kill < KILLS; kill++) {
    it(`should go on after its process was killed while it caught up (${kill + 1})`, async () => {
      const folder = await mkdtemp(join(tmpdir(), "sprf-index-"));
      try {
        const path = join(folder, "index.sqlite");
        const killedAt = await indexAndKill(scene, path, 2 + kill * 3);
        const store = createSqliteStore(path);
        const resumed = await indexer(store, { maxBlocksPerRequest: 3 });
        expect((await createReadModel(store).asOf()).block).to.be.at.least(killedAt);
        expect(killedAt).to.be.lessThan(await scene.blockNumber());
        await resumed.catchUp();
        expect(await readModelOf(store)).to.deep.equal(await fresh());
        await store.close();
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    });
  }
});

/** Kills the indexer as soon as it has said so many batches; resolves with the last block that it said. */
async function indexAndKill(scene: IndexMarket, path: string, batches: number): Promise<number> {
  const init = JSON.stringify({ rpcUrl: scene.rpcUrl, contracts: scene.contracts, path });
  const child = spawn(process.execPath, [resolve("test/helpers/index-process.ts"), init], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const closed = once(child, "close");
  let block = -1;
  let seen = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    block = Number(line);
    seen++;
    if (seen >= batches) child.kill("SIGKILL");
  }
  await closed;
  return block;
}

/** A market at other addresses than the first one of its chain. */
async function secondMarketOf({ ethers }: IndexMarket): Promise<MarketContracts> {
  const { twins, dispatcher, testers, disputes, records } = await deployMarket(ethers);
  return {
    twins: await twins.getAddress(),
    dispatcher: await dispatcher.getAddress(),
    testers: await testers.getAddress(),
    disputes: await disputes.getAddress(),
    records: await records.getAddress(),
  };
}

/** Code of a contract that emits one event while it is made: PUSHes its data into memory, its topics on the stack, and LOGs. */
function emitting(topics: readonly string[], data: string): string {
  const words = data === "0x" ? [] : (data.slice(2).match(/.{64}/g) ?? []);
  const store = words.map((word, index) => concat(["0x7f", `0x${word}`, "0x60", toBeHex(index * 32, 1), "0x52"]));
  const push = topics.toReversed().map((topic) => concat(["0x7f", topic]));
  const log = concat(["0x60", toBeHex(words.length * 32, 1), "0x6000", toBeHex(0xa0 + topics.length, 1), "0x00"]);
  return concat([...store, ...push, log]);
}
