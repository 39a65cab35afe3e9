/** Records of one batch. */
export const MAX_BATCH_RECORDS = 256;
/** Of one call; a limit of the rules, which contracts have too. */
export const MAX_CALLDATA_BYTES = 8 * 1024;
/** The input of a record: a call of 8 KiB with its signature and the functions of its key, or the assets of a join. */
export const MAX_INPUT_BYTES = 16 * 1024;
/** Bytes of a batch's records, so that one message holds it. */
export const MAX_BATCH_BYTES = 512 * 1024;
/** A message between nodes of a channel. */
export const MAX_CHANNEL_MESSAGE_BYTES = 1024 * 1024;
/** Members of a channel, and so acks of a certificate. */
export const MAX_MEMBERS = 64;
/** What a member may say that records take to it from the leader. */
export const MAX_DELAY_MS = 600_000;
/** Acks in one message: of batches that were kept by one write. */
export const MAX_ACKS = 256;
/** Batches of one answer about history. */
export const MAX_HISTORY_BATCHES = 256;
/** Bytes of one part of a snapshot. */
export const SNAPSHOT_PART_BYTES = 256 * 1024;
/** Slots that a channel's state may have, so that a node can load it. */
export const MAX_STATE_SLOTS = 2 ** 21;
/** Before a snapshot's slots, and for each of them. */
export const SNAPSHOT_HEADER_BYTES = 54;
export const SNAPSHOT_SLOT_BYTES = 64;
/** Parts of a snapshot of the largest state. */
export const MAX_SNAPSHOT_PARTS: number = Math.ceil(
  (SNAPSHOT_HEADER_BYTES + MAX_STATE_SLOTS * SNAPSHOT_SLOT_BYTES) / SNAPSHOT_PART_BYTES,
);
/** Functions that a session key may be restricted to. */
export const MAX_SESSION_FUNCTIONS = 64;
