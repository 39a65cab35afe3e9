import { z } from "zod";

import type { ContentStore } from "../../ports/content-store.ts";
import type { Store } from "../../ports/store.ts";
import { createTable } from "../../utils/table.ts";

/** An owner asks for one at each change of workers, and keeps its record too: older ones are in the owner's file alone. */
const MAX_RECOVERIES = 4;

const SEQUENCE_DIGITS = 20;

const recoverySchema = z.strictObject({});

/** The records of recoveries that this worker has signed: the last few of each program, since one may land in years. */
export interface KeptRecoveries {
  /**
   * Keeps one before the consent leaves, once however often it is asked for.
   *
   * @param recovery its sequence is the one that the account must have reached for it to land
   */
  keep(
    block: Uint8Array,
    recovery: { readonly program: string; readonly sequence: bigint; readonly recordCid: string },
  ): Promise<void>;
}

export function createKeptRecoveries({
  store,
  content,
}: {
  readonly store: Store;
  readonly content: ContentStore;
}): KeptRecoveries {
  const table = createTable(store, "recoveries", recoverySchema);

  return {
    async keep(block, { program, sequence, recordCid }) {
      const holder = `recovery/${program}`;
      const prefix = `${program}/`;
      // Noted first: what is noted and not pinned does no harm, what is pinned and not noted would stay for ever.
      await store.apply([table.put(`${prefix}${String(sequence).padStart(SEQUENCE_DIGITS, "0")}/${recordCid}`, {})]);
      await content.putRecord(block, { holder });
      const keys = (await table.list({ prefix })).map(({ key }) => key);
      for (const key of keys.slice(0, Math.max(0, keys.length - MAX_RECOVERIES))) {
        await content.unpin(key.slice(key.lastIndexOf("/") + 1), { holder });
        await store.apply([table.delete(key)]);
      }
    },
  };
}
