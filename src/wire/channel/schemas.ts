import { z } from "zod";

import { SIGNATURE_BYTES } from "../../utils/recoverable-signature.ts";
import { bytesOf, bytesUpTo, uint64Schema } from "../primitives.ts";
import { MAX_BATCH_BYTES, MAX_BATCH_RECORDS, MAX_INPUT_BYTES, MAX_MEMBERS } from "./limits.ts";

const RECORD_OVERHEAD_BYTES = 256;

/** Heights, terms, cursors and milliseconds. */
export const countSchema = z.int().min(0);
export const hashSchema = bytesOf(32);
export const signatureSchema = bytesOf(SIGNATURE_BYTES);
const smallSchema = z.int().min(0).max(255);
/** Hex with 0x in programs, 20 bytes on the wire. */
export const addressSchema = z.string().regex(/^0x[0-9a-f]{40}$/, { error: "expected an address in lower-case hex" });

export const certificateSchema = z.strictObject({
  term: countSchema,
  height: countSchema,
  recordHash: hashSchema,
  acks: z.array(z.strictObject({ certified: countSchema, signature: signatureSchema })).max(MAX_MEMBERS),
});

/** Records as their leader signed them. */
export const signedBatchSchema = z.strictObject({
  term: countSchema,
  first: countSchema,
  /** Packed: `record-body.ts`. */
  records: z
    .array(bytesUpTo(MAX_INPUT_BYTES + RECORD_OVERHEAD_BYTES))
    .min(1)
    .max(MAX_BATCH_RECORDS)
    .refine((records) => records.reduce((sum, { length }) => sum + length, 0) <= MAX_BATCH_BYTES, {
      error: `expected at most ${MAX_BATCH_BYTES} bytes`,
    }),
  signature: signatureSchema,
});

export const headerSchema = z.strictObject({
  channel: uint64Schema,
  term: countSchema,
  height: countSchema,
  kind: smallSchema,
  timeMs: countSchema,
  previous: hashSchema,
  inputHash: hashSchema,
  touchedHash: hashSchema,
  writesHash: hashSchema,
  status: smallSchema,
  gasUsed: countSchema,
  returnHash: hashSchema,
  stateRoot: hashSchema,
  inboxCursor: countSchema,
});

export const settlementSchema = z.strictObject({
  channel: uint64Schema,
  fromHeight: countSchema,
  toHeight: countSchema,
  timeMs: countSchema,
  head: hashSchema,
  recordsRoot: hashSchema,
  stateRoot: hashSchema,
  changesRoot: hashSchema,
  inboxCursor: countSchema,
  mode: smallSchema.max(1),
});

export const punishmentSchema = z.strictObject({
  channel: uint64Schema,
  term: countSchema,
  target: addressSchema,
  height: countSchema,
  recordHash: hashSchema,
  reason: smallSchema.min(1).max(5),
});

/** The input of a term's first record, and who voted: see `KeptElection`. */
export const electionSchema = z.strictObject({
  cursor: countSchema,
  sinceEntry: countSchema,
  accused: addressSchema.optional(),
  input: bytesUpTo(MAX_INPUT_BYTES),
});

/** What a schema gives, for those who only read it, or write it with bytes of whatever buffer. */
export type Loose<T> = T extends Uint8Array
  ? Uint8Array
  : T extends readonly (infer Item)[]
    ? readonly Loose<Item>[]
    : T extends object
      ? { readonly [Key in keyof T]: Loose<T[Key]> }
      : T;

/** Records as their leader signed them. */
export type SignedBatch = Loose<z.output<typeof signedBatchSchema>>;
