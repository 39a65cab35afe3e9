import { SprfError } from "../../errors.ts";
import type { Held } from "../../ports/content-store.ts";
import type { Store, StoreChange } from "../../ports/store.ts";
import { utf8 } from "../../utils/bytes.ts";
import { inLots } from "../../utils/in-lots.ts";

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

interface PinChange {
  readonly by: 1 | -1;
  readonly cid: string;
  /** Of a named holder. */
  readonly key: string | undefined;
}

interface Draft {
  get(table: string, key: string): Promise<Uint8Array | undefined>;
  set(table: string, key: string, value: Uint8Array | undefined): void;
  changes(): readonly StoreChange[];
}

/** Own counts instead of Helia's: those go below zero for a DAG in which a block occurs twice. */
export function createPins(store: Store): Pins {
  // One lot of changes at a time: a count is read and written back. Each lot waits for the disk once.
  const change = inLots(
    async (lot: readonly PinChange[]) => {
      const draft = createDraft(store);
      for (const each of lot) await make(draft, each);
      if (draft.changes().length > 0) await store.apply(draft.changes());
      return lot.map(() => undefined);
    },
    { isOfAll: () => true },
  );
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
    count: async (cid) => await countIn(createDraft(store), TABLE, cid),
    async add(cid, holder) {
      await change({ by: 1, cid, key: holder === undefined ? undefined : keyOf(holder, cid) });
    },
    async release(cid, holder) {
      await change({ by: -1, cid, key: holder === undefined ? undefined : keyOf(holder, cid) });
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

async function make(draft: Draft, { by, cid, key }: PinChange): Promise<void> {
  if (key === undefined) {
    const counted = await countIn(draft, COUNTED, cid);
    if (counted + by < 0) return;
    setCount(draft, COUNTED, cid, counted + by);
  } else {
    const isKept = (await draft.get(HOLDERS, key)) !== undefined;
    if (isKept === by > 0) return;
    draft.set(HOLDERS, key, by > 0 ? utf8("") : undefined);
  }
  setCount(draft, TABLE, cid, (await countIn(draft, TABLE, cid)) + by);
}

async function countIn(draft: Draft, table: string, cid: string): Promise<number> {
  const value = await draft.get(table, cid);
  return value === undefined ? 0 : Number(new TextDecoder().decode(value));
}

function setCount(draft: Draft, table: string, cid: string, count: number): void {
  draft.set(table, cid, count > 0 ? utf8(String(count)) : undefined);
}

/** A store as it will be after changes that are not made yet. */
function createDraft(store: Store): Draft {
  const changes = new Map<string, StoreChange>();
  return {
    async get(table, key) {
      const change = changes.get(`${table} ${key}`);
      if (change === undefined) return await store.get(table, key);
      return change.kind === "put" ? change.value : undefined;
    },
    set(table, key, value) {
      changes.set(
        `${table} ${key}`,
        value === undefined ? { kind: "delete", table, key } : { kind: "put", table, key, value },
      );
    },
    changes: () => [...changes.values()],
  };
}

function keyOf(holder: string, cid: string): string {
  if (HOLDER.test(holder)) return `${holder} ${cid}`;
  throw new SprfError("INVALID_INPUT", "a holder's name has 1 to 200 printable characters and no spaces");
}
