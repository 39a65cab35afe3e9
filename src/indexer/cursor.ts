import { z } from "zod";

import { encodeRow, keys } from "../domain/read-model/rows.ts";
import { SprfError, messageOf } from "../errors.ts";
import type { MarketConstants } from "../ports/event-log.ts";
import type { Store, StoreChange } from "../ports/store.ts";

/** Form of all rows; an index of another form is made anew. */
const INDEX_VERSION = 3;

const META_TABLE = "index-meta";
const CURSOR_KEY = "cursor";
const BLOCKS_TABLE = "index-blocks";

const count = z.int().min(0);
const digits = z.string().regex(/^\d+$/).transform(BigInt);

const cursorSchema = z.object({
  version: count,
  market: z.string(),
  constants: z.object({ priorWeightWei: digits, missPenaltyWei: digits }),
  /** Where the index began. */
  fromBlock: count,
  /** Last block whose events are in; `fromBlock - 1` before the first. */
  block: z.int().min(-1),
  /** Hash of that block; absent before the first. */
  hash: z.union([z.string(), z.undefined()]).optional(),
  /** Head of the chain when the cursor was written. */
  head: count,
  /** Events applied so far, and how often blocks were taken back. */
  events: count,
  reorgs: count,
});

/** How far an index has come, of which market. */
export type Cursor = z.output<typeof cursorSchema>;

const blockSchema = z.object({ hash: z.string(), parentHash: z.string() });

/** A block near the head of the chain, whose changes can be taken back. */
export interface KeptBlock extends z.output<typeof blockSchema> {
  readonly number: number;
}

/** Where a new index of a market begins. */
export function newCursor(market: string, constants: MarketConstants, fromBlock: number): Cursor {
  return { version: INDEX_VERSION, market, constants, fromBlock, block: fromBlock - 1, head: 0, events: 0, reorgs: 0 };
}

/** @throws SprfError `STORE_UNAVAILABLE`, `INDEX_INVALID` for an index of another form */
export async function readCursor(store: Store): Promise<Cursor | undefined> {
  const bytes = await store.get(META_TABLE, CURSOR_KEY);
  if (bytes === undefined) return undefined;
  const cursor = parse(cursorSchema, bytes, "the cursor");
  if (cursor.version === INDEX_VERSION) return cursor;
  throw new SprfError("INDEX_INVALID", `the index has form ${cursor.version}, and this version needs ${INDEX_VERSION}`);
}

/** Always in the same order: what is expected is compared byte by byte. */
function encodeCursor({
  version,
  market,
  constants,
  fromBlock,
  block,
  hash,
  head,
  events,
  reorgs,
}: Cursor): Uint8Array {
  const { priorWeightWei, missPenaltyWei } = constants;
  const ordered = { priorWeightWei, missPenaltyWei };
  return encodeRow({ version, market, constants: ordered, fromBlock, block, hash, head, events, reorgs });
}

/** Moves the cursor, if it still is where it was read: of two indexers on one store, one fails with `STORE_CONFLICT`. */
export function moveCursor(from: Cursor | undefined, to: Cursor): StoreChange[] {
  return [
    {
      kind: "expect",
      table: META_TABLE,
      key: CURSOR_KEY,
      ...(from === undefined ? {} : { value: encodeCursor(from) }),
    },
    { kind: "put", table: META_TABLE, key: CURSOR_KEY, value: encodeCursor(to) },
  ];
}

export function keepBlock({ number, hash, parentHash }: KeptBlock): StoreChange {
  return { kind: "put", table: BLOCKS_TABLE, key: keys.number(number), value: encodeRow({ hash, parentHash }) };
}

export function forgetBlock(number: number): StoreChange {
  return { kind: "delete", table: BLOCKS_TABLE, key: keys.number(number) };
}

/** The kept blocks, newest first. */
export async function keptBlocks(store: Store): Promise<readonly KeptBlock[]> {
  const rows = await store.list(BLOCKS_TABLE, { reverse: true });
  return rows.map(({ key, value }) => ({ number: Number(key), ...parse(blockSchema, value, `block ${key}`) }));
}

function parse<T>(schema: z.ZodType<T, unknown>, bytes: Uint8Array, what: string): T {
  try {
    return schema.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch (error) {
    throw new SprfError("STORE_UNAVAILABLE", `${what} of the index cannot be read: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
