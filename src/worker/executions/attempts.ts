import { z } from "zod";

import type { Store } from "../../ports/store.ts";
import { createTable } from "../../utils/table.ts";
import { toHex } from "../../utils/bytes.ts";
import { bytesOf, bytesUpTo } from "../../wire/primitives.ts";
import { signedAnswerSchema, type SignedAnswer } from "../../wire/execution-answer.ts";

const MAX_STORED_OUTPUT_BYTES = 1024 * 1024;
const SEQUENCE_DIGITS = 20;

const attemptSchema = z.strictObject({
  signed: signedAnswerSchema,
  output: bytesUpTo(MAX_STORED_OUTPUT_BYTES),
  /** Hash of the transition's inner transaction. */
  transactionHash: bytesOf(32).optional(),
  /** For people: why the program rejected. */
  detail: z.string(),
});

/** One answered run of a request: what a client that asks again is given. */
export type Attempt = z.output<typeof attemptSchema>;

/** The answered runs of requests, kept before any answer leaves. */
export interface Attempts {
  /** In order of the sequence they were run on. */
  of(requestHash: Uint8Array): Promise<readonly Attempt[]>;
  /** @throws SprfError `STORE_CONFLICT` when this request was answered on this sequence before */
  add(attempt: Attempt): Promise<void>;
}

export function createAttempts(store: Store): Attempts {
  const table = createTable(store, "attempts", attemptSchema);
  return {
    async of(requestHash) {
      const entries = await table.list({ prefix: `${toHex(requestHash)}/` });
      return entries.map(({ value }) => value);
    },
    async add(attempt) {
      await store.apply([table.insert(keyOf(attempt.signed), attempt)]);
    },
  };
}

function keyOf({ answer }: SignedAnswer): string {
  return `${toHex(answer.requestHash)}/${answer.sequence.toString().padStart(SEQUENCE_DIGITS, "0")}`;
}
