import { z } from "zod";

import { creditsSchema } from "./credits.ts";
import { bytesOf, bytesUpTo, cidSchema, uint64Schema } from "./primitives.ts";

const MAX_ENVELOPE_BYTES = 64 * 1024;

/** Of the transactions that failed in between, the last ones are kept whole and those before as one hash. */
export const MAX_SKIPPED_ENVELOPES = 16;

/** A transaction as the ledger holds it. */
export const envelopeSchema = bytesUpTo(MAX_ENVELOPE_BYTES);

/** Where a record stands in the program's history; all but the first have this. */
export const historyShape = {
  previous: z.strictObject({
    recordCid: cidSchema,
    /** What landed for it, as the ledger holds it. */
    envelope: envelopeSchema,
  }),
  /** Envelopes with this account as source that landed and failed since: the last ones, in order. */
  skipped: z.array(envelopeSchema).max(MAX_SKIPPED_ENVELOPES),
  /** Those before them: how many, and sha256("sprf/skipped/1" || the sha256 of each, in order). */
  skippedBefore: z.strictObject({ count: z.int().positive(), hash: bytesOf(32) }).optional(),
  /** What the program owes to users after this record; absent when nothing. */
  credits: creditsSchema.optional(),
};

/** What the records of transactions that leave the state as it is have in common. */
export const standingShape = {
  version: z.literal(1),
  /** The smart account's sequence that it was made on; its transaction has the next. */
  sequence: uint64Schema,
  /** The state, which stays. */
  state: cidSchema,
  /** `SPRF_TIME` of the last transition before, 0 when there was none: later ones must not go below it. */
  time: uint64Schema,
  ...historyShape,
};
