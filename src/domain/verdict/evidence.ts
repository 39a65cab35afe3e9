import { z } from "zod";

import { SprfError, messageOf } from "../../errors.ts";
import { MAX_BATCH_INPUTS } from "../../wire/batch-record.ts";
import { decodeCanonical, encodeCanonical } from "../../wire/canonical.ts";
import { executionAnswerSchema, signedAnswerSchema } from "../../wire/execution-answer.ts";
import { signedRequestSchema } from "../../wire/execution-request.ts";
import { bytesOf, bytesUpTo, cidSchema, ledgerAddressSchema } from "../../wire/primitives.ts";

/** One block; content stores take no larger ones. */
export const MAX_EVIDENCE_BYTES = 1024 * 1024;
const MAX_WORKERS = 20;
/** States that a program can go through while it is probed, at most. */
const MAX_OWN_RUNS = 16;

const MAX_ENVELOPE_BYTES = 64 * 1024;

const code = z.string().max(64);

const runResultSchema = executionAnswerSchema.pick({ status: true, outputCid: true, newState: true, gas: true });

/** A landed transition or batch that the tester ran again (domain/verdict/choose-landed.ts says which). */
const landedEvidenceSchema = z.strictObject({
  /** The record at the tip from which it counted back. */
  tipCid: cidSchema,
  /** Among how many, and which of them. */
  count: z.int().positive(),
  index: z.int().min(0),
  recordCid: cidSchema,
  /** What landed, with the signatures of those who vouch for it. */
  envelope: bytesUpTo(MAX_ENVELOPE_BYTES),
  /** Of a batch, the input that the runs are of, from 0. */
  input: z
    .int()
    .min(0)
    .max(MAX_BATCH_INPUTS - 1)
    .optional(),
  /** The tester's own two runs, or the code that one failed with. */
  own: z.union([z.strictObject({ results: z.array(runResultSchema).length(2) }), z.strictObject({ code })]),
});

const workerEvidenceSchema = z.strictObject({
  workerId: z.int().positive(),
  /** Error code when it was not found or its API did not answer. */
  liveness: code.optional(),
  /** Error code when it gave no signed answer, or why it was not asked. */
  silence: code.optional(),
  answer: signedAnswerSchema.optional(),
  verdict: z.enum(["ok", "unreachable", "wrong"]),
  reason: code,
});

/** What a tester keeps to show for a report: everything that its verdicts follow from, with the workers' signatures. */
const evidenceSchema = z.strictObject({
  version: z.literal(1),
  kind: z.literal("evidence"),
  agreement: bytesOf(20),
  epoch: z.int().min(0),
  tester: bytesOf(20),
  /** The smart account that was probed. */
  program: ledgerAddressSchema.optional(),
  /** Why no program was probed. */
  unprobed: code.optional(),
  /** A probe is direct: the state that a prepaid one is run on stands in the middle of a batch. */
  request: signedRequestSchema
    .refine(({ request }) => request.form === undefined, { error: "expected a direct request" })
    .optional(),
  /** The tester's own runs: two answers to each state, or the code that one failed with. */
  ownRuns: z
    .array(z.union([z.strictObject({ answers: z.array(executionAnswerSchema).length(2) }), z.strictObject({ code })]))
    .max(MAX_OWN_RUNS),
  landed: landedEvidenceSchema.optional(),
  /** Why no landed transition was run again. */
  unrepeated: code.optional(),
  workers: z.array(workerEvidenceSchema).min(1).max(MAX_WORKERS),
});

export type Evidence = z.output<typeof evidenceSchema>;
export type WorkerEvidence = z.output<typeof workerEvidenceSchema>;

/** Canonical dag-cbor. @throws SprfError `CONTENT_TOO_LARGE` */
export function encodeEvidence(evidence: Evidence): Uint8Array {
  const block = encodeCanonical(withoutUndefined(evidence));
  if (block.length > MAX_EVIDENCE_BYTES) {
    throw new SprfError("CONTENT_TOO_LARGE", `evidence of ${block.length} bytes; at most ${MAX_EVIDENCE_BYTES}`);
  }
  return block;
}

/** @throws SprfError `INVALID_INPUT` for bytes that are no evidence */
export function decodeEvidence(block: Uint8Array): Evidence {
  try {
    return evidenceSchema.parse(decodeCanonical(block));
  } catch (error) {
    throw new SprfError("INVALID_INPUT", `not a tester's evidence: ${messageOf(error)}`, { cause: error });
  }
}

function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUndefined);
  if (value === null || typeof value !== "object" || value instanceof Uint8Array) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => field !== undefined)
      .map(([name, field]) => [name, withoutUndefined(field)]),
  );
}
