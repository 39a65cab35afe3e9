import { z } from "zod";

import { isSprfError } from "../../errors.ts";
import type { ContentStore } from "../../ports/content-store.ts";
import type { Ledger } from "../../ports/ledger.ts";
import type { Store } from "../../ports/store.ts";
import { createTable } from "../../utils/table.ts";
import { uint64Schema } from "../../wire/primitives.ts";

/** A service may lag: what is not found so long after it could land last did not land. */
const SETTLED_SECONDS = 120n;
/** After so long the service may have forgotten what landed, so that not to find it says nothing. */
const FORGOTTEN_SECONDS = 86_400n;

const consentedSchema = z.strictObject({
  recordCid: z.string(),
  /** Of the inner transaction, in hex. */
  transactionHash: z.string(),
  validUntil: uint64Schema,
});

type Consented = z.output<typeof consentedSchema>;

/** The records of transactions that this worker has consented to, kept for as long as these could land. */
export interface ConsentedRecords {
  /** Keeps a record before the consent leaves, once however often it is asked for. */
  keep(block: Uint8Array, consented: Omit<Consented, "recordCid"> & { readonly recordCid: string }): Promise<void>;
  /** Lets go of the records of transactions that did not land and cannot any more. */
  prune(nowSeconds: number, options?: { readonly signal?: AbortSignal | undefined }): Promise<void>;
}

export function createConsentedRecords(components: {
  readonly store: Store;
  readonly content: ContentStore;
  readonly ledger: Ledger;
}): ConsentedRecords {
  const { store, content, ledger } = components;
  const table = createTable(store, "consented-records", consentedSchema);
  return {
    async keep(block, consented) {
      if ((await table.get(consented.recordCid)) !== undefined) return;
      await content.putRecord(block);
      try {
        await store.apply([table.insert(consented.recordCid, consented)]);
      } catch (error) {
        // Asked twice at the same moment: it is pinned twice, and needed once.
        if (!isSprfError(error, "STORE_CONFLICT")) throw error;
        await content.unpin(consented.recordCid);
      }
    },
    async prune(nowSeconds, { signal } = {}) {
      const now = BigInt(nowSeconds);
      for (const { key, value } of await table.list()) {
        if (value.validUntil + SETTLED_SECONDS > now) continue;
        const landed = await ledger.transaction(value.transactionHash, { signal });
        const isKnown = value.validUntil + FORGOTTEN_SECONDS > now;
        await store.apply([table.delete(key)]);
        if (isKnown && landed?.successful !== true) await content.unpin(value.recordCid, { signal });
      }
    },
  };
}
