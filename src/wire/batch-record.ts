import { z } from "zod";

import { signedRequestSchema } from "./execution-request.ts";
import { historyShape, standingShape } from "./history-shape.ts";
import { MAX_PASSPHRASE_LENGTH, bytesOf, cidSchema, ledgerAddressSchema, uint64Schema } from "./primitives.ts";
import { imageSchema, limitsSchema, paymentLedgerSchema, termsSchema } from "./program-parts.ts";

/** Inputs that one transaction anchors. */
export const MAX_BATCH_INPUTS = 50;
/** Payments of a refund: what a transaction of the ledger has room for. */
export const MAX_REFUNDS = 100;

const placeShape = {
  network: z.string().min(1).max(MAX_PASSPHRASE_LENGTH),
  /** The smart account. */
  program: ledgerAddressSchema,
  /** When the transaction can no longer land, in seconds since the Unix epoch. */
  validUntil: uint64Schema,
};

/** One input of a batch: the request as it was signed, its payment, and what came of it. */
export const batchInputSchema = z.strictObject({
  signedRequest: signedRequestSchema,
  payment: paymentLedgerSchema,
  paidStroops: uint64Schema,
  environment: z.strictObject({
    /** `SPRF_TIME`, seconds. */
    time: uint64Schema,
    /** `SPRF_SEED`. */
    seed: bytesOf(32),
  }),
  status: z.enum(["accepted", "rejected", "out-of-gas"]),
  outputCid: cidSchema,
  /** Equal to the one that the input before left when it changed nothing. */
  newState: cidSchema,
  gas: uint64Schema,
  /** Of what was paid; the rest is the user's credit. */
  chargedStroops: uint64Schema,
});

/** The record of prepaid inputs that were run one after the other and anchored together. */
export const batchRecordSchema = z.strictObject({
  version: z.literal(1),
  kind: z.literal("batch"),
  ...placeShape,
  /** `SPRF_SEQUENCE` of all inputs: the smart account's sequence that the batch was made on. */
  sequence: uint64Schema,
  image: imageSchema,
  terms: termsSchema,
  limits: limitsSchema,
  gasTable: z.int().positive(),
  previousState: cidSchema,
  newState: cidSchema,
  inputs: z.array(batchInputSchema).min(1).max(MAX_BATCH_INPUTS),
  ...historyShape,
});

/** The record of payments to users of what they had prepaid too much. */
export const refundRecordSchema = z.strictObject({
  ...standingShape,
  kind: z.literal("refund"),
  ...placeShape,
  payments: z
    .array(z.strictObject({ user: ledgerAddressSchema, stroops: uint64Schema }))
    .min(1)
    .max(MAX_REFUNDS),
});

/**
 * The record of prepaid requests that were not run in time: what was paid for them, less the base fee, becomes their users' credit.
 * Its `state` stays; its own payments count for `time` as those of runs do, so that payments are looked for in records of their time.
 */
export const returnRecordSchema = z.strictObject({
  ...standingShape,
  kind: z.literal("return"),
  ...placeShape,
  returned: z
    .array(
      z.strictObject({
        ...batchInputSchema.pick({ signedRequest: true, payment: true, paidStroops: true }).shape,
        /** What the user is credited of it. */
        returnedStroops: uint64Schema.refine((value) => value > 0n, {
          error: "expected a credit of at least one stroop",
        }),
      }),
    )
    .min(1)
    .max(MAX_BATCH_INPUTS),
});

export type BatchInput = z.output<typeof batchInputSchema>;
export type BatchRecord = z.output<typeof batchRecordSchema>;
export type RefundRecord = z.output<typeof refundRecordSchema>;
export type ReturnRecord = z.output<typeof returnRecordSchema>;
/** A prepaid request that was not run in time. */
export type ReturnedInput = ReturnRecord["returned"][number];
