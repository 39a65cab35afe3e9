import { expect } from "chai";

import { systemClock } from "../../../src/adapters/clock/system.ts";
import { systemRandom } from "../../../src/adapters/random/system.ts";
import { buyBest } from "../../../src/client/choose-and-buy.ts";
import { awaitBadWorker, judgeAgreement, replaceBadWorkers } from "../../../src/client/replace-workers.ts";
import type { EthersChain } from "../../../src/adapters/chain/ethers.ts";
import type { Random } from "../../../src/ports/random.ts";
import type { Clock } from "../../../src/ports/clock.ts";
import { codeOf } from "../../helpers/code-of.ts";
import { randomAddress } from "../../helpers/market-chain.ts";
import { startMarketWithPeople, type MarketPeople } from "../../helpers/market-people.ts";

const GWEI = 10n ** 9n;
/** Five epochs of 20 blocks. */
const LENGTH_BLOCKS = 100;
const ALL_OK = ["ok", "ok", "ok"] as const;

describe("client/replace-workers", () => {
  let people: MarketPeople;
  let restore: () => Promise<void>;
  let components: { readonly chain: EthersChain; readonly random: Random; readonly clock: Clock };
  let agreement: string;
  /** Of the agreement's workers, in its order, and of the two that are not in it, the cheaper one first. */
  let seats: readonly number[];
  let spare: readonly number[];

  before(async () => {
    people = await startMarketWithPeople([1n, 2n, 3n, 4n, 5n].map((price) => ({ pricePerBlockWei: price * GWEI })));
  });
  after(() => people.market.close());
  beforeEach(async () => {
    restore = await people.market.snapshot();
    components = {
      chain: await people.market.connect(people.client.keys),
      random: systemRandom,
      clock: systemClock,
    };
    const bought = await buyBest(components, { redundancy: 3, lengthBlocks: LENGTH_BLOCKS, prefer: "price" });
    agreement = bought.agreement;
    seats = bought.workers.map(({ workerId }) => workerId);
    spare = people.workers.map(({ workerId }) => workerId).filter((workerId) => !seats.includes(workerId));
  });
  afterEach(() => restore());

  const finish = async (epoch: number): Promise<void> =>
    await people.market.mineTo((await components.chain.windowsOf(agreement, epoch)).finalFrom);
  const kinds = async (): Promise<readonly string[]> =>
    (await judgeAgreement(components.chain, agreement)).map(({ judgement }) =>
      judgement.kind === "bad" ? `${judgement.reason} in ${judgement.epoch}` : judgement.kind,
    );

  it("should wait for a final wrong answer, and buy another agreement with a worker in the wrong one's place", async () => {
    const { chain } = components;
    const waited = awaitBadWorker(components, agreement, { timeoutMs: 20_000 });
    await people.report(agreement, 0, ["ok", "wrong", "ok"]);
    expect(await chain.tallyOf(agreement, 0)).to.deep.equal(["ok", "wrong", "ok"]);
    expect(await kinds(), "it can still be appealed").to.deep.equal(["good", "good", "good"]);
    expect(await replaceBadWorkers(components, agreement)).to.equal(undefined);
    await finish(0);
    const judged = await waited;
    expect(judged?.map(({ workerId }) => workerId)).to.deep.equal(seats);
    expect(judged?.[1]?.judgement).to.deep.equal({ kind: "bad", reason: "wrong", epoch: 0 });
    expect(await kinds()).to.deep.equal(["good", "wrong in 0", "good"]);

    const old = await chain.agreement(agreement);
    const replaced = await replaceBadWorkers(components, agreement, { prefer: "price" });
    const [first, bad, third] = seats;
    expect(replaced?.kept).to.deep.equal([first, third]);
    expect(replaced?.added).to.deep.equal([spare[0]]);
    expect(replaced?.removed.map(({ workerId }) => workerId)).to.deep.equal([bad]);
    expect(replaced?.lost).to.deep.equal([]);
    expect(replaced?.old).to.deep.equal({ terminated: false });
    const bought = await chain.agreement(replaced?.agreement ?? "");
    expect(bought?.workerIds).to.deep.equal([first, third, spare[0]]);
    // For the blocks that the old one has left, from the purchase on.
    expect(bought?.endBlock).to.equal(old?.endBlock);
    expect(bought?.client).to.equal(chain.account);
  });

  it("should replace who was not reached three epochs in a row, before the last of them is final", async () => {
    await people.report(agreement, 0, ["ok", "ok", "unreachable"]);
    await people.report(agreement, 1, ["unreachable", "ok", "unreachable"]);
    expect(await kinds()).to.deep.equal(["good", "good", "good"]);
    await people.report(agreement, 2, ["ok", "ok", "unreachable"]);
    expect(await kinds()).to.deep.equal(["good", "good", "unreachable in 2"]);
    const replaced = await replaceBadWorkers(components, agreement);
    expect(replaced?.kept).to.have.members([seats[0], seats[1]]);
    expect(replaced?.added).to.have.length(1);
    expect(spare).to.include(replaced?.added[0]);
  });

  it("should replace at once who has resigned, and end the old agreement when it is told to", async () => {
    const { chain } = components;
    const waited = awaitBadWorker(components, agreement, { timeoutMs: 20_000 });
    const leaver = people.workers.find(({ workerId }) => workerId === seats[2]);
    await leaver?.chain.resign(agreement, 2);
    // The running epoch stays open to a verdict of a wrong answer.
    expect((await waited)?.[2]?.judgement).to.deep.equal({ kind: "bad", reason: "resigned", epoch: 1 });
    const before = await chain.agreement(agreement);
    const replaced = await replaceBadWorkers(components, agreement, {}, { terminate: true });
    expect(replaced?.removed.map(({ workerId }) => workerId)).to.deep.equal([seats[2]]);
    expect(replaced?.kept).to.have.members([seats[0], seats[1]]);
    expect(replaced?.old).to.deep.equal({ terminated: true });
    // The new agreement goes on to where the old one would have ended.
    expect((await chain.agreement(replaced?.agreement ?? ""))?.endBlock).to.equal(before?.endBlock);
    expect((await chain.agreement(agreement))?.endBlock).to.be.below(before?.endBlock ?? 0);
    expect((await chain.creditWei(agreement, chain.account)) > 0n).to.equal(true);
  });

  it("should seat another one for a good worker that is no longer to be had, and say why", async () => {
    await people.report(agreement, 0, ["ok", "wrong", "ok"]);
    await finish(0);
    const paused = people.workers.find(({ workerId }) => workerId === seats[2]);
    await paused?.chain.pauseWorker(paused.workerId);
    const replaced = await replaceBadWorkers(components, agreement, { maxPricePerBlockWei: 5n * GWEI });
    expect(replaced?.kept).to.deep.equal([seats[0]]);
    expect(replaced?.added).to.have.members(spare);
    expect(replaced?.lost).to.deep.equal([{ workerId: seats[2], failed: ["listed"] }]);
  });

  it("should buy nothing when nobody fits in the bad one's place", async () => {
    await people.report(agreement, 0, ["ok", "wrong", "ok"]);
    await finish(0);
    const count = await components.chain.agreementCount();
    const policy = { excludeWorkers: spare };
    expect(await codeOf(replaceBadWorkers(components, agreement, policy, { terminate: true }))).to.equal("NO_MATCH");
    expect(await components.chain.agreementCount()).to.equal(count);
    expect((await components.chain.agreementState(agreement)).status).to.equal("running");
  });

  it("should keep the new agreement when the old one cannot be ended", async () => {
    await people.report(agreement, 0, ["ok", "wrong", "ok"]);
    await finish(0);
    const stranger = people.workers.at(-1);
    if (stranger === undefined) throw new Error("the market has no workers");
    const own = { ...components, chain: await people.market.connect(stranger.keys) };
    const replaced = await replaceBadWorkers(own, agreement, {}, { terminate: true });
    expect(replaced?.old.terminated).to.equal(false);
    expect(replaced?.old.error).to.have.property("code", "CHAIN_REVERTED");
    expect(await components.chain.agreement(replaced?.agreement ?? "")).to.have.property("client", own.chain.account);
  });

  it("should stop waiting when the agreement is over and nobody was bad", async () => {
    const waited = awaitBadWorker(components, agreement, { timeoutMs: 20_000 });
    await people.report(agreement, 0, ALL_OK);
    await finish(4);
    expect(await waited).to.equal(undefined);
    expect(await replaceBadWorkers(components, agreement)).to.equal(undefined);
  });

  it("should not buy for an agreement that is over, nor for one that there is none of", async () => {
    await people.report(agreement, 0, ["ok", "wrong", "ok"]);
    await finish(4);
    expect(await codeOf(replaceBadWorkers(components, agreement))).to.equal("INVALID_INPUT");
    expect(await codeOf(replaceBadWorkers(components, randomAddress()))).to.equal("INVALID_INPUT");
  });

  it("should wait no longer than it is told to", async () => {
    expect(await codeOf(awaitBadWorker(components, agreement, { timeoutMs: 1 }))).to.equal("TIMEOUT");
    const signal = AbortSignal.abort();
    expect(await codeOf(awaitBadWorker(components, agreement, { signal }))).to.equal("ABORTED");
  });
});
