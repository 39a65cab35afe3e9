const HOUR_SECONDS = 3_600n;
const DAY_SECONDS = 24n * HOUR_SECONDS;

/** Times of a grid in seconds, and what is paid while data is only kept, in percent of its price. */
export interface GridTimes {
  readonly intervalSeconds: bigint;
  readonly graceSeconds: bigint;
  readonly graceShare: bigint;
  /** Of a price feed's answer. */
  readonly maxAgeSeconds: bigint;
}

/** Those of the public grid; feeds of ether's price answer once a day at least. */
export const DEFAULT_GRID_TIMES: GridTimes = {
  intervalSeconds: HOUR_SECONDS,
  graceSeconds: 14n * DAY_SECONDS,
  graceShare: 50n,
  maxAgeSeconds: DAY_SECONDS + HOUR_SECONDS,
};

/** Those of devnet, where nobody wants to wait for an hour. */
export const DEVNET_GRID_TIMES: GridTimes = { ...DEFAULT_GRID_TIMES, intervalSeconds: 60n, graceSeconds: 600n };

/** What an ether costs on devnet: 3,000 USD, with the 8 decimals that Chainlink's feeds have. */
export const DEVNET_ETHER_PRICE = { decimals: 8n, answer: 3_000n * 10n ** 8n } as const;

/** What the grid's first policy costs, in 1e-7 USD an hour for each unit: the public grid's prices. */
export const DEFAULT_GRID_PRICES = {
  cu: 305_600n,
  su: 194_400n,
  nu: 50_000n,
  ipu: 69_400n,
  uniqueName: 13_900n,
  dedicationDiscountPercent: 50n,
} as const;

/** Who gets the revenue under the first policy, in parts of 10,000. */
export const DEFAULT_GRID_SHARES = { farm: 8_500n, treasury: 1_000n, burn: 500n } as const;
