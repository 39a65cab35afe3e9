import { z } from "zod";

import type { Store } from "../../ports/store.ts";
import { createTable } from "../../utils/table.ts";

const EPOCH_DIGITS = 6;

const entrySchema = z.strictObject({
  agreement: z.string().length(42),
  epoch: z.int().min(0),
  /** `considered`: nothing is to be done; `appealing`: decided, perhaps not sent yet; `appealed`: the bond is in. */
  phase: z.enum(["considered", "appealing", "appealed"]),
  /** What this worker shows for itself. */
  defenceCid: z.string().optional(),
});

/** How far this worker got with an epoch's outcome against it. */
export type AppealEntry = z.output<typeof entrySchema>;

/** Epochs whose outcome was looked into; written before anything is sent. */
export interface AppealStore {
  get(agreement: string, epoch: number): Promise<AppealEntry | undefined>;
  put(entry: AppealEntry): Promise<void>;
  all(): Promise<readonly AppealEntry[]>;
  delete(entries: readonly AppealEntry[]): Promise<void>;
}

export function createAppealStore(store: Store): AppealStore {
  const table = createTable(store, "worker-appeals", entrySchema);
  return {
    get: async (agreement, epoch) => await table.get(keyOf({ agreement, epoch })),
    put: async (entry) => await store.apply([table.put(keyOf(entry), entry)]),
    all: async () => (await table.list()).map(({ value }) => value),
    delete: async (entries) => await store.apply(entries.map((entry) => table.delete(keyOf(entry)))),
  };
}

function keyOf({ agreement, epoch }: Pick<AppealEntry, "agreement" | "epoch">): string {
  return `${agreement}/${epoch.toString().padStart(EPOCH_DIGITS, "0")}`;
}
