import { SprfError, messageOf } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import { within } from "../utils/within.ts";

/** `warning`: it works, but something will want attention. `skipped`: it needs what another check has found missing. */
export type Health = "ok" | "warning" | "failed" | "skipped";

/** What a check has found. */
export interface Finding {
  /** What was examined, such as `ledger`. */
  readonly part: string;
  readonly health: Health;
  /** One line. */
  readonly detail: string;
  /** What to do, unless it is ok. */
  readonly mend?: string;
}

/** One part of a machine or network to look at. */
export interface Check {
  readonly part: string;
  /** A {@link SprfError} that it throws becomes a finding. */
  examine(options: { readonly signal: AbortSignal }): Promise<Omit<Finding, "part">>;
}

const TIMEOUT_MS = 15_000;

/**
 * Examines everything at the same time; each check has 15 seconds. Findings are told as they come, and returned in the checks'
 * order.
 *
 * @throws SprfError `ABORTED`
 */
export async function examineAll(
  checks: readonly Check[],
  {
    clock,
    signal,
    onFinding,
  }: {
    readonly clock: Clock;
    readonly signal: AbortSignal;
    readonly onFinding?: ((finding: Finding) => void) | undefined;
  },
): Promise<readonly Finding[]> {
  return await Promise.all(
    checks.map(async (check) => {
      const finding = await examineOne(check, clock, signal);
      onFinding?.(finding);
      return finding;
    }),
  );
}

async function examineOne(check: Check, clock: Clock, signal: AbortSignal): Promise<Finding> {
  const { part } = check;
  try {
    const found = await within(async (inner) => await check.examine({ signal: inner }), {
      clock,
      timeoutMs: TIMEOUT_MS,
      signal,
    });
    return { part, ...found };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof SprfError) return { part, health: "failed", detail: error.message, mend: error.next };
    return { part, health: "failed", detail: messageOf(error), mend: "This is a bug in SPRF; please report it." };
  }
}
