import { SprfError, isSprfError } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import { raceAbort } from "../../utils/abort.ts";
import { within } from "../../utils/within.ts";
import type { Attempt } from "../executions/attempts.ts";

/** A client that waited for so long is told to ask again; what it asked for is kept. */
const WAIT_MS = 20_000;
/** Clients whose calls wait at once: connections are few, and other workers need some. */
const MAX_HELD = 128;

/** Calls of clients that wait for the answers to their requests. */
export interface WaitingCalls {
  /**
   * Resolves with the answer to a request.
   *
   * @param answered looks whether it was answered before; asked once the call is sure to hear of it otherwise
   * @throws SprfError `BATCH_PENDING` when it takes longer than a call may, or too many wait
   */
  wait(requestHash: string, answered: () => Promise<Attempt | undefined>): Promise<Attempt>;
  tell(requestHash: string, attempt: Attempt): void;
  fail(requestHash: string, error: SprfError): void;
}

/** @param signal ends all calls */
export function createWaitingCalls(clock: Clock, { signal }: { readonly signal: AbortSignal }): WaitingCalls {
  const answers = new Map<string, { readonly answer: PromiseWithResolvers<Attempt>; calls: number }>();
  let held = 0;

  return {
    async wait(requestHash, answered) {
      const entry = answers.get(requestHash) ?? { answer: Promise.withResolvers<Attempt>(), calls: 0 };
      answers.set(requestHash, entry);
      entry.calls += 1;
      held += 1;
      // The last call may be gone by the time it fails.
      entry.answer.promise.catch(() => undefined);
      try {
        const earlier = await answered();
        if (earlier !== undefined) return earlier;
        if (held > MAX_HELD) throw new SprfError("BATCH_PENDING", `request ${requestHash} waits among many`);
        const work = async (limited: AbortSignal): Promise<Attempt> => await raceAbort(entry.answer.promise, limited);
        return await within(work, { clock, timeoutMs: WAIT_MS, signal });
      } catch (error) {
        if (!isSprfError(error, "TIMEOUT")) throw error;
        throw new SprfError("BATCH_PENDING", `request ${requestHash} waits for its turn`, { cause: error });
      } finally {
        held -= 1;
        entry.calls -= 1;
        if (entry.calls === 0 && answers.get(requestHash) === entry) answers.delete(requestHash);
      }
    },
    tell: (requestHash, attempt) => answers.get(requestHash)?.answer.resolve(attempt),
    fail: (requestHash, error) => answers.get(requestHash)?.answer.reject(error),
  };
}
