import type { EtherPrice } from "../../ports/grid-quotes.ts";

/** Binary digits of a wei below its point, as the contracts count. */
const GRAIN_BITS = 52n;
/** Binary digits of a rate below its point: rates are in 2^-20 of 1e-7 USD per hour. */
const RATE_BITS = 20n;
const FULL_PERCENT = 100n;
const SECONDS_PER_HOUR = 3_600n;

/** Whole wei of grains (2^-52 wei), rounded up as whoever pays counts. */
export function weiOfGrains(grains: bigint): bigint {
  return (grains + (1n << GRAIN_BITS) - 1n) >> GRAIN_BITS;
}

/** What a rate (2^-20 of 1e-7 USD per hour) costs an hour at a price, in wei, rounded up. */
export function weiPerHourOfRate(
  rate: bigint,
  discountPercent: number,
  { grainsPerRatePercent }: Pick<EtherPrice, "grainsPerRatePercent">,
): bigint {
  return weiOfGrains(rate * (FULL_PERCENT - BigInt(discountPercent)) * grainsPerRatePercent * SECONDS_PER_HOUR);
}

/** The same of a cost in 1e-7 USD for an hour. */
export function weiPerHourOfCost(
  cost: bigint,
  discountPercent: number,
  price: Pick<EtherPrice, "grainsPerRatePercent">,
): bigint {
  return weiPerHourOfRate(cost << RATE_BITS, discountPercent, price);
}
