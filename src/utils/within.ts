import { SprfError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import { raceAbort } from "./abort.ts";

/** One for all: making an error for every wait that ends well is most of what such a wait costs. */
const FINISHED = new SprfError("ABORTED", "the work was done in time");

/**
 * Does `work` for at most `timeoutMs` of `clock`; the signal that `work` gets aborts when the time is up or `signal` aborts.
 *
 * @throws SprfError `TIMEOUT`, or what `work` and `signal` throw
 */
export async function within<T>(
  work: (signal: AbortSignal) => Promise<T>,
  {
    clock,
    timeoutMs,
    signal,
  }: { readonly clock: Clock; readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
): Promise<T> {
  const timeUp = new AbortController();
  const finished = new AbortController();
  clock.sleep(timeoutMs, { signal: finished.signal }).then(
    () => timeUp.abort(new SprfError("TIMEOUT", `not done within ${timeoutMs} ms`)),
    () => undefined,
  );
  const inner = signal === undefined ? timeUp.signal : AbortSignal.any([signal, timeUp.signal]);
  try {
    return await raceAbort(work(inner), inner);
  } finally {
    finished.abort(FINISHED);
  }
}
