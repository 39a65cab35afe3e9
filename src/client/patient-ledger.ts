import { isSprfError, type SprfError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Ledger } from "../ports/ledger.ts";
import { retry } from "../utils/retry.ts";

/** How long an outage is waited out. */
export interface Patience {
  readonly clock: Clock;
  /** Milliseconds since the Unix epoch; what fails after it has failed. */
  readonly untilMs: number;
  /** Hears of each failure that is waited out. */
  readonly onOutage?: ((error: SprfError) => void) | undefined;
}

/**
 * The ledger, whose reads wait with growing pauses until its service can be reached again. What is submitted is not repeated
 * here: whoever submits has to look what became of it first.
 */
export function createPatientLedger(ledger: Ledger, { clock, untilMs, onOutage }: Patience): Ledger {
  async function patiently<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    return await retry(work, {
      clock,
      signal,
      retriable(error) {
        if (!isSprfError(error, "LEDGER_UNREACHABLE") || clock.now() >= untilMs) return false;
        onOutage?.(error);
        return true;
      },
    });
  }
  return {
    ...ledger,
    latest: async (options) => await patiently(async () => await ledger.latest(options), options?.signal),
    account: async (id, names, options) =>
      await patiently(async () => await ledger.account(id, names, options), options?.signal),
    transaction: async (hash, options) =>
      await patiently(async () => await ledger.transaction(hash, options), options?.signal),
    header: async (sequence, options) =>
      await patiently(async () => await ledger.header(sequence, options), options?.signal),
  };
}
