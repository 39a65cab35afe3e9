/** More than this are read from disk again, where each is by then: 16 MiB in chunks of 1 MiB. */
const MAX_BLOCKS = 16;

/** Blocks that a stream brings, for a reader beside it. */
export interface HandedOver {
  put(key: string, bytes: Uint8Array): void;
  /** The block when it comes, or undefined when the stream ended without it or the reader was too slow for it. */
  take(key: string): Promise<Uint8Array | undefined>;
  /** Nothing more comes. */
  end(): void;
}

/** Saves a reader from reading again, and checking again, what has just been checked and is on its way to the disk. */
export function createHandedOver(): HandedOver {
  const ready = new Map<string, Uint8Array>();
  const gone = new Set<string>();
  const waiting = new Map<string, ((bytes: Uint8Array | undefined) => void)[]>();
  let ended = false;
  return {
    put(key, bytes) {
      const readers = waiting.get(key);
      gone.add(key);
      if (readers !== undefined) {
        waiting.delete(key);
        for (const resolve of readers) resolve(bytes);
        return;
      }
      ready.set(key, bytes);
      const [oldest] = ready.keys();
      if (ready.size > MAX_BLOCKS && oldest !== undefined) ready.delete(oldest);
    },
    async take(key) {
      const bytes = ready.get(key);
      if (bytes !== undefined) return bytes;
      if (ended || gone.has(key)) return undefined;
      return await new Promise((resolve) => {
        waiting.set(key, [...(waiting.get(key) ?? []), resolve]);
      });
    },
    end() {
      ended = true;
      for (const readers of waiting.values()) for (const resolve of readers) resolve(undefined);
      waiting.clear();
      ready.clear();
    },
  };
}
