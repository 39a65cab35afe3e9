import { isSprfError, type SprfError } from "../errors.ts";
import { readPatiently } from "../execution/read-patiently.ts";
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

/** The ledger, whose reads wait with growing pauses until its service can be reached again. */
export function createPatientLedger(ledger: Ledger, { clock, untilMs, onOutage }: Patience): Ledger {
  return readPatiently(
    ledger,
    async (work, signal) =>
      await retry(work, {
        clock,
        signal,
        retriable(error) {
          if (!isSprfError(error, "LEDGER_UNREACHABLE") || clock.now() >= untilMs) return false;
          onOutage?.(error);
          return true;
        },
      }),
  );
}
