import { readFile } from "node:fs/promises";

import { expect } from "chai";
import fc from "fast-check";
import { network } from "hardhat";

import { deployGridQuotes } from "../helpers/grid-quotes.ts";
import { parseGridVectors } from "../helpers/grid-vector-form.ts";
import { replayGridVectors } from "../helpers/grid-vector-replay.ts";

const { ethers, networkHelpers } = await network.create();

const VECTORS = new URL("../../vectors/grid/billing.json", import.meta.url);
const POLICY = 1n;
const RUNS = 60;
const GIB = 2n ** 30n;
const PRICES = { cu: 305_600n, su: 194_400n, nu: 50_000n, ipu: 69_400n, uniqueName: 13_900n };
const DISCOUNTED = { ...PRICES, dedicationDiscountPercent: 50n };

/** An exact number: numerator over denominator. */
type Fraction = readonly [bigint, bigint];

const plus = ([a, b]: Fraction, [c, d]: Fraction): Fraction => [a * d + c * b, b * d];
const times = ([a, b]: Fraction, [c, d]: Fraction): Fraction => [a * c, b * d];
const max = (a: Fraction, b: Fraction): Fraction => (a[0] * b[1] > b[0] * a[1] ? a : b);
const min = (a: Fraction, b: Fraction): Fraction => (a[0] * b[1] < b[0] * a[1] ? a : b);
/** Half up. */
const rounded = ([a, b]: Fraction): bigint => (2n * a + b) / (2n * b);

/** The formulas as the design writes them, on fractions: GiB and cores in, one rounding at the end. */
function modelOf(prices: typeof DISCOUNTED) {
  const computeUnits = (cru: bigint, mru: bigint): Fraction => {
    const [gib, cores]: [Fraction, Fraction] = [
      [mru, GIB],
      [cru, 1n],
    ];
    const part = (of: Fraction, divisor: bigint): Fraction => times(of, [1n, divisor]);
    return min(
      max(part(gib, 4n), part(cores, 2n)),
      min(max(part(gib, 8n), cores), max(part(gib, 2n), part(cores, 4n))),
    );
  };
  const storageUnits = (hru: bigint, sru: bigint): Fraction => plus([hru, GIB * 1_200n], [sru, GIB * 200n]);
  const hourly = ({ cru, mru, hru, sru }: Resources): Fraction =>
    plus(times(computeUnits(cru, mru), [prices.cu, 1n]), times(storageUnits(hru, sru), [prices.su, 1n]));
  const hours = (seconds: bigint): Fraction => [seconds, 3_600n];
  return {
    computeUnits,
    node: (used: Resources, ips: bigint, seconds: bigint, rented: boolean) =>
      rounded(times(plus(rented ? [0n, 1n] : hourly(used), [ips * prices.ipu, 1n]), hours(seconds))),
    rent: (resources: Resources, seconds: bigint) =>
      rounded(times(times(hourly(resources), [100n - prices.dedicationDiscountPercent, 100n]), hours(seconds))),
    network: (nru: bigint, window: bigint) => rounded(times([nru * prices.nu, 10n ** 9n], hours(window))),
    name: (seconds: bigint) => rounded(times([prices.uniqueName, 1n], hours(seconds))),
  };
}

interface Resources {
  readonly cru: bigint;
  readonly sru: bigint;
  readonly hru: bigint;
  readonly mru: bigint;
}

const bits = (count: bigint): fc.Arbitrary<bigint> =>
  fc.oneof(fc.bigInt(0n, 2n ** count - 1n), fc.bigInt(0n, 2n ** (count / 2n)), fc.constant(2n ** count - 1n));
const resources = fc.record({ cru: bits(32n), sru: bits(64n), hru: bits(64n), mru: bits(64n) });

async function fixture() {
  return { quotes: await deployGridQuotes(ethers, DISCOUNTED) };
}

describe("GridQuotes", function () {
  this.timeout(120_000);

  it("should give every figure of the recorded file to the unit", async () => {
    const vectors = parseGridVectors(await readFile(VECTORS, "utf8"));
    const quotes = await deployGridQuotes(ethers, vectors.pricingPolicy);
    const outcomes = await replayGridVectors(quotes, POLICY, vectors);
    expect(outcomes.flatMap(({ differences }) => differences)).to.deep.equal([]);
    expect(outcomes.reduce((sum, { cases }) => sum + cases, 0)).to.equal(64);
  });

  it("should be exact for whatever nodes, contracts, traffic and names", async () => {
    const { quotes } = await networkHelpers.loadFixture(fixture);
    const model = modelOf(DISCOUNTED);
    await fc.assert(
      fc.asyncProperty(
        resources,
        bits(32n),
        bits(40n),
        fc.boolean(),
        bits(64n),
        async (used, ips, seconds, rented, nru) => {
          const [numerator, denominator] = await quotes.computeUnits(used.cru, used.mru);
          const [wanted, over] = model.computeUnits(used.cru, used.mru);
          expect(denominator).to.equal(8n * GIB);
          expect(numerator * over).to.equal(wanted * denominator);
          expect(await quotes.node(POLICY, used, ips, seconds, rented)).to.equal(
            model.node(used, ips, seconds, rented),
          );
          expect(await quotes.rent(POLICY, used, seconds)).to.equal(model.rent(used, seconds));
          expect(await quotes.network(POLICY, nru, seconds)).to.equal(model.network(nru, seconds));
          expect(await quotes.name(POLICY, seconds)).to.equal(model.name(seconds));
        },
      ),
      { numRuns: RUNS },
    );
  });

  it("should be exact for whatever prices, up to the largest", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          cu: bits(32n),
          su: bits(32n),
          nu: bits(32n),
          ipu: bits(32n),
          uniqueName: bits(32n),
          dedicationDiscountPercent: fc.bigInt(0n, 100n),
        }),
        resources,
        async (prices, used) => {
          const quotes = await deployGridQuotes(ethers, prices);
          const model = modelOf(prices);
          const longest = 2n ** 40n - 1n;
          expect(await quotes.node(POLICY, used, 2n ** 32n - 1n, longest, false)).to.equal(
            model.node(used, 2n ** 32n - 1n, longest, false),
          );
          expect(await quotes.rent(POLICY, used, 3_599n)).to.equal(model.rent(used, 3_599n));
          expect(await quotes.network(POLICY, used.sru, longest)).to.equal(model.network(used.sru, longest));
        },
      ),
      { numRuns: 10 },
    );
  });

  it("should give storage units as exact fractions", async () => {
    const { quotes } = await networkHelpers.loadFixture(fixture);
    const [numerator, denominator] = await quotes.storageUnits(600n * GIB, 100n * GIB);
    expect([numerator, denominator]).to.deep.equal([1_200n * GIB, 1_200n * GIB]);
  });

  it("should give the discount that the months of a balance bring, and what is then due", async () => {
    const { quotes } = await networkHelpers.loadFixture(fixture);
    const levels = [0n, 1n, 2n, 3n, 4n];
    const percents = [0n, 20n, 30n, 40n, 60n];
    const firstHalfMonths = [0n, 3n, 6n, 12n, 36n];
    await fc.assert(
      fc.asyncProperty(bits(90n), fc.bigInt(1n, 2n ** 40n - 1n), bits(126n), async (amountDue, seconds, balance) => {
        const monthly = rounded([amountDue * 3_600n * 720n, seconds]);
        const level = monthly === 0n ? 0 : firstHalfMonths.findLastIndex((halves) => 2n * balance >= halves * monthly);
        const due = rounded([amountDue * (100n - (percents[level] ?? 0n)), 100n]);
        expect([...(await quotes.discount(amountDue, seconds, balance))]).to.deep.equal([levels[level], due]);
      }),
      { numRuns: RUNS },
    );
    expect([...(await quotes.discount(5n, 0n, 5n))], "no seconds").to.deep.equal([0n, 0n]);
  });

  it("should refuse a policy that is not there", async () => {
    const { quotes } = await networkHelpers.loadFixture(fixture);
    const none = { cru: 0n, sru: 0n, hru: 0n, mru: 0n };
    const registry = await ethers.getContractFactory("GridRegistry");
    for (const id of [0n, 2n]) {
      await expect(quotes.node(id, none, 0n, 1n, false))
        .to.be.revertedWithCustomError(registry, "GridRegistry_UnknownPolicy")
        .withArgs(id);
      await expect(quotes.rent(id, none, 1n)).to.be.revertedWithCustomError(registry, "GridRegistry_UnknownPolicy");
      await expect(quotes.network(id, 1n, 1n)).to.be.revertedWithCustomError(registry, "GridRegistry_UnknownPolicy");
      await expect(quotes.name(id, 1n)).to.be.revertedWithCustomError(registry, "GridRegistry_UnknownPolicy");
    }
  });
});
