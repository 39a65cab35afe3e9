const HOUR_SECONDS = 3_600n;
const DAY_SECONDS = 24n * HOUR_SECONDS;

/** How long taking stake out of the pool takes, in seconds: longer than a channel's settlements and windows. */
export const DEFAULT_UNBONDING_SECONDS = 14n * DAY_SECONDS;

/** That of devnet, where nobody wants to wait for days. */
export const DEVNET_UNBONDING_SECONDS = 600n;

/** How long members of channels have to answer who says that they are silent, where the channel does not say. */
export const DEFAULT_ANSWER_SECONDS = 180;

export const DEVNET_ANSWER_SECONDS = 5;
