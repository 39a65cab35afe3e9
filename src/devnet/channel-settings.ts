const HOUR_SECONDS = 3_600n;
const DAY_SECONDS = 24n * HOUR_SECONDS;

/** How long taking stake out of the pool takes, in seconds: longer than a channel's settlements and windows. */
export const DEFAULT_UNBONDING_SECONDS = 14n * DAY_SECONDS;

/** That of devnet, where nobody wants to wait for days. */
export const DEVNET_UNBONDING_SECONDS = 600n;
