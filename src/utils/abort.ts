import { SprfError } from "../errors.ts";

/** @throws SprfError `ABORTED` (or the signal's own SprfError) when `signal` has aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortError(signal);
}

/** The error that an aborted wait ends with. */
export function abortError(signal: AbortSignal): SprfError {
  const reason: unknown = signal.reason;
  if (reason instanceof SprfError) return reason;
  if (reason instanceof DOMException && reason.name === "TimeoutError") {
    return new SprfError("TIMEOUT", "the time allowed has run out", { cause: reason });
  }
  return new SprfError("ABORTED", "the operation was aborted", { cause: reason });
}

/** A signal that aborts with `signal` or after `timeoutMs`, whichever is first. */
export function withDeadline(signal: AbortSignal | undefined, timeoutMs: number): AbortSignal {
  const deadline = AbortSignal.timeout(timeoutMs);
  return signal === undefined ? deadline : AbortSignal.any([signal, deadline]);
}

/** Settles as `promise` does, or rejects as soon as `signal` aborts; the promise itself goes on unobserved. */
export async function raceAbort<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await promise;
  // At once: also when the signal has aborted already, the promise's own failure must not end the process.
  promise.catch(() => undefined);
  throwIfAborted(signal);
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(abortError(signal));
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
