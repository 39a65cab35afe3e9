import type { ExecutionRequest } from "../../wire/execution-request.ts";
import { PAYMENT_USABLE_SECONDS, priceStroops } from "./payment.ts";

/** What a request costs. */
interface Prices {
  readonly baseFeeStroops: bigint;
  readonly gasPriceStroops: bigint;
}

/** Prices of a program that others took the place of. */
export interface PastPrices extends Prices {
  /** Later than this, in seconds since the Unix epoch, they were the program's for certain no more. */
  readonly until: bigint;
}

/** Of a program whose owner changes fees all the time, the oldest ones are taken together to what blames nobody. */
export const MAX_PAST_PRICES = 32;

/**
 * The past prices after another change of them. Workers take a request at the price that holds when it arrives, and may run it
 * much later: so one old price is not enough.
 *
 * @param time `SPRF_TIME` of the program's last run: no payment from so long before it can still be used
 */
export function rememberPrices(
  past: readonly PastPrices[],
  { baseFeeStroops, gasPriceStroops, until }: PastPrices,
  time: bigint,
): readonly PastPrices[] {
  const kept = past.filter(
    (each) =>
      each.until + BigInt(PAYMENT_USABLE_SECONDS) >= time &&
      !(baseFeeStroops <= each.baseFeeStroops && gasPriceStroops <= each.gasPriceStroops && until >= each.until),
  );
  const all = [...kept, { baseFeeStroops, gasPriceStroops, until }];
  const [first, second, ...rest] = all;
  if (all.length <= MAX_PAST_PRICES || first === undefined || second === undefined) return all;
  return [lowestOf(first, second), ...rest];
}

/** The least that may have been asked for a request whose payment landed at this time, in seconds. */
export function lowestPriceStroops(
  request: Pick<ExecutionRequest, "form" | "maxGas">,
  { terms, pastPrices }: { readonly terms: Prices; readonly pastPrices: readonly PastPrices[] },
  paidAt: bigint,
): bigint {
  const prices = [terms, ...pastPrices.filter(({ until }) => paidAt <= until)];
  return prices.map((each) => priceStroops(request, each)).reduce((lowest, price) => (price < lowest ? price : lowest));
}

function lowestOf(a: PastPrices, b: PastPrices): PastPrices {
  return {
    baseFeeStroops: a.baseFeeStroops < b.baseFeeStroops ? a.baseFeeStroops : b.baseFeeStroops,
    gasPriceStroops: a.gasPriceStroops < b.gasPriceStroops ? a.gasPriceStroops : b.gasPriceStroops,
    until: a.until > b.until ? a.until : b.until,
  };
}
