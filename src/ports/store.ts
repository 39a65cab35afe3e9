/**
 * One change of a batch. `insert` fails when the key exists already; `expect` changes nothing and fails unless the key has exactly
 * this value, or none when `value` is absent.
 */
export type StoreChange =
  | { readonly kind: "expect"; readonly table: string; readonly key: string; readonly value?: Uint8Array }
  | { readonly kind: "put"; readonly table: string; readonly key: string; readonly value: Uint8Array }
  | { readonly kind: "insert"; readonly table: string; readonly key: string; readonly value: Uint8Array }
  | { readonly kind: "delete"; readonly table: string; readonly key: string };

/** Which entries of a table to list, and in which direction. */
export interface StoreRange {
  readonly prefix?: string;
  /** Only keys greater than this one. */
  readonly after?: string;
  /** Only keys less than this one. */
  readonly before?: string;
  /** @default false: ascending */
  readonly reverse?: boolean;
  /** @default 1000 */
  readonly limit?: number;
}

/**
 * Crash-safe state of a daemon: tables of keyed bytes. Names of tables match `[a-z][a-z-]*`, keys are printable ASCII. Every call
 * fails with `STORE_UNAVAILABLE` when the store is closed or cannot be read or written.
 */
export interface Store {
  get(table: string, key: string): Promise<Uint8Array | undefined>;
  /** Entries of the range in the order of their keys (by code unit); costs what is listed, however large the table is. */
  list(table: string, range?: StoreRange): Promise<ReadonlyArray<{ key: string; value: Uint8Array }>>;
  /**
   * Applies all changes or none, and resolves when they would survive a loss of power.
   *
   * @throws SprfError `STORE_CONFLICT` when an `insert` finds its key taken or an `expect` another value, `INVALID_INPUT` for a
   * name that is not allowed; nothing is applied then.
   */
  apply(changes: readonly StoreChange[]): Promise<void>;
  close(): Promise<void>;
}
