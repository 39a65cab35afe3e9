import { AsyncLocalStorage } from "node:async_hooks";

const storage = new AsyncLocalStorage<string>();

/** Does work for a request, whose id (32 hex digits) every log line and call to others has that the work leads to. */
export function inRequest<T>(requestId: string, work: () => T): T {
  return storage.run(requestId, work);
}

/** Does work that a request gives rise to, but that goes on for others. */
export function outsideRequests<T>(work: () => T): T {
  return storage.exit(work);
}

/** For which request this is being done. */
export function currentRequest(): string | undefined {
  return storage.getStore();
}

/** The same work for the request that is current now, whoever calls it later: a queue's turn comes in another's. */
export function boundToRequest<T>(work: () => T): () => T {
  const run = AsyncLocalStorage.snapshot();
  return () => run(work);
}
