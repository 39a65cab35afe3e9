/** A component with a life: both calls are safe to repeat, and `stop` ends work in reverse order of its start. */
export interface Startable {
  /** Resolves when it works; rejects having ended what it began. */
  start(options?: { signal?: AbortSignal | undefined }): Promise<void>;
  /** Resolves when nothing of it runs any more. */
  stop(): Promise<void>;
}
