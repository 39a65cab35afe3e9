import { SprfError } from "../../errors.ts";
import type { Store } from "../../ports/store.ts";

const DEFAULT_LIST_LIMIT = 1_000;

/** A store that forgets, for unit tests of services. */
export function createMemoryStore(): Store {
  const tables = new Map<string, Map<string, Uint8Array>>();
  const table = (name: string): Map<string, Uint8Array> => {
    const found = tables.get(name) ?? new Map<string, Uint8Array>();
    tables.set(name, found);
    return found;
  };

  return {
    async get(name, key) {
      return table(name).get(key);
    },
    async list(name, { prefix = "", after = "", limit = DEFAULT_LIST_LIMIT } = {}) {
      return [...table(name)]
        .filter(([key]) => key.startsWith(prefix) && key > after)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .slice(0, limit)
        .map(([key, value]) => ({ key, value }));
    },
    async apply(changes) {
      const inserted = new Set<string>();
      for (const change of changes) {
        const id = `${change.table}/${change.key}`;
        if (change.kind !== "insert") continue;
        if (inserted.has(id) || table(change.table).has(change.key)) {
          throw new SprfError("STORE_CONFLICT", `${id} exists already`);
        }
        inserted.add(id);
      }
      for (const change of changes) {
        if (change.kind === "delete") table(change.table).delete(change.key);
        else table(change.table).set(change.key, change.value.slice());
      }
    },
    async close() {},
  };
}
