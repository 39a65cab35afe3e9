import { SprfError } from "../../errors.ts";
import type { Store } from "../../ports/store.ts";
import { checkChanges } from "./check-changes.ts";

const DEFAULT_LIST_LIMIT = 1_000;

/** A store that forgets, for unit tests of services. */
export function createMemoryStore(): Store {
  const tables = new Map<string, Map<string, Uint8Array>>();
  let closed = false;

  function table(name: string): Map<string, Uint8Array> {
    if (closed) throw new SprfError("STORE_UNAVAILABLE", "the store is closed");
    const found = tables.get(name) ?? new Map<string, Uint8Array>();
    tables.set(name, found);
    return found;
  }

  return {
    async get(name, key) {
      return table(name).get(key)?.slice();
    },
    async list(name, { prefix = "", after = "", limit = DEFAULT_LIST_LIMIT } = {}) {
      return [...table(name)]
        .filter(([key]) => key.startsWith(prefix) && key > after)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .slice(0, limit)
        .map(([key, value]) => ({ key, value: value.slice() }));
    },
    async apply(changes) {
      checkChanges(changes);
      const undo: (() => void)[] = [];
      for (const change of changes) {
        const entries = table(change.table);
        const previous = entries.get(change.key);
        if (change.kind === "insert" && previous !== undefined) {
          for (const step of undo.reverse()) step();
          throw new SprfError("STORE_CONFLICT", `${change.table}/${change.key} exists already`);
        }
        undo.push(() => (previous === undefined ? entries.delete(change.key) : entries.set(change.key, previous)));
        if (change.kind === "delete") entries.delete(change.key);
        else entries.set(change.key, change.value.slice());
      }
    },
    async close() {
      closed = true;
    },
  };
}
