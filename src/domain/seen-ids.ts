import { SprfError } from "../errors.ts";

/** What was remembered under ids that expire. */
export interface SeenIds<Value> {
  get(id: string, nowMs: number): Value | undefined;
  /** Remembers until `expiresAtMs`. */
  set(id: string, value: Value, expiresAtMs: number, nowMs: number): void;
  delete(id: string): void;
  readonly size: number;
}

/**
 * A memory of ids with a bound: expired ones go first, then those that expire soonest. A stranger who fills it can therefore make
 * it forget; what relies on it must bear that a message is seen as new once more.
 */
export function createSeenIds<Value>({ capacity }: { readonly capacity: number }): SeenIds<Value> {
  if (!Number.isSafeInteger(capacity) || capacity < 1) {
    throw new SprfError("INVALID_INPUT", "the capacity must be a positive integer");
  }
  const entries = new Map<string, { readonly value: Value; readonly expiresAtMs: number }>();

  const makeRoom = (nowMs: number): void => {
    let soonest: { readonly id: string; readonly expiresAtMs: number } | undefined;
    for (const [id, { expiresAtMs }] of entries) {
      if (expiresAtMs <= nowMs) entries.delete(id);
      else if (soonest === undefined || expiresAtMs < soonest.expiresAtMs) soonest = { id, expiresAtMs };
    }
    if (entries.size >= capacity && soonest !== undefined) entries.delete(soonest.id);
  };

  return {
    get(id, nowMs) {
      const entry = entries.get(id);
      if (entry === undefined) return undefined;
      if (entry.expiresAtMs > nowMs) return entry.value;
      entries.delete(id);
      return undefined;
    },
    set(id, value, expiresAtMs, nowMs) {
      if (expiresAtMs <= nowMs) return;
      if (!entries.has(id) && entries.size >= capacity) makeRoom(nowMs);
      entries.set(id, { value, expiresAtMs });
    },
    delete(id) {
      entries.delete(id);
    },
    get size() {
      return entries.size;
    },
  };
}
