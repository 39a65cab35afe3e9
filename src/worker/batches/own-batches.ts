import { z } from "zod";

import type { Store } from "../../ports/store.ts";
import { createTable } from "../../utils/table.ts";

const SEQUENCE_DIGITS = 20;

const ownSchema = z.strictObject({ details: z.array(z.string()) });

/** The batches that this worker has run itself and come to, by their records: what it may sign answers from (invariant P1). */
export interface OwnBatches {
  /** Why inputs were rejected, in their order; undefined for a batch that it did not run. */
  get(batch: OwnBatchKey): Promise<readonly string[] | undefined>;
  put(batch: OwnBatchKey, details: readonly string[]): Promise<void>;
  /** Forgets those on sequences before this one. */
  prune(program: string, sequence: bigint): Promise<void>;
}

export interface OwnBatchKey {
  readonly program: string;
  readonly sequence: bigint;
  readonly recordCid: string;
}

export function createOwnBatches(store: Store): OwnBatches {
  const table = createTable(store, "batches-run", ownSchema);
  return {
    get: async (batch) => (await table.get(keyOf(batch)))?.details,
    async put(batch, details) {
      await store.apply([table.put(keyOf(batch), { details: [...details] })]);
    },
    async prune(program, sequence) {
      const old = await table.list({ prefix: `${program}/`, before: `${program}/${digits(sequence)}` });
      if (old.length > 0) await store.apply(old.map(({ key }) => table.delete(key)));
    },
  };
}

function keyOf({ program, sequence, recordCid }: OwnBatchKey): string {
  return `${program}/${digits(sequence)}/${recordCid}`;
}

function digits(sequence: bigint): string {
  return sequence.toString().padStart(SEQUENCE_DIGITS, "0");
}
