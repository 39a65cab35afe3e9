import { z } from "zod";

import { SprfError, messageOf } from "../errors.ts";
import { decodeCanonical, encodeCanonical } from "./canonical.ts";
import { signedRequestSchema } from "./execution-request.ts";
import { bytesOf, bytesUpTo, cidSchema, ledgerAddressSchema, uint64Schema } from "./primitives.ts";

/** A record is one block; peers refuse larger ones. */
export const MAX_RECORD_BYTES = 1024 * 1024;

const MAX_ENVELOPE_BYTES = 64 * 1024;
/** Of the transactions that failed in between, the last ones are kept whole and those before as one hash. */
export const MAX_SKIPPED_ENVELOPES = 16;
const MAX_WORKERS = 20;

const envelopeSchema = bytesUpTo(MAX_ENVELOPE_BYTES);

const imageSchema = z.strictObject({
  /** `smart_program_image_address`: `host/repo:tag` or `wasm:<CID>`. */
  address: z.string().min(1).max(64),
  /** 64 hex digits; absent for `wasm:`. */
  digest: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
});

const termsSchema = z.strictObject({
  baseFeeStroops: uint64Schema,
  gasPriceStroops: uint64Schema,
});

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
  workers: z
    .array(z.strictObject({ address: z.string().min(1).max(64), ledgerKey: ledgerAddressSchema }))
    .min(1)
    .max(MAX_WORKERS),
});

/** The record of an execution that changed the state (design: programs, Record). */
export const transitionRecordSchema = z.strictObject({
  version: z.literal(1),
  kind: z.literal("transition"),
  signedRequest: signedRequestSchema,
  payment: z.strictObject({
    ledger: z.int().positive(),
    ledgerHash: bytesOf(32),
    /** Seconds since the Unix epoch. */
    closeTime: uint64Schema,
  }),
  environment: z.strictObject({
    /** `SPRF_TIME`, seconds. */
    time: uint64Schema,
    /** `SPRF_SEED`. */
    seed: bytesOf(32),
    /** `SPRF_SEQUENCE`: the smart account's sequence when the run started. */
    sequence: uint64Schema,
  }),
  image: imageSchema,
  limits: z.strictObject({
    memoryBytes: z.int().positive(),
    outputBytes: z.int().positive(),
    stateBytes: z.int().positive(),
    seconds: z.int().positive(),
  }),
  gasTable: z.int().positive(),
  previousState: cidSchema,
  newState: cidSchema,
  outputCid: cidSchema,
  gas: uint64Schema,
  gasFeeStroops: uint64Schema,
  previous: z.strictObject({
    recordCid: cidSchema,
    /** What landed for it, as the ledger holds it. */
    envelope: envelopeSchema,
  }),
  /** Envelopes with this account as source that landed and failed since: the last ones, in order. */
  skipped: z.array(envelopeSchema).max(MAX_SKIPPED_ENVELOPES),
  /** Those before them: how many, and sha256("sprf/skipped/1" || the sha256 of each, in order). */
  skippedBefore: z.strictObject({ count: z.int().positive(), hash: bytesOf(32) }).optional(),
});

/** Every transaction with the smart account as source, and the one that made it, has one of these as its memo. */
export const recordSchema = z.discriminatedUnion("kind", [createRecordSchema, transitionRecordSchema]);

export type CreateRecord = z.output<typeof createRecordSchema>;
export type TransitionRecord = z.output<typeof transitionRecordSchema>;
export type ProgramRecord = z.output<typeof recordSchema>;

/** @throws SprfError `CONTENT_TOO_LARGE` */
/** @throws SprfError `CONTENT_TOO_LARGE` */
export function encodeRecord(record: ProgramRecord): Uint8Array {
  const block = encodeCanonical(dropUndefined(record));
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

function dropUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(dropUndefined);
  if (value === null || typeof value !== "object" || value instanceof Uint8Array) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => field !== undefined)
      .map(([name, field]) => [name, dropUndefined(field)]),
  );
}
