/** Limits that are rules of a channel: a call beyond them fails with status 2. */
export const MAX_TOUCHED_SLOTS = 128;
export const MAX_CALLDATA_BYTES = 8 * 1024;
export const MAX_CALL_GAS = 2_000_000n;
