import { z } from "zod";

import type { Clock } from "../../ports/clock.ts";
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

/** A payment older than an hour buys nothing, so its request cannot come again; twice that leaves room for clocks. */
const MIN_AGE_MS = 2 * 60 * 60 * 1_000;
const BLOCK_DIGITS = 12;

const answeredSchema = z.strictObject({ key: z.string(), atMs: z.number() });

/** The answered runs of requests, kept before any answer leaves. */
export interface Attempts {
  /** In order of the sequence they were run on. */
  of(requestHash: Uint8Array): Promise<readonly Attempt[]>;
  /** @throws SprfError `STORE_CONFLICT` when this request was answered on this sequence before */
  add(attempt: Attempt): Promise<void>;
  /**
   * Forgets what was answered before this block of the market's chain, and two hours ago or more; a limited number at a time.
   * Resolves with how many were forgotten.
   */
  prune(beforeBlock: number): Promise<number>;
}

export interface AttemptsComponents {
  readonly store: Store;
  readonly clock: Pick<Clock, "now">;
  /** The latest block of the market's chain that was seen. */
  readonly latestBlock: () => number;
}

export function createAttempts({ store, clock, latestBlock }: AttemptsComponents): Attempts {
  const table = createTable(store, "attempts", attemptSchema);
  /** Attempts by the block in which they were answered, for pruning. */
  const answered = createTable(store, "attempts-answered", answeredSchema);
  return {
    async of(requestHash) {
      const entries = await table.list({ prefix: `${toHex(requestHash)}/` });
      return entries.map(({ value }) => value);
    },
    async add(attempt) {
      const key = keyOf(attempt.signed);
      await store.apply([
        table.insert(key, attempt),
        answered.put(`${blockKey(latestBlock())}/${key}`, { key, atMs: clock.now() }),
      ]);
    },
    async prune(beforeBlock) {
      if (beforeBlock <= 0) return 0;
      const old = await answered.list({ before: blockKey(beforeBlock) });
      const over = old.filter(({ value }) => value.atMs <= clock.now() - MIN_AGE_MS);
      if (over.length === 0) return 0;
      await store.apply(over.flatMap(({ key, value }) => [table.delete(value.key), answered.delete(key)]));
      return over.length;
    },
  };
}

function blockKey(block: number): string {
  return block.toString().padStart(BLOCK_DIGITS, "0");
}

function keyOf({ answer }: SignedAnswer): string {
  return `${toHex(answer.requestHash)}/${answer.sequence.toString().padStart(SEQUENCE_DIGITS, "0")}`;
}
