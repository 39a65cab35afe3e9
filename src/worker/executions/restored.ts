import { z } from "zod";

import { SprfError } from "../../errors.ts";
import type { Store } from "../../ports/store.ts";
import { createTable } from "../../utils/table.ts";
import { uint64Schema } from "../../wire/primitives.ts";

const MARK = "mark";
/** How far the ledger's clock may be from this machine's. */
const CLOCK_MARGIN_MS = 120_000;
const MS_PER_SECOND = 1_000;

const markSchema = z.strictObject({ takenAtMs: z.int().min(0), restoredAtMs: z.int().min(0) });
const heldSchema = z.strictObject({ sequence: uint64Schema });

/** A run whose answer this worker may have signed after its backup was taken. */
export interface DoubtfulRun {
  readonly program: string;
  /** Of the smart account now. */
  readonly sequence: bigint;
  /** When the payment landed, in seconds since the Unix epoch. */
  readonly paidAt: number;
}

/** What a store that comes from a backup must not have signed again. */
export interface RestoredGuard {
  /** @throws SprfError `STORE_RESTORED` while another answer of this worker may be about */
  check(run: DoubtfulRun): Promise<void>;
}

/** Says in a store that it comes from a backup; to be written before anybody opens it. */
export async function markRestored(store: Store, mark: z.output<typeof markSchema>): Promise<void> {
  await store.apply([createTable(store, "restored", markSchema).put(MARK, mark)]);
}

/**
 * Between a backup and the loss of the store, the worker may have signed answers that it does not know any more. To answer such a request
 * anew is to risk two different signed answers for one sequence, for which a worker is slashed. The ledger tells what is over: when a
 * program has moved on from the sequence at which the restored worker first saw it, nothing signed before can land any more, and what
 * has landed is found by its payment. What was paid after the restoration nobody can have answered before.
 */
export function createRestoredGuard(store: Store): RestoredGuard {
  const marks = createTable(store, "restored", markSchema);
  const held = createTable(store, "restored-programs", heldSchema);
  return {
    async check({ program, sequence, paidAt }) {
      const mark = await marks.get(MARK);
      if (mark === undefined || paidAt * MS_PER_SECOND > mark.restoredAtMs + CLOCK_MARGIN_MS) return;
      const first = (await held.get(program))?.sequence;
      if (first === undefined) await store.apply([held.put(program, { sequence })]);
      if (first !== undefined && sequence > first) return;
      throw new SprfError(
        "STORE_RESTORED",
        `this worker comes from a backup, and may have answered at sequence ${sequence} of ${program} before`,
      );
    },
  };
}
