import type { Clock } from "../ports/clock.ts";

/** Work that happens again and again, one at a time, and sooner when somebody asks for it. */
export interface Repeated {
  /** Until `signal` aborts; begins at once. Never rejects. */
  run(signal: AbortSignal): Promise<void>;
  /** As soon as the one under way is over. */
  soon(): void;
}

/** What fails is told and tried again at the next time. */
export function repeatedly(
  work: (signal: AbortSignal) => Promise<void>,
  {
    clock,
    everyMs,
    onError,
  }: { readonly clock: Clock; readonly everyMs: number; readonly onError: (error: unknown) => void },
): Repeated {
  let wake = new AbortController();
  return {
    async run(signal) {
      while (!signal.aborted) {
        // Whoever asks from now on may have seen what this one does not.
        wake = new AbortController();
        try {
          await work(signal);
        } catch (error) {
          if (!signal.aborted) onError(error);
        }
        await clock.sleep(everyMs, { signal: AbortSignal.any([signal, wake.signal]) }).catch(() => undefined);
      }
    },
    soon: () => wake.abort(),
  };
}
