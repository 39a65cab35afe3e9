/** Looks from outside whether something listens. */
export interface Prober {
  /** Whether a TCP connection to `host` and `port` opens before `timeoutMs`. Never rejects but with `ABORTED`. */
  connects(
    host: string,
    port: number,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
  ): Promise<boolean>;
}
