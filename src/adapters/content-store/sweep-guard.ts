import { SprfError } from "../../errors.ts";

/** Holds blocks in place while something is being stored or pinned. */
export interface Lease {
  /** From now on no sweep takes the block; waits for a deletion of it that is under way. */
  hold(key: string): Promise<void>;
  release(): void;
}

export interface Sweep {
  keep(key: string): void;
  /** @returns whether it was removed */
  tryRemove(key: string, remove: () => Promise<void>): Promise<boolean>;
  end(): void;
}

export interface SweepGuard {
  lease(): Lease;
  /** Only one sweep runs at a time. */
  beginSweep(): Sweep;
}

/**
 * Lets a sweep run beside imports and pins: what an operation holds at any moment of the sweep stays, also when it lets go
 * before the sweep ends (its pin is then too new for the sweep to know).
 */
export function createSweepGuard(): SweepGuard {
  const held = new Map<string, number>();
  const removing = new Map<string, Promise<void>>();
  let kept: Set<string> | undefined;
  return {
    lease() {
      const mine = new Set<string>();
      return {
        async hold(key) {
          if (!mine.has(key)) {
            mine.add(key);
            held.set(key, (held.get(key) ?? 0) + 1);
          }
          kept?.add(key);
          await removing.get(key);
        },
        release() {
          for (const key of mine) {
            const left = (held.get(key) ?? 1) - 1;
            if (left === 0) held.delete(key);
            else held.set(key, left);
          }
          mine.clear();
        },
      };
    },
    beginSweep() {
      if (kept !== undefined) throw new SprfError("INTERNAL", "a sweep is running already");
      const mark = new Set(held.keys());
      kept = mark;
      return {
        keep: (key) => void mark.add(key),
        async tryRemove(key, remove) {
          if (mark.has(key)) return false;
          const removal = remove();
          removing.set(
            key,
            removal.catch(() => undefined),
          );
          try {
            await removal;
          } finally {
            removing.delete(key);
          }
          return true;
        },
        end() {
          kept = undefined;
        },
      };
    },
  };
}
