import PQueue from "p-queue";

/** Work on the same key happens in turn, on different keys at a time. */
export interface KeyedTurns {
  inTurn<T>(key: number, work: () => Promise<T>): Promise<T>;
  /** Whether something is at work on the key, or waits for it. */
  isBusy(key: number): boolean;
}

export function createKeyedTurns(): KeyedTurns {
  const queues = new Map<number, PQueue>();
  return {
    async inTurn(key, work) {
      const queue = queues.get(key) ?? new PQueue({ concurrency: 1 });
      queues.set(key, queue);
      try {
        return await queue.add(work);
      } finally {
        if (queue.size === 0 && queue.pending === 0) queues.delete(key);
      }
    },
    isBusy: (key) => queues.has(key),
  };
}
