import { SprfError } from "../../errors.ts";
import type { Store, StoreChange } from "../../ports/store.ts";
import { equalBytes } from "../../utils/bytes.ts";
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
    async list(name, { prefix = "", after = "", before, reverse = false, limit = DEFAULT_LIST_LIMIT } = {}) {
      const direction = reverse ? -1 : 1;
      return [...table(name)]
        .filter(([key]) => key.startsWith(prefix) && key > after && (before === undefined || key < before))
        .sort(([a], [b]) => (a < b ? -direction : direction))
        .slice(0, limit)
        .map(([key, value]) => ({ key, value: value.slice() }));
    },
    async apply(changes) {
      checkChanges(changes);
      const undo: (() => void)[] = [];
      for (const change of changes) {
        const entries = table(change.table);
        const previous = entries.get(change.key);
        const conflict = conflictOf(change, previous);
        if (conflict !== undefined) {
          for (const step of undo.reverse()) step();
          throw new SprfError("STORE_CONFLICT", conflict);
        }
        if (change.kind === "expect") continue;
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

function conflictOf(change: StoreChange, previous: Uint8Array | undefined): string | undefined {
  const name = `${change.table}/${change.key}`;
  if (change.kind === "insert" && previous !== undefined) return `${name} exists already`;
  if (change.kind !== "expect") return undefined;
  const { value } = change;
  const same = previous === undefined || value === undefined ? previous === value : equalBytes(previous, value);
  return same ? undefined : `${name} was changed by somebody else`;
}
