import { z } from "zod";

import { SprfError, messageOf } from "../errors.ts";
import { batchRecordSchema, refundRecordSchema, returnRecordSchema } from "./batch-record.ts";
import { decodeCanonical, encodeCanonical } from "./canonical.ts";
import { signedChangeOf } from "./change-request.ts";
import { signedRequestSchema } from "./execution-request.ts";
import { envelopeSchema, historyShape, standingShape } from "./history-shape.ts";
import { MAX_PASSPHRASE_LENGTH, bytesOf, cidSchema, ledgerAddressSchema, uint64Schema } from "./primitives.ts";
import { imageSchema, limitsSchema, paymentLedgerSchema, termsSchema, workersSchema } from "./program-parts.ts";
import { withoutUndefined } from "./without-undefined.ts";

/** A record is one block; peers refuse larger ones. */
export const MAX_RECORD_BYTES = 1024 * 1024;

const MAX_PAYEES = 20;

/** The record of the transaction that made the smart account. */
export const createRecordSchema = z.strictObject({
  version: z.literal(1),
  kind: z.literal("create"),
  network: z.string(),
  program: ledgerAddressSchema,
  owner: ledgerAddressSchema.optional(),
  image: imageSchema,
  terms: termsSchema,
  state: cidSchema,
  workers: workersSchema,
});

/** The record of an execution that changed the state (design: programs, Record). */
export const transitionRecordSchema = z.strictObject({
  version: z.literal(1),
  kind: z.literal("transition"),
  signedRequest: signedRequestSchema,
  payment: paymentLedgerSchema,
  environment: z.strictObject({
    /** `SPRF_TIME`, seconds. */
    time: uint64Schema,
    /** `SPRF_SEED`. */
    seed: bytesOf(32),
    /** `SPRF_SEQUENCE`: the smart account's sequence when the run started. */
    sequence: uint64Schema,
  }),
  image: imageSchema,
  limits: limitsSchema,
  gasTable: z.int().positive(),
  previousState: cidSchema,
  newState: cidSchema,
  outputCid: cidSchema,
  gas: uint64Schema,
  gasFeeStroops: uint64Schema,
  ...historyShape,
});

/** The workers were changed. */
const workersRecordSchema = z.strictObject({
  ...standingShape,
  kind: z.literal("workers"),
  signedChange: signedChangeOf("workers"),
  /** The recovery that gave the account to its owner after `previous`, where one did; it belongs to no other link of the chain. */
  recovered: z.strictObject({ recordCid: cidSchema, envelope: envelopeSchema }).optional(),
});

/** The image was changed. */
const programRecordSchema = z.strictObject({
  ...standingShape,
  kind: z.literal("program"),
  signedChange: signedChangeOf("program"),
});

/** The fees were changed. */
const termsRecordSchema = z.strictObject({
  ...standingShape,
  kind: z.literal("terms"),
  signedChange: signedChangeOf("terms"),
});

/** The workers were paid, all the same. */
const payoutRecordSchema = z.strictObject({
  ...standingShape,
  kind: z.literal("payout"),
  network: z.string().min(1).max(MAX_PASSPHRASE_LENGTH),
  program: ledgerAddressSchema,
  /** What each of them gets. */
  shareStroops: uint64Schema.refine((value) => value > 0n, { error: "expected a payment of at least one stroop" }),
  /** `G...` of the workers of that time, in the order of their entries. */
  workers: z.array(ledgerAddressSchema).min(1).max(MAX_PAYEES),
  /** Seconds since the Unix epoch. */
  validUntil: uint64Schema,
});

/** The account's sequence was moved, which keeps its recovery closed. */
const bumpRecordSchema = z.strictObject({
  ...standingShape,
  kind: z.literal("bump"),
  network: z.string().min(1).max(MAX_PASSPHRASE_LENGTH),
  program: ledgerAddressSchema,
  /** Seconds since the Unix epoch. */
  validUntil: uint64Schema,
});

/**
 * The account was handed to its owner after 30 days of silence. Signed in advance, so it cannot know what came before it: the
 * record after it names both.
 */
const recoveryRecordSchema = z.strictObject({
  version: z.literal(1),
  kind: z.literal("recovery"),
  /** Its sequence is the one that the account must have reached (`minSeqNum`). */
  signedChange: signedChangeOf("recovery"),
});

/** Every transaction with the smart account as source, and the one that made it, has one of these as its memo. */
export const recordSchema = z.discriminatedUnion("kind", [
  createRecordSchema,
  transitionRecordSchema,
  workersRecordSchema,
  programRecordSchema,
  termsRecordSchema,
  payoutRecordSchema,
  bumpRecordSchema,
  batchRecordSchema,
  refundRecordSchema,
  returnRecordSchema,
  recoveryRecordSchema,
]);

export type CreateRecord = z.output<typeof createRecordSchema>;
export type TransitionRecord = z.output<typeof transitionRecordSchema>;
export type PayoutRecord = z.output<typeof payoutRecordSchema>;
export type BumpRecord = z.output<typeof bumpRecordSchema>;
export type RecoveryRecord = z.output<typeof recoveryRecordSchema>;
export type ProgramRecord = z.output<typeof recordSchema>;

/** A record of the chain: all but a recovery, which hangs beside it. */
export type ChainRecord = Exclude<ProgramRecord, RecoveryRecord>;

/** @throws SprfError `CONTENT_TOO_LARGE` */
export function encodeRecord(record: ProgramRecord): Uint8Array {
  const block = encodeCanonical(withoutUndefined(record));
  checkSize(block);
  return block;
}

/** @throws SprfError `RECORD_INVALID`, `CONTENT_TOO_LARGE` */
export function decodeRecord(block: Uint8Array): ProgramRecord {
  checkSize(block);
  try {
    return recordSchema.parse(decodeCanonical(block));
  } catch (error) {
    throw new SprfError("RECORD_INVALID", `not a record: ${messageOf(error)}`, { cause: error });
  }
}

function checkSize({ length }: Uint8Array): void {
  if (length <= MAX_RECORD_BYTES) return;
  throw new SprfError("CONTENT_TOO_LARGE", `a record of ${length} bytes; at most ${MAX_RECORD_BYTES} are allowed`);
}
