import type { Chain, ChainOptions } from "../ports/chain.ts";
import type { Store } from "../ports/store.ts";

const TABLE = "tester-agreements";
const CURSOR_TABLE = "tester-cursor";
const CURSOR_KEY = "agreements";
const PAGE = 100;
const EMPTY = new Uint8Array(0);

/** The agreements that a tester still has to look at; survives restarts. */
export interface WatchList {
  /** Reads from the chain what was bought since the last time. */
  update(options?: ChainOptions): Promise<void>;
  all(): readonly string[];
  /** Takes one off for good. */
  remove(agreement: string): Promise<void>;
}

export async function openWatchList({
  chain,
  store,
}: {
  readonly chain: Chain;
  readonly store: Store;
}): Promise<WatchList> {
  const watched = new Set<string>();
  for (let after: string | undefined; ;) {
    const page = await store.list(TABLE, after === undefined ? {} : { after });
    for (const { key } of page) watched.add(key);
    after = page.at(-1)?.key;
    if (after === undefined) break;
  }
  // How many agreements were seen, which is the number of the last of them.
  const saved = await store.get(CURSOR_TABLE, CURSOR_KEY);
  let cursor = saved === undefined ? 0 : Number(new TextDecoder().decode(saved));

  return {
    async update(options) {
      const count = await chain.agreementCount(options);
      // Only a development chain that started anew has fewer.
      if (count < cursor) cursor = 0;
      while (cursor < count) {
        const page = await chain.agreements(cursor + 1, PAGE, options);
        if (page.length === 0) return;
        const next = cursor + page.length;
        await store.apply([
          ...page.map((key) => ({ kind: "put" as const, table: TABLE, key, value: EMPTY })),
          { kind: "put", table: CURSOR_TABLE, key: CURSOR_KEY, value: new TextEncoder().encode(String(next)) },
        ]);
        for (const agreement of page) watched.add(agreement);
        cursor = next;
      }
    },
    all: () => [...watched],
    async remove(agreement) {
      await store.apply([{ kind: "delete", table: TABLE, key: agreement }]);
      watched.delete(agreement);
    },
  };
}
