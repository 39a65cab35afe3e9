import PQueue from "p-queue";

import { SprfError } from "../../errors.ts";
import type { Held } from "../../ports/content-store.ts";
import type { Store, StoreChange } from "../../ports/store.ts";
import { utf8 } from "../../utils/bytes.ts";

/** How often each root is kept in all. */
const TABLE = "content-pins";
/** How often of these without a holder: only so often may it be let go of without one. */
const COUNTED = "content-counted-pins";
/** `<holder> <cid>`: what named holders keep; each is counted once in the other table. */
const HOLDERS = "content-holders";
const PAGE = 500;
const HOLDER = /^[!-~]{1,200}$/;

/** How often each root is pinned; durable, since a pinned state must outlive any crash. */
export interface Pins {
  /** With a `holder`: once, however often. */
  add(cid: string, holder?: string): Promise<void>;
  /** Unknown roots, what `holder` does not keep, and without one what only holders keep, are ignored. */
  release(cid: string, holder?: string): Promise<void>;
  count(cid: string): Promise<number>;
  roots(): AsyncIterable<string>;
  held(prefix: string): AsyncIterable<Held>;
}

/** Own counts instead of Helia's: those go below zero for a DAG in which a block occurs twice. */
export function createPins(store: Store): Pins {
  // One change at a time: a count is read and written back.
  const changes = new PQueue({ concurrency: 1 });
  const countIn = async (table: string, cid: string): Promise<number> => {
    const value = await store.get(table, cid);
    return value === undefined ? 0 : Number(new TextDecoder().decode(value));
  };
  const countBy = async (table: string, cid: string, by: number): Promise<StoreChange> => {
    const next = (await countIn(table, cid)) + by;
    return next > 0 ? { kind: "put", table, key: cid, value: utf8(String(next)) } : { kind: "delete", table, key: cid };
  };
  const keeps = async (key: string): Promise<boolean> => (await store.get(HOLDERS, key)) !== undefined;
  async function* pages(table: string, prefix?: string): AsyncGenerator<string> {
    let after = "";
    for (;;) {
      const range = prefix === undefined ? { after } : { prefix, ...(after === "" ? {} : { after }) };
      const page = await store.list(table, { ...range, limit: PAGE });
      for (const { key } of page) yield key;
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE) return;
      after = last.key;
    }
  }
  return {
    count: async (cid) => await countIn(TABLE, cid),
    async add(cid, holder) {
      await changes.add(async () => {
        if (holder === undefined) {
          await store.apply([await countBy(TABLE, cid, 1), await countBy(COUNTED, cid, 1)]);
          return;
        }
        const key = keyOf(holder, cid);
        if (await keeps(key)) return;
        await store.apply([{ kind: "put", table: HOLDERS, key, value: utf8("") }, await countBy(TABLE, cid, 1)]);
      });
    },
    async release(cid, holder) {
      await changes.add(async () => {
        if (holder === undefined) {
          if ((await countIn(COUNTED, cid)) === 0) return;
          await store.apply([await countBy(TABLE, cid, -1), await countBy(COUNTED, cid, -1)]);
          return;
        }
        const key = keyOf(holder, cid);
        if (!(await keeps(key))) return;
        await store.apply([{ kind: "delete", table: HOLDERS, key }, await countBy(TABLE, cid, -1)]);
      });
    },
    roots: () => pages(TABLE),
    async *held(prefix) {
      for await (const key of pages(HOLDERS, prefix)) {
        const at = key.indexOf(" ");
        yield { holder: key.slice(0, at), cid: key.slice(at + 1) };
      }
    },
  };
}

function keyOf(holder: string, cid: string): string {
  if (HOLDER.test(holder)) return `${holder} ${cid}`;
  throw new SprfError("INVALID_INPUT", "a holder's name has 1 to 200 printable characters and no spaces");
}
