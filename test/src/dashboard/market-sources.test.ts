import { expect } from "chai";

import { createEthersEventLog } from "../../../src/adapters/chain/event-log.ts";
import { systemClock } from "../../../src/adapters/clock/system.ts";
import { createMemoryLogger } from "../../../src/adapters/logger/memory.ts";
import { createMemoryStore } from "../../../src/adapters/store/memory.ts";
import { createMarketSources } from "../../../src/dashboard/market-sources.ts";
import type { MarketView } from "../../../src/dashboard/views.ts";
import { createIndexer, type Indexer } from "../../../src/indexer/indexer.ts";
import { createReadModel } from "../../../src/indexer/read-model.ts";
import { makeWorker } from "../../contracts/helpers/market.ts";
import { codeOf } from "../../helpers/code-of.ts";
import { startIndexMarket, type IndexMarket } from "../../helpers/index-market.ts";

const CONTRACTS = { chainId: 31_337, dispatcher: "", testers: "", disputes: "", twins: "" };

describe("market-sources", function () {
  this.timeout(60_000);
  let scene: IndexMarket;
  let indexer: Indexer;
  let sources: ReturnType<typeof createMarketSources>;
  let reads = 0;
  let close: () => void;

  before(async () => {
    scene = await startIndexMarket();
    const eventLog = await createEthersEventLog(scene);
    close = () => eventLog.close();
    const store = createMemoryStore();
    indexer = createIndexer({ eventLog, store, clock: systemClock, logger: createMemoryLogger() });
    const model = createReadModel(store);
    const counted: typeof model = {
      ...model,
      async workers(options) {
        reads++;
        return await model.workers(options);
      },
    };
    sources = createMarketSources({ model: counted, contracts: CONTRACTS, isChainAway: () => false });
  });
  after(async () => {
    close?.();
    await scene?.close();
  });

  const { signal } = new AbortController();
  const market = async (): Promise<MarketView> => (await sources.market.read("", { signal })) as MarketView;

  it("should read a view again when an event came, and not for a block without one", async () => {
    const [, operator] = await scene.ethers.getSigners();
    await indexer.catchUp();
    expect((await market()).workers).to.deep.equal([]);
    await scene.mine(3);
    await indexer.catchUp();
    expect((await market()).workers).to.deep.equal([]);
    expect(reads).to.equal(1);
    const back = await scene.snapshot();
    await makeWorker(scene.market, operator as NonNullable<typeof operator>, { slots: 4n });
    await indexer.catchUp();
    expect((await market()).workers).to.have.length(1);
    expect(reads).to.equal(2);
    // Blocks that are taken back take it with them.
    await back();
    await scene.mine(4);
    await indexer.catchUp();
    expect((await market()).workers).to.deep.equal([]);
  });

  it("should say of what there is none that there is none, whatever it is asked for by", async () => {
    await indexer.catchUp();
    for (const id of ["", "0", "7", "-1", "1e3", "0x", "999999999999", "__proto__"]) {
      expect(await codeOf(sources.worker.read(id, { signal })), `worker ${id}`).to.equal("INVALID_INPUT");
      expect(await codeOf(sources.agreement.read(id, { signal })), `agreement ${id}`).to.equal("INVALID_INPUT");
      expect(await codeOf(sources.payments.read(id, { signal })), `payments ${id}`).to.equal("INVALID_INPUT");
    }
  });
});
