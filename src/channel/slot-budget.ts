import { raceAbort } from "../utils/abort.ts";

/** How many slots may be in memory as copies of states at a time. */
export interface SlotBudget {
  /** Resolves when there is room for so many, or nothing else has any, with what gives it back. @throws what `signal` aborts with */
  take(slots: number, signal: AbortSignal): Promise<() => void>;
}

/** Takes wait for each other in the order in which they came. */
export function createSlotBudget(capacity: number): SlotBudget {
  let used = 0;
  const waiting: { readonly slots: number; readonly go: () => void }[] = [];

  const goOn = (): void => {
    for (let first = waiting[0]; first !== undefined; first = waiting[0]) {
      if (used > 0 && used + first.slots > capacity) return;
      waiting.shift();
      used += first.slots;
      first.go();
    }
  };

  return {
    async take(slots, signal) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const entry = { slots, go: resolve };
      waiting.push(entry);
      goOn();
      let isTaken = true;
      const giveBack = (): void => {
        if (isTaken) used -= slots;
        isTaken = false;
        goOn();
      };
      try {
        await raceAbort(promise, signal);
      } catch (error) {
        const at = waiting.indexOf(entry);
        if (at < 0) giveBack();
        else waiting.splice(at, 1);
        goOn();
        throw error;
      }
      return giveBack;
    },
  };
}
