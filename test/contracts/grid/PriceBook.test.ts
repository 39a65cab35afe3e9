import { anyValue } from "@nomicfoundation/hardhat-ethers-chai-matchers/withArgs";
import { expect } from "chai";
import { ZeroAddress } from "ethers";
import { network } from "hardhat";

const { ethers, networkHelpers } = await network.create();

const MAX_AGE = 3_600n;
const DOLLAR = 10n ** 8n;
const ANSWER = 3_000n * DOLLAR;
/** As `ScriptedFeed.Mood`. */
const Mood = { Answer: 0n, Refuse: 1n, BurnGas: 2n, Short: 3n, Long: 4n } as const;
/** Seconds: more than a slow machine takes for a step. */
const SPAN = 10_000n;
const CHANGED = 4_000n * DOLLAR;

/** Grains for a rate of one, for a second and a percent: 2^52 grains a wei, 2^-20 of 1e-7 USD an hour. */
function priceOf(answer: bigint, decimals = 8n): bigint {
  const [numerator, denominator] = [10n ** (11n + decimals) * 2n ** 32n, answer * 360_000n];
  return (2n * numerator + denominator) / (2n * denominator);
}

async function fixture() {
  const feed = await ethers.deployContract("ScriptedFeed");
  await feed.setAnswer(ANSWER, 0n);
  const book = await ethers.deployContract("PriceBook", [feed, MAX_AGE]);
  return { feed, book };
}

const now = async (): Promise<bigint> => BigInt(await networkHelpers.time.latest());

describe("PriceBook", () => {
  describe("deployment", () => {
    it("should begin with the feed's price, which counts for all that was before", async () => {
      const { feed, book } = await networkHelpers.loadFixture(fixture);
      expect(await book.feed()).to.equal(await feed.getAddress());
      expect(await book.maxAge()).to.equal(MAX_AGE);
      expect(await book.changeCount()).to.equal(1n);
      expect([...(await book.priceAt(0n))]).to.deep.equal([priceOf(ANSWER), 0n]);
      expect(await book.lastTimeAt(0n)).to.equal((await book.peek()).changedAt);
      const { price, sum, fresh } = await book.peek();
      const second = (await now()) - (await book.peek()).changedAt;
      expect([price, sum, fresh]).to.deep.equal([priceOf(ANSWER), second * priceOf(ANSWER), true]);
    });

    it("should bound what a feed may use, and ask for more than that", async () => {
      const { book } = await networkHelpers.loadFixture(fixture);
      // A call passes 63 of 64 parts of the gas on; 10,000 are for what comes before it.
      expect(await book.FEED_GAS()).to.equal(100_000n);
      expect(await book.REQUIRED_GAS()).to.equal(100_000n + 100_000n / 63n + 10_000n);
    });

    it("should bill a dollar an hour as what a dollar is in ether", async () => {
      const { book } = await networkHelpers.loadFixture(fixture);
      const { price } = await book.peek();
      const dollarAnHour = 10n ** 7n * 2n ** 20n;
      const wei = (dollarAnHour * 100n * price * 3_600n) / 2n ** 52n;
      const exact = 10n ** 18n / 3_000n;
      expect(wei - exact < exact / 10n ** 11n && exact - wei < exact / 10n ** 11n, `${wei}`).to.equal(true);
    });

    it("should take feeds of any decimals up to 18", async () => {
      const { feed } = await networkHelpers.loadFixture(fixture);
      for (const decimals of [0n, 1n, 18n]) {
        await feed.setDecimals(decimals);
        await feed.setAnswer(3_333n * 10n ** decimals, 0n);
        const book = await ethers.deployContract("PriceBook", [feed, MAX_AGE]);
        expect((await book.peek()).price).to.equal(priceOf(3_333n * 10n ** decimals, decimals));
      }
      await feed.setDecimals(19n);
      await expect(ethers.deployContract("PriceBook", [feed, MAX_AGE]))
        .to.be.revertedWithCustomError(
          { interface: (await ethers.getContractFactory("PriceBook")).interface },
          "PriceBook_BadSetting",
        )
        .withArgs(ethers.encodeBytes32String("decimals"), 0n, 18n, 19n);
    });

    it("should refuse an account without code, a feed that gives no good answer, and ages out of bounds", async () => {
      const { feed, book } = await networkHelpers.loadFixture(fixture);
      const deploy = async (at: unknown, maxAge: bigint) => await ethers.deployContract("PriceBook", [at, maxAge]);
      await expect(deploy(ZeroAddress, MAX_AGE))
        .to.be.revertedWithCustomError(book, "PriceBook_BadFeed")
        .withArgs(ZeroAddress);
      for (const [maxAge, isGood] of [
        [59n, false],
        [60n, true],
        [2_592_000n, true],
        [2_592_001n, false],
      ] as const) {
        if (isGood) await deploy(feed, maxAge);
        else
          await expect(deploy(feed, maxAge))
            .to.be.revertedWithCustomError(book, "PriceBook_BadSetting")
            .withArgs(ethers.encodeBytes32String("maxAge"), 60n, 2_592_000n, maxAge);
      }
      await feed.setMood(Mood.Refuse);
      await expect(deploy(feed, MAX_AGE))
        .to.be.revertedWithCustomError(book, "PriceBook_BadFeed")
        .withArgs(await feed.getAddress());
    });
  });

  describe("changes", () => {
    it("should count from their touch forward, and be written down once", async () => {
      const { feed, book } = await networkHelpers.loadFixture(fixture);
      const start = (await book.peek()).changedAt;
      await feed.setAnswer(CHANGED, 0n);
      await networkHelpers.time.setNextBlockTimestamp(start + SPAN);
      await expect(book.touch())
        .to.emit(book, "PriceChanged")
        .withArgs(priceOf(CHANGED), SPAN * priceOf(ANSWER));
      await expect(book.touch()).to.not.emit(book, "PriceChanged");
      expect(await book.changeCount()).to.equal(2n);
      expect([...(await book.priceAt(start + SPAN))]).to.deep.equal([priceOf(ANSWER), SPAN * priceOf(ANSWER)]);
      expect([...(await book.priceAt(start + SPAN + 1n))]).to.deep.equal([
        priceOf(CHANGED),
        SPAN * priceOf(ANSWER) + priceOf(CHANGED),
      ]);
      expect((await book.peek()).changedAt).to.equal(start + SPAN);
      expect(await book.lastTimeAt(SPAN * priceOf(ANSWER) - 1n)).to.equal(start + SPAN - 1n);
      expect(await book.lastTimeAt(SPAN * priceOf(ANSWER) + priceOf(CHANGED))).to.equal(start + SPAN + 1n);
    });

    it("should forget a price that no second saw", async () => {
      const { feed, book } = await networkHelpers.loadFixture(fixture);
      await ethers.provider.send("evm_setAutomine", [false]);
      await feed.setAnswer(CHANGED, 0n);
      await book.touch({ gasLimit: 500_000n });
      await feed.setAnswer(5_000n * DOLLAR, 0n);
      await book.touch({ gasLimit: 500_000n });
      await ethers.provider.send("evm_mine", []);
      await ethers.provider.send("evm_setAutomine", [true]);
      expect(await book.changeCount()).to.equal(2n);
      const since = await now();
      expect([...(await book.priceAt(since))][0]).to.equal(priceOf(ANSWER));
      expect([...(await book.priceAt(since + 1n))][0]).to.equal(priceOf(5_000n * DOLLAR));
    });
  });

  describe("a feed that gives no good answer", () => {
    const cases: Record<string, (feed: Awaited<ReturnType<typeof fixture>>["feed"], at: bigint) => Promise<unknown>> = {
      reverts: async (feed) => await feed.setMood(Mood.Refuse),
      "burns its gas": async (feed) => await feed.setMood(Mood.BurnGas),
      "answers too little": async (feed) => await feed.setMood(Mood.Short),
      "says zero": async (feed) => await feed.setAnswer(0n, 0n),
      "says less than zero": async (feed) => await feed.setAnswer(-ANSWER, 0n),
      "says the least there is": async (feed) => await feed.setAnswer(-(2n ** 255n), 0n),
      "says the most there is": async (feed) => await feed.setAnswer(2n ** 255n - 1n, 0n),
      "says that ether costs next to nothing": async (feed) => await feed.setAnswer(1n * (DOLLAR / 100n), 0n),
      "is older than its greatest age": async (feed, at) => await feed.setAnswer(CHANGED, at - MAX_AGE - 1n),
      "answers from the future": async (feed, at) => await feed.setAnswer(CHANGED, at + 1n),
    };
    for (const [name, go] of Object.entries(cases)) {
      it(`should not move the price when it ${name}`, async () => {
        const { feed, book } = await networkHelpers.loadFixture(fixture);
        const at = (await now()) + 5_000n;
        await go(feed, at);
        await networkHelpers.time.setNextBlockTimestamp(at);
        await expect(book.touch()).to.emit(book, "StalePriceUsed").withArgs(priceOf(ANSWER));
        expect(await book.changeCount()).to.equal(1n);
        const { price, fresh } = await book.peek({ blockTag: "latest" });
        expect([price, fresh]).to.deep.equal([priceOf(ANSWER), false]);

        await feed.setAnswer(CHANGED, 0n);
        await expect(book.touch()).to.emit(book, "PriceChanged").withArgs(priceOf(CHANGED), anyValue);
        expect((await book.peek()).fresh).to.equal(true);
      });
    }

    it("should be believed up to its greatest age, and to the bounds of a price", async () => {
      const { feed, book } = await networkHelpers.loadFixture(fixture);
      const at = (await now()) + 5_000n;
      await feed.setAnswer(CHANGED, at - MAX_AGE);
      await networkHelpers.time.setNextBlockTimestamp(at);
      await expect(book.touch()).to.emit(book, "PriceChanged").withArgs(priceOf(CHANGED), anyValue);

      const numerator = (10n ** 19n * 2n ** 52n) / (2n ** 20n * 360_000n);
      const [least, most] = [(numerator + 2n ** 56n - 2n) / (2n ** 56n - 1n), numerator / 2n ** 16n];
      for (const [answer, isGood] of [
        [least, true],
        [least - 1n, false],
        [most, true],
        [most + 1n, false],
      ] as const) {
        await feed.setAnswer(answer, 0n);
        const { price, fresh } = await book.peek();
        expect(fresh, `${answer}`).to.equal(isGood);
        expect(price).to.equal(isGood ? priceOf(answer) : priceOf(CHANGED));
      }
    });

    it("should cost no more gas than it was given, whatever it burns or answers", async () => {
      const { feed, book } = await networkHelpers.loadFixture(fixture);
      const limit = (await book.FEED_GAS()) + 60_000n;
      await feed.setMood(Mood.BurnGas);
      expect((await (await book.touch({ gasLimit: 5_000_000n })).wait())?.gasUsed).to.be.lessThan(limit);
      await feed.setAnswer(CHANGED, 0n);
      await feed.setMood(Mood.Long);
      const receipt = await (await book.touch({ gasLimit: 5_000_000n })).wait();
      expect(receipt?.gasUsed).to.be.lessThan(limit);
      await expect(receipt).to.emit(book, "PriceChanged").withArgs(priceOf(CHANGED), anyValue);
    });

    it("should never be taken for one because somebody sent too little gas", async () => {
      const { feed, book } = await networkHelpers.loadFixture(fixture);
      await feed.setAnswer(CHANGED, 0n);
      const outcomes: string[] = [];
      for (let gasLimit = 30_000n; gasLimit <= 200_000n; gasLimit += 5_000n) {
        outcomes.push(
          await book.touch.staticCall({ gasLimit }).then(
            ({ fresh }) => (fresh ? "fresh" : "stale"),
            () => "refused",
          ),
        );
      }
      expect(outcomes).to.not.include("stale");
      expect([outcomes[0], outcomes.at(-1)]).to.deep.equal(["refused", "fresh"]);
      await expect(book.touch.staticCall({ gasLimit: 100_000n })).to.be.revertedWithCustomError(
        book,
        "PriceBook_NotEnoughGas",
      );
    });
  });
});

describe("FixedPriceFeed", () => {
  it("should say its one price, of this second, for ever", async () => {
    const feed = await ethers.deployContract("FixedPriceFeed", [8n, ANSWER]);
    expect(await feed.decimals()).to.equal(8n);
    expect(await feed.description()).to.equal("ETH / USD, fixed");
    expect(await feed.version()).to.equal(1n);
    await networkHelpers.time.increase(100_000n);
    const at = await now();
    expect([...(await feed.latestRoundData())]).to.deep.equal([1n, ANSWER, at, at, 1n]);
    expect([...(await feed.getRoundData(1n))]).to.deep.equal([1n, ANSWER, at, at, 1n]);
    await expect(feed.getRoundData(2n))
      .to.be.revertedWithCustomError(feed, "FixedPriceFeed_UnknownRound")
      .withArgs(1n, 2n);
    for (const answer of [0n, -1n]) {
      await expect(ethers.deployContract("FixedPriceFeed", [8n, answer]))
        .to.be.revertedWithCustomError(feed, "FixedPriceFeed_BadAnswer")
        .withArgs(answer);
    }
  });
});
