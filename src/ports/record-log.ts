/** Something that happened to a channel's log. */
export interface LogEntry {
  /** The highest record that it is about: what is below a pruned height may be forgotten. */
  readonly height: number;
  readonly bytes: Uint8Array;
}

/**
 * What a node keeps of one channel: entries in the order in which they were appended, and snapshots beside them. Every call fails
 * with `STORE_UNAVAILABLE` when the log is closed, or its disk cannot be read or written.
 */
export interface RecordLog {
  /** Resolves when the entries would survive a loss of power; they then stand behind all appended before. */
  append(entries: readonly LogEntry[]): Promise<void>;
  /** What was appended and not pruned, in order; some of what is below `fromHeight` may be among it. */
  entries(options?: { readonly fromHeight?: number }): AsyncIterable<LogEntry>;
  /** Resolves when it would survive a loss of power; one of the same height is replaced. */
  saveSnapshot(height: number, parts: AsyncIterable<Uint8Array>): Promise<void>;
  /** Heights of snapshots, ascending. */
  snapshots(): Promise<readonly number[]>;
  /** Its bytes, or those in [from, to) without reading others. @throws SprfError `STORE_UNAVAILABLE` when there is none of this height */
  readSnapshot(height: number, range?: { readonly from: number; readonly to: number }): AsyncIterable<Uint8Array>;
  /** Forgets entries of records below `height` as far as that is easy, and all snapshots but the newest that is not above it. */
  prune(height: number): Promise<void>;
  /** May be called twice. */
  close(): Promise<void>;
}
