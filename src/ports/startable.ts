/** A component with a life: both calls are safe to repeat, and `stop` ends work in reverse order of its start. */
export interface Startable {
  start(options?: { signal?: AbortSignal | undefined }): Promise<void>;
  stop(): Promise<void>;
}
