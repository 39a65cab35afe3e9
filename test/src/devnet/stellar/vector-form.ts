import { z } from "zod";

import { firstIssue } from "../../../../src/config/first-issue.ts";
import { messageOf, SprfError } from "../../../../src/errors.ts";

const count = z.int().min(0);
const amount = z.string().regex(/^\d+$/, "expected a decimal number");
const accounts = z.object({ accounts: z.record(z.string(), z.unknown()) });

const closeSchema = z.object({ ledgerSeq: count, closeTime: count, feePool: amount, applied: z.array(z.string()) });

const stepSchema = z
  .object({
    label: z.string(),
    envelopeXdr: z.string().nullable(),
    hash: z.string().optional(),
    submit: z.object({ status: z.string(), errorResultXdr: z.string().optional() }).nullish(),
    closes: z.boolean(),
    ledgerSeq: count.optional(),
    closeTime: count.optional(),
    applyIndex: count.optional(),
    resultXdr: z.string().nullish(),
    notApplied: z.boolean().optional(),
    ledger: closeSchema.optional(),
    after: accounts,
  })
  .refine(({ closes, ledger }) => closes === (ledger !== undefined), "`ledger` stands with a step that closes, only")
  .refine(
    ({ envelopeXdr, submit }) => (envelopeXdr === null) === ((submit ?? null) === null),
    "`submit` goes with `envelopeXdr`",
  );

const fileSchema = z.object({
  networkPassphrase: z.string().min(1),
  baseFee: z.int().positive(),
  baseReserve: z.int().positive(),
  protocol: z.int().positive(),
  maxTxSetSize: z.int().positive(),
  setup: z.object({ closeTime: count, after: accounts }),
  steps: z.array(stepSchema).min(1),
});

/** One recorded step; `test/vectors/stellar/README.md` says what its fields mean. */
export type VectorStep = z.output<typeof stepSchema>;

/** A file of recorded steps. */
export type VectorFile = z.output<typeof fileSchema>;

/**
 * Reads a file of recorded steps.
 *
 * @throws SprfError `INVALID_INPUT` naming the first thing that is not of the form.
 */
export function parseVectorFile(text: string): VectorFile {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new SprfError("INVALID_INPUT", `no JSON: ${messageOf(error)}`, { cause: error });
  }
  const parsed = fileSchema.safeParse(json);
  if (!parsed.success) throw new SprfError("INVALID_INPUT", `no recorded steps: ${firstIssue(parsed.error)}`);
  return parsed.data;
}
