import type { Clock } from "../../ports/clock.ts";

const FIRST_PAUSE_MS = 15_000;
const MAX_PAUSE_MS = 600_000;
/** After so many failures whoever waits for the request is told. */
const TELL_AFTER = 2;

/** Inputs whose run failed on this machine: they are left out for a while, so that the others go on. */
export interface SetAside {
  fail(requestHash: string): void;
  has(requestHash: string): boolean;
  /** Whether it failed so often that there is little hope. */
  isHopeless(requestHash: string): boolean;
  forget(requestHash: string): void;
}

export function createSetAside(clock: Pick<Clock, "now">): SetAside {
  const failures = new Map<string, { readonly times: number; readonly untilMs: number }>();
  return {
    fail(requestHash) {
      const times = (failures.get(requestHash)?.times ?? 0) + 1;
      const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (times - 1), MAX_PAUSE_MS);
      failures.set(requestHash, { times, untilMs: clock.now() + pauseMs });
    },
    has: (requestHash) => (failures.get(requestHash)?.untilMs ?? 0) > clock.now(),
    isHopeless: (requestHash) => (failures.get(requestHash)?.times ?? 0) >= TELL_AFTER,
    forget: (requestHash) => void failures.delete(requestHash),
  };
}
