import { decode, encode } from "@ipld/dag-cbor";
import type { z } from "zod";

import { SprfError, messageOf } from "../errors.ts";
import type { Store, StoreChange, StoreRange } from "../ports/store.ts";

/** One table of a store whose entries have a schema; values rest as dag-cbor. */
export interface Table<T> {
  get(key: string): Promise<T | undefined>;
  list(range?: StoreRange): Promise<ReadonlyArray<{ key: string; value: T }>>;
  put(key: string, value: T): StoreChange;
  insert(key: string, value: T): StoreChange;
  delete(key: string): StoreChange;
}

/** Changes that a table makes take effect together, by `store.apply`. */
export function createTable<T>(store: Store, table: string, schema: z.ZodType<T, unknown>): Table<T> {
  const read = (key: string, bytes: Uint8Array): T => {
    try {
      return schema.parse(decode(bytes));
    } catch (error) {
      throw new SprfError("STORE_UNAVAILABLE", `${table}/${key} cannot be read: ${messageOf(error)}`, { cause: error });
    }
  };
  return {
    async get(key) {
      const bytes = await store.get(table, key);
      return bytes === undefined ? undefined : read(key, bytes);
    },
    async list(range) {
      const entries = await store.list(table, range);
      return entries.map(({ key, value }) => ({ key, value: read(key, value) }));
    },
    put: (key, value) => ({ kind: "put", table, key, value: encode(value) }),
    insert: (key, value) => ({ kind: "insert", table, key, value: encode(value) }),
    delete: (key) => ({ kind: "delete", table, key }),
  };
}
