/** Time as services see it, so that tests can tick it. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /**
   * Resolves after `ms` milliseconds.
   *
   * @throws SprfError `ABORTED` when `signal` aborts first; no timer is left behind.
   */
  sleep(ms: number, options?: { signal?: AbortSignal | undefined }): Promise<void>;
}
