import PQueue from "p-queue";

import type { Store } from "../../ports/store.ts";
import { utf8 } from "../../utils/bytes.ts";

const TABLE = "content-pins";
const PAGE = 500;

/** How often each root is pinned; durable, since a pinned state must outlive any crash. */
export interface Pins {
  add(cid: string): Promise<void>;
  /** Unknown roots are ignored. */
  release(cid: string): Promise<void>;
  count(cid: string): Promise<number>;
  roots(): AsyncIterable<string>;
}

/** Own counts instead of Helia's: those go below zero for a DAG in which a block occurs twice. */
export function createPins(store: Store): Pins {
  // One change at a time: a count is read and written back.
  const changes = new PQueue({ concurrency: 1 });
  const count = async (cid: string): Promise<number> => {
    const value = await store.get(TABLE, cid);
    return value === undefined ? 0 : Number(new TextDecoder().decode(value));
  };
  const change = async (cid: string, by: number): Promise<void> => {
    await changes.add(async () => {
      const next = (await count(cid)) + by;
      if (next > 0) await store.apply([{ kind: "put", table: TABLE, key: cid, value: utf8(String(next)) }]);
      else await store.apply([{ kind: "delete", table: TABLE, key: cid }]);
    });
  };
  return {
    count,
    add: async (cid) => await change(cid, 1),
    release: async (cid) => await change(cid, -1),
    async *roots() {
      let after = "";
      for (;;) {
        const page = await store.list(TABLE, { after, limit: PAGE });
        for (const { key } of page) yield key;
        const last = page.at(-1);
        if (last === undefined || page.length < PAGE) return;
        after = last.key;
      }
    },
  };
}
