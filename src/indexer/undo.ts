import { decode, encode } from "@ipld/dag-cbor";
import { z } from "zod";

import { keys } from "../domain/read-model/rows.ts";
import { SprfError, messageOf } from "../errors.ts";
import type { Store, StoreChange } from "../ports/store.ts";
import type { RowBefore } from "./working-set.ts";

const UNDO_TABLE = "index-undo";

const undoSchema = z.array(
  z.object({ table: z.string(), key: z.string(), bytes: z.instanceof(Uint8Array<ArrayBufferLike>).optional() }),
);

/** Keeps what the rows changed by a block were before it. */
export function keepUndo(block: number, before: readonly RowBefore[]): StoreChange {
  return { kind: "put", table: UNDO_TABLE, key: keys.number(block), value: encode(before) };
}

export function forgetUndo(block: number): StoreChange {
  return { kind: "delete", table: UNDO_TABLE, key: keys.number(block) };
}

/** The changes that take a block back, when it is the last one. */
export async function undoBlock(store: Store, block: number): Promise<StoreChange[]> {
  const key = keys.number(block);
  const bytes = await store.get(UNDO_TABLE, key);
  if (bytes === undefined)
    throw new SprfError("STORE_UNAVAILABLE", `the index does not know what block ${block} changed`);
  return rowsOf(key, bytes).map(({ table, key: row, bytes: value }) =>
    value === undefined ? { kind: "delete", table, key: row } : { kind: "put", table, key: row, value },
  );
}

function rowsOf(key: string, bytes: Uint8Array): z.output<typeof undoSchema> {
  try {
    return undoSchema.parse(decode(bytes));
  } catch (error) {
    throw new SprfError("STORE_UNAVAILABLE", `${UNDO_TABLE}/${key} cannot be read: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
