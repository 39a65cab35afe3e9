import type { Store } from "../../ports/store.ts";

const TABLE = "closed-agreements";
const CURSOR_TABLE = "closed-agreements-cursor";
const CURSOR_KEY = "up-to";

/** Which agreements need no more looking at; takes no more room than those that were closed out of turn. */
export interface ClosedAgreements {
  /** This one and all with a lower number are closed; 0 when that is known of none. */
  upTo(): Promise<number>;
  has(address: string): Promise<boolean>;
  /** @param upTo - number up to which all are closed now */
  add(agreement: { readonly address: string; readonly number: number }, upTo: number): Promise<void>;
  /** For a chain that started anew. */
  clear(): Promise<void>;
}

/** Without a store, nothing is remembered. */
export function openClosedAgreements(store: Store | undefined): ClosedAgreements {
  const entries = async (): Promise<ReadonlyArray<{ readonly key: string; readonly number: number }>> => {
    const listed = (await store?.list(TABLE)) ?? [];
    return listed.map(({ key, value }) => ({ key, number: decode(value) }));
  };
  const without = (keys: readonly string[]) => keys.map((key) => ({ kind: "delete" as const, table: TABLE, key }));

  return {
    async upTo() {
      const value = await store?.get(CURSOR_TABLE, CURSOR_KEY);
      return value === undefined ? 0 : decode(value);
    },
    has: async (address) => (await store?.get(TABLE, address)) !== undefined,
    async add({ address, number }, upTo) {
      if (store === undefined) return;
      const old = (await entries()).filter((entry) => entry.number <= upTo && entry.key !== address);
      await store.apply([
        ...without(old.map(({ key }) => key)),
        ...(number <= upTo
          ? without([address])
          : [{ kind: "put" as const, table: TABLE, key: address, value: encode(number) }]),
        { kind: "put", table: CURSOR_TABLE, key: CURSOR_KEY, value: encode(upTo) },
      ]);
    },
    async clear() {
      const all = await entries();
      await store?.apply([
        ...without(all.map(({ key }) => key)),
        { kind: "delete", table: CURSOR_TABLE, key: CURSOR_KEY },
      ]);
    },
  };
}

function encode(number: number): Uint8Array {
  return new TextEncoder().encode(String(number));
}

function decode(value: Uint8Array): number {
  return Number(new TextDecoder().decode(value));
}
