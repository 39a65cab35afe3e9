/** Limits that are part of a channel's rules: contracts have the same. A call beyond one fails with a status of its own. */
export const MAX_TOUCHED_SLOTS = 128;
export const MAX_CALL_GAS = 2_000_000;
/** Kinds of assets that a member may own in a channel. */
export const MAX_MEMBER_ASSETS = 24;
/** How far a leader's clock may be ahead of a follower's. */
export const MAX_CLOCK_LEAD_MS = 15_000;
/** How many members stand for the office where there are more, and take the others' delegations. */
export const CANDIDATES = 5;
