import { encodeRow, type RowTable } from "../domain/read-model/rows.ts";
import type { ModelView } from "../domain/read-model/view.ts";
import { SprfError, messageOf } from "../errors.ts";
import type { Store, StoreChange } from "../ports/store.ts";

/** Rows that are kept in memory between batches. */
const MAX_KEPT_ROWS = 20_000;

/** Most rows are new ones, which are put without being looked for. */
const UNREAD = "unread";

/** What a row was before a block; without bytes when there was none. */
export interface RowBefore {
  readonly table: string;
  readonly key: string;
  readonly bytes?: Uint8Array;
}

interface Entry {
  readonly table: string;
  readonly key: string;
  row: unknown;
  /** As it was after the last block; `unread` until somebody asks. */
  settled: Uint8Array | undefined | typeof UNREAD;
}

/** Rows that a batch of events reads and changes, and the changes that bring the store to them. */
export interface WorkingSet extends ModelView {
  /** Ends a block that stays. */
  endBlock(): void;
  /** Ends a block that may be taken back: what the rows that it changed were before it. */
  endBlockWithUndo(): Promise<RowBefore[]>;
  /** Changes since the last `applied`. */
  changes(): StoreChange[];
  /** The store has the changes now. */
  applied(): void;
  /** Forgets everything: the store was changed otherwise, or does not have the changes. */
  clear(): void;
}

export function createWorkingSet(store: Store): WorkingSet {
  const entries = new Map<string, Entry>();
  /** Changed since the last block, and since the store took all. */
  const inBlock = new Set<Entry>();
  const inBatch = new Set<Entry>();

  function set(table: RowTable<unknown>, key: string, row: unknown): void {
    const name = `${table.name}/${key}`;
    const entry = entries.get(name) ?? { table: table.name, key, row, settled: UNREAD };
    entries.set(name, entry);
    entry.row = row;
    inBlock.add(entry);
  }

  async function load<T>(table: RowTable<T>, key: string): Promise<unknown> {
    const name = `${table.name}/${key}`;
    const found = entries.get(name);
    if (found !== undefined) return found.row;
    const settled = await store.get(table.name, key);
    const row = settled === undefined ? undefined : parseRow(table, key, settled);
    entries.set(name, { table: table.name, key, row, settled });
    return row;
  }

  function settle(entry: Entry): void {
    entry.settled = entry.row === undefined ? undefined : encodeRow(entry.row);
    inBatch.add(entry);
  }

  return {
    get: async <T>(table: RowTable<T>, key: string) => (await load(table, key)) as T | undefined,
    put: set,
    delete: (table, key) => set(table, key, undefined),
    endBlock() {
      for (const entry of inBlock) settle(entry);
      inBlock.clear();
    },
    async endBlockWithUndo() {
      const before: RowBefore[] = [];
      for (const entry of inBlock) {
        const { table, key } = entry;
        const bytes = entry.settled === UNREAD ? await store.get(table, key) : entry.settled;
        before.push({ table, key, ...(bytes === undefined ? {} : { bytes }) });
        settle(entry);
      }
      inBlock.clear();
      return before;
    },
    changes() {
      return [...inBatch].map(({ table, key, settled }) =>
        settled instanceof Uint8Array ? { kind: "put", table, key, value: settled } : { kind: "delete", table, key },
      );
    },
    applied() {
      inBatch.clear();
      if (entries.size > MAX_KEPT_ROWS) entries.clear();
    },
    clear() {
      entries.clear();
      inBlock.clear();
      inBatch.clear();
    },
  };
}

/** @throws SprfError `STORE_UNAVAILABLE` when the row is damaged */
export function parseRow<T>({ name, schema }: RowTable<T>, key: string, bytes: Uint8Array): T {
  try {
    return schema.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch (error) {
    throw new SprfError("STORE_UNAVAILABLE", `${name}/${key} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}
