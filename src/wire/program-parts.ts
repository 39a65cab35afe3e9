import { z } from "zod";

import { ledgerAddressSchema, uint64Schema } from "./primitives.ts";

const MAX_WORKERS = 20;
/** What a data entry of the ledger holds. */
const MAX_ENTRY_LENGTH = 64;

/** What a program runs, as its account names it. */
export const imageSchema = z.strictObject({
  /** `smart_program_image_address`: `host/repo:tag` or `wasm:<CID>`. */
  address: z.string().min(1).max(MAX_ENTRY_LENGTH),
  /** 64 hex digits; absent for `wasm:`. */
  digest: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
});

/** What runs of a program cost. */
export const termsSchema = z.strictObject({
  baseFeeStroops: uint64Schema,
  gasPriceStroops: uint64Schema,
});

/** The workers of a program, in the order of their entries. */
export const workersSchema = z
  .array(z.strictObject({ address: z.string().min(1).max(MAX_ENTRY_LENGTH), ledgerKey: ledgerAddressSchema }))
  .min(1)
  .max(MAX_WORKERS);
