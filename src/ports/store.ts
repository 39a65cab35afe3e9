/** One change of a batch. `insert` is a compare-and-set: it fails when the key exists already. */
export type StoreChange =
  | { readonly kind: "put"; readonly table: string; readonly key: string; readonly value: Uint8Array }
  | { readonly kind: "insert"; readonly table: string; readonly key: string; readonly value: Uint8Array }
  | { readonly kind: "delete"; readonly table: string; readonly key: string };

/**
 * Crash-safe state of a daemon: tables of keyed bytes. Names of tables match `[a-z][a-z-]*`, keys are printable ASCII. Every call
 * fails with `STORE_UNAVAILABLE` when the store is closed or cannot be read or written.
 */
export interface Store {
  get(table: string, key: string): Promise<Uint8Array | undefined>;
  /** Entries in ascending order of key (by code unit), those after `after`, at most `limit` (default 1,000). */
  list(
    table: string,
    options?: { prefix?: string; after?: string; limit?: number },
  ): Promise<ReadonlyArray<{ key: string; value: Uint8Array }>>;
  /**
   * Applies all changes or none, and resolves when they would survive a loss of power.
   *
   * @throws SprfError `STORE_CONFLICT` when an `insert` finds its key taken, `INVALID_INPUT` for a name that is not allowed;
   * nothing is applied then.
   */
  apply(changes: readonly StoreChange[]): Promise<void>;
  close(): Promise<void>;
}
