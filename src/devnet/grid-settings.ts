const DAY_SECONDS = 86_400n;

/** Times of the grid on devnet, where nobody wants to wait for an hour, in seconds; and what is paid while data is only kept, in percent. */
export const DEVNET_GRID_SETTINGS = {
  intervalSeconds: 60n,
  graceSeconds: 600n,
  graceShare: 50n,
  /** Of a price feed's answer. */
  maxAgeSeconds: DAY_SECONDS + 3_600n,
} as const;

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
