import { z } from "zod";

import { ledgerAddressSchema, uint64Schema } from "./primitives.ts";

/** Users whom one program owes something at a time; records carry all of them. */
export const MAX_CREDITS = 500;

const creditSchema = z.strictObject({
  /** `G...` of who paid. */
  user: ledgerAddressSchema,
  stroops: uint64Schema.refine((value) => value > 0n, { error: "expected a credit of at least one stroop" }),
  /** When the first of it was left, in seconds since the Unix epoch: `SPRF_TIME` of that input. */
  since: uint64Schema,
});

/** What a program owes to users who prepaid for more gas than their runs took, by user. */
export const creditsSchema = z
  .array(creditSchema)
  .min(1)
  .max(MAX_CREDITS)
  .refine((credits) => credits.every(({ user }, i) => i === 0 || user > (credits[i - 1]?.user ?? "")), {
    error: "expected each user once, in order",
  });

export type Credit = z.output<typeof creditSchema>;
