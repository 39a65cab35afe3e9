import type { Metrics } from "../ports/metrics.ts";
import type { Cursor } from "./cursor.ts";
import type { Indexer, IndexerOptions } from "./indexer.ts";

/** The same indexer; where it is and what it takes is counted. */
export function measureIndexer(indexer: Indexer, metrics: Metrics): Indexer {
  let last: Cursor | undefined;
  metrics.gauge("sprf_indexer_block_number", () =>
    last === undefined
      ? []
      : [
          { labels: { of: "indexed" }, value: last.block },
          { labels: { of: "chain" }, value: last.head },
        ],
  );
  const observed = (options: IndexerOptions = {}): IndexerOptions => ({
    ...options,
    onProgress(cursor) {
      // What was there before the start is not counted, nor what was taken back.
      if (last !== undefined) metrics.count("sprf_indexer_events_total", {}, Math.max(0, cursor.events - last.events));
      last = cursor;
      options.onProgress?.(cursor);
    },
  });
  return {
    async catchUp(options) {
      const cursor = await indexer.catchUp(observed(options));
      last = cursor;
      return cursor;
    },
    follow: async (options) => await indexer.follow(observed(options)),
  };
}
