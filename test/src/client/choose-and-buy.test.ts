import { expect } from "chai";

import type { EthersChain } from "../../../src/adapters/chain/ethers.ts";
import { systemRandom } from "../../../src/adapters/random/system.ts";
import { buyBest, type BuyComponents } from "../../../src/client/choose-and-buy.ts";
import { chooseFromMarket } from "../../../src/client/choose-workers.ts";
import type { ChoiceTally } from "../../../src/domain/market/choice-tally.ts";
import { isSprfError, type SprfError } from "../../../src/errors.ts";
import { codeOf } from "../../helpers/code-of.ts";
import { startMarketWithPeople, type MarketPeople, type MarketWorker } from "../../helpers/market-people.ts";

const GWEI = 10n ** 9n;
const PRICES_GWEI = [30n, 10n, 20n, 40n] as const;
const OTHER_APPLICATION = `0x${"0b".repeat(32)}`;
const LENGTH = { lengthBlocks: 40 };

describe("client/choose-and-buy", () => {
  let people: MarketPeople;
  let restore: () => Promise<void>;
  let components: BuyComponents & { readonly chain: EthersChain };

  before(async () => {
    people = await startMarketWithPeople([
      ...PRICES_GWEI.map((price) => ({ pricePerBlockWei: price * GWEI })),
      { applicationType: OTHER_APPLICATION },
    ]);
  });
  after(() => people.market.close());
  beforeEach(async () => {
    restore = await people.market.snapshot();
    components = { chain: await people.market.connect(people.client.keys), random: systemRandom };
  });
  afterEach(() => restore());

  const at = (index: number): MarketWorker => {
    const worker = people.workers[index];
    if (worker === undefined) throw new Error(`the market has no worker ${index}`);
    return worker;
  };
  const ids = (...indexes: readonly number[]): readonly number[] => indexes.map((index) => at(index).workerId);
  const askFor = async (worker: MarketWorker, priceGwei: bigint): Promise<void> => {
    const terms = { ...worker.terms, pricePerBlockWei: priceGwei * GWEI };
    await worker.chain.updateWorker(worker.workerId, terms, await worker.chain.requiredStakeWei(terms));
  };
  /** The market through the client's chain, in which something happens just before the client quotes, or buys. */
  const meanwhile = (call: "quoteWith" | "buyWith", happens: (count: number) => Promise<void>): BuyComponents => {
    const { chain, random } = components;
    let count = 0;
    const next = async (): Promise<void> => await happens(count++);
    return {
      random,
      chain: {
        ...chain,
        async quoteWith(...args) {
          if (call === "quoteWith") await next();
          return await chain.quoteWith(...args);
        },
        async buyWith(...args) {
          if (call === "buyWith") await next();
          return await chain.buyWith(...args);
        },
      },
    };
  };
  const refusal = async (work: Promise<unknown>): Promise<SprfError> =>
    await work.then(
      () => expect.fail("it was bought"),
      (error: unknown) => (isSprfError(error) ? error : expect.fail(String(error))),
    );

  it("should buy with the workers that the policy chose", async () => {
    const { chain } = components;
    const bought = await buyBest(components, { redundancy: 3, ...LENGTH, prefer: "price" });
    const agreement = await chain.agreement(bought.agreement);
    expect(agreement?.workerIds).to.deep.equal(ids(1, 2, 0));
    expect(bought.workers.map(({ workerId }) => workerId)).to.deep.equal(ids(1, 2, 0));
    expect(agreement?.pricesPerBlockWei).to.deep.equal([10n * GWEI, 20n * GWEI, 30n * GWEI]);
    expect((agreement?.endBlock ?? 0) - (agreement?.startBlock ?? 0)).to.equal(LENGTH.lengthBlocks);
    expect(bought.paidWei).to.equal(await chain.balanceWei(bought.agreement));
  });

  it("should choose in another market, and pass over whom it excludes", async () => {
    const elsewhere = await chooseFromMarket(components, {
      redundancy: 1,
      ...LENGTH,
      applicationType: OTHER_APPLICATION,
    });
    expect(elsewhere).to.have.property("kind", "chosen");
    expect(elsewhere.kind === "chosen" && elsewhere.workers.map(({ workerId }) => workerId)).to.deep.equal(ids(4));
    const bought = await buyBest(components, {
      redundancy: 2,
      ...LENGTH,
      prefer: "price",
      excludeWorkers: ids(1),
      excludeOperators: [at(2).chain.account.toLowerCase()],
    });
    expect(bought.workers.map(({ workerId }) => workerId)).to.deep.equal(ids(0, 3));
  });

  it("should say how many failed which condition when too few match, and buy nothing", async () => {
    const { chain } = components;
    await at(1).chain.pauseWorker(at(1).workerId);
    const error = await refusal(
      buyBest(components, { redundancy: 2, ...LENGTH, maxPricePerBlockWei: 25n * GWEI, minReputationBps: 5_001 }),
    );
    expect(error.code).to.equal("NO_MATCH");
    expect(error.message).to.equal(
      "2 workers wanted, 0 of 5 fit: 1 of another application type, 1 without a free slot, 2 too dear, " +
        "1 of too low a reputation; the cheapest of the too dear asks 30 gwei a block, you offer 25 gwei, " +
        "the next has a reputation of 50 %, you want 50.01 %",
    );
    expect((error.context["tally"] as ChoiceTally).considered).to.equal(5);
    expect(await chain.agreementCount()).to.equal(0);
  });

  it("should choose again when a worker was taken before the quote or before the purchase", async () => {
    for (const call of ["quoteWith", "buyWith"] as const) {
      const takes = meanwhile(call, async (count) => {
        if (count === 0) await at(1).chain.pauseWorker(at(1).workerId);
      });
      const bought = await buyBest(takes, { redundancy: 2, ...LENGTH, prefer: "price" });
      expect(bought.workers.map(({ workerId }) => workerId)).to.deep.equal(ids(2, 0));
      await at(1).chain.unpauseWorker(at(1).workerId);
    }
  });

  it("should not pay a worker more than it asked when it was chosen", async () => {
    for (const call of ["quoteWith", "buyWith"] as const) {
      const raises = meanwhile(call, async (count) => {
        if (count === 0) await askFor(at(1), 35n);
      });
      const bought = await buyBest(raises, { redundancy: 2, ...LENGTH, maxPricePerBlockWei: 30n * GWEI });
      expect(bought.workers.map(({ workerId }) => workerId)).to.deep.equal(ids(2, 0));
      await askFor(at(1), 10n);
    }
  });

  it("should give up on a market that does not stand still", async () => {
    let choices = 0;
    const moves = meanwhile("quoteWith", async (count) => {
      choices++;
      await askFor(at(1), 11n + BigInt(count));
    });
    expect(await codeOf(buyBest(moves, { redundancy: 1, ...LENGTH, prefer: "price" }))).to.equal("PURCHASE_REJECTED");
    expect(choices).to.equal(5);
    expect(await components.chain.agreementCount()).to.equal(0);
  });

  it("should ask once only when its own limit for the whole is too low", async () => {
    let choices = 0;
    const counts = meanwhile("quoteWith", async () => {
      choices++;
      await Promise.resolve();
    });
    const maxPriceWei = (await components.chain.quoteWith(ids(1), LENGTH.lengthBlocks)) - 1n;
    const policy = { redundancy: 1, ...LENGTH, prefer: "price" } as const;
    expect(await codeOf(buyBest(counts, policy, { maxPriceWei }))).to.equal("PURCHASE_REJECTED");
    expect(choices).to.equal(1);
    expect((await buyBest(counts, policy, { maxPriceWei: maxPriceWei + 1n })).paidWei).to.equal(maxPriceWei + 1n);
  });

  it("should read a market of several pages", async () => {
    const { chain } = at(4);
    for (let n = 0; n < 100; n++) {
      const terms = { ...at(4).terms, applicationType: `0x0c${n.toString(16).padStart(62, "0")}` };
      await chain.registerWorker(terms, await chain.requiredStakeWei(terms));
    }
    const last = `0x0c${(99).toString(16).padStart(62, "0")}`;
    const choice = await chooseFromMarket(components, { redundancy: 1, ...LENGTH, applicationType: last });
    expect(choice.tally.considered).to.equal(105);
    expect(choice.kind === "chosen" && choice.workers[0]?.workerId).to.equal(105);
  });

  it("should stop when it is told to", async () => {
    const signal = AbortSignal.abort();
    expect(await codeOf(buyBest(components, { redundancy: 1, ...LENGTH }, { signal }))).to.equal("ABORTED");
  });
});
